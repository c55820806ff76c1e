# ruff: noqa: INP001, T201 - a program that measures real time
"""CPU of our SNMP driver per value, against an agent in a process of its own. CPU is the client's, user and system."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.opcua_server import bound, free_port
from tests.support.snmp_agent import community, snmp_agent, snmp_device, snmp_point, user_account

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.site import Device
from cityhall_drivers.snmp import DRIVER

OBJECTS, READS = 48, 40


async def measure(device: Device) -> tuple[float, float]:
    """CPU µs per value, and values per second of real time."""
    driver = DRIVER().create(device, SystemClock())
    plan = driver.plan(bound([snmp_point(f"ifHCInOctets.{row}") for row in range(1, OBJECTS + 1)]))
    await driver.open()
    readings = await driver.read(plan)
    if readings.quality.any():
        msg = f"the agent gave {readings.quality}"
        raise SystemExit(msg)
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(READS):
        await driver.read(plan)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    await driver.close()
    return cpu / (READS * OBJECTS) * 1e6, READS * OBJECTS / wall


def main() -> None:
    """Measure versions and sizes of requests, print a table."""
    values = {f"1.3.6.1.2.1.31.1.1.1.6.{row}": ("Counter64", 2**40 + row) for row in range(1, OBJECTS + 1)}
    print("version            objects a request   CPU µs a value   values/s here")
    with tempfile.TemporaryDirectory() as name, snmp_agent(free_port(), values) as agent:
        folder = Path(name)
        for version, account in (
            ("2c", community(folder)),
            ("3 (SHA, AES128)", user_account(folder, "sha-aes", "SHA", "AES128")),
        ):
            for objects in (1, 24):
                settings = account | {"varbinds_per_request_max": objects}
                cost, rate = asyncio.run(measure(snmp_device(agent.port, folder, 5.0, **settings)))
                print(f"{version:18} {objects:17} {cost:16.0f} {rate:15.0f}")


if __name__ == "__main__":
    main()

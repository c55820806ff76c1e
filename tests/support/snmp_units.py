"""What a served agent holds, and drivers that read it."""

import asyncio
import gc
from pathlib import Path

from tests.support.opcua_server import bound
from tests.support.snmp_agent import (
    SnmpAgent,
    community,
    snmp_device,
    snmp_point,
)

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.quality import Quality
from cityhall_drivers.snmp import DRIVER
from cityhall_drivers.snmp.driver import SnmpDriver

HELD = {
    "1.3.6.1.2.1.1.1.0": ("OctetString", "A UPS of the tests"),
    "1.3.6.1.2.1.1.3.0": ("TimeTicks", 12_345),
    "1.3.6.1.2.1.33.1.2.1.0": ("Integer", 2),
    "1.3.6.1.2.1.33.1.2.5.0": ("Integer", 543),
    "1.3.6.1.2.1.31.1.1.1.6.1": ("Counter64", 2**63),
    "1.3.6.1.2.1.2.2.1.10.1": ("Counter32", 2**32 - 1),
    "1.3.6.1.2.1.2.2.1.5.1": ("Gauge32", 1_000_000_000),
    "1.3.6.1.4.1.9.1.0": ("OctetString", "23.5"),
    "1.3.6.1.4.1.9.2.0": ("IpAddress", "10.0.0.1"),
    "1.3.6.1.4.1.9.3.0": ("noSuchObject", None),
    **{f"1.3.6.1.4.1.9.10.{n}": ("Integer", 100 + n) for n in range(1, 13)},
}
MANY = [f"1.3.6.1.4.1.9.10.{n}" for n in range(1, 13)]


def driver_of(agent: SnmpAgent, folder: Path, timeout_s: float = 2.0, **settings: object) -> SnmpDriver:
    account = {} if "version" in settings else community(folder)
    return DRIVER().create(snmp_device(agent.port, folder, timeout_s, **account, **settings), SystemClock())


async def values(driver: SnmpDriver, *addresses: str) -> list[tuple[float, Quality]]:
    points = bound([snmp_point(address, f"P{n}") for n, address in enumerate(addresses)])
    readings = await driver.read(driver.plan(points))
    assert readings.point.tolist() == [point.point_id for point in points]
    return [(value, Quality(quality)) for value, quality in zip(readings.value.tolist(), readings.quality, strict=True)]


def in_use() -> tuple[int, int]:
    """Tasks and sockets of this process."""
    gc.collect()
    links = [str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    return len(asyncio.all_tasks()), sum(link.startswith("socket:") for link in links)

"""The shipped Modbus profiles, each read from a server that holds the registers of its case."""

from pathlib import Path

import numpy as np
import pytest
from tests.drivers.profiles.shelf import CASES, bound_points, expected, site_with, speaking, values
from tests.support.modbus_server import ModbusServer

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.collector.grading import Limits, grade
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.modbus import DRIVER
from cityhall_drivers.modbus.codec import parse_address

FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}


async def read_back(name: str, folder: Path, words: str) -> tuple[list[BoundPoint], Readings]:
    """The profile's points, and what they read from a server that holds ``words`` of each value of its case."""
    server, case = ModbusServer(), values(name)
    for role, value in case.items():
        kind, first, _ = parse_address(value["at"])
        registers = server.registers.setdefault((1, FUNCTIONS[kind]), {})
        for place, word in enumerate(value[words].split()):
            assert registers.setdefault(first + place, int(word, 16)) == int(word, 16), role
    await server.start()
    site = site_with(folder, name, {"host": "127.0.0.1", "port": server.port})
    points = bound_points(site)
    driver = DRIVER().create(site.devices["d"], SystemClock())
    try:
        await driver.open()
        # Twice: holes of the map that were refused the first time are known the second.
        await driver.read(driver.plan(points))
        return points, await driver.read(driver.plan(points))
    finally:
        await driver.close()
        await server.stop()


@pytest.mark.parametrize("name", speaking("modbus"))
async def test_a_modbus_profile_reads_its_case(name: str, tmp_path: Path) -> None:
    points, readings = await read_back(name, tmp_path / "site", "words")
    case = values(name)
    assert {bound.point.role: bound.point.address for bound in points} == {role: case[role]["at"] for role in case}
    assert not readings.quality.any()
    assert np.allclose(readings.value, expected(name, points), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in speaking("modbus") if "absent" in CASES[name]["value"][0]])
async def test_what_a_product_sends_for_no_value_is_outside_the_limits(name: str, tmp_path: Path) -> None:
    points, readings = await read_back(name, tmp_path / "site", "absent")
    limits = Limits.of(points).pick(readings.point)
    graded = grade(readings, limits, int(readings.observed_at.max()), polled=True)
    assert (graded.quality == Quality.BAD_RANGE).all(), readings.value

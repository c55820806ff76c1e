"""The shipped BACnet profiles, each read from a device that holds the objects of its case."""

from pathlib import Path

import pytest
from tests.drivers.profiles.shelf import bound_points, expected, site_with, speaking, values
from tests.support.bacnet_device import BacnetDevice, bacnet_device

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_drivers.bacnet import DRIVER


@pytest.mark.parametrize("name", speaking("bacnet"))
async def test_a_bacnet_profile_reads_its_case(name: str, tmp_path: Path) -> None:
    device, case = BacnetDevice(), values(name)
    for value in case.values():
        device.add(value["object"], value["present"])
    async with bacnet_device(device):
        settings = {"host": "127.0.0.1", "port": device.port, "device_instance": 1001, "local_host": "127.0.0.1"}
        site = site_with(tmp_path / "site", name, settings)
        points = bound_points(site)
        assert {bound.point.role: bound.point.address for bound in points} == {
            role: value["object"] for role, value in case.items()
        }
        driver = DRIVER().create(site.devices["d"], SystemClock())
        try:
            await driver.open()
            readings = await driver.read(driver.plan(points))
        finally:
            await driver.close()
    assert not readings.quality.any()
    assert readings.value.tolist() == pytest.approx(expected(name, points))

"""The driver against the simulated city hall and its faults: one secured server, one open one."""

from collections.abc import Iterator

import numpy as np
import pytest
from tests.support.city_hall import CityHall, city_hall_process
from tests.support.opcua_server import Heard
from tests.support.until import until

from cityhall_bms.adapters.installed_drivers import find_factories, find_profile_folders
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.opcua import DRIVER

DEVICES = ("safety-opcua", "parking-opcua")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CityHall]:
    with city_hall_process(tmp_path_factory.mktemp("city")) as one:
        yield one


@pytest.fixture
def site(city: CityHall) -> Site:
    return load_site(city.site_dir, find_factories(), find_profile_folders())


def points_of(site: Site, device: str) -> list[BoundPoint]:
    return [BoundPoint(number, point) for number, point in enumerate(site.points_of(device), 1)]


@pytest.mark.parametrize("device", DEVICES)
async def test_every_point_is_read_good_and_pushed(site: Site, device: str) -> None:
    driver, points, heard = DRIVER().create(site.devices[device], SystemClock()), points_of(site, device), Heard()
    await driver.open()
    assert await driver.subscribe(points, heard)
    readings = await driver.read(driver.plan(points))
    await until(lambda: all(heard.of(bound.point_id) for bound in points))
    await driver.close()

    assert readings.quality.tolist() == [Quality.GOOD] * len(points)
    assert np.isfinite(readings.value).all()


async def test_a_trapped_passenger_is_pushed(city: CityHall, site: Site) -> None:
    points, heard = points_of(site, "safety-opcua"), Heard()
    bells = [bound.point_id for bound in points if bound.point.role == "AlmBell"]
    driver = DRIVER().create(site.devices["safety-opcua"], SystemClock())
    await driver.open()
    await driver.subscribe(points, heard)
    await until(lambda: all(heard.of(bell) for bell in bells))
    city.fault_on("lift_entrapment")
    try:
        await until(lambda: any(heard.of(bell)[-1][0] == 1.0 for bell in bells))
    finally:
        city.fault_off("lift_entrapment")
        await driver.close()


@pytest.mark.parametrize("device", DEVICES)
async def test_a_silent_server_is_lost_in_bounded_time_and_found_again(city: CityHall, site: Site, device: str) -> None:
    driver, points = DRIVER().create(site.devices[device], SystemClock()), points_of(site, device)
    await driver.open()
    city.fault_on("device_silent", device)
    try:
        with pytest.raises(DeviceUnreachableError):
            await driver.read(driver.plan(points))
        with pytest.raises(DeviceUnreachableError):
            await driver.open()
    finally:
        city.fault_off("device_silent")

    await driver.open()
    readings = await driver.read(driver.plan(points))
    await driver.close()
    assert readings.quality.tolist() == [Quality.GOOD] * len(points)

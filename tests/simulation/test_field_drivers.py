"""The drivers read the simulated building from the site folder it wrote, and feel its faults."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import pytest_asyncio

from cityhall_bms.adapters.site_files.reader import load_site
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device, Site
from cityhall_bms.ports.driver import BoundPoint, ConfigProblem, Driver, DriverFactory
from cityhall_drivers.bacnet import DRIVER as BACNET
from cityhall_drivers.modbus import DRIVER as MODBUS
from cityhall_simulators.description import load_building
from cityhall_simulators.faces.bacnet import BacnetFace
from cityhall_simulators.faces.modbus import ModbusFace
from cityhall_simulators.free_ports import choose_ports
from cityhall_simulators.runtime import City
from cityhall_simulators.site_folder import write_site

BUILDING = load_building("small")
FIELD = ("modbus", "bacnet")


class _AnyFactory:
    """Stands in for the protocol that is not asked here."""

    def check(self, device: Device, points: object) -> list[ConfigProblem]:
        return []


@dataclass
class Field:
    site: Site
    city: City
    factories: dict[str, DriverFactory]
    ports: dict[str, int]
    faces: AsyncExitStack

    async def serve(self, name: str) -> None:
        """Let the device, and its neighbours at the same port, answer until the test ends."""
        label = next(device.port for device in BUILDING.devices if device.name == name)
        devices = [device for device in BUILDING.devices if device.port == label]
        modbus = devices[0].protocol == "modbus"
        face = ModbusFace(devices, self.city) if modbus else BacnetFace(devices[0], self.city)
        await face.start("127.0.0.1", self.ports[label])
        self.faces.push_async_callback(face.stop)

    def device(self, name: str) -> tuple[Driver, list[BoundPoint]]:
        device = self.site.devices[name]
        bound = [BoundPoint(BUILDING.by_name[point.name].index, point) for point in self.site.points_of(name)]
        return self.factories[device.protocol].create(device, SystemClock()), bound

    async def read(self, name: str) -> Readings:
        driver, bound = self.device(name)
        await driver.open()
        try:
            return await driver.read(driver.plan(bound))
        finally:
            await driver.close()


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, dict[str, int]]:
    folder = tmp_path_factory.mktemp("site")
    ports = choose_ports("127.0.0.1", BUILDING.port_labels, 0)
    write_site(folder, BUILDING, "127.0.0.1", ports)
    return load_site(folder, factories()), ports


def factories() -> dict[str, DriverFactory]:
    return {"modbus": MODBUS(), "bacnet": BACNET(), "opcua": _AnyFactory()}  # type: ignore[dict-item]


@pytest_asyncio.fixture
async def field(described: tuple[Site, dict[str, int]]) -> AsyncIterator[Field]:
    site, ports = described
    city = City(BUILDING, seed=5, local=datetime(2026, 7, 1, 10, 0, tzinfo=ZoneInfo("Asia/Taipei")))
    async with AsyncExitStack() as faces:
        yield Field(site, city, factories(), ports, faces)


@pytest.mark.parametrize("name", sorted(device.name for device in BUILDING.devices if device.protocol in FIELD))
async def test_every_point_of_every_field_device_reads_as_the_building_is(field: Field, name: str) -> None:
    await field.serve(name)
    readings = await field.read(name)
    shown = field.city.shown[readings.point]
    scales = np.array([field.site.points[BUILDING.points[index].name].encoding.scale for index in readings.point])
    assert not readings.quality.any()
    assert len(readings)
    np.testing.assert_array_less(np.abs(readings.value - shown), np.abs(scales) / 2 + np.abs(shown) * 1e-6 + 1e-4)


@pytest.mark.parametrize("name", ["chc01-panel", "ahu01"])
async def test_a_device_that_falls_silent_is_lost_and_found_again(field: Field, name: str) -> None:
    await field.serve(name)
    driver, bound = field.device(name)
    plan = driver.plan(bound)
    await driver.open()
    assert not (await driver.read(plan)).quality.any()
    field.city.fault_on("device_silent", name, "now")
    with pytest.raises(DeviceUnreachableError):
        await driver.read(plan)
    field.city.fault_off("device_silent", name)
    assert not (await driver.read(plan)).quality.any()
    await driver.close()


@pytest.mark.parametrize("name", ["em01", "ahu01"])
async def test_a_device_that_refuses_gives_refused_values_and_recovers(field: Field, name: str) -> None:
    await field.serve(name)
    driver, bound = field.device(name)
    plan = driver.plan(bound)
    await driver.open()
    field.city.fault_on("device_refuses", name, "now")
    assert set((await driver.read(plan)).quality.tolist()) == {Quality.BAD_REFUSED}
    field.city.fault_off("device_refuses", name)
    await driver.read(plan)
    assert not (await driver.read(plan)).quality.any()
    await driver.close()


async def test_a_broken_sensor_of_a_bacnet_device_is_a_device_fault(field: Field) -> None:
    name = "ahu01"
    await field.serve(name)
    _, bound = field.device(name)
    broken = bound[0].point_id
    field.city.bad[broken] = True
    readings = await field.read(name)
    assert readings.quality[0] == Quality.BAD_DEVICE_FAULT
    assert not readings.quality[1:].any()

"""The drivers read the simulated building from the site folder it wrote, and feel its faults."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
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


@pytest_asyncio.fixture
async def field(tmp_path: Path) -> AsyncIterator[Field]:
    city = City(BUILDING, seed=5, local=datetime(2026, 7, 1, 10, 0, tzinfo=ZoneInfo("Asia/Taipei")))
    ports = choose_ports("127.0.0.1", BUILDING.port_labels, 0)
    write_site(tmp_path, BUILDING, "127.0.0.1", ports)
    for file in (tmp_path / "devices").glob("*.toml"):
        # As patient as a test may be: a shared machine is slower than a gateway.
        file.write_text(file.read_text().replace("[device]\n", "[device]\n", 1))
    factories: dict[str, DriverFactory] = {"modbus": MODBUS(), "bacnet": BACNET(), "opcua": _AnyFactory()}  # type: ignore[dict-item]
    site = load_site(tmp_path, factories)
    async with AsyncExitStack() as stack:
        for label, port in ports.items():
            devices = [device for device in BUILDING.devices if device.port == label]
            if devices[0].protocol in FIELD:
                face = ModbusFace(devices, city) if devices[0].protocol == "modbus" else BacnetFace(devices[0], city)
                await face.start("127.0.0.1", port)
                stack.push_async_callback(face.stop)
        yield Field(site, city, factories)


@pytest.mark.parametrize("name", sorted(device.name for device in BUILDING.devices if device.protocol in FIELD))
async def test_every_point_of_every_field_device_reads_as_the_building_is(field: Field, name: str) -> None:
    readings = await field.read(name)
    shown = field.city.shown[readings.point]
    scales = np.array([field.site.points[BUILDING.points[index].name].encoding.scale for index in readings.point])
    assert not readings.quality.any()
    assert len(readings)
    np.testing.assert_array_less(np.abs(readings.value - shown), np.abs(scales) / 2 + np.abs(shown) * 1e-6 + 1e-4)


@pytest.mark.parametrize("name", ["chc01-panel", "bac-ahu01"])
async def test_a_device_that_falls_silent_is_lost_and_found_again(field: Field, name: str) -> None:
    name = name if name in field.site.devices else _first("bacnet")
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


@pytest.mark.parametrize("protocol", FIELD)
async def test_a_device_that_refuses_gives_refused_values_and_recovers(field: Field, protocol: str) -> None:
    name = _first(protocol)
    field.city.fault_on("device_refuses", name, "now")
    assert set((await field.read(name)).quality.tolist()) == {Quality.BAD_REFUSED}
    field.city.fault_off("device_refuses", name)
    assert not (await field.read(name)).quality.any()


async def test_a_broken_sensor_of_a_bacnet_device_is_a_device_fault(field: Field) -> None:
    name = _first("bacnet")
    _, bound = field.device(name)
    broken = bound[0].point_id
    field.city.bad[broken] = True
    readings = await field.read(name)
    assert readings.quality[0] == Quality.BAD_DEVICE_FAULT
    assert not readings.quality[1:].any()


def _first(protocol: str) -> str:
    return min(device.name for device in BUILDING.devices if device.protocol == protocol)

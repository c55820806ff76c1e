"""The driver on a serial line of the simulated city hall: a gateway that passes frames on as they are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from tests.support.modbus_server import modbus_point

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.domain.site import Device, Text
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.modbus import DRIVER
from cityhall_drivers.modbus.driver import ModbusFactory
from cityhall_simulators import description
from cityhall_simulators.addresses import modbus_map
from cityhall_simulators.faces.modbus import ModbusFace
from cityhall_simulators.free_ports import choose_ports
from cityhall_simulators.runtime import ActiveFault, City

BUILDING = description.load_building("small")
UNITS = [
    replace(device, framing="rtu", bus_baud=115_200) for device in BUILDING.devices if device.port == "field-gateway"
]
Line = tuple[City, int]


@asynccontextmanager
async def serial_line() -> AsyncIterator[Line]:
    city = City(BUILDING, seed=5, local=datetime(2026, 7, 1, 10, 0, tzinfo=ZoneInfo("Asia/Taipei")))
    face, port = ModbusFace(UNITS, city), choose_ports("127.0.0.1", ["line"], 0)["line"]
    await face.start("127.0.0.1", port)
    try:
        yield city, port
    finally:
        await face.stop()


def points_of(unit: description.Device) -> list[BoundPoint]:
    return [
        BoundPoint(
            index,
            modbus_point(
                register.text,
                "" if register.type == "bool" else register.type,
                role=f"P{index}",
                word_order=register.word_order,
                scale=register.scale,
            ),
        )
        for index, register in modbus_map(unit).items()
    ]


async def read(factory: ModbusFactory, port: int, unit: description.Device) -> Readings:
    settings = {"host": "127.0.0.1", "port": port, "framing": "rtu", "unit_id": unit.unit_id}
    driver = factory.create(Device(unit.name, Text("", ""), "modbus", settings, timeout_s=1.0), SystemClock())
    await driver.open()
    try:
        return await driver.read(driver.plan(points_of(unit)))
    finally:
        await driver.close()


async def test_every_unit_of_a_serial_line_is_read_as_it_is() -> None:
    async with serial_line() as (city, port):
        for unit in UNITS:
            readings = await read(DRIVER(), port, unit)
            assert not readings.quality.any(), unit.name
            scale = {index: register.scale for index, register in modbus_map(unit).items()}
            for index, value in zip(readings.point.tolist(), readings.value.tolist(), strict=True):
                assert value == pytest.approx(city.shown[index], abs=scale[index], rel=1e-6), unit.name


async def test_pain_03_a_mute_unit_of_a_serial_line_takes_nothing_from_the_others() -> None:
    mute, *others = UNITS
    factory = DRIVER()
    async with serial_line() as (city, port):
        city._faults["device_silent", mute.name] = ActiveFault("device_silent", mute.name, "now")
        with pytest.raises(DeviceUnreachableError):
            await read(factory, port, mute)
        for unit in others:
            assert not (await read(factory, port, unit)).quality.any(), unit.name

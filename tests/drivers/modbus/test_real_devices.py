"""Recorded traffic of real devices: we ask as was asked there, and read what was read there."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support.modbus_server import ModbusServer, Request, bound, modbus_device, modbus_point, modbus_server
from tests.support.serial_bus import SerialBus, behind_tcp

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device, Text
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.modbus import DRIVER
from cityhall_drivers.modbus.wire import rtu_frame

EXCHANGES = tomllib.loads((Path(__file__).parent / "real_devices.toml").read_text(encoding="utf-8"))["exchange"]


def points_of(exchange: Mapping[str, Any]) -> list[BoundPoint]:
    rows = exchange["points"]
    return bound(
        [
            modbus_point(row["address"], row.get("type", ""), role=f"P{place}", scale=row.get("scale", 1.0))
            for place, row in enumerate(rows)
        ]
    )


async def read(device: Device, points: list[BoundPoint]) -> Readings:
    driver = DRIVER().create(device, SystemClock())
    await driver.open()
    try:
        return await driver.read(driver.plan(points))
    finally:
        await driver.close()


async def over_tcp(exchange: Mapping[str, Any]) -> tuple[bytes, Readings]:
    """Give the PDU of our question, and what we made of the answer."""
    points = points_of(exchange)
    async with modbus_server() as server:

        def recorded(_server: ModbusServer, request: Request) -> bytes:
            return request.frame(bytes.fromhex(exchange["heard"]))

        server.habits[exchange["unit"]] = recorded
        # The recorded programs asked for whole ranges at once: so do we, by reading the gaps along.
        readings = await read(modbus_device(server.port, exchange["unit"], gap_max=124), points)
        return server.requests[0].pdu, readings


async def over_rtu(exchange: Mapping[str, Any]) -> tuple[bytes, Readings]:
    """Give the PDU of our question, and what we made of the answer."""
    points, bus = points_of(exchange), SerialBus({})
    bus.scripted.append(bytes.fromhex(exchange["heard"]))
    async with behind_tcp(bus) as settings:
        table = {**settings, "unit_id": exchange["unit"]}
        readings = await read(Device("real", Text("", ""), "modbus", table, timeout_s=0.5), points)
    return bus.requests[0][1], readings


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange["device"].partition(":")[0])
async def test_a_real_device_is_asked_and_understood_as_it_was_recorded(exchange: dict[str, Any]) -> None:
    if exchange["framing"] == "rtu":
        pdu, readings = await over_rtu(exchange)
        asked = rtu_frame(exchange["unit"], pdu)
    else:
        asked, readings = await over_tcp(exchange)
    assert asked == bytes.fromhex(exchange["sent"])
    expected = [Quality.BAD_REFUSED if row.get("refused") else Quality.GOOD for row in exchange["points"]]
    assert readings.quality.tolist() == expected
    values = [row.get("value", float("nan")) for row in exchange["points"]]
    assert readings.value.tolist() == pytest.approx(values, abs=1e-4, nan_ok=True)


async def test_an_answer_with_its_transaction_number_turned_round_is_not_taken() -> None:
    # github.com/pymodbus-dev/pymodbus/issues/2709: asked 00 01, answered 01 00. Who answers so cannot be told from late.
    async with modbus_server() as server:

        def turned(_server: ModbusServer, request: Request) -> bytes:
            right = request.frame(bytes.fromhex("03 04 0000 0000"))
            return right[1::-1] + right[2:]

        server.habits[1] = turned
        with pytest.raises(DeviceUnreachableError):
            await read(modbus_device(server.port, timeout_s=0.05), bound([modbus_point("holding:2999", "uint32")]))

"""Gateways with a serial line behind them: framing, the line's time, mute and slow units."""

import asyncio
import contextlib
import struct
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient

from cityhall_simulators.addresses import modbus_map
from cityhall_simulators.description import Device, load_building
from cityhall_simulators.faces import modbus
from cityhall_simulators.faces.modbus import ModbusFace
from cityhall_simulators.faces.modbus_bus import WAITING_MAX, bus_time_s
from cityhall_simulators.faces.modbus_framing import Request, RtuFraming, crc16
from cityhall_simulators.runtime import ActiveFault, City

BUILDING = load_building("small")
GATEWAY = tuple(device for device in BUILDING.devices if device.port == "field-gateway")
WEATHER, AIR = 22, 41
READ_TWO = struct.pack(">BHH", 4, 100, 2)


@dataclass(frozen=True, slots=True)
class LineDevice(Device):
    framing: str = "tcp"
    bus_baud: int = 0


def on_a_line(devices: Sequence[Device], framing: str = "tcp", bus_baud: int = 0) -> list[LineDevice]:
    kept = [field.name for field in fields(Device) if field.name not in {"framing", "bus_baud"}]
    return [
        LineDevice(**{name: getattr(device, name) for name in kept}, framing=framing, bus_baud=bus_baud)
        for device in devices
    ]


@pytest.fixture
def city() -> City:
    return City(BUILDING, seed=5, local=datetime(2026, 7, 1, 10, 0, tzinfo=ZoneInfo("Asia/Taipei")))


def strike(city: City, fault: str, device: str) -> None:
    """Put a device fault on without the table of faults, which this face does not know."""
    city._faults[fault, device] = ActiveFault(fault, device, "now")


@asynccontextmanager
async def served(city: City, devices: Sequence[Device]) -> AsyncIterator[int]:
    face = ModbusFace(devices, city)
    await face.start("127.0.0.1", 0)
    assert face._server is not None
    try:
        yield face._server.sockets[0].getsockname()[1]
    finally:
        await face.stop()


@asynccontextmanager
async def line(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def mbap(transaction: int, unit: int, pdu: bytes) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def rtu(unit: int, pdu: bytes) -> bytes:
    return RtuFraming().pack(Request(unit, b""), pdu)


async def answers(reader: asyncio.StreamReader, count: int, within_s: float = 5.0) -> list[tuple[int, int, bytes]]:
    """Transaction, unit and PDU of the next answers, in the order of their coming."""
    found = []
    async with asyncio.timeout(within_s):
        for _ in range(count):
            transaction, _, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
            found.append((transaction, unit, await reader.readexactly(length - 1)))
    return found


async def test_a_serial_gateway_is_read_by_a_client_with_serial_framing(city: City) -> None:
    index, register = next(iter(modbus_map(GATEWAY[-1]).items()))
    assert (GATEWAY[-1].unit_id, register.type) == (AIR, "int16")
    async with served(city, on_a_line(GATEWAY, "rtu")) as port:
        client = AsyncModbusTcpClient("127.0.0.1", port=port, framer=FramerType.RTU, timeout=1.0, retries=0)
        assert await client.connect()
        try:
            answer = await client.read_input_registers(register.address, count=1, device_id=AIR)
            assert answer.registers[0] * register.scale == pytest.approx(city.shown[index], abs=register.scale)
            assert (await client.read_input_registers(7, count=1, device_id=AIR)).exception_code == 2
        finally:
            client.close()


async def test_damaged_frames_and_unknown_units_meet_silence_on_a_serial_line(city: City) -> None:
    damaged = bytearray(rtu(AIR, READ_TWO))
    damaged[3] ^= 0x40
    async with served(city, on_a_line(GATEWAY, "rtu")) as port, line(port) as (reader, writer):
        for unheard in (bytes(damaged), rtu(99, READ_TWO)):
            writer.write(unheard)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.2)
        writer.write(rtu(AIR, READ_TWO))
        answer = await asyncio.wait_for(reader.readexactly(9), 2.0)
        assert answer[:3] == bytes((AIR, 4, 4))
        assert answer[-2:] == crc16(answer[:-2])


def test_a_read_of_two_registers_takes_sixteen_milliseconds_at_9600_baud() -> None:
    # Frames of 8 and 9 bytes and twice 3.5 characters of silence, 11 bits each.
    assert bus_time_s(Request(1, READ_TWO), bytes(6), 9_600) == pytest.approx(24 * 11 / 9_600)
    assert bus_time_s(Request(1, READ_TWO), bytes(6), 0) == 0.0


async def test_units_behind_one_line_are_served_one_after_another_whoever_asks(city: City) -> None:
    async with (
        served(city, on_a_line(GATEWAY, bus_baud=2_400)) as port,
        line(port) as (reader, writer),
        line(port) as (other_reader, other_writer),
    ):
        began_s = time.monotonic()
        writer.write(b"".join(mbap(n, WEATHER, READ_TWO) for n in range(3)))
        await writer.drain()
        other_writer.write(mbap(9, AIR, READ_TWO))
        assert [transaction for transaction, _, _ in await answers(reader, 3)] == [0, 1, 2]
        assert [transaction for transaction, _, _ in await answers(other_reader, 1)] == [9]
        # 24 characters of 11 bits for each of four requests; a lower bound holds on a busy machine too.
        assert time.monotonic() - began_s >= 4 * 24 * 11 / 2_400 - 0.01


async def test_a_gateway_says_that_nobody_answers_at_its_line(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modbus, "_GATEWAY_PATIENCE_S", 0.05)
    city.fault_on("device_silent", "wx01", "now")
    async with served(city, on_a_line(GATEWAY, bus_baud=115_200)) as port, line(port) as (reader, writer):
        writer.write(mbap(1, WEATHER, READ_TWO) + mbap(2, 99, READ_TWO) + mbap(3, AIR, READ_TWO))
        mute, unknown, fine = await answers(reader, 3)
    assert mute == (1, WEATHER, bytes((0x84, 0x0B)))
    assert unknown == (2, 99, bytes((0x84, 0x0B)))
    assert fine[:2] == (3, AIR)
    assert fine[2][0] == 4


async def test_a_slow_unit_answers_late_and_its_neighbours_wait_behind_it(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert modbus.SLOW_S == 3.0
    monkeypatch.setattr(modbus, "SLOW_S", 0.3)
    strike(city, "device_slow", "wx01")
    async with served(city, GATEWAY) as port, line(port) as (reader, writer):
        began_s = time.monotonic()
        writer.write(mbap(1, AIR, READ_TWO) + mbap(2, WEATHER, READ_TWO) + mbap(3, AIR, READ_TWO))
        assert (await answers(reader, 1))[0][:2] == (1, AIR)
        assert [found[:2] for found in await answers(reader, 2)] == [(2, WEATHER), (3, AIR)]
        assert time.monotonic() - began_s >= 0.3 - 0.01


async def test_a_gateway_with_too_much_to_do_says_that_it_is_busy(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modbus, "SLOW_S", 60.0)
    strike(city, "device_slow", "wx01")
    async with served(city, GATEWAY) as port, line(port) as (reader, writer):
        # One is being served, as many as may wait, and one more.
        writer.write(b"".join(mbap(n, WEATHER, READ_TWO) for n in range(WAITING_MAX + 2)))
        assert await answers(reader, 1) == [(WAITING_MAX + 1, WEATHER, bytes((0x84, 6)))]


async def test_a_client_that_left_before_its_answer_harms_nobody(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modbus, "SLOW_S", 0.1)
    strike(city, "device_slow", "wx01")
    async with served(city, GATEWAY) as port:
        async with line(port) as (_, writer):
            writer.write(mbap(1, WEATHER, READ_TWO))
            await writer.drain()
        async with line(port) as (reader, writer):
            writer.write(mbap(2, AIR, READ_TWO))
            assert (await answers(reader, 1))[0][:2] == (2, AIR)

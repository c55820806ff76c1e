"""The Modbus face, read by pymodbus and by hand-made frames."""

import asyncio
import contextlib
import math
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client import AsyncModbusTcpClient

from cityhall_simulators.addresses import REGISTERS_OF_TYPE, Register, modbus_map
from cityhall_simulators.description import Device, load_building
from cityhall_simulators.faces.modbus import ModbusFace
from cityhall_simulators.faces.modbus_unit import decode, encode
from cityhall_simulators.runtime import City

BUILDING = load_building("small")
TAIPEI = ZoneInfo("Asia/Taipei")
WORKING_MORNING = datetime(2026, 7, 1, 10, 0, tzinfo=TAIPEI)
FIELD_GATEWAY = tuple(device for device in BUILDING.devices if device.port == "field-gateway")
STRUCT_CODE = {
    "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q", "float32": "f", "float64": "d",
}  # fmt: skip


def device(name: str) -> Device:
    return next(d for d in BUILDING.devices if d.name == name)


def by_hand(words: list[int], kind: str, word_order: str) -> float:
    """What the registers say, decoded without the simulator's help."""
    raw = b"".join(struct.pack(">H", word) for word in words)
    pairs = [raw[i : i + 2] for i in range(0, len(raw), 2)]
    if word_order in {"CDAB", "DCBA"}:
        pairs.reverse()
    if word_order in {"BADC", "DCBA"}:
        pairs = [pair[::-1] for pair in pairs]
    return float(struct.unpack(">" + STRUCT_CODE[kind], b"".join(pairs))[0])


@pytest.fixture
def city() -> City:
    return City(BUILDING, seed=5, local=WORKING_MORNING)


@asynccontextmanager
async def served(city: City, *devices: Device) -> AsyncIterator[int]:
    face = ModbusFace(devices, city)
    await face.start("127.0.0.1", 0)
    assert face._server is not None
    try:
        yield face._server.sockets[0].getsockname()[1]
    finally:
        await face.stop()


@asynccontextmanager
async def client(port: int) -> AsyncIterator[AsyncModbusTcpClient]:
    made = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=0.5, retries=0)
    assert await made.connect()
    try:
        yield made
    finally:
        made.close()


async def read(reader: AsyncModbusTcpClient, unit: int, register: Register) -> float:
    calls: dict[str, Callable[..., object]] = {
        "holding": reader.read_holding_registers,
        "input": reader.read_input_registers,
        "coil": reader.read_coils,
        "discrete": reader.read_discrete_inputs,
    }
    answer = await calls[register.table](register.address, count=register.registers, device_id=unit)  # type: ignore[misc]
    assert not answer.isError(), (register.text, answer)
    if register.type == "bool" and register.bit is None:
        return float(answer.bits[0])
    if register.bit is not None:
        return float(answer.registers[0] >> register.bit & 1)
    return by_hand(answer.registers, register.type, register.word_order) * register.scale


def half_a_step(register: Register, value: float) -> float:
    if register.type == "float32":
        return abs(value) * 1e-6 + 1e-6
    return register.scale * 0.501 + 1e-9


@given(
    kind=st.sampled_from(sorted(STRUCT_CODE)),
    word_order=st.sampled_from(["ABCD", "CDAB", "BADC", "DCBA"]),
    values=st.lists(st.integers(0, 30_000), min_size=1, max_size=5),
)
def test_registers_mean_what_a_decoder_written_by_hand_reads(kind: str, word_order: str, values: list[int]) -> None:
    rows = encode(np.array(values, dtype=np.float64), kind, word_order, 1.0)
    assert rows.shape == (len(values), REGISTERS_OF_TYPE[kind])
    for row, value in zip(rows.tolist(), values, strict=True):
        assert by_hand(row, kind, word_order) == value
        assert decode(row, kind, word_order, 1.0) == value


@pytest.mark.parametrize(("kind", "sentinel"), [
    ("int16", -32768), ("uint16", 65535), ("int32", -(2**31)), ("uint32", 2**32 - 1),
])  # fmt: skip
def test_a_lost_sensor_shows_the_sentinel_of_its_type(kind: str, sentinel: int) -> None:
    assert by_hand(encode(np.array([np.nan]), kind, "ABCD", 0.1)[0].tolist(), kind, "ABCD") == sentinel
    assert math.isnan(by_hand(encode(np.array([np.nan]), "float32", "DCBA", 1.0)[0].tolist(), "float32", "DCBA"))


def test_all_word_orders_and_mixed_types_are_in_use() -> None:
    registers = [(d, r) for d in BUILDING.devices if d.protocol == "modbus" for r in modbus_map(d).values()]
    assert {r.word_order for _, r in registers if r.registers > 1} == {"ABCD", "CDAB", "BADC", "DCBA"}
    assert {r.type for _, r in registers} >= {"bool", "int16", "uint16", "int32", "uint32", "uint64", "float32"}
    assert any(r.bit is not None for _, r in registers)
    assert {r.table for _, r in registers} == {"coil", "discrete", "input", "holding"}


@pytest.mark.parametrize("port", sorted({d.port for d in BUILDING.devices if d.protocol == "modbus"}))
async def test_every_point_of_a_port_reads_as_its_sensor_shows(city: City, port: str) -> None:
    devices = [d for d in BUILDING.devices if d.port == port]
    async with served(city, *devices) as number, client(number) as reader:
        for d in devices:
            for index, register in modbus_map(d).items():
                value = float(city.shown[index])
                found = await read(reader, d.unit_id, register)
                assert found == pytest.approx(value, abs=half_a_step(register, value)), BUILDING.points[index].name


async def test_a_new_step_is_seen_by_the_next_request(city: City) -> None:
    register = modbus_map(device("chc01-panel"))
    index = BUILDING.by_name["TCH.B2.CN.CHC01.CHWR_T"].index
    async with served(city, device("chc01-panel")) as port, client(port) as reader:
        before = await read(reader, 1, register[index])
        city.fault_on("sensor_spike", "CHC01.CHWR_T", "now")
        city.advance(WORKING_MORNING + timedelta(seconds=1), 1.0)
        assert await read(reader, 1, register[index]) != before


async def test_unknown_units_addresses_functions_and_sizes_have_their_exception_codes(city: City) -> None:
    async with served(city, *FIELD_GATEWAY) as port, client(port) as reader:
        assert (await reader.read_input_registers(100, count=1, device_id=99)).exception_code == 0x0B
        assert (await reader.read_input_registers(7, count=1, device_id=22)).exception_code == 2
        assert (await reader.read_holding_registers(60_000, count=1, device_id=22)).exception_code == 2
        assert (await exchange(port, 22, struct.pack(">BHH", 4, 100, 126)))[-2:] == bytes((0x84, 3))
        assert (await exchange(port, 22, struct.pack(">BHH", 4, 100, 0)))[-2:] == bytes((0x84, 3))
        assert (await exchange(port, 22, bytes((0x17, 0, 0, 0, 1))))[-2:] == bytes((0x97, 1))


async def exchange(port: int, unit: int, *pdus: bytes) -> bytes:
    """Send frames in one segment and return everything that comes back within a moment."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    frames = [struct.pack(">HHHB", 40 + n, 0, len(pdu) + 1, unit) + pdu for n, pdu in enumerate(pdus)]
    writer.write(b"".join(frames))
    received = b""
    with contextlib.suppress(TimeoutError):
        # Every answer has at least nine bytes; silence is known by waiting for it.
        while len(received) < len(pdus) * 9:
            received += await asyncio.wait_for(reader.read(4096), 0.5)
    writer.close()
    await writer.wait_closed()
    return received


async def test_pipelined_requests_are_answered_each_with_its_transaction_id(city: City) -> None:
    requests = [struct.pack(">BHH", 4, 100 + 2 * n, 2) for n in range(8)]
    async with served(city, device("chc01-panel")) as port:
        received = await exchange(port, 1, *requests)
    transactions = []
    while received:
        transaction, _, length, unit = struct.unpack(">HHHB", received[:7])
        assert (unit, length) == (1, 7)
        transactions.append(transaction)
        received = received[6 + length :]
    assert transactions == list(range(40, 48))


async def test_a_frame_cut_in_pieces_is_answered_once(city: City) -> None:
    async with served(city, device("chc01-panel")) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        frame = struct.pack(">HHHBBHH", 9, 0, 6, 1, 4, 100, 2)
        for byte in frame:
            writer.write(bytes((byte,)))
            await writer.drain()
        answer = await asyncio.wait_for(reader.readexactly(13), 2.0)
        assert answer[:2] == b"\x00\x09"
        writer.close()
        await writer.wait_closed()


async def test_what_is_not_modbus_is_hung_up_on(city: City) -> None:
    async with served(city, device("chc01-panel")) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        # A reset or an end: either way nothing is said, and the connection is over.
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 2.0) == b""
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_set_points_and_commands_are_written_with_every_write_function(city: City) -> None:
    panel = device("chc01-panel")
    registers = {BUILDING.points[i].role.role: (i, r) for i, r in modbus_map(panel).items()}
    async with served(city, panel) as port, client(port) as writer:
        set_point, enable = registers["CHWS_SP"], registers["EnableCmd"]
        assert not (await writer.write_register(set_point[1].address, 85, device_id=1)).isError()
        assert city.truth[set_point[0]] == pytest.approx(8.5)
        assert not (await writer.write_registers(set_point[1].address, [90, 80], device_id=1)).isError()
        assert city.truth[set_point[0]] == pytest.approx(9.0)
        assert city.truth[registers["DmdLimit"][0]] == 80
        assert not (await writer.write_coil(enable[1].address, value=False, device_id=1)).isError()
        assert city.truth[enable[0]] == 0
        assert not (await writer.write_coils(enable[1].address, [True], device_id=1)).isError()
        assert city.truth[enable[0]] == 1
        assert await read(writer, 1, set_point[1]) == pytest.approx(9.0)


async def test_a_write_out_of_range_or_to_a_measurement_is_refused_as_a_whole(city: City) -> None:
    panel = device("chc01-panel")
    set_point = next(r for i, r in modbus_map(panel).items() if BUILDING.points[i].role.role == "CHWS_SP")
    async with served(city, panel) as port, client(port) as writer:
        before = city.truth.copy()
        assert (await writer.write_register(set_point.address, 200, device_id=1)).exception_code == 3
        assert (await writer.write_registers(set_point.address, [90, 20], device_id=1)).exception_code == 3
        assert (await writer.write_register(100, 1, device_id=1)).exception_code == 2
        np.testing.assert_array_equal(city.truth, before)
    async with served(city, device("hvm01")) as port, client(port) as writer:
        counter = next(r for i, r in modbus_map(device("hvm01")).items() if BUILDING.points[i].role.role == "kWh")
        refused = await writer.write_registers(counter.address, [0, 0, 0, 0], device_id=1)
        assert refused.exception_code == 2


async def test_a_silent_unit_never_answers_while_its_neighbours_do(city: City) -> None:
    city.fault_on("device_silent", "wx01", "now")
    async with served(city, *FIELD_GATEWAY) as port:
        assert await exchange(port, 22, struct.pack(">BHH", 4, 100, 2)) == b""
        assert len(await exchange(port, 41, struct.pack(">BHH", 4, 100, 2))) == 13
        city.fault_off("device_silent")
        assert len(await exchange(port, 22, struct.pack(">BHH", 4, 100, 2))) == 13


async def test_a_refusing_unit_answers_with_device_failure(city: City) -> None:
    city.fault_on("device_refuses", None, "now")
    async with served(city, *FIELD_GATEWAY) as port, client(port) as reader:
        assert (await reader.read_input_registers(100, count=2, device_id=22)).exception_code == 4
        assert not (await reader.read_input_registers(100, count=2, device_id=41)).isError()
        city.fault_off("device_refuses")
        assert not (await reader.read_input_registers(100, count=2, device_id=22)).isError()


async def test_a_wrong_word_order_swaps_the_words_of_one_device_only(city: City) -> None:
    meters = [d for d in BUILDING.devices if d.port == "meter-gateway"]
    registers = [modbus_map(d) for d in meters[:2]]
    power = [next(i for i in m if BUILDING.points[i].role.role == "kW") for m in registers]
    async with served(city, *meters) as port, client(port) as reader:
        city.fault_on("wrong_word_order", "em01", "now")
        wrong = await read(reader, 11, registers[0][power[0]])
        assert not math.isclose(wrong, city.shown[power[0]], rel_tol=0.01)
        swapped = Register(registers[0][power[0]].table, registers[0][power[0]].address, "float32", "ABCD")
        assert await read(reader, 11, swapped) == pytest.approx(city.shown[power[0]], rel=1e-6)
        assert await read(reader, 12, registers[1][power[1]]) == pytest.approx(city.shown[power[1]], rel=1e-6)
        city.fault_off("wrong_word_order")
        assert await read(reader, 11, registers[0][power[0]]) == pytest.approx(city.shown[power[0]], rel=1e-6)


async def test_a_dropped_out_sensor_reads_as_not_a_number(city: City) -> None:
    index = BUILDING.by_name["TCH.B2.CN.CHC01.CHWR_T"].index
    city.fault_on("sensor_dropout", "CHC01.CHWR_T", "now")
    async with served(city, device("chc01-panel")) as port, client(port) as reader:
        assert math.isnan(await read(reader, 1, modbus_map(device("chc01-panel"))[index]))

"""Values as registers: what a unit is asked to take, and that it is read back."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.modbus_server import ModbusServer, Request, bound, modbus_device, modbus_point, modbus_server

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.commands import CommandTarget
from cityhall_bms.domain.errors import DeviceRefusedError, ReadOnlyPointError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Equipment, Point, PointKind, System, Text
from cityhall_drivers.modbus import DRIVER
from cityhall_drivers.modbus.codec import Block, Layout, item_of
from cityhall_drivers.modbus.driver import ModbusDriver
from cityhall_drivers.modbus.writing import registers_of, write_question


def test_the_writes_of_the_standard_are_made_byte_for_byte() -> None:
    # Modbus Application Protocol V1.1b3, clauses 6.5, 6.6, 6.12 and 6.16 (its masks set bit 2 there; we set bit 3).
    assert write_question(item_of(modbus_point("coil:172", "")), 1.0) == bytes.fromhex("05 00AC FF00")
    assert write_question(item_of(modbus_point("holding:1")), 3.0) == bytes.fromhex("06 0001 0003")
    assert write_question(item_of(modbus_point("holding:1", "uint32")), 655_362.0) == bytes.fromhex(
        "10 0001 0002 04 000A 0002"
    )
    assert write_question(item_of(modbus_point("holding:4.3", "")), 1.0) == bytes.fromhex("16 0004 FFF7 0008")
    assert write_question(item_of(modbus_point("holding:4.3", "")), 0.0) == bytes.fromhex("16 0004 FFF7 0000")


@given(
    st.sampled_from(["int16", "uint16", "int32", "uint32", "float32", "float64"]),
    st.sampled_from(["ABCD", "CDAB", "BADC", "DCBA"]),
    st.sampled_from([1.0, 0.1, 0.01, -1.0]),
    st.integers(0, 30_000),
)
def test_what_is_written_reads_back_as_the_same_value(kind: str, order: str, scale: float, raw: int) -> None:
    value = raw * scale
    item = item_of(modbus_point("holding:0", kind, word_order=order, scale=scale))
    words = registers_of(item, value)
    values, quality = Layout([item], [Block(item.table, 0, item.width, (0,))]).decode([words])
    assert math.isclose(values[0], value, rel_tol=1e-6, abs_tol=1e-9)
    assert quality[0] == Quality.GOOD


@pytest.mark.parametrize(
    ("address", "kind", "value"),
    [
        ("holding:0", "int16", 40_000.0),
        ("holding:0", "uint16", -1.0),
        ("holding:0", "float32", 1e39),
        ("holding:0", "float32", math.nan),
        ("holding:0", "int16", math.nan),
        ("holding:0", "int32", math.inf),
        ("coil:0", "", math.nan),
        ("coil:0", "", 2.0),
        ("input:0", "uint16", 1.0),
        ("discrete:0", "", 1.0),
    ],
)
def test_what_no_register_can_hold_is_refused_before_anything_is_sent(address: str, kind: str, value: float) -> None:
    with pytest.raises(DeviceRefusedError):
        write_question(item_of(modbus_point(address, kind)), value)


EQUIPMENT = Equipment("TCH.B2.CN.EM01", "Centrifugal_Chiller", System.HVAC, Text("冰機", "Chiller"))


def target(point: Point, equipment: Equipment = EQUIPMENT, kind: PointKind = PointKind.SP) -> CommandTarget:
    return CommandTarget(7, Point(**{**_fields(point), "kind": kind}), equipment)


def _fields(point: Point) -> dict[str, object]:
    return {name: getattr(point, name) for name in Point.__dataclass_fields__}


def takes_writes(server: ModbusServer, request: Request) -> bytes | None:
    """A unit that does as it is told; ``start`` and ``count`` are the first four bytes behind the function."""
    holding = server.registers[request.unit, 3]
    if request.function == 6:
        holding[request.start] = request.count
        return request.frame(struct.pack(">BHH", 6, request.start, request.count))
    return server.right_answer(request)


def takes_and_forgets(server: ModbusServer, request: Request) -> bytes | None:
    if request.function == 6:
        return request.frame(struct.pack(">BHH", 6, request.start, request.count))
    return server.right_answer(request)


def refuses(server: ModbusServer, request: Request) -> bytes | None:
    return request.exception(3) if request.function == 6 else server.right_answer(request)


async def driver_of(server: ModbusServer) -> ModbusDriver:
    driver = DRIVER().create(modbus_device(server.port), SystemClock())
    await driver.open()
    return driver


async def test_a_set_point_is_written_and_read_back() -> None:
    async with modbus_server(holding={5: 70}) as server:
        server.habits[1] = takes_writes
        driver = await driver_of(server)
        held = await driver.write(target(modbus_point("holding:5", "int16", scale=0.1)), 7.5, 8)
        await driver.close()
    assert (round(held.value, 6), held.quality) == (7.5, Quality.GOOD)
    assert server.registers[1, 3][5] == 75


async def test_a_unit_that_says_yes_and_holds_something_else_is_found_out() -> None:
    async with modbus_server(holding={5: 70}) as server:
        server.habits[1] = takes_and_forgets
        driver = await driver_of(server)
        with pytest.raises(DeviceRefusedError, match="was accepted, and 7 is held"):
            await driver.write(target(modbus_point("holding:5", "int16", scale=0.1)), 7.5, 8)
        await driver.close()


async def test_a_refusal_says_why_and_nothing_is_tried_again() -> None:
    async with modbus_server(holding={5: 70}) as server:
        server.habits[1] = refuses
        driver = await driver_of(server)
        with pytest.raises(DeviceRefusedError, match="does not take this value"):
            await driver.write(target(modbus_point("holding:5", "int16")), 7.0, 8)
        await driver.close()
    assert [request.function for request in server.requests] == [6]


async def test_a_unit_has_nothing_to_relinquish_and_life_safety_priorities_are_not_ours() -> None:
    async with modbus_server(holding={5: 70}) as server:
        driver = await driver_of(server)
        with pytest.raises(DeviceRefusedError, match="no priorities"):
            await driver.write(target(modbus_point("holding:5")), None, 8)
        with pytest.raises(ReadOnlyPointError, match="priority 1"):
            await driver.write(target(modbus_point("holding:5")), 1.0, 1)
        await driver.close()
    assert server.requests == []


@pytest.mark.parametrize(
    ("brick_class", "system"),
    [
        ("Fire_Alarm_Control_Panel", System.FIRE),
        ("Elevator", System.LIFT),
        ("Access_Reader", System.SECURITY),
        ("Switchgear", System.POWER),
        ("Automatic_Transfer_Switch", System.POWER),
        ("x:Emergency_Generator", System.POWER),
    ],
)
def test_there_is_no_way_to_make_a_target_of_life_safety_or_of_the_supply(brick_class: str, system: System) -> None:
    equipment = Equipment("TCH.B2.CN.EM01", brick_class, system, Text("", ""))
    with pytest.raises(ReadOnlyPointError, match="read-only by construction"):
        target(modbus_point("coil:1", ""), equipment, PointKind.DO)


@pytest.mark.parametrize("kind", [PointKind.AI, PointKind.DI, PointKind.MI, PointKind.CI])
def test_what_is_measured_is_no_target(kind: PointKind) -> None:
    with pytest.raises(ReadOnlyPointError, match="measured"):
        target(modbus_point("holding:5"), kind=kind)


async def test_the_whole_look_at_a_point_shows_every_order_with_the_plausible_first() -> None:
    async with modbus_server(holding={10: 0x0000, 11: 0x41AA}) as server:
        driver = await driver_of(server)
        point = modbus_point("holding:10", "float32", role="T")
        (seen,) = await driver.examine([bound([Point(**{**_fields(point), "low": 0.0, "high": 40.0})])[0]])
        await driver.close()
    assert seen.raw == "0000 41aa"
    assert seen.candidates[0].encoding == "float32 CDAB"
    assert not {one.encoding: one.plausible for one in seen.candidates}["float32 ABCD"]
    assert {one.encoding: one.value for one in seen.candidates}["float32 CDAB"] == 21.25


def test_the_plan_and_its_cost_are_shown_before_anything_is_polled() -> None:
    driver = DRIVER().create(modbus_device(502), SystemClock())
    plan = driver.explain(
        bound([modbus_point("holding:0"), modbus_point("holding:5", role="Q"), modbus_point("coil:1", "", role="R")])
    )
    # MBAP envelope and function: 12 bytes of question, 9 and the data of the answer (Messaging on TCP/IP, clause 3.1).
    assert [(one.what, one.points, one.bytes) for one in plan] == [
        ("coil:1 +1", 1, 12 + 9 + 1),
        ("holding:0 +6", 2, 12 + 9 + 12),
    ]
    assert {one.line_ms for one in plan} == {None}

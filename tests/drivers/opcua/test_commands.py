"""Commands to a real server: written with the node's own type, read back, refused in plain words; methods called."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from asyncua import ua, uamethod
from asyncua.client.ua_session import UaSession
from hypothesis import given
from hypothesis import strategies as st
from tests.support.opcua_server import Heard, Plant, bound, opcua_device, opcua_point, opcua_server
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.commands import CommandTarget
from cityhall_bms.domain.errors import DeviceRefusedError, DeviceUnreachableError, DriverConfigError, ReadOnlyPointError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Encoding, Equipment, PointKind, System, Text
from cityhall_bms.ports.capabilities import CallableDriver, ExaminableDriver, WritableDriver
from cityhall_drivers.opcua import DRIVER
from cityhall_drivers.opcua.driver import OpcUaDriver
from cityhall_drivers.opcua.writing import raw_of, step_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPERATOR = 8
TYPES = {
    "Boolean": 1.0,
    "SByte": -5.0,
    "Byte": 200.0,
    "Int16": -300.0,
    "UInt16": 60_000.0,
    "Int32": -70_000.0,
    "UInt32": 3e9,
    "Int64": -(2.0**40),
    "UInt64": 2.0**40,
    "Float": 21.7,
    "Double": 21.7,
}


METHODS: dict[str, list[str]] = {
    "Reset": [],
    "Open": ["Boolean"],
    "Go": ["Int16"],
    "Dim": ["Double"],
    "Say": ["String"],
}


@uamethod
def _add(_parent: ua.NodeId, first: int, second: float) -> float:
    return first + second


@uamethod
def _refuse(_parent: ua.NodeId) -> ua.StatusCode:
    return ua.StatusCode(ua.StatusCodes.BadNotExecutable)


CALLED: list[object] = []


@uamethod
def _take(_parent: ua.NodeId, *arguments: object) -> None:
    CALLED.append(arguments)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plant() -> AsyncIterator[Plant]:
    async with opcua_server({"Fixed": 1.0}) as one:
        objects = one.server.nodes.objects
        for name in TYPES:
            kind = ua.VariantType[name]
            first = False if name == "Boolean" else 0
            node = await objects.add_variable(ua.NodeId(name, 2), name, first, varianttype=kind)
            await node.set_writable()
        text = await objects.add_variable(ua.NodeId("Text", 2), "Text", "on")
        array = await objects.add_variable(ua.NodeId("Array", 2), "Array", [1.0, 2.0])
        for node in (text, array):
            await node.set_writable()
        await objects.add_method(
            ua.NodeId("Add", 2), "Add", _add, [ua.VariantType.Int32, ua.VariantType.Double], [ua.VariantType.Double]
        )
        for name, kinds in METHODS.items():
            await objects.add_method(ua.NodeId(name, 2), name, _take, [ua.VariantType[kind] for kind in kinds], [])
        await objects.add_method(ua.NodeId("Refuse", 2), "Refuse", _refuse, [], [])
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def driver(plant: Plant) -> AsyncIterator[OpcUaDriver]:
    one = DRIVER().create(opcua_device(plant.url), SystemClock())
    await one.open()
    yield one
    await one.close()


def target(name: str, *, address: str = "", scale: float = 1.0, offset: float = 0.0) -> CommandTarget:
    point = replace(
        opcua_point(name, address=address, scale=scale, offset=offset), kind=PointKind.SP, equipment="TCH.01.E.AHU01"
    )
    return CommandTarget(7, point, Equipment("TCH.01.E.AHU01", "AHU", System.HVAC, Text("空調箱", "Air handler")))


@pytest.mark.parametrize("name", TYPES)
async def test_a_value_is_written_with_the_nodes_own_type_and_read_back(
    driver: OpcUaDriver, plant: Plant, name: str
) -> None:
    assert isinstance(driver, WritableDriver)
    held = await driver.write(target(name), TYPES[name], OPERATOR)
    there = await plant.server.get_node(ua.NodeId(name, 2)).read_data_value()
    assert there.Value.VariantType is ua.VariantType[name]
    assert held.value == pytest.approx(TYPES[name], rel=1e-6)
    assert held.quality is Quality.GOOD
    assert held.priority is None


async def test_what_is_written_is_unscaled(driver: OpcUaDriver, plant: Plant) -> None:
    held = await driver.write(target("Int16", scale=0.1, offset=-20.0), 21.5, OPERATOR)
    assert await plant.server.get_node(ua.NodeId("Int16", 2)).read_value() == 415
    assert held.value == pytest.approx(21.5)


async def test_nothing_but_the_value_is_sent(driver: OpcUaDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    # Part 4, clause 5.11.4.2: a server that cannot write status or times refuses the whole (BadWriteNotSupported).
    sent: list[ua.DataValue] = []
    write = UaSession.write

    async def overheard(session: UaSession, parameters: ua.WriteParameters) -> list[ua.StatusCode]:
        sent.extend(one.Value for one in parameters.NodesToWrite)
        return list(await write(session, parameters))

    monkeypatch.setattr(UaSession, "write", overheard)
    await driver.write(target("Double"), 3.0, OPERATOR)
    [value] = sent
    assert (value.StatusCode, value.SourceTimestamp, value.ServerTimestamp) == (None, None, None)


async def test_the_type_is_asked_for_once(driver: OpcUaDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    await driver.write(target("Double"), 1.0, OPERATOR)

    async def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("cityhall_drivers.opcua.commanding.builtin_type", refuse)
    assert (await driver.write(target("Double"), 2.0, OPERATOR)).value == 2.0


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("Fixed", 1.0, "BadUserAccessDenied"),
        ("Nowhere", 1.0, "BadNodeIdUnknown"),
        ("Byte", 256.0, "does not fit"),
        ("Boolean", 0.5, "neither on nor off"),
        ("Float", 1e39, "does not fit"),
        ("Text", 1.0, "String"),
        ("Array", 1.0, "array"),
    ],
)
async def test_a_refused_write_says_why(driver: OpcUaDriver, name: str, value: float, words: str) -> None:
    with pytest.raises(DeviceRefusedError, match=words):
        await driver.write(target(name), value, OPERATOR)


async def test_a_server_that_says_yes_and_keeps_another_value_is_found_out(
    driver: OpcUaDriver, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    await plant.server.get_node(ua.NodeId("Double", 2)).write_value(5.0)

    async def pretend(*_: object) -> None:
        pass

    monkeypatch.setattr("cityhall_drivers.opcua.commanding.write_value", pretend)
    with pytest.raises(DeviceRefusedError, match="the node holds 5"):
        await driver.write(target("Double"), 6.0, OPERATOR)


async def test_there_is_nothing_to_relinquish_and_no_priority_of_others(driver: OpcUaDriver) -> None:
    with pytest.raises(DeviceRefusedError, match="no priorities"):
        await driver.write(target("Double"), None, OPERATOR)
    with pytest.raises(ReadOnlyPointError):
        await driver.write(target("Double"), 1.0, 1)


async def test_a_method_is_called_with_the_types_that_the_server_declares(driver: OpcUaDriver) -> None:
    assert isinstance(driver, CallableDriver)
    add = target("Add", address="method:i=85|ns=2;s=Add")
    assert await driver.call(add, [2, 0.5]) == (2.5,)
    assert await driver.call(add, [2.0, 1]) == (3.0,)


@pytest.mark.parametrize(
    ("address", "arguments", "words"),
    [
        ("method:i=85|ns=2;s=Add", [1], "takes 2 arguments"),
        ("method:i=85|ns=2;s=Add", [1.5, 2.0], "is no Int32"),
        ("method:i=85|ns=2;s=Add", [True, 2.0], "is no Int32"),
        ("method:i=85|ns=2;s=Add", ["1", 2.0], "is no Int32"),
        ("method:i=85|ns=2;s=Refuse", [], "cannot be executed now"),
        ("method:i=85|ns=2;s=Nothing", [], "BadNodeIdInvalid"),
    ],
)
async def test_a_refused_call_says_why(
    driver: OpcUaDriver, address: str, arguments: list[float | str], words: str
) -> None:
    with pytest.raises(DeviceRefusedError, match=words):
        await driver.call(target("Add", address=address), arguments)


async def test_an_address_that_is_no_method_is_not_called(driver: OpcUaDriver) -> None:
    with pytest.raises(DriverConfigError, match="no method"):
        await driver.call(target("Double"), [])


@pytest.mark.parametrize(
    ("name", "value", "arguments"),
    [("Reset", 1.0, ()), ("Open", 0.0, (False,)), ("Go", 21.5, (415,)), ("Dim", 2.0, (220.0,))],
)
async def test_a_point_that_is_a_method_is_commanded_by_calling_it_with_the_value(
    driver: OpcUaDriver, name: str, value: float, arguments: tuple[object, ...]
) -> None:
    CALLED.clear()
    encoded = {"scale": 0.1, "offset": -20.0} if name in {"Go", "Dim"} else {}
    held = await driver.write(target(name, address=f"method:i=85|ns=2;s={name}", **encoded), value, OPERATOR)
    assert (held.value, held.quality, held.priority) == (value, Quality.GOOD, None)
    assert [pytest.approx(arguments)] == CALLED


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("Reset", 0.0, "called by writing 1, not 0"),
        ("Add", 1.0, "takes 2 arguments"),
        ("Go", 1e6, "does not fit"),
        ("Open", 0.5, "neither on nor off"),
        ("Say", 1.0, "is no String"),
        ("Refuse", 1.0, "cannot be executed now"),
        ("Nothing", 1.0, "BadNodeIdInvalid"),
    ],
)
async def test_a_command_that_a_method_cannot_take_says_why(
    driver: OpcUaDriver, name: str, value: float, words: str
) -> None:
    CALLED.clear()
    with pytest.raises(DeviceRefusedError, match=words):
        await driver.write(target(name, address=f"method:i=85|ns=2;s={name}"), value, OPERATOR)
    assert CALLED == []


async def test_a_method_is_never_read_and_those_beside_it_are(driver: OpcUaDriver) -> None:
    points = bound([opcua_point("Reset", address="method:i=85|ns=2;s=Reset"), opcua_point("Fixed")])
    readings = await driver.read(driver.plan(points))
    assert (readings.point.tolist(), readings.value.tolist()) == ([8], [1.0])
    assert [(one.what, one.points) for one in driver.explain(points)] == [("Read ns=2;s=Fixed", 1)]
    method, fixed = await driver.examine(points)
    assert (method.quality, fixed.quality) == (Quality.BAD_NO_DATA, Quality.GOOD)
    assert "is called" in method.note
    assert [one async for one in driver.history(points, 0, 1)] == []


async def test_a_method_is_not_monitored(plant: Plant) -> None:
    subscribing = DRIVER().create(opcua_device(plant.url, mode="subscribe", publishing_interval_ms=50), SystemClock())
    heard = Heard()
    await subscribing.open()
    points = bound([opcua_point("Reset", address="method:i=85|ns=2;s=Reset"), opcua_point("Fixed")])
    assert await subscribing.subscribe(points, heard)
    await until(lambda: heard.of(8))
    await subscribing.close()
    assert heard.of(8)[0][:2] == (1.0, Quality.GOOD)
    assert heard.of(7) == []


async def test_nothing_is_written_by_a_driver_that_is_closed(plant: Plant) -> None:
    closed = DRIVER().create(opcua_device(plant.url), SystemClock())
    with pytest.raises(DeviceUnreachableError):
        await closed.write(target("Double"), 1.0, OPERATOR)


async def test_a_point_is_shown_with_its_bytes_type_status_and_times(driver: OpcUaDriver, plant: Plant) -> None:
    assert isinstance(driver, ExaminableDriver)
    await plant.server.get_node(ua.NodeId("UInt16", 2)).write_value(ua.Variant(513, ua.VariantType.UInt16))
    shown, unknown = await driver.examine(bound([opcua_point("UInt16", scale=2.0), opcua_point("Nothing")]))
    # Part 6, clauses 5.2.2.17 and 5.2.2.16: mask, then the variant: its type (5 is UInt16) and the number, little-endian.
    assert shown.raw.split(" ")[1:4] == ["05", "01", "02"]
    assert int(shown.raw.split(" ")[0], 16) & 0b1 == 1
    assert (shown.value, shown.quality) == (1026.0, Quality.GOOD)
    assert shown.note.startswith("UInt16, Good, ")
    assert unknown.quality is Quality.BAD_REFUSED
    assert "BadNodeIdUnknown" in unknown.note


async def test_the_requests_of_a_plan_are_explained_without_a_network() -> None:
    driver = DRIVER().create(opcua_device("opc.tcp://127.0.0.1:1/", nodes_per_read_max=2), SystemClock())
    planned = driver.explain(bound([opcua_point(name) for name in "ABC"]))
    assert [(one.what, one.points) for one in planned] == [("Read ns=2;s=A … ns=2;s=B", 2), ("Read ns=2;s=C", 1)]


@given(
    st.integers(-(2**31), 2**31 - 1),
    st.sampled_from([0.001, 0.1, 1.0, -2.0, 50.0]),
    st.floats(-1e3, 1e3),
)
async def test_a_whole_number_survives_the_way_through_the_points_unit(raw: int, scale: float, offset: float) -> None:
    value = raw * scale + offset
    encoding = Encoding(scale=scale, offset=offset)
    assert raw_of(value, encoding, 6) == raw
    assert step_of(value, encoding, 6) < abs(scale)

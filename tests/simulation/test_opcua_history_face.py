"""History, units, limits and line faults of an OPC UA server, asked by a plain asyncua client.

The server speaks for an air handler here: that has measurements, commands and states.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import pytest_asyncio
from asyncua import Client, Node, ua
from tests.support.simulated_bacnet import BUILDING, DEVICES, move_on, new_city, show, strike

from cityhall_simulators.faces import opcua_connection, opcua_history
from cityhall_simulators.faces.opcua import OpcUaFace
from cityhall_simulators.faces.opcua_history import ANSWER_MAX, RECORDS_MAX, History
from cityhall_simulators.faces.ring import Ring
from cityhall_simulators.free_ports import choose_ports
from cityhall_simulators.runtime import City

DEVICE = replace(DEVICES["ahu01"], protocol="opcua")
SUPPLY, RUNNING, SET_POINT = "TCH.01.E.AHU01.SAT", "TCH.01.E.AHU01.RunSts", "TCH.01.E.AHU01.SAT_SP"
BEGAN = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
ANALOG = [p for p in DEVICE.points if p.role.kind in {"AI", "AO", "SP", "CI"}]


# A server takes seconds to make its address space: one serves all of these.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def shared_city() -> City:
    return new_city()


@pytest.fixture
def city(shared_city: City) -> Iterator[City]:
    yield shared_city
    shared_city._faults.clear()
    shared_city.bad[:] = False


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(shared_city: City) -> AsyncIterator[tuple[OpcUaFace, str]]:
    port = choose_ports("127.0.0.1", ["opcua"], 0)["opcua"]
    face = OpcUaFace(DEVICE, shared_city, None)
    await face.start("127.0.0.1", port)
    try:
        yield face, f"opc.tcp://127.0.0.1:{port}/"
    finally:
        await face.stop()


@asynccontextmanager
async def client(url: str, timeout_s: float = 5.0) -> AsyncIterator[Client]:
    async with Client(url, timeout=timeout_s) as connected:
        yield connected


def node(connected: Client, name: str) -> Node:
    return connected.get_node(f"ns=2;s={name}")


def emptied(face: OpcUaFace) -> History:
    history = face._history
    assert history is not None
    history._ring, history._due_s = Ring(RECORDS_MAX, len(ANALOG)), 0.0
    return history


def fill(face: OpcUaFace, records: int) -> None:
    """A record a minute from BEGAN on; record n has the value n in every column."""
    history = emptied(face)
    for number in range(records):
        at_s = (BEGAN + timedelta(minutes=number)).timestamp()
        history.record(number * 60.0, at_s, np.full(len(ANALOG), float(number)), np.zeros(len(ANALOG), np.bool_))


def minute(number: float) -> datetime:
    return BEGAN + timedelta(minutes=number)


def values(found: list[ua.DataValue]) -> list[float]:
    return [data.Value.Value for data in found if data.Value is not None]


async def test_raw_history_is_read_forwards_backwards_and_by_count(running: tuple[OpcUaFace, str]) -> None:
    face, url = running
    fill(face, 10)
    async with client(url) as connected:
        supply = node(connected, SUPPLY)
        # Both ends belong to the span.
        found = await supply.read_raw_history(minute(2), minute(4))
        assert values(found) == [2.0, 3.0, 4.0]
        assert [data.SourceTimestamp for data in found] == [minute(2), minute(3), minute(4)]
        assert values(await supply.read_raw_history(minute(4), minute(2))) == [4.0, 3.0, 2.0]
        assert values(await supply.read_raw_history(minute(6.5), None, numvalues=2)) == [7.0, 8.0]
        assert values(await supply.read_raw_history(None, minute(6.5), numvalues=2)) == [6.0, 5.0]
        assert values(await supply.read_raw_history(minute(20), minute(30))) == []


async def test_a_day_is_kept_and_comes_in_several_answers(running: tuple[OpcUaFace, str]) -> None:
    face, url = running
    fill(face, RECORDS_MAX + 5)
    async with client(url) as connected:
        supply = node(connected, SUPPLY)
        assert values(await supply.read_raw_history(minute(0), minute(9_999))) == list(range(5, RECORDS_MAX + 5))
        backwards = list(range(RECORDS_MAX + 4, 4, -1))
        assert values(await supply.read_raw_history(minute(9_999), minute(0))) == backwards
        details = ua.ReadRawModifiedDetails(
            IsReadModified=False, StartTime=minute(0), EndTime=minute(9_999), NumValuesPerNode=0
        )
        first = await supply.history_read(details)
        assert len(first.HistoryData.DataValues) == ANSWER_MAX


async def test_only_analog_nodes_have_a_history_and_only_a_clear_question_is_answered(
    running: tuple[OpcUaFace, str],
) -> None:
    _, url = running
    async with client(url) as connected:
        with pytest.raises(ua.uaerrors.BadHistoryOperationUnsupported):
            await node(connected, RUNNING).read_raw_history(minute(0), minute(1))
        with pytest.raises(ua.uaerrors.BadInvalidTimestampArgument):
            await node(connected, SUPPLY).read_raw_history(minute(0), None)
        levels = await node(connected, SUPPLY).get_access_level()
        assert ua.AccessLevel.HistoryRead in levels
        assert ua.AccessLevel.HistoryRead not in await node(connected, RUNNING).get_access_level()
        assert (await node(connected, SUPPLY).read_attribute(ua.AttributeIds.Historizing)).Value.Value is True


async def test_what_a_client_missed_during_an_outage_is_in_the_history(
    city: City, running: tuple[OpcUaFace, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    face, url = running
    monkeypatch.setattr(opcua_history, "INTERVAL_S", 0.0)
    emptied(face)
    city.fault_on("device_silent", "ahu01", "now")
    began = datetime.now(UTC)
    for value in (14.5, 15.5, 16.5):
        show(city, SUPPLY, value)
        await face.refresh()
    city.bad[BUILDING.by_name[SUPPLY].index] = True
    await face.refresh()
    city.fault_off("device_silent")
    await face.refresh()
    async with client(url) as connected:
        found = await node(connected, SUPPLY).read_raw_history(began, datetime.now(UTC) + timedelta(seconds=1))
    assert [data.Value.Value for data in found if data.StatusCode.is_good()] == [14.5, 15.5, 16.5]
    assert found[3].StatusCode.value == ua.StatusCodes.BadSensorFailure


async def test_a_clock_that_jumped_stamps_values_and_history_an_hour_ahead(
    city: City, running: tuple[OpcUaFace, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    face, url = running
    monkeypatch.setattr(opcua_history, "INTERVAL_S", 0.0)
    emptied(face)
    show(city, SUPPLY, 14.5)
    await face.refresh()
    strike(city, "clock_jump", "ahu01")
    show(city, SUPPLY, 15.5)
    await face.refresh()
    async with client(url) as connected:
        jumped = await node(connected, SUPPLY).read_data_value()
        assert timedelta(minutes=59) < jumped.SourceTimestamp - datetime.now(UTC) < timedelta(minutes=61)
        del city._faults["clock_jump", "ahu01"]
        show(city, SUPPLY, 16.5)
        await face.refresh()
        right = await node(connected, SUPPLY).read_data_value()
        assert abs(right.SourceTimestamp - datetime.now(UTC)) < timedelta(minutes=1)
        now = datetime.now(UTC)
        in_time = await node(connected, SUPPLY).read_raw_history(now - timedelta(minutes=5), now)
        ahead = await node(connected, SUPPLY).read_raw_history(now + timedelta(minutes=55), now + timedelta(minutes=65))
    assert values(in_time)[-2:] == [14.5, 16.5]
    assert values(ahead) == [15.5]


async def test_a_slow_server_answers_late_and_in_order(
    city: City, running: tuple[OpcUaFace, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, url = running
    assert opcua_connection.SLOW_S == 3.0
    monkeypatch.setattr(opcua_connection, "SLOW_S", 0.3)
    answered: list[str] = []

    async def ask(connected: Client, name: str) -> None:
        await node(connected, name).read_value()
        answered.append(name)

    async with client(url) as connected:
        strike(city, "device_slow", "ahu01")
        began_s = asyncio.get_running_loop().time()
        late = asyncio.create_task(ask(connected, SUPPLY))
        await asyncio.sleep(0.1)
        # Healthy again while an answer is still on its way: the next one must not overtake it.
        del city._faults["device_slow", "ahu01"]
        await ask(connected, SET_POINT)
        await late
        assert asyncio.get_running_loop().time() - began_s >= 0.3 - 0.01
    assert answered == [SUPPLY, SET_POINT]


async def test_measurements_have_their_unit_and_range(running: tuple[OpcUaFace, str]) -> None:
    _, url = running
    async with client(url) as connected:
        supply = node(connected, SUPPLY)
        unit = await (await supply.get_child("0:EngineeringUnits")).read_value()
        # UNECE code CEL: the characters 0x43 0x45 0x4C as a number.
        assert (unit.UnitId, unit.DisplayName.Text) == (0x43454C, "°C")
        reach = await (await supply.get_child("0:EURange")).read_value()
        assert (reach.Low, reach.High) == (-10.0, 60.0)
        with pytest.raises(ua.uaerrors.BadNoMatch):
            await node(connected, RUNNING).get_child("0:EURange")


async def test_a_value_beyond_the_range_and_a_write_to_a_measurement_are_refused(
    city: City, running: tuple[OpcUaFace, str]
) -> None:
    face, url = running
    index = BUILDING.by_name[SET_POINT].index
    async with client(url) as connected:
        set_point = node(connected, SET_POINT)
        await set_point.write_value(ua.Variant(15.5, ua.VariantType.Double))
        assert city.truth[index] == 15.5
        # Its range is 12 to 20 degrees.
        with pytest.raises(ua.uaerrors.BadOutOfRange):
            await set_point.write_value(ua.Variant(25.0, ua.VariantType.Double))
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await node(connected, SUPPLY).write_value(ua.Variant(15.0, ua.VariantType.Double))
        move_on(city, 1.0)
        await face.refresh()
        assert await set_point.read_value() == pytest.approx(15.5)
        assert city.truth[index] == 15.5

"""What a server remembers, read by the driver: whole, in order, in portions, whatever the server's habits are."""

import math
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from asyncua import ua
from asyncua.server.history import HistoryManager
from tests.support.opcua_server import Plant, bound, data_value, opcua_device, opcua_point, opcua_server

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceRefusedError, DeviceUnreachableError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.capabilities import HistoryDriver
from cityhall_drivers.opcua import DRIVER
from cityhall_drivers.opcua.driver import OpcUaDriver
from cityhall_drivers.opcua.remembering import VALUES_MAX

pytestmark = pytest.mark.asyncio(loop_scope="module")

BEGAN = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
BEGAN_US = int(BEGAN.timestamp()) * 1_000_000
MINUTE_US = 60_000_000


class Archive(HistoryManager):
    """A server's history, by node, with the habits of servers: how much it answers at once, and how it goes on."""

    def __init__(self, iserver: Any) -> None:
        super().__init__(iserver)
        self.kept: dict[str, list[ua.DataValue]] = {}
        self.answer_max = 1000
        self.nodes_max = 1000
        self.says_that_there_is_more = True
        self.forgets_once = False
        self.continuations_max = 1000
        self.asked: list[int] = []

    def keep(self, name: str, count: int, every_us: int = MINUTE_US) -> None:
        """Samples 0, 1, 2... of a node, from BEGAN on."""
        self.kept[name] = [
            data_value(ua.Variant(float(n)), 0, BEGAN + timedelta(microseconds=n * every_us)) for n in range(count)
        ]

    async def read_history(self, params: ua.HistoryReadParameters) -> list[ua.HistoryReadResult]:
        self.asked.append(len(params.NodesToRead))
        if len(params.NodesToRead) > self.nodes_max:
            raise ua.uaerrors.BadTooManyOperations
        answers = [self._answer(params.HistoryReadDetails, one) for one in params.NodesToRead]
        continued = [one for one in answers if one.ContinuationPoint]
        for one in continued[self.continuations_max :]:
            one.HistoryData, one.ContinuationPoint = None, None
            one.StatusCode = ua.StatusCode(ua.StatusCodes.BadNoContinuationPoints)
        return answers

    def _answer(self, details: Any, wanted: ua.HistoryReadValueId) -> ua.HistoryReadResult:
        kept = self.kept.get(str(wanted.NodeId.Identifier))
        if kept is None:
            return ua.HistoryReadResult(StatusCode=ua.StatusCode(ua.StatusCodes.BadHistoryOperationUnsupported))
        if wanted.ContinuationPoint and self.forgets_once:
            self.forgets_once = False
            return ua.HistoryReadResult(StatusCode=ua.StatusCode(ua.StatusCodes.BadContinuationPointInvalid))
        found = [one for one in kept if details.StartTime <= one.SourceTimestamp <= details.EndTime]
        first = int.from_bytes(wanted.ContinuationPoint or b"", "big")
        size = min(details.NumValuesPerNode or self.answer_max, self.answer_max)
        result = ua.HistoryReadResult(HistoryData=ua.HistoryData(DataValues=found[first : first + size]))
        if first + size < len(found) and self.says_that_there_is_more:
            result.ContinuationPoint = (first + size).to_bytes(8, "big")
        return result


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plant() -> AsyncIterator[Plant]:
    async with opcua_server({"A": 1.0, "B": 2.0, "C": 3.0}) as one:
        yield one


@pytest.fixture
def archive(plant: Plant) -> Archive:
    made = Archive(plant.server.iserver)
    plant.server.iserver.history_manager = made
    return made


@pytest_asyncio.fixture(loop_scope="module")
async def driver(plant: Plant) -> AsyncIterator[OpcUaDriver]:
    one = DRIVER().create(opcua_device(plant.url), SystemClock())
    await one.open()
    yield one
    await one.close()


async def remembered(driver: OpcUaDriver, names: Sequence[str], start: int, until: int) -> list[Readings]:
    assert isinstance(driver, HistoryDriver)
    points = bound([opcua_point(name) for name in names])
    return [readings async for readings in driver.history(points, BEGAN_US + start, BEGAN_US + until)]


def of(found: Sequence[Readings], point_id: int) -> list[tuple[int, float]]:
    """(minute, value) of a point."""
    return [
        (int(at - BEGAN_US) // MINUTE_US, float(value))
        for one in found
        for point, at, value in zip(one.point, one.observed_at, one.value, strict=True)
        if point == point_id
    ]


async def test_pain_09_a_gap_is_read_from_its_first_moment_up_to_but_not_including_its_last(
    driver: OpcUaDriver, archive: Archive
) -> None:
    archive.keep("A", 10)
    found = await remembered(driver, ["A"], 2 * MINUTE_US, 5 * MINUTE_US)
    assert of(found, 7) == [(2, 2.0), (3, 3.0), (4, 4.0)]


@pytest.mark.parametrize("habit", ["continues", "stops", "forgets", "answers little"])
async def test_pain_09_a_long_gap_comes_whole_and_in_bounded_portions(
    driver: OpcUaDriver, archive: Archive, habit: str
) -> None:
    archive.keep("A", 3 * VALUES_MAX + 1)
    archive.says_that_there_is_more = habit != "stops"
    archive.forgets_once = habit == "forgets"
    archive.answer_max = 7 if habit == "answers little" else 1000
    found = await remembered(driver, ["A"], 0, 9_999 * MINUTE_US)
    assert of(found, 7) == [(n, float(n)) for n in range(3 * VALUES_MAX + 1)]
    assert max(len(one) for one in found) <= VALUES_MAX


async def test_several_nodes_come_oldest_first_together(driver: OpcUaDriver, archive: Archive) -> None:
    archive.keep("A", 3 * VALUES_MAX)
    archive.keep("B", VALUES_MAX, every_us=2 * MINUTE_US)
    found = await remembered(driver, ["A", "B"], 0, 9_999 * MINUTE_US)
    times = [int(at) for one in found for at in one.observed_at]
    assert times == sorted(times)
    assert of(found, 7) == [(n, float(n)) for n in range(3 * VALUES_MAX)]
    assert of(found, 8) == [(2 * n, float(n)) for n in range(VALUES_MAX)]


async def test_a_node_without_history_is_left_out_and_a_server_without_says_so_once(
    driver: OpcUaDriver, archive: Archive
) -> None:
    archive.keep("A", 2)
    found = await remembered(driver, ["A", "B"], 0, 9 * MINUTE_US)
    assert {int(point) for one in found for point in one.point} == {7}

    with pytest.raises(DeviceRefusedError, match="BadHistoryOperationUnsupported"):
        await remembered(driver, ["B", "C"], 0, 9 * MINUTE_US)
    assert await remembered(driver, ["B", "C"], 0, 9 * MINUTE_US) == []


async def test_a_server_that_takes_few_nodes_at_once_is_asked_in_smaller_questions(
    driver: OpcUaDriver, archive: Archive
) -> None:
    for name in "ABC":
        archive.keep(name, 2)
    archive.nodes_max = 1
    found = await remembered(driver, ["A", "B", "C"], 0, 9 * MINUTE_US)
    assert [of(found, point) for point in (7, 8, 9)] == [[(0, 0.0), (1, 1.0)]] * 3
    assert archive.asked == [3, 1, 2, 1, 1]


async def test_nodes_for_which_no_continuation_point_is_left_follow_one_by_one(
    driver: OpcUaDriver, archive: Archive
) -> None:
    for name in "ABC":
        archive.keep(name, 2 * VALUES_MAX)
    archive.continuations_max = 1
    found = await remembered(driver, ["A", "B", "C"], 0, 9_999 * MINUTE_US)
    assert [of(found, point) for point in (7, 8, 9)] == [[(n, float(n)) for n in range(2 * VALUES_MAX)]] * 3


async def test_remembered_values_are_scaled_and_keep_their_status(driver: OpcUaDriver, archive: Archive) -> None:
    archive.kept["A"] = [
        data_value(ua.Variant(10.0), 0, BEGAN),
        data_value(ua.Variant(11.0), ua.StatusCodes.UncertainLastUsableValue, BEGAN + timedelta(minutes=1)),
        data_value(ua.Variant(None), ua.StatusCodes.BadSensorFailure, BEGAN + timedelta(minutes=2)),
    ]
    points = bound([opcua_point("A", scale=0.5, offset=1.0)])
    [found] = [one async for one in driver.history(points, BEGAN_US, BEGAN_US + 9 * MINUTE_US)]
    assert found.quality.tolist() == [Quality.GOOD, Quality.UNCERTAIN_STALE, Quality.BAD_DEVICE_FAULT]
    assert found.value.tolist()[:2] == [6.0, 6.5]
    assert math.isnan(found.value[2])
    assert found.partial, "a chance selection is no point set"


async def test_a_server_that_always_says_go_on_and_gives_nothing_ends(driver: OpcUaDriver, archive: Archive) -> None:
    archive.keep("A", 5)
    archive.answer_max = 0
    assert await remembered(driver, ["A"], 0, 9 * MINUTE_US) == []


async def test_a_closed_driver_is_unreachable(plant: Plant) -> None:
    closed = DRIVER().create(opcua_device(plant.url), SystemClock())
    with pytest.raises(DeviceUnreachableError, match="not connected"):
        await remembered(closed, ["A"], 0, MINUTE_US)

"""Gaps filled from the trend logs of simulated devices."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.support.bacnet_bound import bound, driven
from tests.support.simulated_bacnet import DEVICES, new_city, strike

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceRefusedError, DeviceUnreachableError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.capabilities import HistoryDriver
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.bacnet.driver import BacnetDriver
from cityhall_drivers.bacnet.refusals import TurnedDownError
from cityhall_simulators.faces.bacnet import BacnetFace
from cityhall_simulators.faces.bacnet_shared import Shared
from cityhall_simulators.faces.bacnet_trends import LOGGED_PER_DEVICE, _worth_logging
from cityhall_simulators.runtime import City

TAIPEI = ZoneInfo("Asia/Taipei")
UNLOGGED = "TCH.01.E.AHU01.SAT_SP"

city = pytest.fixture(new_city)


def began() -> datetime:
    return datetime.now(TAIPEI).replace(microsecond=0) - timedelta(hours=6)


def fill(face: BacnetFace, records: int, start: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a record a minute; record n has the value n (counted from zero)."""
    controller, shared = face._controller, face._shared
    assert controller is not None
    with monkeypatch.context() as patched:
        for number in range(records):
            moment = start + timedelta(minutes=number)
            patched.setattr(Shared, "now", lambda _, moment=moment: moment)
            shared.city.shown = shared.city.shown.copy()
            shared.city.shown[DEVICES["ahu01"].points[0].index :] = number
            controller.trends.refresh(number * 60.0)


def us(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


def logged(face: BacnetFace, count: int = LOGGED_PER_DEVICE) -> list[BoundPoint]:
    return [bound(point.name) for point in _worth_logging(face._shared)[:count]]


async def remembered(
    driver: BacnetDriver, points: list[BoundPoint], start: datetime, until: datetime
) -> list[Readings]:
    assert isinstance(driver, HistoryDriver)
    return [one async for one in driver.history(points, us(start), us(until))]


async def test_a_gap_is_filled_from_the_log_and_no_record_outside_of_it(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = began()
    async with driven(city, "ahu01") as (face, driver):
        fill(face, 60, start, monkeypatch)
        (point,) = logged(face, 1)
        portions = await remembered(driver, [point], start + timedelta(minutes=10), start + timedelta(minutes=20))
    (readings,) = portions
    assert readings.value.tolist() == list(range(10, 20))
    assert readings.observed_at.tolist() == [us(start + timedelta(minutes=minute)) for minute in range(10, 20)]
    assert set(readings.point.tolist()) == {point.point_id}
    assert not readings.quality.any()


async def test_a_long_gap_of_several_points_comes_in_bounded_portions_oldest_first(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = began()
    async with driven(city, "ahu01") as (face, driver):
        fill(face, 200, start, monkeypatch)
        points = logged(face)
        portions = await remembered(driver, points, start, start + timedelta(hours=6))
    assert len(points) > 1
    assert len(portions) > 2
    assert max(len(one) for one in portions) <= 55 * len(points), "as many records as one answer carries"
    times = np.concatenate([one.observed_at for one in portions])
    assert (np.diff(times) >= 0).all()
    for point in points:
        values = np.concatenate([one.value[one.point == point.point_id] for one in portions])
        assert values.tolist() == list(range(200))


async def test_points_that_nobody_logs_are_left_out(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    start = began()
    async with driven(city, "ahu01") as (face, driver):
        fill(face, 3, start, monkeypatch)
        portions = await remembered(driver, [bound(UNLOGGED)], start, start + timedelta(hours=6))
        both = await remembered(driver, [bound(UNLOGGED), *logged(face, 1)], start, start + timedelta(hours=6))
    assert portions == []
    assert both[0].value.tolist() == [0.0, 1.0, 2.0]


async def test_a_log_without_records_of_that_time_gives_nothing(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    start = began()
    async with driven(city, "ahu01") as (face, driver):
        fill(face, 3, start, monkeypatch)
        points = logged(face)
        before = await remembered(driver, points, start - timedelta(hours=2), start)
        after = await remembered(driver, points, start + timedelta(hours=1), start + timedelta(hours=2))
    assert before == after == []


async def test_a_device_whose_clock_jumped_gives_uncertain_records(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    start = began()
    async with driven(city, "ahu01") as (face, driver):
        fill(face, 3, start, monkeypatch)
        strike(city, "clock_jump", "ahu01")
        (readings,) = await remembered(driver, logged(face, 1), start, start + timedelta(hours=1))
    assert readings.quality.tolist() == [Quality.UNCERTAIN_CLOCK] * 3
    assert readings.observed_at[0] == us(start), "the log's own times are kept"


async def test_a_device_whose_object_list_fits_no_answer_is_asked_element_by_element(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = began()
    async with driven(city, "ahu01") as (face, driver):
        fill(face, 3, start, monkeypatch)
        refuse_the_whole_list(driver)
        (readings,) = await remembered(driver, logged(face, 1), start, start + timedelta(hours=1))
    assert readings.value.tolist() == [0.0, 1.0, 2.0]


def refuse_the_whole_list(driver: BacnetDriver) -> None:
    """As a device does that cannot segment: Abort, segmentation-not-supported."""
    original = driver._peer.request

    async def request(question: Any) -> Any:
        if getattr(question, "propertyIdentifier", None) == 76 and question.propertyArrayIndex is None:
            raise TurnedDownError(4, is_abort=True)
        return await original(question)

    driver._peer.request = request  # type: ignore[method-assign]


async def test_logs_are_looked_for_once(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    start = began()
    async with driven(city, "ahu01") as (face, driver):
        fill(face, 3, start, monkeypatch)
        asked = count_questions(driver)
        await remembered(driver, logged(face, 1), start, start + timedelta(hours=1))
        first = len(asked)
        await remembered(driver, logged(face, 1), start, start + timedelta(hours=1))
    assert len(asked) - first < first


def count_questions(driver: BacnetDriver) -> list[Any]:
    asked: list[Any] = []
    original = driver._peer.request

    async def request(question: Any) -> Any:
        asked.append(question)
        return await original(question)

    driver._peer.request = request  # type: ignore[method-assign]
    return asked


async def test_a_device_that_refuses_or_falls_silent_says_so(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    start = began()
    async with driven(city, "ahu01", timeout_s=0.3) as (face, driver):
        fill(face, 3, start, monkeypatch)
        points = logged(face, 1)
        strike(city, "device_refuses", "ahu01")
        with pytest.raises(DeviceRefusedError, match="operational-problem"):
            await remembered(driver, points, start, start + timedelta(hours=1))
        strike(city, "device_silent", "ahu01")
        with pytest.raises(DeviceUnreachableError):
            await remembered(driver, points, start, start + timedelta(hours=1))

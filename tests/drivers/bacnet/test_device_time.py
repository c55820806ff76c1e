"""Times of devices and what is UTC, with expectations from the calendar and from clause 12.11."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_drivers.bacnet.device_time import DeviceClock, clock_of, date_and_time, local_us

HOUR_US = 3_600_000_000
NOON_UTC = int(datetime(2026, 7, 1, 12, tzinfo=UTC).timestamp()) * 1_000_000


def test_a_date_and_time_are_local_microseconds() -> None:
    # 1 July 2026 was a Wednesday: years count from 1900, Monday is 1 (clause 20.2.12).
    assert local_us(bytes([126, 7, 1, 3]), bytes([12, 0, 0, 0])) == NOON_UTC
    assert local_us(bytes([126, 7, 1, 255]), bytes([12, 0, 0, 25])) == NOON_UTC + 250_000


@pytest.mark.parametrize(("date", "time"), [
    ([255, 7, 1, 3], [12, 0, 0, 0]),
    ([126, 255, 1, 3], [12, 0, 0, 0]),
    ([126, 7, 255, 3], [12, 0, 0, 0]),
    ([126, 7, 1, 3], [12, 0, 0, 255]),
    ([126, 2, 30, 3], [12, 0, 0, 0]),
    ([126, 13, 1, 3], [12, 0, 0, 0]),
    ([126, 7, 32, 3], [12, 0, 0, 0]),
    ([126, 7, 1, 3], [24, 0, 0, 0]),
    ([126, 7, 1, 3], [12, 60, 0, 0]),
    ([126, 7, 1, 3], [12, 0, 60, 0]),
    ([126, 7, 1], [12, 0, 0, 0]),
])  # fmt: skip
def test_what_is_unspecified_or_impossible_is_no_time(date: list[int], time: list[int]) -> None:
    assert local_us(bytes(date), bytes(time)) is None


@given(st.datetimes(datetime(1900, 1, 1), datetime(2154, 12, 31)))  # noqa: DTZ001 - local times of devices
def test_a_time_written_is_read_back_to_the_hundredth(moment: datetime) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 10_000 * 10_000, tzinfo=UTC)
    us = round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
    date, time = date_and_time(us)
    assert local_us(date, time) == us
    assert date[3] == moment.isoweekday()


@pytest.mark.parametrize(("offset_min", "saving", "zone_h"), [
    (-480, False, 8),  # Taipei: east of Greenwich is negative
    (300, False, -5),  # New York in winter
    (300, True, -4),  # and in summer
    (0, False, 0),
])  # fmt: skip
def test_an_offset_from_utc_counts_to_the_west(offset_min: int, saving: bool, zone_h: int) -> None:
    clock = clock_of(NOON_UTC, None, offset_min, is_daylight_saving=saving)
    there = datetime(2026, 7, 1, 12, tzinfo=UTC).astimezone(timezone(timedelta(hours=zone_h)))
    assert clock == DeviceClock(zone_h * HOUR_US)
    assert clock.local(NOON_UTC) == NOON_UTC + round(there.utcoffset() / timedelta(microseconds=1))  # type: ignore[operator]
    assert clock.utc(clock.local(NOON_UTC)) == NOON_UTC


def test_without_an_offset_the_device_is_compared_with_us_to_the_quarter_of_an_hour() -> None:
    kathmandu = 5 * HOUR_US + HOUR_US * 3 // 4
    assert clock_of(NOON_UTC, NOON_UTC + kathmandu + 3_000_000, None, is_daylight_saving=False) == DeviceClock(
        kathmandu
    )


def test_a_clock_that_goes_wrong_is_found_and_never_corrected() -> None:
    late = clock_of(NOON_UTC, NOON_UTC + 8 * HOUR_US - 6_000_000, -480, is_daylight_saving=False)
    assert late == DeviceClock(8 * HOUR_US, is_right=False)


def test_a_device_that_tells_no_time_at_all_has_no_clock() -> None:
    assert clock_of(NOON_UTC, None, None, is_daylight_saving=False) is None

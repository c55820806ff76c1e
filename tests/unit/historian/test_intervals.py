"""Where intervals begin, also on the days that have 23 or 25 hours."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.historian.intervals import interval_edges, source_level
from cityhall_bms.ports.history import Window

HOUR = 3_600_000_000
BERLIN, TAIPEI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Taipei")


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1e6)


@pytest.mark.parametrize(
    ("day", "after", "hours"),
    [
        ("2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00", 23),
        ("2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00", 25),
        ("2026-07-01T00:00+02:00", "2026-07-02T00:00+02:00", 24),
    ],
)
def test_pain_27_a_local_day_has_the_hours_it_has(day: str, after: str, hours: int) -> None:
    window = Window(us(day) + HOUR, us(after) - 1)
    assert interval_edges(window, "1d", BERLIN).tolist() == [us(day), us(after)]
    assert len(interval_edges(Window(us(day), us(after)), "1h", BERLIN)) == hours + 1


def test_hours_are_counted_from_midnight_and_the_last_of_them_end_with_the_day() -> None:
    spring = Window(us("2026-03-29T00:00+01:00"), us("2026-03-30T00:00+02:00"))
    hours = np.diff(interval_edges(spring, "6h", BERLIN)) / HOUR
    assert hours.tolist() == [6.0, 6.0, 6.0, 5.0]
    autumn = Window(us("2026-10-25T00:00+02:00"), us("2026-10-26T00:00+01:00"))
    assert (np.diff(interval_edges(autumn, "12h", BERLIN)) / HOUR).tolist() == [12.0, 12.0, 1.0]
    half = Window(us("2026-04-05T00:00+11:00"), us("2026-04-06T00:00+10:30"))
    assert (np.diff(interval_edges(half, "12h", ZoneInfo("Australia/Lord_Howe"))) / HOUR).tolist() == [12.0, 12.0, 0.5]


def test_pain_27_a_skipped_midnight_begins_the_day_when_the_clock_jumps() -> None:
    beirut = ZoneInfo("Asia/Beirut")
    window = Window(us("2026-03-29T05:00+03:00"), us("2026-03-29T06:00+03:00"))
    assert interval_edges(window, "1d", beirut)[0] == us("2026-03-29T01:00+03:00")


def test_months_are_those_of_the_calendar() -> None:
    window = Window(us("2026-01-31T12:00+08:00"), us("2026-03-01T00:00+08:00"))
    days = ("2026-01-01", "2026-02-01", "2026-03-01")
    assert interval_edges(window, "1mo", TAIPEI).tolist() == [us(f"{day}T00:00+08:00") for day in days]


def test_an_interval_that_the_window_touches_is_given_whole() -> None:
    window = Window(us("2026-07-01T10:07+08:00"), us("2026-07-01T10:46+08:00"))
    minutes = ("10:00", "10:15", "10:30", "10:45", "11:00")
    assert interval_edges(window, "15m", TAIPEI).tolist() == [us(f"2026-07-01T{m}+08:00") for m in minutes]


@given(
    st.integers(us("1975-01-01T00:00+00:00"), us("2090-01-01T00:00+00:00")),
    st.integers(1, 40 * 24 * HOUR),
    st.sampled_from(["1m", "15m", "30m", "1h", "1d", "1mo"]),
    st.sampled_from(["Asia/Taipei", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Havana"]),
)
def test_intervals_cover_the_window_once_and_days_are_made_of_them(
    start: int, length: int, interval: str, name: str
) -> None:
    zone = ZoneInfo(name)
    window = Window(start, start + length)
    edges = interval_edges(window, interval, zone)
    assert edges[0] <= window.start < edges[1]
    assert edges[-2] < window.end <= edges[-1]
    assert (np.diff(edges) > 0).all()
    days = interval_edges(window, "1d", zone)
    if interval != "1mo":
        inside = days[(days >= edges[0]) & (days <= edges[-1])]
        assert np.isin(inside, edges).all()
    for edge in edges[:: max(1, len(edges) // 50)].tolist():
        local = datetime.fromtimestamp(edge / 1e6, UTC).astimezone(zone)
        assert (local.second, local.microsecond) == (0, 0)
        if interval == "1mo":
            assert local.day == 1


def test_rollups_serve_the_intervals_that_they_fill() -> None:
    def level(interval: str, name: str, *, daily: bool = False) -> str | None:
        window = Window(us("2026-03-27T00:00+00:00"), us("2026-04-01T00:00+00:00"))
        edges = interval_edges(window, interval, ZoneInfo(name))
        return source_level(edges, interval_edges(window, "1d", ZoneInfo(name)) if daily else None)

    assert level("15s", "Asia/Taipei") is None
    assert level("5m", "Asia/Taipei") == "1m"
    assert level("30m", "Asia/Taipei") == "15m"
    assert level("1h", "Asia/Taipei") == "1h"
    assert level("1h", "Asia/Kathmandu") == "15m"
    assert level("1d", "Asia/Kathmandu") == "15m"
    assert level("1d", "Asia/Taipei") == "1h"
    assert level("1d", "Asia/Taipei", daily=True) == "1d"


@pytest.mark.parametrize("interval", ["", "7m", "5h", "48h", "0m", "1w", "-1m", "15", "1.5h"])
def test_a_length_that_divides_neither_the_hour_nor_the_day_is_refused(interval: str) -> None:
    with pytest.raises(RefusedError):
        interval_edges(Window(0, HOUR), interval, TAIPEI)


def test_too_many_intervals_are_refused_before_they_are_made() -> None:
    with pytest.raises(RefusedError):
        interval_edges(Window(0, 10**15), "1s", TAIPEI)

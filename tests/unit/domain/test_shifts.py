"""Shifts end by the clock on the wall."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.shifts import Shifts, minutes_of

TAIPEI = ZoneInfo("Asia/Taipei")


def us(text: str, zone: ZoneInfo = TAIPEI) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1e6)


@pytest.mark.parametrize(
    ("at", "end"),
    [
        ("2026-07-01T06:59:59", "2026-07-01T07:00:00"),
        ("2026-07-01T07:00:00", "2026-07-01T15:00:00"),
        ("2026-07-01T22:59:00", "2026-07-01T23:00:00"),
        ("2026-07-01T23:00:00", "2026-07-02T07:00:00"),
        ("2026-12-31T23:30:00", "2027-01-01T07:00:00"),
    ],
)
def test_a_shift_ends_at_the_next_change(at: str, end: str) -> None:
    assert Shifts([420, 900, 1_380], TAIPEI).end_after(us(at)) == us(end)


def test_one_change_a_day_is_a_shift_of_a_day() -> None:
    assert Shifts([0], TAIPEI).end_after(us("2026-07-01T00:00:00")) == us("2026-07-02T00:00:00")


def test_a_night_shift_is_an_hour_longer_when_clocks_are_set_back() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    begin, shifts = us("2026-10-24T23:00:00", berlin), Shifts([420, 1_380], berlin)
    assert shifts.end_after(begin) - begin == 9 * 3_600_000_000


@given(st.integers(0, 4_000_000_000_000_000), st.sets(st.integers(0, 1_439), min_size=1, max_size=6))
def test_a_shift_ends_ahead_within_a_day(at: int, changes: set[int]) -> None:
    end = Shifts(sorted(changes), TAIPEI).end_after(at)
    assert at < end <= at + 25 * 3_600_000_000


@pytest.mark.parametrize(("text", "minutes"), [("00:00", 0), ("07:30", 450), ("23:59", 1_439)])
def test_a_time_of_the_day_is_read(text: str, minutes: int) -> None:
    assert minutes_of(text) == minutes


@pytest.mark.parametrize("text", ["7:30", "24:00", "07:60", "0730", "", "07:30:00", "-1:30"])
def test_anything_else_is_no_time_of_the_day(text: str) -> None:
    with pytest.raises(ValueError, match="write it as 07:30"):
        minutes_of(text)

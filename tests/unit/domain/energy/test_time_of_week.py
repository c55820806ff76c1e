"""Hourly baselines: time of the week and temperature."""

from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityhall_bms.domain.calendars import Calendar, DayKind, SpecialDay
from cityhall_bms.domain.energy.conditions import Conditions
from cityhall_bms.domain.energy.time_of_week import TimeOfWeekModel, fit_time_of_week

TAIPEI = ZoneInfo("Asia/Taipei")
HOUR_US = 3_600_000_000
HOURS = np.arange(8_760)
OUTSIDE = 22.0 + 7.0 * np.sin((HOURS / 24 - 110) * 2 * np.pi / 365) + 4.0 * np.sin((HOURS % 24 - 8) * np.pi / 12)
MONDAY_US = int(datetime(2014, 1, 6, tzinfo=TAIPEI).timestamp()) * 1_000_000


def year(temperature: np.ndarray = OUTSIDE) -> Conditions:
    slot = HOURS % 168
    return Conditions(temperature, slot // 24 < 5, slot)


def offices(conditions: Conditions, by_day: float, by_night: float) -> np.ndarray:
    """A building that is used from 8 to 18 on workdays, and cooled above 18 °C with slopes of its own for either time."""
    hour = conditions.slot % 24
    busy = conditions.workday & (hour >= 8) & (hour < 18)
    warm = np.maximum(conditions.temperature - 18.0, 0.0)
    return np.where(busy, 3_000.0 + by_day * warm, 1_000.0 + 10.0 * hour + by_night * warm)


@settings(max_examples=8)
@given(by_day=st.floats(10.0, 120.0), by_night=st.floats(0.0, 8.0))
def test_levels_and_slopes_of_either_time_come_back(by_day: float, by_night: float) -> None:
    used = offices(year(), by_day, by_night)
    found = fit_time_of_week(used, year())

    assert sum(found.occupied) == 50
    assert found.predict(year()) == pytest.approx(used, rel=1e-6)


def test_it_tells_the_same_as_least_squares_with_a_column_for_each_hour_of_the_week() -> None:
    used = offices(year(), 60.0, 4.0) + np.random.default_rng(5).normal(0.0, 50.0, len(HOURS))
    found = fit_time_of_week(used, year())
    busy = np.array(found.occupied)[year().slot]
    columns = [(year().slot == slot).astype(float) for slot in range(168)]
    for chosen, edges in ((busy, found.edges_occupied), (~busy, found.edges_empty)):
        bounds = [-np.inf, *edges, np.inf]
        for low, high in pairwise(bounds):
            start = 0.0 if np.isinf(low) else low
            columns.append(np.where(chosen, np.clip(OUTSIDE, low, high) - start, 0.0))
    design = np.stack(columns, axis=1)
    told = design @ np.linalg.lstsq(design, used, rcond=None)[0]

    assert found.predict(year()) == pytest.approx(told, rel=1e-6)


def test_a_scarce_piece_of_temperature_is_joined_with_its_neighbour() -> None:
    hot = np.minimum(OUTSIDE, 31.9)
    hot[4_000:4_019] = 33.0  # 19 hours above 32 °C
    found = fit_time_of_week(offices(year(hot), 60.0, 4.0), year(hot))
    assert 32.0 not in found.edges_occupied + found.edges_empty


def test_of_an_hour_of_the_week_never_seen_nothing_is_told() -> None:
    awake = year().slot != 100
    found = fit_time_of_week(offices(year(), 60.0, 4.0)[awake], year().at(awake))
    assert set(np.flatnonzero(np.isnan(found.predict(year()))) % 168) == {100}


def test_what_is_recorded_is_the_same_model() -> None:
    found = fit_time_of_week(offices(year(), 60.0, 4.0), year())
    again = TimeOfWeekModel.of(found.coefficients())
    assert again == found
    assert again.parameters == 168 + len(found.slopes_occupied) + len(found.slopes_empty)


def test_less_than_two_weeks_are_refused() -> None:
    few = HOURS < 335
    with pytest.raises(ValueError, match="too few"):
        fit_time_of_week(np.ones(335), year().at(few))


def test_a_holiday_is_like_a_sunday_and_a_make_up_saturday_like_a_monday() -> None:
    calendar = Calendar(
        "office",
        days={date(2014, 1, 8): SpecialDay(DayKind.HOLIDAY), date(2014, 1, 11): SpecialDay(DayKind.WORKDAY)},
    )
    at = MONDAY_US + 24 * HOUR_US * np.arange(7) + 9 * HOUR_US
    found = Conditions.of(at, np.full(7, 20.0), TAIPEI, calendar)

    assert found.workday.tolist() == [True, True, False, True, True, True, False]
    assert found.slot.tolist() == [day * 24 + 9 for day in (0, 1, 6, 3, 4, 0, 6)]

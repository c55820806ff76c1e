"""Savings: baseline for the weather that was, less use, with what changed besides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.domain.energy.test_baselines import DAY_US, year_of_days

from cityhall_bms.domain.energy.baselines import ModelKind, Observed, fit_baseline
from cityhall_bms.domain.energy.conditions import Conditions
from cityhall_bms.domain.energy.fit_statistics import Limits
from cityhall_bms.domain.energy.savings import Extra, Savings, Yardstick, extra_use, savings

DAYS = np.arange(365)
NONE = np.zeros(365)


def yardstick() -> Yardstick:
    fit = fit_baseline(ModelKind.COOLING, year_of_days(), Limits())
    return Yardstick(fit.kind, fit.model, fit.statistics, fit.coldest, fit.warmest)


def after(factor: float, plus: float = 0.0) -> Observed:
    year = year_of_days()
    return Observed(year.at, year.used * factor + plus, year.conditions, year.month)


def total(found: Savings) -> float:
    return found.total(found.saved)


def test_a_tenth_less_is_a_tenth_of_the_baseline_saved() -> None:
    found = savings(yardstick(), after(0.9), NONE)

    assert total(found) == pytest.approx(0.1 * found.total(found.baseline), rel=1e-6)
    assert found.coverage == 1.0
    assert found.proven(Limits())


def test_nothing_done_is_nothing_proven() -> None:
    found = savings(yardstick(), after(1.0), NONE)
    assert abs(total(found)) < found.uncertainty
    assert not found.proven(Limits())


def test_chargers_that_came_besides_hide_no_saving() -> None:
    """18 chargers use 400 kWh a day more since day 100, and the plant a tenth less."""
    chargers = Extra(begin=100 * DAY_US, until=None, kwh_per_day=400.0)
    plus = np.where(DAYS >= 100, 400.0, 0.0)
    year = after(0.9)
    extra = extra_use([chargers], year.at, 365 * DAY_US, year.conditions)
    found = savings(yardstick(), Observed(year.at, year.used + plus, year.conditions, year.month), extra)

    assert found.total(found.extra) == pytest.approx(400.0 * 265)
    assert total(found) == pytest.approx(total(savings(yardstick(), after(0.9), NONE)))


def test_an_adjustment_counts_for_its_part_of_a_day_and_on_workdays_only_where_it_says_so() -> None:
    conditions = Conditions(np.full(7, 20.0), np.arange(7) < 5, np.zeros(7, np.int64))
    at = np.arange(7) * DAY_US
    works = Extra(begin=DAY_US // 2, until=6 * DAY_US, kwh_per_day=100.0, workdays_only=True)
    assert extra_use([works], at, 7 * DAY_US, conditions).tolist() == [50, 100, 100, 100, 100, 0, 0]
    less = Extra(begin=0, until=3 * DAY_US, kwh_per_day=-30.0)
    assert extra_use([works, less], at, 7 * DAY_US, conditions).tolist() == [20, 70, 70, 100, 100, 0, 0]


def test_days_that_nobody_measured_are_in_no_total() -> None:
    year = after(0.9)
    year.used[:30] = np.nan
    found = savings(yardstick(), year, NONE)

    assert found.coverage == pytest.approx(335 / 365)
    assert np.isnan(found.saved[:30]).all()
    assert total(found) == pytest.approx(0.1 * found.total(found.baseline), rel=0.01)


def test_weather_that_the_baseline_never_saw_is_counted() -> None:
    year = after(0.9)
    year.conditions.temperature[:3] = 36.0
    assert savings(yardstick(), year, NONE).beyond == 3


def test_where_nothing_is_known_nothing_is_zero() -> None:
    year = after(0.9)
    year.used[:] = np.nan
    found = savings(yardstick(), year, NONE)
    assert np.isnan(total(found))
    assert np.isnan(found.uncertainty)
    assert found.coverage == 0.0
    assert not found.proven(Limits())


@given(st.integers(1, 364))
def test_the_parts_of_a_period_add_up(cut: int) -> None:
    year, measure = after(0.9), yardstick()
    parts = []
    for rows in (slice(0, cut), slice(cut, 365)):
        chosen = np.zeros(365, np.bool_)
        chosen[rows] = True
        part = Observed(year.at[rows], year.used[rows], year.conditions.at(chosen), year.month[rows])
        parts.append(total(savings(measure, part, NONE[rows])))
    assert sum(parts) == pytest.approx(total(savings(measure, year, NONE)))

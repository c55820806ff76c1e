"""How a year goes toward its targets, and what it will come to."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.comparison import Figure
from cityhall_bms.domain.energy.forecast import Basis, Forecast, foresee, seasonal_share
from cityhall_bms.domain.energy.periods import parse_period, share_of_year
from cityhall_bms.domain.energy.saving_targets import EnergyTarget, Outlook, Progress, TargetKind
from cityhall_bms.domain.energy.shown import half_up

H1 = parse_period("104H1")
NONE = Forecast(Basis.NO_MONTH, 0)
NAN = np.nan


def target(kind: TargetKind, amount: float) -> EnergyTarget:
    return EnergyTarget("T", 2015, Commodity.RAINWATER, kind, amount)


def year(*first: float) -> np.ndarray:
    return np.array([*first, *[NAN] * (12 - len(first))])


def test_rainwater_112_of_150_by_the_end_of_june() -> None:
    goal = target(TargetKind.AT_LEAST, 150.0)
    share = share_of_year(H1.until, 2015)
    progress = Progress(goal, goal.limit(None), Figure(H1, 112.0, 1.0), share, None, NONE)
    assert progress.progress_percent is not None
    assert progress.linear_pace_percent is not None
    assert half_up(progress.progress_percent) == Decimal("74.67")
    assert half_up(progress.linear_pace_percent) == Decimal("149.33")
    assert (progress.seasonal_pace_percent, progress.outlook) == (None, Outlook.UNKNOWN)


@pytest.mark.parametrize(
    ("kind", "amount", "reference", "limit"),
    [
        (TargetKind.SAVING_ON_YEAR_BEFORE, 1.0, 20_000_000.0, 19_800_000.0),
        (TargetKind.SAVING_ON_BASE_YEAR, 25.0, 28_000_000.0, 21_000_000.0),
        (TargetKind.SAVING_ON_BASE_YEAR, 25.0, None, None),
        (TargetKind.AT_MOST, 21_000_000.0, None, 21_000_000.0),
    ],
)
def test_the_limit_of_a_target(kind: TargetKind, amount: float, reference: float | None, limit: float | None) -> None:
    figure = Figure(parse_period("103"), reference, 1.0)
    assert target(kind, amount).limit(figure) == limit


def test_a_relative_target_without_its_reference_year_has_no_limit_and_no_progress() -> None:
    goal = target(TargetKind.SAVING_ON_BASE_YEAR, 1.0)
    progress = Progress(goal, goal.limit(None), Figure(H1, 5.0, 1.0), 0.5, 0.4, NONE)
    told = (progress.progress_percent, progress.linear_pace_percent, progress.seasonal_pace_percent, progress.outlook)
    assert told == (None, None, None, Outlook.UNKNOWN)


def test_the_forecast_scales_the_shape_of_the_years_before() -> None:
    # Ratios of the rest to the first half: 1.0, 1.2, 1.1; mean 1.1, s = 0.1, t(2) = 2.920, √(1 + 1/3) = 1.1547.
    past = np.array([[1.0] * 12, [1.0] * 6 + [1.2] * 6, [2.0] * 6 + [2.2] * 6])
    found = foresee(year(*[10.0] * 6), past)
    assert (found.basis, found.months, found.years) == (Basis.SHAPE, 6, 3)
    assert found.expected == pytest.approx(60 * 2.1)
    assert found.low == pytest.approx(60 * (2.1 - 2.920 * 0.1 * 1.1547005), abs=1e-4)
    assert found.high == pytest.approx(60 * (2.1 + 2.920 * 0.1 * 1.1547005), abs=1e-4)


def test_with_one_year_nobody_can_say_how_sure_it_is() -> None:
    found = foresee(year(10.0, 10.0), np.array([[1.0] * 12]))
    assert (found.basis, found.expected, found.low, found.high) == (Basis.ONE_YEAR, 120.0, None, None)


@pytest.mark.parametrize(
    ("months", "past", "basis"),
    [
        (year(), np.ones((3, 12)), Basis.NO_MONTH),
        (np.array([NAN] + [1.0] * 11), np.ones((3, 12)), Basis.NO_MONTH),
        (year(1.0), np.zeros((0, 12)), Basis.NO_HISTORY),
        (year(1.0), np.array([[1.0] * 11 + [NAN]]), Basis.NO_HISTORY),
        (year(1.0), np.array([[0.0] + [1.0] * 11]), Basis.NO_HISTORY),
    ],
)
def test_nothing_is_foreseen_from_nothing(months: np.ndarray, past: np.ndarray, basis: Basis) -> None:
    found = foresee(months, past)
    assert (found.basis, found.expected) == (basis, None)


def test_a_year_that_is_over_is_what_it_was() -> None:
    found = foresee(np.ones(12), np.zeros((0, 12)))
    assert (found.basis, found.expected, found.low, found.high) == (Basis.COMPLETE, 12.0, 12.0, 12.0)


def test_the_months_after_one_that_is_not_known_do_not_count() -> None:
    found = foresee(np.array([1.0, 1.0, NAN, 50.0, *[NAN] * 8]), np.ones((2, 12)))
    assert (found.months, found.expected) == (2, 12.0)


@given(
    st.lists(st.floats(0.1, 1e6), min_size=1, max_size=11),
    st.lists(st.lists(st.floats(0.1, 1e6), min_size=12, max_size=12), min_size=2, max_size=8),
)
def test_a_forecast_lies_in_its_interval_and_never_below_what_was_used(
    months: list[float], past: list[list[float]]
) -> None:
    found = foresee(year(*months), np.array(past))
    assert found.expected is not None
    assert found.low is not None
    assert found.high is not None
    assert sum(months) * (1 - 1e-9) <= found.low <= found.expected * (1 + 1e-9)
    assert found.expected <= found.high


def test_the_share_of_a_season_is_the_mean_of_the_years_before() -> None:
    assert seasonal_share(np.array([[1.0] * 12, [3.0] * 6 + [1.0] * 6, [NAN] * 12]), 6) == pytest.approx(0.625)
    assert seasonal_share(np.ones((1, 12)), 5.5) == pytest.approx(5.5 / 12)
    assert seasonal_share(np.full((1, 12), NAN), 6) is None


@pytest.mark.parametrize(
    ("kind", "interval", "outlook"),
    [
        (TargetKind.AT_MOST, (80, 90, 100), Outlook.MET),
        (TargetKind.AT_MOST, (80, 95, 110), Outlook.LIKELY),
        (TargetKind.AT_MOST, (90, 105, 120), Outlook.UNLIKELY),
        (TargetKind.AT_MOST, (101, 105, 120), Outlook.MISSED),
        (TargetKind.AT_LEAST, (100, 105, 120), Outlook.MET),
        (TargetKind.AT_LEAST, (90, 105, 120), Outlook.LIKELY),
        (TargetKind.AT_LEAST, (80, 95, 110), Outlook.UNLIKELY),
        (TargetKind.AT_LEAST, (80, 90, 99), Outlook.MISSED),
    ],
)
def test_the_outlook_is_of_the_whole_interval(
    kind: TargetKind, interval: tuple[float, float, float], outlook: Outlook
) -> None:
    low, expected, high = interval
    seen = Forecast(Basis.SHAPE, 6, 3, expected, low, high)
    assert Progress(target(kind, 100.0), 100.0, None, 0.5, None, seen).outlook is outlook

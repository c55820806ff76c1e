"""When a baseline is accepted, and every reason why it is not."""

import numpy as np
import pytest

from cityhall_bms.domain.energy.baselines import (
    ModelKind,
    Observed,
    Refusal,
    beyond,
    fit_baseline,
    measured,
    model_of,
    recorded,
    statistics_of,
)
from cityhall_bms.domain.energy.change_points import ChangePointModel
from cityhall_bms.domain.energy.conditions import Conditions
from cityhall_bms.domain.energy.fit_statistics import Limits

DAY_US = 86_400_000_000
TRUTH = ChangePointModel(20_000.0, 8_000.0, 21.0, 900.0, 900.0)


def year_of_days(error: float = 300.0, count: int = 365) -> Observed:
    number = np.arange(count)
    outside = 22.0 + 7.0 * np.sin((number - 110) * 2 * np.pi / 365) + 2.0 * np.sin(number * 1.7)
    conditions = Conditions(outside, number % 7 < 5, np.zeros(count, np.int64))
    used = TRUTH.predict(conditions) + np.random.default_rng(11).normal(0.0, error, count)
    return Observed(number * DAY_US, used, conditions, number // 31)


def year_of_hours() -> Observed:
    number = np.arange(8_760)
    outside = 22.0 + 7.0 * np.sin((number / 24 - 110) * 2 * np.pi / 365) + 3.0 * np.sin(number % 24 * np.pi / 12)
    conditions = Conditions(outside, number % 168 < 120, number % 168)
    used = 1_000.0 + 5.0 * (number % 168) + 30.0 * np.maximum(outside - 20.0, 0.0)
    return Observed(number * DAY_US // 24, used, conditions, number // 730)


def test_a_year_that_fits_is_accepted() -> None:
    fit = fit_baseline(ModelKind.COOLING, year_of_days(), Limits())

    assert fit.refused == ()
    assert fit.statistics.cvrmse == pytest.approx(1.0, abs=0.3)
    assert fit.months is not None
    assert fit.months.n == 12
    assert fit.months.cvrmse < fit.statistics.cvrmse
    assert (fit.intervals, fit.missing) == (365, 0)
    assert (fit.coldest, fit.warmest) == (pytest.approx(13.1, abs=0.3), pytest.approx(31.0, abs=0.3))


@pytest.mark.parametrize(("missing", "refused"), [(37, ()), (38, (Refusal.MISSING_DAYS,))])
def test_37_days_may_be_missing(missing: int, refused: tuple[Refusal, ...]) -> None:
    year = year_of_days()
    year.used[: 5 * missing : 5] = np.nan
    fit = fit_baseline(ModelKind.COOLING, year, Limits())
    assert (fit.missing, fit.refused) == (missing, refused)


def test_a_day_without_weather_is_missing_too() -> None:
    year = year_of_days()
    year.conditions.temperature[:40] = np.nan
    assert fit_baseline(ModelKind.COOLING, year, Limits()).refused == (Refusal.MISSING_DAYS,)


def test_364_days_are_no_year() -> None:
    assert fit_baseline(ModelKind.COOLING, year_of_days(count=364), Limits()).refused == (Refusal.TOO_SHORT,)


def test_a_model_that_does_not_follow_the_days_is_refused_with_its_reason() -> None:
    refused = fit_baseline(ModelKind.COOLING, year_of_days(error=11_000.0), Limits()).refused
    assert Refusal.CVRMSE in refused


def test_days_may_differ_where_their_months_must_not() -> None:
    """A third more in one month in two: as days within 30 %, as months beyond 15 %."""
    year = year_of_days()
    year.used[:] *= np.where(year.month % 2 == 0, 1.25, 0.75)
    assert fit_baseline(ModelKind.COOLING, year, Limits()).refused == (Refusal.CVRMSE_MONTH,)


def test_limits_are_configuration() -> None:
    year = year_of_days(error=1_500.0)
    assert fit_baseline(ModelKind.COOLING, year, Limits()).refused == ()
    assert fit_baseline(ModelKind.COOLING, year, Limits(cvrmse_hour=3.0)).refused == (Refusal.CVRMSE,)


def test_outliers_are_shown_and_stay() -> None:
    year = year_of_days()
    year.used[100] = 200_000.0
    fit = fit_baseline(ModelKind.COOLING, year, Limits())
    assert fit.outliers == (100 * DAY_US,)
    assert fit.missing == 0


@pytest.mark.parametrize(("lost", "refused"), [(72, ()), (73, (Refusal.HOURS_OF_MONTH,))])
def test_hours_need_more_than_90_percent_of_every_month(lost: int, refused: tuple[Refusal, ...]) -> None:
    year = year_of_hours()
    year.used[730 * 4 : 730 * 4 + lost] = np.nan
    fit = fit_baseline(ModelKind.TIME_OF_WEEK, year, Limits())
    assert fit.refused == refused
    assert fit.months is None


def test_what_is_recorded_measures_the_same() -> None:
    year = year_of_days()
    fit = fit_baseline(ModelKind.COOLING, year, Limits())
    again = model_of(fit.kind, fit.model.coefficients())
    assert again.predict(year.conditions) == pytest.approx(fit.model.predict(year.conditions), abs=0.0)
    assert statistics_of(recorded(fit.statistics)) == fit.statistics
    assert recorded(None) == {}


def test_zero_is_missing_for_a_building_and_a_rest_for_a_plant() -> None:
    used, coverage = np.array([5.0, 0.0, 7.0, 8.0]), np.array([1.0, 1.0, 0.94, 0.95])
    assert measured(used, coverage, Limits(), zero_is_missing=True) == pytest.approx(
        [5, np.nan, np.nan, 8], nan_ok=True
    )
    assert measured(used, coverage, Limits(), zero_is_missing=False) == pytest.approx([5, 0, np.nan, 8], nan_ok=True)


def test_a_tenth_beyond_the_known_temperatures_is_a_guess() -> None:
    assert beyond(np.array([7.9, 8.1, 31.9, 32.1, np.nan]), 10.0, 30.0).tolist() == [True, False, False, True, False]

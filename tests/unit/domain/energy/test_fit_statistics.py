"""How well a model fits, and how sure a saving is: the formulas of Guideline 14, with numbers worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cityhall_bms.domain.energy.fit_statistics import (
    Grain,
    Limits,
    exceeded,
    fit_statistics,
    saving_uncertainty,
    student_t,
)

MEASURED = np.array([100.0, 110.0, 90.0, 120.0, 80.0])
TOLD = np.array([98.0, 112.0, 93.0, 116.0, 80.0])
"""Errors 2, -2, -3, 4, 0: squares 33, sum 1; mean 100, squares about it 1000."""


def test_cvrmse_and_nmbe_are_by_n_less_p() -> None:
    found = fit_statistics(MEASURED, TOLD, 2)

    assert found.cvrmse == pytest.approx(100.0 * (33.0 / 3.0) ** 0.5 / 100.0)
    assert found.nmbe == pytest.approx(100.0 * 1.0 / (3.0 * 100.0))
    assert found.r2 == pytest.approx(1.0 - 33.0 / 1000.0)
    assert found.r2_adjusted == pytest.approx(1.0 - 33.0 / 1000.0 * 4.0 / 3.0)


def test_errors_that_follow_each_other_are_worth_fewer() -> None:
    wave = np.sin(np.arange(200) / 10.0)
    alike = fit_statistics(100.0 + wave, np.full(200, 100.0), 1)
    turning = fit_statistics(100.0 + np.tile([1.0, -1.0], 100), np.full(200, 100.0), 1)

    assert alike.autocorrelation > 0.99
    assert alike.independent < 2.0
    assert turning.autocorrelation == pytest.approx(-1.0)
    assert turning.independent == 200.0  # errors that take turns prove no more than they are


@pytest.mark.parametrize(
    ("freedom", "t"), [(5, 1.1037), (10, 1.0464), (20, 1.0198), (60, 1.0028), (361, 0.9958)]
)  # SciPy 1.17, t.ppf(0.84, freedom)
def test_students_t_at_68_percent(freedom: float, t: float) -> None:
    assert student_t(0.68, freedom) == pytest.approx(t, rel=2e-3)


def test_the_uncertainty_of_a_saving_as_guideline_14_figures_it() -> None:
    """A year of days, CVRMSE 10 %, errors without memory: 0.99583 · 1.3924 · 10 % · √(1.00548/365.25) = 0.0727 %."""
    error = np.tile([1.0, 1.0, -1.0, -1.0], 100)[:365]
    statistics = fit_statistics(100.0 + error, np.full(365, 100.0), 4)
    factor = -0.00024 * 12.0**2 + 0.03535 * 12.0 + 1.00286
    share = saving_uncertainty(statistics, Grain.DAY, 365, 36_500.0) / 36_500.0

    independent = statistics.independent
    by_hand = (
        0.9958 * factor * statistics.cvrmse / 100.0 * ((365 - 4) / (independent - 4)) ** 0.5
        * (365 / independent * (1 + 2 / independent) / 365) ** 0.5
    )  # fmt: skip
    assert share == pytest.approx(by_hand, rel=2e-3)


def test_more_of_a_year_tells_more() -> None:
    statistics = fit_statistics(MEASURED, TOLD, 2)
    month, year = (saving_uncertainty(statistics, Grain.DAY, days, 100.0 * days) / (100.0 * days) for days in (30, 365))
    assert year < month


def test_without_a_reporting_period_nothing_is_known() -> None:
    assert np.isnan(saving_uncertainty(fit_statistics(MEASURED, TOLD, 2), Grain.DAY, 0, 0.0))


@pytest.mark.parametrize(
    ("grain", "scale", "reasons"),
    [
        (Grain.MONTH, 14.0, []),
        (Grain.MONTH, 16.0, ["cvrmse"]),
        (Grain.HOUR, 29.0, []),
        (Grain.DAY, 29.0, []),
        (Grain.HOUR, 31.0, ["cvrmse"]),
    ],
)
def test_limits_are_15_percent_for_months_and_30_for_hours(grain: Grain, scale: float, reasons: list[str]) -> None:
    error = np.tile([scale, -scale], 500)
    assert exceeded(fit_statistics(100.0 + error, np.full(1000, 100.0), 1), Limits(), grain) == reasons


@pytest.mark.parametrize(
    ("grain", "bias", "reasons"), [(Grain.MONTH, 5.2, ["nmbe"]), (Grain.HOUR, -9.0, []), (Grain.HOUR, -11.0, ["nmbe"])]
)
def test_bias_is_limited_both_ways(grain: Grain, bias: float, reasons: list[str]) -> None:
    measured = np.full(1000, 100.0)
    assert exceeded(fit_statistics(measured, measured - bias, 1), Limits(), grain) == reasons


@pytest.mark.parametrize("measured", [np.zeros(10), np.ones(2)])
def test_what_measured_nothing_or_too_little_judges_no_model(measured: np.ndarray) -> None:
    with pytest.raises(ValueError, match="do not judge"):
        fit_statistics(measured, measured, 3)


@given(hnp.arrays(np.float64, 40, elements=st.floats(1.0, 1e6)), st.floats(0.01, 100.0))
def test_figures_in_percent_do_not_depend_on_the_unit(measured: np.ndarray, factor: float) -> None:
    told = measured[::-1].copy()
    one, other = fit_statistics(measured, told, 3), fit_statistics(measured * factor, told * factor, 3)
    assert one.cvrmse == pytest.approx(other.cvrmse)
    assert one.nmbe == pytest.approx(other.nmbe, abs=1e-9)

"""Daily baselines: what is known comes back, and what must not matter does not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityhall_bms.domain.energy.change_points import CALTRACK, COOLING, ChangePointModel, Search, fit_change_points
from cityhall_bms.domain.energy.conditions import Conditions

DAYS = np.arange(365)
OUTSIDE = 22.0 + 7.0 * np.sin((DAYS - 110) * 2.0 * np.pi / 365.0) + 2.0 * np.sin(DAYS * 1.7)
WORKS = DAYS % 7 < 5
COLD = OUTSIDE - 12.0
"""The same weather where it gets cold: -0.9 to 18.9 °C."""


def days(temperature: np.ndarray = OUTSIDE) -> Conditions:
    return Conditions(temperature, WORKS, np.zeros(365, np.int64))


def noise(size: float) -> np.ndarray:
    return np.random.default_rng(7).normal(0.0, size, 365)


@settings(max_examples=40)
@given(
    base=st.floats(5_000.0, 50_000.0),
    workday=st.floats(1_000.0, 30_000.0),
    point=st.integers(185, 235),
    slope=st.floats(100.0, 3_000.0),
)
def test_the_cooling_model_finds_what_a_building_is_made_of(
    base: float, workday: float, point: int, slope: float
) -> None:
    truth = ChangePointModel(base, workday, point / 10.0, slope, slope)
    found = fit_change_points(truth.predict(days()), days(), COOLING)

    assert found.cooling_point == pytest.approx(point / 10.0)
    assert found.cooling_work == pytest.approx(slope, rel=1e-6)
    assert found.base == pytest.approx(base, rel=1e-6)
    assert found.workday == pytest.approx(workday, rel=1e-5)


def test_a_plant_that_rests_on_days_off_has_a_slope_for_workdays_alone() -> None:
    truth = ChangePointModel(20_000.0, 10_000.0, 21.0, cooling_off=200.0, cooling_work=1_500.0)
    found = fit_change_points(truth.predict(days()) + noise(300.0), days(), COOLING)

    assert found.cooling_off == pytest.approx(200.0, abs=40.0)
    assert found.cooling_work == pytest.approx(1_500.0, abs=40.0)
    assert found.parameters == 5


def test_a_plant_that_stands_still_on_days_off_has_one_slope_and_no_more() -> None:
    truth = ChangePointModel(500.0, 100.0, 21.0, cooling_off=0.0, cooling_work=1_500.0)
    found = fit_change_points(truth.predict(days()), days(), COOLING)
    assert (found.cooling_off, found.parameters) == (0.0, 4)
    assert found.cooling_work == pytest.approx(1_500.0)


@settings(max_examples=30)
@given(
    heating_point=st.integers(3, 8),
    gap=st.integers(0, 6),
    heating=st.floats(50.0, 500.0),
    cooling=st.floats(50.0, 500.0),
)
def test_caltrack_finds_both_balance_points(heating_point: int, gap: int, heating: float, cooling: float) -> None:
    truth = ChangePointModel(
        8_000.0, cooling_point=float(heating_point + gap), cooling_off=cooling, cooling_work=cooling,
        heating_point=float(heating_point), heating=heating,
    )  # fmt: skip
    found = fit_change_points(truth.predict(days(COLD)), days(COLD), CALTRACK)

    assert (found.heating_point, found.cooling_point) == (heating_point, heating_point + gap)
    assert found.heating == pytest.approx(heating)
    assert found.cooling_off == found.cooling_work == pytest.approx(cooling)
    assert found.workday == 0.0


def test_caltrack_tries_minus_1_to_32_degrees_in_steps_of_at_most_1_7_kelvin() -> None:
    points = CALTRACK.points()
    assert (points[0], points[-1]) == (-1.0, 32.0)
    assert np.diff(points).max() <= 1.7


@pytest.mark.parametrize("fall", [-800.0, 0.0])
def test_use_that_falls_with_warmth_or_does_not_care_has_no_cooling(fall: float) -> None:
    used = 30_000.0 + 5_000.0 * WORKS + fall * np.maximum(OUTSIDE - 20.0, 0.0)
    assert fit_change_points(used, days(), COOLING).cooling_point is None


def test_nine_warm_days_are_no_summer() -> None:
    cool = np.full(365, 15.0)
    cool[:9] = 30.0
    used = 10_000.0 + 500.0 * np.maximum(cool - 18.0, 0.0)
    assert fit_change_points(used, days(cool), Search(low=18.0, heating=False)).cooling_point is None
    cool[9] = 30.0
    used = 10_000.0 + 500.0 * np.maximum(cool - 18.0, 0.0)
    assert fit_change_points(used, days(cool), Search(low=18.0, heating=False)).cooling_point is not None


def test_19_degree_days_are_no_summer() -> None:
    cool = np.full(365, 15.0)
    cool[:10] = 19.9
    used = 10_000.0 + 500.0 * np.maximum(cool - 18.0, 0.0)
    assert fit_change_points(used, days(cool), Search(low=18.0, high=18.0, heating=False)).cooling_point is None


def test_days_in_another_order_give_the_same_model() -> None:
    used = ChangePointModel(20_000.0, 8_000.0, 21.4, 900.0, 900.0).predict(days()) + noise(500.0)
    order = np.random.default_rng(3).permutation(365)
    one, other = fit_change_points(used, days(), COOLING), fit_change_points(used[order], days().at(order), COOLING)
    assert one.coefficients() == pytest.approx(other.coefficients())


def test_twice_the_use_is_twice_the_model_and_the_same_balance_point() -> None:
    used = ChangePointModel(20_000.0, 8_000.0, 21.4, 900.0, 900.0).predict(days()) + noise(500.0)
    one, other = fit_change_points(used, days(), COOLING), fit_change_points(2.0 * used, days(), COOLING)
    assert other.cooling_point == one.cooling_point
    assert other.predict(days()) == pytest.approx(2.0 * one.predict(days()))


def test_a_building_that_never_rests_needs_no_workdays() -> None:
    always = Conditions(OUTSIDE, np.ones(365, np.bool_), np.zeros(365, np.int64))
    used = 9_000.0 + 400.0 * np.maximum(OUTSIDE - 22.0, 0.0)
    found = fit_change_points(used, always, COOLING)
    assert found.workday == 0.0
    assert found.cooling_work == pytest.approx(400.0)


def test_it_says_nothing_about_a_day_without_a_temperature() -> None:
    unknown = OUTSIDE.copy()
    unknown[3] = np.nan
    told = ChangePointModel(20_000.0).predict(days(unknown))
    assert np.flatnonzero(np.isnan(told)).tolist() == [3]


def test_what_is_recorded_is_the_same_model() -> None:
    model = ChangePointModel(1.0, 2.0, 21.0, 3.0, 4.0, 10.0, 5.0)
    assert ChangePointModel.of(model.coefficients()) == model
    assert ChangePointModel.of(ChangePointModel(7.0).coefficients()) == ChangePointModel(7.0)


def test_a_week_is_no_baseline() -> None:
    few = np.arange(365) < 9
    with pytest.raises(ValueError, match="too few"):
        fit_change_points(np.ones(9), days().at(few), COOLING)

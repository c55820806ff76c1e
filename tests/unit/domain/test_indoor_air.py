"""Legal means of indoor air: limits of the standard, validity, rounding, exceedances, compliance."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.energy.shown import half_up
from cityhall_bms.domain.indoor_air import (
    LegalMean,
    compliance,
    exceedances,
    judge,
    overall,
    rounded,
)
from cityhall_bms.domain.sliding import VALID_SHARE_MIN, sliding_mean
from cityhall_bms.rules.language.windows import KNOWN_SHARE

HOUR_S = 3600.0
CO2 = LegalMean("CO2", 1000.0, "ppm", 8 * HOUR_S, 0, "article 2", "I01-CO2-8H")
HCHO = LegalMean("HCHO", 0.08, "ppm", HOUR_S, 2, "article 2", "I01-HCHO")

values = st.one_of(st.just(math.nan), st.floats(0.0, 5000.0))
rows = st.lists(st.tuples(values, st.floats(0.0, 1.0)), min_size=1, max_size=40)


def slow_mean(row: list[tuple[float, float]], place: int, steps: int) -> float:
    """As one would with pencil and paper: what is known of the window, over how much that is."""
    window = [(v, c) for v, c in row[max(place - steps + 1, 0) : place + 1] if not math.isnan(v)]
    known = sum(c for _, c in window)
    if known < steps * VALID_SHARE_MIN - 1e-9 or known == 0.0:
        return math.nan
    return sum(v * c for v, c in window) / known


@given(rows, st.integers(1, 12))
def test_a_sliding_mean_is_that_of_each_window_by_itself(row: list[tuple[float, float]], steps: int) -> None:
    value, coverage = (np.array([column]) for column in zip(*row, strict=True))
    found = sliding_mean(value, coverage, steps)[0]
    for place in range(len(row)):
        assert found[place] == pytest.approx(slow_mean(row, place, steps), nan_ok=True)


@given(st.integers(0, 10**7), st.integers(0, 3))
def test_columns_are_rounded_as_single_figures_are(number: int, decimals: int) -> None:
    value = number / 10**4
    assert rounded(np.array([value]), decimals)[0] == pytest.approx(float(half_up(value, decimals)))


def test_three_quarters_of_a_window_must_be_known_here_and_in_the_rules() -> None:
    assert VALID_SHARE_MIN == KNOWN_SHARE == 0.75
    known = np.array([[1.0] * 6 + [0.0] * 2, [1.0] * 5 + [0.0] * 3])
    means = sliding_mean(np.full((2, 8), 700.0), known, 8)
    assert means[0, 7] == 700.0
    assert np.isnan(means[1, 7])


@pytest.mark.parametrize(
    ("limit", "mean", "exceeded"),
    [(CO2, 1000.49, False), (CO2, 1000.5, True), (HCHO, 0.0849, False), (HCHO, 0.085, True)],
)
def test_a_mean_exceeds_a_limit_after_being_rounded_to_its_digits(
    limit: LegalMean, mean: float, exceeded: bool
) -> None:
    steps = round(limit.window_s / HOUR_S)
    judged = judge(np.full((1, steps), mean), np.ones((1, steps)), limit, HOUR_S)
    assert judged.known[0].tolist() == [place + 1 >= steps * VALID_SHARE_MIN for place in range(steps)]
    assert bool(judged.exceeded[0, -1]) is exceeded


def test_an_exceedance_has_begin_end_worst_and_occupied_time_and_the_unknown_ends_it() -> None:
    hourly = replace(CO2, window_s=HOUR_S)
    value = np.array([[900, 1200, 1500, math.nan, 1100, 900], [800] * 6], np.float64)
    judged = judge(value, np.ones_like(value), hourly, HOUR_S)
    occupied = np.array([True, True, False, True, True, True])

    found = exceedances(judged, occupied)

    assert [(e.node, e.first, e.last, e.worst, e.worst_at, e.occupied) for e in found] == [
        (0, 1, 2, 1500.0, 2, 1),
        (0, 4, 4, 1100.0, 4, 1),
    ]
    kept = compliance(judged, occupied)
    assert kept.occupied == 5
    assert kept.known.tolist() == [4, 5]
    assert kept.inside.tolist() == [2, 5]
    assert kept.percent.tolist() == [50.0, 100.0]
    assert kept.coverage.tolist() == [0.8, 1.0]


def test_all_limits_together_are_decided_by_one_that_is_exceeded_and_left_open_by_one_unknown() -> None:
    hourly, formaldehyde = replace(CO2, window_s=HOUR_S), HCHO
    air = judge(np.array([[900.0, 1200.0, 900.0], [900.0] * 3]), np.ones((2, 3)), hourly, HOUR_S)
    fittings = judge(np.array([[0.01, math.nan, math.nan], [math.nan] * 3]), np.ones((2, 3)), formaldehyde, HOUR_S)
    measured = [np.array([True, True]), np.array([True, False])]

    kept = overall([air, fittings], measured, np.ones(3, np.bool_))

    assert kept.known.tolist() == [2, 3]
    assert kept.inside.tolist() == [1, 3], "what a node does not measure says nothing of it"


def test_without_occupied_time_nothing_is_told() -> None:
    judged = judge(np.full((1, 4), 500.0), np.ones((1, 4)), replace(CO2, window_s=HOUR_S), HOUR_S)
    kept = compliance(judged, np.zeros(4, np.bool_))
    assert np.isnan(kept.percent).all()
    assert np.isnan(kept.coverage).all()

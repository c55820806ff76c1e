"""Expressions of virtual meters: their factors, and their mistakes with the column."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.energy.amounts import Amounts
from cityhall_bms.domain.energy.combining import combined
from cityhall_bms.domain.energy.virtual import MeterExpressionError, parse


@pytest.mark.parametrize(
    ("text", "factors"),
    [
        ("MAIN1 + MAIN2 - EVTOTAL", {"MAIN1": 1.0, "MAIN2": 1.0, "EVTOTAL": -1.0}),
        ("TCH.B2.CS.HVM01.kWh", {"TCH.B2.CS.HVM01.kWh": 1.0}),
        ("(A + B) * 0.5 - -C / 4", {"A": 0.5, "B": 0.5, "C": 0.25}),
        ("2 * (1 + 2) * A", {"A": 6.0}),
        ("A - (B - (C - A))", {"A": 0.0, "B": -1.0, "C": 1.0}),
        ("1e3*A", {"A": 1000.0}),
    ],
)
def test_an_expression_is_a_sum_of_meters_with_factors(text: str, factors: dict[str, float]) -> None:
    if 0.0 in factors.values():
        with pytest.raises(MeterExpressionError, match="counts nothing"):
            parse(text)
        return
    assert parse(text).factors == factors


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "ends here"),
        ("A +", 4, "ends here"),
        ("A B", 3, "'B' is not expected here"),
        ("(A + B", 7, "ends here"),
        ("A * B", 3, "two meters cannot be multiplied"),
        ("2 / A", 3, "nothing can be divided by a meter"),
        ("A / 0", 3, "a division by zero"),
        ("A + 5", 3, "a number cannot be added"),
        ("A & B", 3, "'&' is no part"),
        ("A - A", 1, "counts nothing"),
        ("1 + 2", 1, "no meter in it"),
        ("(" * 60 + "A" + ")" * 60, 51, "nested deeper"),
        ("A" + " + A" * 600, 2_000, "longer than"),
    ],
)
def test_a_mistake_is_told_with_its_column(text: str, column: int, message: str) -> None:
    with pytest.raises(MeterExpressionError, match=message) as caught:
        parse(text)
    assert caught.value.column == column


FACTORS = st.floats(0.01, 100.0)


@given(FACTORS, FACTORS, FACTORS)
def test_factors_are_those_of_arithmetic(a: float, b: float, c: float) -> None:
    found = parse(f"({a!r} * A - B / {b!r}) / {c!r} + C").factors
    assert found == pytest.approx({"A": a / c, "B": -1 / b / c, "C": 1.0})


def test_a_sum_is_known_where_all_its_meters_are_and_has_the_least_coverage() -> None:
    read = Amounts(
        at=np.array([0, 10, 20]),
        end=30,
        value=np.array([[5.0, 5.0, np.nan], [2.0, 1.0, 1.0]]),
        estimated=np.array([[0.0, 2.0, 0.0], [0.0, 1.0, 0.0]]),
        coverage=np.array([[1.0, 0.5, 0.0], [0.9, 0.8, 1.0]]),
    )
    found = combined(read, ["A", "B"], [{"A": 1.0, "B": -2.0}, {"B": 1.0}])
    np.testing.assert_array_equal(found.value, [[1.0, 3.0, np.nan], [2.0, 1.0, 1.0]])
    np.testing.assert_array_equal(found.estimated, [[0.0, 4.0, 0.0], [0.0, 1.0, 0.0]])
    np.testing.assert_array_equal(found.coverage, [[0.9, 0.5, 0.0], [0.9, 0.8, 1.0]])
    assert found.end == 30

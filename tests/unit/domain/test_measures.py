"""Units calculate as physics does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.units import PLAIN, UNITS, Measure, measure_of, symbol_of

symbols = st.sampled_from(sorted(UNITS))


def measure(symbol: str) -> Measure:
    found = measure_of(symbol)
    assert found is not None
    return found


@pytest.mark.parametrize("symbol", sorted(UNITS))
def test_every_unit_of_the_table_can_be_calculated_with(symbol: str) -> None:
    assert measure(symbol).factor > 0


@given(symbols, symbols)
def test_a_product_divided_again_is_as_before(one: str, other: str) -> None:
    first, second = measure(one), measure(other)
    back = first.times(second).over(second)
    assert back.powers == first.powers
    assert back.factor == pytest.approx(first.factor)


@given(symbols, symbols)
def test_the_order_of_factors_does_not_matter(one: str, other: str) -> None:
    first, second = measure(one).times(measure(other)), measure(other).times(measure(one))
    assert first.powers == second.powers
    assert first.factor == pytest.approx(second.factor)


@given(symbols)
def test_a_root_of_a_square_is_the_thing_itself(symbol: str) -> None:
    found = measure(symbol).times(measure(symbol)).root()
    assert found is not None
    assert found.powers == measure(symbol).powers
    assert found.factor == pytest.approx(measure(symbol).factor)


@pytest.mark.parametrize(
    ("one", "operator", "other", "expected"),
    [
        ("kW", "/", "RT", "kW/RT"),
        ("V", "*", "A", "W"),
        ("kW", "*", "h", "kWh"),
        ("kWh", "/", "h", "kW"),
        ("L", "/", "s", "L/s"),
        ("m", "/", "s", "m/s"),
    ],
)
def test_products_and_quotients_find_their_unit(one: str, operator: str, other: str, expected: str) -> None:
    first, second = measure(one), measure(other)
    assert symbol_of(first.times(second) if operator == "*" else first.over(second)) == expected


@pytest.mark.parametrize(
    ("one", "other", "factor"),
    [("kPa", "Pa", 1e3), ("RT", "kW", 3.5168528), ("m³/h", "L/s", 1 / 3.6), ("%", "ppm", 1e4), ("d", "min", 1440.0)],
)
def test_like_is_converted_into_like(one: str, other: str, factor: float) -> None:
    assert measure(one).comparable(measure(other))
    assert measure(one).factor / measure(other).factor == pytest.approx(factor)


def test_a_temperature_is_no_difference_and_two_make_one() -> None:
    assert not measure("°C").comparable(measure("K"))
    assert symbol_of(measure("°C").difference()) == "K"


@pytest.mark.parametrize(
    ("symbol", "known"),
    [("K/h", True), ("/h", True), ("ppm/min", True), ("°C/h", False), ("K/m", False), ("furlong", False)],
)
def test_a_unit_per_time_needs_no_line_of_its_own(symbol: str, known: bool) -> None:
    assert (measure_of(symbol) is not None) is known


def test_no_unit_is_a_plain_number() -> None:
    assert measure_of("") == PLAIN
    assert symbol_of(PLAIN) == ""

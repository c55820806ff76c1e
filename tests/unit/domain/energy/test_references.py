"""Declared figures of years that nobody sampled."""

import pytest

from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.comparison import Subject
from cityhall_bms.domain.energy.periods import parse_period
from cityhall_bms.domain.energy.references import DeclaredFigure, References

ALL = Subject(Commodity.ELECTRICITY, {"MAIN": 1.0})


def declared(period: str, amount: float, source: str = "yearbook", **of: str) -> DeclaredFigure:
    return DeclaredFigure(Commodity.ELECTRICITY, parse_period(period), amount, source, **of)


BOOK = References(
    (
        declared("95H1", 13_952_000.0, "half-year report 104"),
        declared("95Q3", 8.0),
        declared("95Q4", 7.0),
        declared("95-01", 1.0),
        declared("95-02", 1.0),
        declared("95", 1.0, tenant="bank"),
    )
)


@pytest.mark.parametrize(
    ("period", "amount", "source"),
    [
        ("95H1", 13_952_000.0, "half-year report 104"),
        ("95H2", 15.0, "yearbook"),
        ("95", 13_952_015.0, "half-year report 104; yearbook"),
        ("95-01-01..95-02-28", 2.0, "yearbook"),
    ],
)
def test_an_amount_is_declared_itself_or_made_of_shorter_ones(period: str, amount: float, source: str) -> None:
    figure = BOOK.figure(ALL, parse_period(period))
    assert figure is not None
    assert (figure.value, figure.declared, figure.coverage) == (amount, source, 1.0)


@pytest.mark.parametrize("period", ["95-03", "94", "95-01-01..95-01-20", "95-02-01..95-06-30"])
def test_a_hole_makes_it_unknown(period: str) -> None:
    assert BOOK.figure(ALL, parse_period(period)) is None


def test_a_tenants_figure_is_no_ones_else() -> None:
    bank = Subject(Commodity.ELECTRICITY, {"EM1": 1.0}, tenant="bank")
    figure = BOOK.figure(bank, parse_period("95"))
    assert figure is not None
    assert figure.value == 1.0
    assert BOOK.figure(Subject(Commodity.WATER, {"W": 1.0}), parse_period("95")) is None

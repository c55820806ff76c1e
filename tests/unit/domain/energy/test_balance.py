"""The residual of a node of the tree of meters, and what it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.energy.amounts import Amounts
from cityhall_bms.domain.energy.balance import BalanceLimits, Verdict, balance, meters_of
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.meters import Flow, Meter, Metering, PointSource

ROWS = ["MAIN", "A", "B", "PV"]


def tree(*, complete: bool = True) -> Metering:
    def meter(name: str, part_of: str = "MAIN", flow: Flow = Flow.IMPORT) -> Meter:
        source = PointSource(f"P.{name}")
        return Meter(name, Commodity.ELECTRICITY, name, name, source, part_of=part_of, flow=flow, complete=complete)

    meters = [meter("MAIN", ""), meter("A"), meter("B"), meter("PV", flow=Flow.GENERATED)]
    return Metering({each.name: each for each in meters})


def amounts(value: list[float], coverage: list[float] | None = None) -> Amounts:
    column = np.array([value]).T
    share = np.ones_like(column) if coverage is None else np.array([coverage]).T
    return Amounts(np.array([0]), 900, column, np.zeros_like(column), share)


@pytest.mark.parametrize(
    ("main", "a", "b", "pv", "residual", "verdict"),
    [
        (100.0, 60.0, 40.0, 0.0, 0.0, Verdict.BALANCED),
        (100.0, 60.0, 35.0, 0.0, 5.0, Verdict.BALANCED),
        (100.0, 60.0, 34.9, 0.0, 5.1, Verdict.WARN),
        (100.0, 60.0, 29.9, 0.0, 10.1, Verdict.WRONG),
        (100.0, 60.0, 42.0, 0.0, -2.0, Verdict.BALANCED),
        (100.0, 60.0, 42.1, 0.0, -2.1, Verdict.IMPOSSIBLE),
        (100.0, 80.0, 40.0, 20.0, 0.0, Verdict.BALANCED),
        (0.0, 0.0, 0.0, 0.0, 0.0, Verdict.BALANCED),
        (0.0, 1.0, 0.0, 0.0, -1.0, Verdict.IMPOSSIBLE),
    ],
)
def test_a_residual_is_judged_by_its_share_of_what_came_in(
    main: float, a: float, b: float, pv: float, residual: float, verdict: Verdict
) -> None:
    found = balance(tree(), "MAIN", amounts([main, a, b, pv]), ROWS, BalanceLimits())
    assert found.residual[0] == pytest.approx(residual)
    assert found.verdicts == (verdict,)
    assert found.unsure == ((),)


def test_what_is_not_known_has_no_residual_and_the_meter_is_named() -> None:
    found = balance(tree(), "MAIN", amounts([100.0, np.nan, 40.0, 0.0], [1.0, 0.0, 0.94, 1.0]), ROWS, BalanceLimits())
    assert np.isnan(found.residual[0])
    assert found.verdicts == (Verdict.UNKNOWN,)
    assert found.unsure == (("A", "B"),)
    assert found.coverage[0] == 0.0


def test_thin_coverage_gives_a_residual_without_a_verdict() -> None:
    found = balance(tree(), "MAIN", amounts([100.0, 30.0, 40.0, 0.0], [1.0, 0.5, 1.0, 1.0]), ROWS, BalanceLimits())
    assert found.residual[0] == 30.0
    assert found.verdicts == (Verdict.UNKNOWN,)


def test_parts_that_are_not_all_metered_are_judged_only_where_they_exceed_the_whole() -> None:
    site = tree(complete=False)
    assert balance(site, "MAIN", amounts([100.0, 30.0, 0.0, 0.0]), ROWS, BalanceLimits()).verdicts == (
        Verdict.NOT_JUDGED,
    )
    assert balance(site, "MAIN", amounts([100.0, 130.0, 0.0, 0.0]), ROWS, BalanceLimits()).verdicts == (
        Verdict.IMPOSSIBLE,
    )


@given(st.lists(st.floats(0.0, 1e6), min_size=4, max_size=4))
def test_the_whole_is_its_parts_and_the_residual(values: list[float]) -> None:
    main, a, b, pv = values
    found = balance(tree(), "MAIN", amounts(values), ROWS, BalanceLimits())
    assert found.parts[0] + found.residual[0] == pytest.approx(main, abs=1e-6)
    assert found.parts[0] == pytest.approx(a + b - pv, abs=1e-6)


def test_balances_need_the_nodes_and_their_parts_once() -> None:
    assert meters_of(tree(), ["MAIN", "A"]) == ["MAIN", "A", "B", "PV"]

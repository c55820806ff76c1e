"""What comes in less what its parts counted: the residual of every node of the tree of meters (pure, over columns)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.energy.amounts import Amounts
from cityhall_bms.domain.energy.meters import Metering

Values = NDArray[np.float64]


class Verdict(StrEnum):
    """What a residual says."""

    BALANCED = "balanced"
    WARN = "warn"
    WRONG = "wrong"
    IMPOSSIBLE = "impossible"
    """The parts counted more than the whole: a fault of the data."""
    UNKNOWN = "unknown"
    """Something of it is not known, or too little of the time is."""
    NOT_JUDGED = "not_judged"
    """Not all of its parts have a meter: the residual is what those took."""


@dataclass(frozen=True, slots=True)
class BalanceLimits:
    """Residuals as a share of what came in, and the coverage (0..1) under which nothing is judged.

    Defaults are those of the project's domain reference, section 7 (METER BALANCE: daily residual 5 %, 10 %, and below
    -2 % a data fault) and section 8 (95 %).
    """

    warn: float = 0.05
    wrong: float = 0.10
    impossible: float = 0.02
    coverage_min: float = 0.95


@dataclass(frozen=True, slots=True)
class NodeBalance:
    """One meter with parts, as columns over intervals; NaN where something is not known."""

    meter: str
    own: Values
    parts: Values
    residual: Values
    share: Values
    """Residual as a part of what came in."""
    estimated: Values
    coverage: Values
    """The least of the meter's and its parts'."""
    verdicts: tuple[Verdict, ...]
    unsure: tuple[tuple[str, ...], ...]
    """Meters of which too little is known, per interval."""


def meters_of(metering: Metering, nodes: Sequence[str]) -> list[str]:
    """Meters that have to be read for the balances of some nodes."""
    wanted = [name for node in nodes for name in (node, *(part.name for part in metering.parts(node)))]
    return list(dict.fromkeys(wanted))


def balance(metering: Metering, node: str, read: Amounts, rows: Sequence[str], limits: BalanceLimits) -> NodeBalance:
    """Balance of one node; ``rows`` names the rows of ``read``, which has the node and its parts."""
    place = {name: row for row, name in enumerate(rows)}
    parts = metering.parts(node)
    mine, theirs = place[node], [place[part.name] for part in parts]
    sign = np.array([part.sign for part in parts])
    own, counted = read.value[mine], sign @ read.value[theirs]
    residual = own - counted
    all_rows = [mine, *theirs]
    coverage = read.coverage[all_rows].min(axis=0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        share = np.where(own > 0.0, residual / own, np.nan)
    unsure = tuple(
        tuple(rows[row] for row in all_rows if not _sure(read, row, column, limits)) for column in range(len(read.at))
    )
    complete = metering.meter(node).complete
    verdicts = tuple(
        _verdict(float(value), part, limits, sure=not names, complete=complete)
        for value, part, names in zip(residual, share.tolist(), unsure, strict=True)
    )
    estimated = read.estimated[all_rows].sum(axis=0)
    return NodeBalance(node, own, counted, residual, share, estimated, coverage, verdicts, unsure)


def _sure(read: Amounts, row: int, column: int, limits: BalanceLimits) -> bool:
    return bool(np.isfinite(read.value[row, column]) and read.coverage[row, column] >= limits.coverage_min)


def _verdict(residual: float, share: float, limits: BalanceLimits, *, sure: bool, complete: bool) -> Verdict:
    if not sure:
        return Verdict.UNKNOWN
    if np.isnan(share):
        # Nothing came in: the parts must not have counted anything either.
        return Verdict.IMPOSSIBLE if residual < 0.0 else Verdict.BALANCED
    if share < -limits.impossible:
        return Verdict.IMPOSSIBLE
    if not complete:
        return Verdict.NOT_JUDGED
    if share > limits.wrong:
        return Verdict.WRONG
    return Verdict.WARN if share > limits.warn else Verdict.BALANCED

"""Amounts per interval from amounts of whole periods (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PeriodAmount:
    """An amount that was entered for a period; µs UTC, ``until`` excluded."""

    begin: int
    until: int
    amount: float


def spread_periods(
    periods: Sequence[PeriodAmount], edges: NDArray[np.int64], *, estimate: bool
) -> tuple[Values, Values, Values]:
    """Value, estimated part and coverage of the intervals between ``edges``.

    A period that lies in one interval counts there whole, and covers its time. One that lies in several is known of
    none of them; with ``estimate`` its amount is spread in proportion to time, and marked.
    """
    value = np.full(len(edges) - 1, np.nan)
    estimated, covered = np.zeros(len(value)), np.zeros(len(value))
    for period in periods:
        begin, end = np.maximum(edges[:-1], period.begin), np.minimum(edges[1:], period.until)
        overlap = np.maximum(end - begin, 0).astype(np.float64)
        length = period.until - period.begin
        whole = overlap == length
        if not (estimate or whole.any()):
            continue
        touched = whole if whole.any() else overlap > 0
        part = overlap / length * period.amount
        value[touched] = np.nan_to_num(value[touched]) + part[touched]
        if whole.any():
            covered[whole] += overlap[whole]
        else:
            estimated[touched] += part[touched]
    return value, estimated, covered / np.diff(edges)

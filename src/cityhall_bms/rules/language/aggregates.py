"""Operations over related equipment: from one place per pair of subject and related to one per subject.

The pairs of a subject lie together; ``start`` is the first of each. Every subject has one at least.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.rules.language.moment import Columns, Flags, Known, Tick, spread_out
from cityhall_bms.rules.language.operations import Operation

Starts = NDArray[np.intp]
Aggregate = Callable[[Known, Starts], Known]


def _all_known(arg: Known, start: Starts) -> Flags:
    known: Flags = np.logical_and.reduceat(arg.known, start, axis=-1)
    return known


def _any(arg: Known, start: Starts) -> Known:
    found = np.logical_or.reduceat(arg.value & arg.known, start, axis=-1)
    return Known(found, found | _all_known(arg, start))


def _all(arg: Known, start: Starts) -> Known:
    missed = np.logical_or.reduceat(~arg.value & arg.known, start, axis=-1)
    return Known(~missed, missed | _all_known(arg, start))


def _number(arg: Known, start: Starts) -> Known:
    return Known(np.add.reduceat((arg.value & arg.known).astype(np.float64), start, axis=-1), _all_known(arg, start))


def _sum(arg: Known, start: Starts) -> Known:
    return Known(np.add.reduceat(np.where(arg.known, arg.value, 0.0), start, axis=-1), _all_known(arg, start))


def _mean(arg: Known, start: Starts) -> Known:
    total, known = _sum(arg, start)
    return Known(total / np.add.reduceat(np.ones(np.shape(arg.known)[-1]), start), known)


def _least(arg: Known, start: Starts) -> Known:
    return Known(np.minimum.reduceat(arg.value, start, axis=-1), _all_known(arg, start))


def _most(arg: Known, start: Starts) -> Known:
    return Known(np.maximum.reduceat(arg.value, start, axis=-1), _all_known(arg, start))


AGGREGATES: Final[Mapping[str, Aggregate]] = {
    "any": _any, "all": _all, "number": _number, "sum": _sum, "mean": _mean, "least": _least, "most": _most,
}  # fmt: skip


def aggregated(name: str, start: Starts, pairs: int) -> Operation:
    """Reduce pairs to subjects."""
    reduce = AGGREGATES[name]

    def apply(_: Tick, arg: Known) -> Known:
        return reduce(spread_out(arg, pairs), start)

    return apply


def given_to_each(owner: Columns, rows: int) -> Operation:
    """Give what is a subject's to each of its pairs."""

    def apply(_: Tick, arg: Known) -> Known:
        value, known = spread_out(arg, rows)
        return Known(value[..., owner], known[..., owner])

    return apply

"""Indoor air against its legal limits: means of some hours, what exceeded them, how much occupied time kept them.

Source: Indoor Air Quality Standards of Taiwan (室內空氣品質標準), articles 2 and 3. A mean of eight or 24 hours is
that of any so many hours on end: the windows slide. It is known when three quarters of it are, and it exceeds its
limit when it does so after being rounded to the digits of the limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.sliding import sliding_mean

ROUNDING_SLACK: Final = 1e-9
"""What binary numbers may lack of the half that is rounded up, in units of the last digit."""

Cells = NDArray[np.float64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LegalMean:
    """A limit for the mean of some time, in the point's unit; ``rule`` is that of the rule book which rings for it."""

    role: str
    limit: float
    unit: str
    window_s: float
    decimals: int
    source: str
    rule: str


@dataclass(frozen=True, slots=True)
class SpotLimit:
    """A limit for what is found in a sample that people take, as of bacteria."""

    name: str
    text_zh: str
    text_en: str
    limit: float
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Judged:
    """Means of some nodes (rows) at the end of each step (columns), rounded as the limit is; NaN where none is told."""

    mean: Cells
    known: Marks
    exceeded: Marks

    @property
    def inside(self) -> Marks:
        """Where the limit is known to be kept."""
        return self.known & ~self.exceeded


@dataclass(frozen=True, slots=True)
class Exceedance:
    """Steps ``first`` to ``last`` (included) of a node, in which its mean exceeded the limit on end."""

    node: int
    first: int
    last: int
    worst: float
    worst_at: int
    """The step of the greatest mean."""
    occupied: int
    """How many of the steps lie in occupied hours."""


@dataclass(frozen=True, slots=True)
class Compliance:
    """Occupied steps of each row: all of them, those whose answer is known, and those inside the limits."""

    occupied: int
    known: NDArray[np.int64]
    inside: NDArray[np.int64]

    @property
    def percent(self) -> Cells:
        """Of the occupied time that is known, the share inside the limits, %; NaN where nothing is known."""
        return _share(self.inside, self.known)

    @property
    def coverage(self) -> Cells:
        """Share of the occupied time of which the answer is known, 0..1; NaN where no time is occupied."""
        return _share(self.known, np.full(len(self.known), self.occupied)) / 100.0


def rounded(value: Cells, decimals: int) -> Cells:
    """Round to some digits after the point, halves up, as tables of limits are read; NaN stays."""
    scale = 10.0**decimals
    whole: Cells = np.floor(value * scale + 0.5 + ROUNDING_SLACK)
    return whole / scale


def judge(value: Cells, coverage: Cells, limit: LegalMean, step_s: float) -> Judged:
    """Means of steps of ``step_s`` against a limit, rounded before they are compared."""
    mean = rounded(sliding_mean(value, coverage, max(round(limit.window_s / step_s), 1)), limit.decimals)
    known = ~np.isnan(mean)
    return Judged(mean, known, known & (np.nan_to_num(mean) > limit.limit))


def exceedances(judged: Judged, occupied: Marks) -> list[Exceedance]:
    """Runs of steps above the limit, by node and time. A step of which nothing is known ends a run."""
    padded = np.pad(judged.exceeded, ((0, 0), (1, 1))).astype(np.int8)
    node, first = np.nonzero(np.diff(padded, axis=1) == 1)
    _, after = np.nonzero(np.diff(padded, axis=1) == -1)
    found = []
    for row, begin, end in zip(node.tolist(), first.tolist(), after.tolist(), strict=True):
        worst = begin + int(np.argmax(judged.mean[row, begin:end]))
        count = int(occupied[begin:end].sum())
        found.append(Exceedance(row, begin, end - 1, float(judged.mean[row, worst]), worst, count))
    return found


def compliance(judged: Judged, occupied: Marks) -> Compliance:
    """How the nodes kept one limit in occupied steps."""
    return Compliance(
        int(occupied.sum()),
        (judged.known & occupied).sum(axis=1),
        (judged.inside & occupied).sum(axis=1),
    )


def overall(limits: Sequence[Judged], applies: Sequence[Marks], occupied: Marks) -> Compliance:
    """How the nodes kept all limits at once: one that is exceeded decides, one that is unknown leaves it open.

    ``applies`` marks, for each limit, the nodes that measure it: what a node does not measure says nothing of it.
    """
    shape = limits[0].known.shape
    exceeded, inside = np.zeros(shape, np.bool_), np.ones(shape, np.bool_)
    measured = np.zeros(shape[0], np.bool_)
    for judged, mask in zip(limits, applies, strict=True):
        measured |= mask
        exceeded |= judged.exceeded & mask[:, np.newaxis]
        inside &= judged.inside | ~mask[:, np.newaxis]
    inside &= measured[:, np.newaxis]
    known = (exceeded | inside) & occupied
    return Compliance(int(occupied.sum()), known.sum(axis=1), (inside & occupied).sum(axis=1))


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> Cells:
    share: Cells = np.divide(100.0 * part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return share

"""Alarm floods: when more rings than a person can follow (EEMUA 191, IEC 62682, ISA-18.2).

A flood begins when more than :data:`FLOOD_BEGINS_ABOVE` alarms rang within the last ten minutes, and is over when
fewer than :data:`FLOOD_ENDS_BELOW` did.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.annunciations import NEVER, Times

WINDOW_US: Final = 600_000_000
FLOOD_BEGINS_ABOVE: Final = 10
FLOOD_ENDS_BELOW: Final = 5


@dataclass(frozen=True, slots=True)
class Flood:
    """One flood; times µs UTC."""

    began: int
    """When one alarm too many rang."""
    ended: int | None
    """None while it lasts."""
    first_ring: int
    """The first of the alarms that made it: up to ten minutes before it began."""
    total: int
    """How many rang, from the first one on."""
    peak: int
    """Most that rang within ten minutes."""

    def lasted_s(self, until: int) -> float:
        """How long it lasted, or has lasted until then, s."""
        return ((until if self.ended is None else self.ended) - self.began) / 1e6


def counts(rang: Times) -> tuple[Times, Times]:
    """When the number of rings within the last ten minutes changes, and to what; ``rang`` is sorted."""
    # Two sorted runs: a stable sort merges them.
    both = np.sort(np.concatenate([rang, rang + WINDOW_US]), kind="stable")
    changed = both[np.diff(both, append=NEVER) != 0]
    return changed, np.searchsorted(rang, changed, "right") - np.searchsorted(rang, changed - WINDOW_US, "right")


def peak(rang: Times, first: int) -> int:
    """Most rings within any ten minutes that end after ``first``; ``rang`` is sorted."""
    changed, inside = counts(rang)
    return int(inside[changed >= first].max(initial=0))


def floods(rang: Times, until: int, *, standing: bool = False) -> list[Flood]:
    """Floods of sorted times of rings, as they are known at ``until``.

    ``standing``: one was on already as the first of them rang.
    """
    rang = rang[rang <= until]
    changed, inside = counts(rang)
    changed, inside = changed[changed <= until], inside[changed <= until]
    if not len(changed):
        return []
    in_flood = _held(inside, standing=standing)
    edges = np.diff(in_flood.astype(np.int8), prepend=0, append=0)
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [_flood(rang, changed, inside, int(begin), int(end)) for begin, end in zip(begins, ends, strict=True)]


def _held(inside: Times, *, standing: bool) -> NDArray[np.bool_]:
    """Whether a flood is on after each change: begun above the one bound, until below the other."""
    decides = (inside > FLOOD_BEGINS_ABOVE) | (inside < FLOOD_ENDS_BELOW)
    latest = np.maximum.accumulate(np.where(decides, np.arange(len(inside)), -1))
    return np.where(latest >= 0, inside[latest] > FLOOD_BEGINS_ABOVE, standing)


def _flood(rang: Times, changed: Times, inside: Times, begin: int, end: int) -> Flood:
    began = int(changed[begin])
    ended = int(changed[end]) if end < len(changed) else None
    first = int(np.searchsorted(rang, began - WINDOW_US, "right"))
    behind = len(rang) if ended is None else int(np.searchsorted(rang, ended, "right"))
    return Flood(began, ended, int(rang[first]), behind - first, int(inside[begin:end].max()))

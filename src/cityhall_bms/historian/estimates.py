"""Spreads what a counter counted in a silence over the intervals that the silence lies in (pure).

What was measured stays as it is; a silence's part is added to it and marked. So all intervals together have what the
counter counted, and nothing is booked into the hour in which it was heard again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.historian.intervals import EPOCH

Edges = NDArray[np.int64]
Values = NDArray[np.float64]
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Silence:
    """From a counter's last good sample to the next (µs UTC), and what it counted meanwhile."""

    begin: int
    end: int
    amount: float


def spread(edges: Edges, silences: Sequence[Silence], shape: Values | None = None) -> Values:
    """Part of the silences per interval, NaN where none is.

    ``shape`` (per interval, NaN where unknown) says how unevenly; a silence of which it knows nothing is spread evenly.
    """
    total = np.full(len(edges) - 1, np.nan)
    for silence in silences:
        begin, end = np.maximum(edges[:-1], silence.begin), np.minimum(edges[1:], silence.end)
        overlap = np.maximum(end - begin, 0).astype(np.float64)
        touched = overlap > 0
        part = _evenly(overlap, silence) if shape is None else _shaped(overlap, silence, shape, edges)
        total[touched] = np.where(np.isnan(total[touched]), 0.0, total[touched]) + part[touched]
    return total


def _evenly(overlap: Values, silence: Silence) -> Values:
    return np.asarray(overlap / (silence.end - silence.begin) * silence.amount, np.float64)


def _shaped(overlap: Values, silence: Silence, shape: Values, edges: Edges) -> Values:
    """By shape what lies between the edges; how much that is, is known from time alone."""
    inside = _evenly(overlap, silence)
    weight = np.where(overlap > 0, shape * overlap / np.diff(edges), 0.0)
    total = weight.sum()
    if not total > 0 or (weight < 0).any():  # also when anything of it is not known
        return inside
    return np.asarray(weight / total * inside.sum(), np.float64)


def a_week_before(edges: Edges, zone: ZoneInfo) -> Edges:
    """The same local times seven days before."""
    moments = [((EPOCH + timedelta(microseconds=at)).astimezone(zone) - WEEK) for at in edges.tolist()]
    return np.array([(moment - EPOCH) // timedelta(microseconds=1) for moment in moments], np.int64)

"""Quarters of an hour of many points, for as long a time as is asked: read in pieces, given as one table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.queries import HistoryQueries

STEP: Final = "15m"
STEP_S: Final = 900
STEP_US: Final = STEP_S * 1_000_000
CELLS_OF_A_PIECE: Final = 400_000
"""Points times steps of one question; history refuses half a million."""
CELLS_MAX: Final = 12_000_000
"""A year of 28 nodes with 8 roles is 8 million; each costs some 20 bytes while it is worked on."""


@dataclass(frozen=True, slots=True)
class Quarters:
    """Means of points (rows) in quarters of an hour (columns): begins (µs UTC), values, shares that are known."""

    at: NDArray[np.int64]
    value: NDArray[np.float64]
    coverage: NDArray[np.float64]


def whole_steps(window: Window) -> Window:
    """The window from the begin of its first quarter to the end of its last."""
    return Window(window.start // STEP_US * STEP_US, -(-window.end // STEP_US) * STEP_US)


async def read_quarters(
    queries: HistoryQueries, points: Sequence[int], window: Window, time_zone: str, known_at: int | None
) -> Quarters:
    """Quarters of a window that begins and ends with one; ``RefusedError`` when there are too many."""
    steps = (window.end - window.start) // STEP_US
    if steps * max(len(points), 1) > CELLS_MAX:
        msg = f"that would be more than {CELLS_MAX:,} quarters of an hour: take a shorter time"
        raise RefusedError(msg)
    at = np.arange(window.start, window.end, STEP_US)
    if not points:
        return Quarters(at, np.empty((0, len(at))), np.empty((0, len(at))))
    piece = max(CELLS_OF_A_PIECE // len(points), 1) * STEP_US
    tables = [
        await queries.intervals_of(
            points, Window(begin, min(begin + piece, window.end)), STEP, Aggregation.MEAN, time_zone, known_at
        )
        for begin in range(window.start, window.end, piece)
    ]
    return Quarters(
        np.concatenate([table.at for table in tables]),
        np.concatenate([table.value for table in tables], axis=1),
        np.concatenate([table.coverage for table in tables], axis=1),
    )

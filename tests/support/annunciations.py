"""What rang, written as short tables."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cityhall_bms.domain.annunciations import NEVER, Annunciations

START = 1_782_864_000_000_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def ring(alarm: str, began_s: float, ended_s: float | None = None, **more: Any) -> dict[str, Any]:
    """One row, in seconds since ``START``; it rings as it begins unless ``rang_s`` says otherwise (None = never)."""
    return {"alarm": alarm, "began_s": began_s, "ended_s": ended_s, "rang_s": began_s} | more


def table(rows: Sequence[dict[str, Any]], unauthorised_s: Sequence[float] = ()) -> Annunciations:
    """Columns of such rows."""
    names = sorted({row["alarm"] for row in rows})

    def times(name: str) -> Any:
        return np.array([at(row.get(name)) for row in rows], np.int64)

    def marks(name: str) -> Any:
        return np.array([row.get(name, False) for row in rows], np.bool_)

    return Annunciations(
        names,
        np.array([names.index(row["alarm"]) for row in rows], np.int64),
        np.array([row.get("priority", 3) for row in rows], np.uint8),
        times("began_s"),
        times("ended_s"),
        times("rang_s"),
        times("acknowledged_s"),
        marks("again"),
        marks("withdrawn"),
        marks("drill"),
        np.array([at(second) for second in unauthorised_s], np.int64),
    )


def at(second: float | None) -> int:
    """Time of a second since ``START``; none is never."""
    return NEVER if second is None else START + round(second * SECOND)

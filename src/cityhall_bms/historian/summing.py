"""From samples to figures step by step, as rollups are made: what is computed anew equals what is stored to the bit.

A mean of hours that is summed from quarters differs in its last bit from one that is summed from samples. Stored
rollups are made from minute to quarter to hour to day, in imported times from the shortest level that is stored there;
here the same steps are taken.
"""

from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.holds import Holds
from cityhall_bms.historian.intervals import LEVELS, MINUTE_US, interval_edges, source_level
from cityhall_bms.historian.rollups import Rollups, combine, rollup
from cityhall_bms.ports.history import Window

DAYS: Final = "1d"


def bucket_edges(window: Window, level: str, zone: ZoneInfo) -> NDArray[np.int64]:
    """Edges of a level's buckets in a window that begins and ends on one."""
    if level == DAYS:
        return interval_edges(window, DAYS, zone)
    return np.arange(window.start, window.end + 1, LEVELS[level])


def smaller_level(level: str, edges: NDArray[np.int64]) -> str | None:
    """Level that buckets of a level between these edges are summed from; none for minutes."""
    if level == DAYS:
        return source_level(edges) or "1m"
    return {"1h": "15m", "15m": "1m"}.get(level)


def finest_of(holds: Holds, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Length (µs) of the shortest rollup that is stored of each bucket."""
    finest = np.full(len(edges) - 1, MINUTE_US)
    for stretch in holds.stretches:
        inside = (edges[:-1] >= stretch.first) & (edges[1:] <= stretch.until)
        finest[inside] = np.maximum(stretch.finest_us, MINUTE_US)
    return finest


def summed(
    samples: Samples, level: str, edges: NDArray[np.int64], known_until: int, holds: Holds, finest_us: int = MINUTE_US
) -> Rollups:
    """Sum up *ordered* samples over neighbouring buckets of a level (not of days), ``finest_us`` first.

    ``samples`` must reach back to ``holds.since`` the first edge.
    """
    rows: Rollups | None = None
    for name, length in LEVELS.items():
        if length < min(finest_us, LEVELS[level]):
            continue
        steps = np.arange(edges[0], edges[-1] + 1, length)
        rows = rollup(samples, steps, known_until, holds) if rows is None else combine(rows, steps)
        if name == level:
            break
    return Rollups.empty() if rows is None else rows

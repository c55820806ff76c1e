"""Where intervals begin: minutes and hours, and days and months of the building's time zone."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.ports.history import Window

SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US
UNIT_US: Final = {"s": SECOND_US, "m": MINUTE_US, "h": HOUR_US}
INTERVALS_MAX: Final = 2_000_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

LEVELS: Final = {"1m": MINUTE_US, "15m": 15 * MINUTE_US, "1h": HOUR_US}
"""Rollups that are aligned in UTC; ``1d`` is the fourth, aligned in the building's zone."""


def floor_to(at: int, length: int) -> int:
    """Begin of the UTC-aligned interval that holds a time."""
    return at - at % length


def length_us(interval: str) -> int | None:
    """Length of ``15s``, ``1m``, ``15m``, ``1h``, ``6h`` and the like; none for days and months.

    ``RefusedError`` for anything else: lengths must divide the hour, or be hours that divide the day, so that
    intervals do not drift through the day.
    """
    if interval in {"1d", "1mo"}:
        return None
    match = re.fullmatch(r"([1-9]\d{0,3})([smh])", interval)
    length = int(match[1]) * UNIT_US[match[2]] if match else 0
    if not length or (HOUR_US % length and (length % HOUR_US or DAY_US % length)):
        msg = f"interval '{interval}' is unknown: take one that divides the hour (1m, 15m), the day (1h, 6h), 1d or 1mo"
        raise RefusedError(msg)
    return length


def interval_edges(window: Window, interval: str, zone: ZoneInfo) -> NDArray[np.int64]:
    """Begin of every interval that overlaps the window, and the end of the last one; µs UTC.

    Intervals shorter than a day are counted from local midnight in elapsed time. ``RefusedError`` for more than
    :data:`INTERVALS_MAX`.
    """
    length = length_us(interval)
    if length is not None and (window.end - window.start) // length > INTERVALS_MAX:
        msg = f"that would be more than {INTERVALS_MAX} intervals: take longer ones or a shorter time"
        raise RefusedError(msg)
    first = _local_date(window.start, zone)
    if length is None:
        return _calendar_edges(first, window, interval, zone)
    days = _edges_until(_days(first), window.end, zone)
    parts = [np.arange(start, end, length) for start, end in pairwise(days)]
    edges = np.concatenate([*parts, days[-1:]])
    begin = int(np.searchsorted(edges, window.start, "right")) - 1
    end = int(np.searchsorted(edges, window.end, "left"))
    return edges[begin : end + 1]


def midnight_us(day: date, zone: ZoneInfo) -> int:
    """Begin of a local day; where midnight is skipped, the moment of the skip."""
    return (datetime.combine(day, time(), zone) - EPOCH) // timedelta(microseconds=1)


def local_time_us(text: str, zone: ZoneInfo) -> int:
    """Time that people wrote: ISO 8601, the building's zone if it names none; ``RefusedError`` for anything else."""
    try:
        written = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"'{text}' is no time: write 2026-07-01T08:30, or with an offset 2026-07-01T00:30Z"
        raise RefusedError(msg) from error
    aware = written if written.tzinfo is not None else written.replace(tzinfo=zone)
    return (aware - EPOCH) // timedelta(microseconds=1)


def _local_date(at: int, zone: ZoneInfo) -> date:
    return (EPOCH + timedelta(microseconds=at)).astimezone(zone).date()


def _calendar_edges(first: date, window: Window, interval: str, zone: ZoneInfo) -> NDArray[np.int64]:
    starts = _days(first) if interval == "1d" else _months(first)
    return np.array(_edges_until(starts, window.end, zone), np.int64)


def _edges_until(days: Iterator[date], end: int, zone: ZoneInfo) -> list[int]:
    edges: list[int] = []
    for day in days:
        edges.append(midnight_us(day, zone))
        if edges[-1] >= end:
            break
    return edges


def _days(day: date) -> Iterator[date]:
    while True:
        yield day
        day += timedelta(days=1)


def _months(day: date) -> Iterator[date]:
    day = day.replace(day=1)
    while True:
        yield day
        day = (day + timedelta(days=31)).replace(day=1)


def source_level(edges: NDArray[np.int64], calendar: NDArray[np.int64] | None = None) -> str | None:
    """Coarsest rollup whose buckets fill the intervals between ``edges`` exactly; none if even minutes do not.

    ``calendar`` are the local midnights that the daily rollup was made with, where it may be used.
    """
    if calendar is not None and np.isin(edges, calendar).all():
        return "1d"
    fitting = [level for level, length in LEVELS.items() if not (edges % length).any()]
    return fitting[-1] if fitting else None

"""Reads the cold form: samples come out as they went in."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import asyncpg
import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.postgres.history_copy import day_of
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.historian.cold import unpack_samples, unpack_times, unpack_values
from cityhall_bms.historian.columns import Samples
from cityhall_bms.ports.history import Window

QUERIES: Final = load("cold.sql")
CHANCE: Final = 0
"""Set under which samples of chance selections are kept; they bring their own times."""

Times = Mapping[tuple[int, date], tuple[NDArray[np.int64], NDArray[np.int64]]]


async def of_points(
    connection: asyncpg.Connection, points: Sequence[int] | None, window: Window, known_at: int
) -> Samples:
    """Cold samples of some points, or of all, recorded by then; in no order, and what was restated too."""
    return await _fetch(connection, "points", points, window, known_at)


async def parts_of_points(
    connection: asyncpg.Connection, points: Sequence[int], window: Window, known_at: int
) -> list[Samples]:
    """The same, in parts of one point, set and day, as they are kept: oldest first."""
    rows = await connection.fetch(QUERIES["points"], day_of(window.start), day_of(window.end - 1), list(points))
    times = await _times_of_rows(connection, rows)
    return await asyncio.to_thread(lambda: [_chosen(samples_of(row, times), window, known_at) for row in rows])


async def of_blocks(connection: asyncpg.Connection, blocks: Sequence[int], window: Window, known_at: int) -> Samples:
    """The same, of the points of some blocks (``point // 32``)."""
    return await _fetch(connection, "blocks", blocks, window, known_at)


async def of_point(connection: asyncpg.Connection, point: int, window: Window, limit: int, known_at: int) -> Samples:
    """The same of one point; whole days, oldest first, until ``limit`` times are there or no day is left."""
    first, last = day_of(window.start), day_of(window.end - 1)
    rows = await connection.fetch(QUERIES["days_of_point"], point, first, last)
    found, wanted = Samples.join([]), limit
    while rows and len(found) < limit:
        ends = np.cumsum([row["samples"] for row in rows])
        cut = min(int(np.searchsorted(ends, wanted)) + 1, len(rows))
        days, rows = [row["day"] for row in rows[:cut]], rows[cut:]
        cold = await connection.fetch(QUERIES["points"], days[0], days[-1], [point])
        found = Samples.join([found, await _unpacked(connection, cold, window, known_at)]).ordered()
        wanted = limit - len(found)
    return found


async def _fetch(
    connection: asyncpg.Connection, query: str, chosen: Sequence[int] | None, window: Window, known_at: int
) -> Samples:
    numbers = None if chosen is None else list(chosen)
    rows = await connection.fetch(QUERIES[query], day_of(window.start), day_of(window.end - 1), numbers)
    return await _unpacked(connection, rows, window, known_at)


async def _unpacked(
    connection: asyncpg.Connection, rows: Sequence[asyncpg.Record], window: Window, known_at: int
) -> Samples:
    times = await _times_of_rows(connection, rows)
    return Samples.join([_chosen(samples_of(row, times), window, known_at) for row in rows])


async def _times_of_rows(connection: asyncpg.Connection, rows: Sequence[asyncpg.Record]) -> Times:
    return await times_of(connection, {(row["set_id"], row["day"]) for row in rows if row["set_id"] != CHANCE})


async def times_of(connection: asyncpg.Connection, keys: set[tuple[int, date]]) -> Times:
    """Times of the scans of some sets on some days."""
    if not keys:
        return {}
    sets, days = zip(*sorted(keys), strict=True)
    rows = await connection.fetch(QUERIES["times"], list(sets), list(days))
    return {(row["set_id"], row["day"]): unpack_times(row["times"]) for row in rows}


def samples_of(row: Mapping[str, Any], times: Times) -> Samples:
    """All samples of a cold row."""
    if row["set_id"] == CHANCE:
        at, recorded_at, value, quality = unpack_samples(row["data"])
    else:
        at, recorded_at = times[row["set_id"], row["day"]]
        value, quality = unpack_values(row["data"])
    return Samples(np.full(len(at), row["point_id"], np.uint32), at, recorded_at, value, quality)


def _chosen(samples: Samples, window: Window, known_at: int) -> Samples:
    chosen = (samples.at >= window.start) & (samples.at < window.end) & (samples.recorded_at <= known_at)
    return samples if chosen.all() else samples.select(chosen)

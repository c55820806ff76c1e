"""The one place where samples are read: from the scans, and from the cold form of old ones."""

import asyncio
from collections.abc import Sequence
from typing import Final

import asyncpg

from cityhall_bms.adapters.postgres import cold_reading as cold
from cityhall_bms.adapters.postgres import set_reading
from cityhall_bms.adapters.postgres.history_copy import TIME_MAX_US, fetch_samples, moment
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.historian.columns import Samples
from cityhall_bms.ports.history import Window

QUERIES: Final = load("history.sql")


async def of_point(
    connection: asyncpg.Connection, point: int, window: Window, limit: int, known_at: int = TIME_MAX_US
) -> Samples:
    """Samples of one point that stand, oldest first, ``limit`` at most.

    Of several samples of one time the one recorded last stands; ``known_at`` (µs UTC) leaves out what was recorded
    later, so that the answer is the one of that moment.
    """
    times = (moment(window.start), moment(window.end), moment(known_at))
    hot = await fetch_samples(connection, QUERIES["samples"], point, *times, limit)
    old = await cold.of_point(connection, point, window, limit, known_at)
    return Samples.join([old, hot]).ordered().select(slice(limit)) if len(old) else hot


async def of_points(
    connection: asyncpg.Connection, points: Sequence[int], window: Window, known_at: int = TIME_MAX_US
) -> Samples:
    """Samples of some points that stand, by point and time."""
    hot = await _hot(connection, "samples_of_points", window, known_at, list(points))
    return Samples.join([await cold.of_points(connection, points, window, known_at), hot]).ordered()


async def of_points_at_length(
    connection: asyncpg.Connection, points: Sequence[int], window: Window, known_at: int = TIME_MAX_US
) -> Samples:
    """The same as :func:`of_points`, for long windows: several times as fast, but a question for every set."""
    hot = await set_reading.of_points(connection, points, window, known_at)
    parts = [part for part in [*await cold.parts_of_points(connection, points, window, known_at), *hot] if len(part)]
    parts.sort(key=lambda part: (int(part.point[0]), int(part.at[0])))
    return await asyncio.to_thread(lambda: Samples.join(parts).ordered())


async def of_blocks(
    connection: asyncpg.Connection, blocks: Sequence[int], window: Window, known_at: int = TIME_MAX_US
) -> Samples:
    """Samples of the points of some blocks (``point // 32``) that stand, by point and time."""
    hot = await _hot(connection, "samples_of_blocks", window, known_at, list(blocks))
    return Samples.join([await cold.of_blocks(connection, blocks, window, known_at), hot]).ordered()


async def of_all(connection: asyncpg.Connection, window: Window, known_at: int = TIME_MAX_US) -> Samples:
    """Samples of all points that stand, by point and time."""
    hot = await _hot(connection, "samples_of_all", window, known_at)
    return Samples.join([await cold.of_points(connection, None, window, known_at), hot]).ordered()


async def _hot(
    connection: asyncpg.Connection, query: str, window: Window, known_at: int, *arguments: object
) -> Samples:
    times = (moment(window.start), moment(window.end), moment(known_at))
    return await fetch_samples(connection, QUERIES[query], *times, *arguments)

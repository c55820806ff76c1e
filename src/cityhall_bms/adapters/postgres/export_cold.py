"""Samples of exports that no longer lie in table ``scan``, but in the cold form of old days."""

import math
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any, Final

import asyncpg
from numpy.typing import NDArray

from cityhall_bms.adapters.postgres import cold_reading as cold
from cityhall_bms.adapters.postgres.history_copy import day_of, encode_rows, pg_time
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.historian.intervals import EPOCH, HOUR_US
from cityhall_bms.ports.history import Window

QUERIES: Final = load("history_export.sql")
POINTS_AT_ONCE: Final = 64
"""A day of so many points is unpacked at a time, whatever the size of the slice."""
DAY_US: Final = 24 * HOUR_US


async def into_temp(connection: asyncpg.Connection, window: Window, points: Sequence[int], known_at: int) -> None:
    """Put the samples of a slice into the temporary table ``cold_sample``, in place of those before."""
    await connection.execute(QUERIES["forget_cold"])
    held = await connection.fetchval(QUERIES["cold_held"], *_days(window), points)
    for begin in range(0, len(held), POINTS_AT_ONCE):
        samples = await cold.of_points(connection, held[begin : begin + POINTS_AT_ONCE], window, known_at)
        if not len(samples):
            continue
        columns: dict[str, tuple[str, NDArray[Any]]] = {
            "point_id": ("i4", samples.point),
            "observed_at": ("i8", pg_time(samples.at)),
            "recorded_at": ("i8", pg_time(samples.recorded_at)),
            "value": ("f8", samples.value),
            "quality": ("i2", samples.quality),
        }
        rows = encode_rows(columns)
        await connection.copy_to_table("cold_sample", source=rows, columns=list(columns), format="binary")


async def expected(connection: asyncpg.Connection, window: Window, points: Sequence[int]) -> int:
    """About how many samples of a window there are; 0 only if there are none."""
    rows = await connection.fetch(QUERIES["cold_expected"], *_days(window), points)
    return sum(math.ceil(row["samples"] * _share(window, row["day"])) for row in rows)


async def seen_again(connection: asyncpg.Connection, window: Window, points: Sequence[int]) -> int | None:
    """Time (µs UTC) before which a window has none; none when it has none at all."""
    day = await connection.fetchval(QUERIES["cold_seen_again"], *_days(window), points)
    return None if day is None else max(_begin(day), window.start)


def _days(window: Window) -> tuple[date, date]:
    return day_of(window.start), day_of(window.end - 1)


def _begin(day: date) -> int:
    return (datetime.combine(day, time(), EPOCH.tzinfo) - EPOCH).days * DAY_US


def _share(window: Window, day: date) -> float:
    begin = _begin(day)
    return (min(window.end, begin + DAY_US) - max(window.start, begin)) / DAY_US

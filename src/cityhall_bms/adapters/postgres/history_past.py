"""Looking into the past: what was the newest of everything, and what was recorded only later."""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import asyncpg
import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.postgres.history_copy import day_of, fetch_samples, moment
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.historian.cold import unpack_samples, unpack_times, unpack_values
from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.intervals import DAY_US, HOUR_US
from cityhall_bms.ports.history import Window

QUERIES: Final = load("queries.sql")
FIGURES: Final = load("history_figures.sql")
LOOK_BACK_US: Final = (DAY_US, 31 * DAY_US)
"""How far back a point's newest sample is looked for, step by step; what is older is not found."""

Place = tuple[date, int, int, int]
"""Day of a cold scan, its place in the day, and its times."""


async def newest(connection: asyncpg.Connection, at: int, known_at: int) -> Samples:
    """Newest sample by ``at`` (included) of every point, recorded by ``known_at``, by point."""
    missing = np.array(await connection.fetchval(QUERIES["known_points"]), np.int64)
    found = Samples.join([])
    until = 0
    for back in LOOK_BACK_US:
        window = Window(at - back + 1, at - until + 1)
        found = Samples.join([found, await _newest_in(connection, window, known_at, missing)])
        missing, until = np.setdiff1d(missing, found.point), back
        if not len(missing):
            break
    return _last_of_points(found)


async def recorded_later(
    connection: asyncpg.Connection, points: Sequence[int], window: Window, known_at: int
) -> list[int]:
    """Hours (µs UTC) in which samples of some points lie that were recorded after ``known_at``."""
    sets = await connection.fetchval(FIGURES["sets_of"], list(points))
    times = moment(window.start), moment(window.end), list(points), moment(known_at), sets
    hot = [row[0] for row in await connection.fetch(FIGURES["recorded_later"], *times)]
    days = day_of(window.start), day_of(window.end - 1)
    scans = await connection.fetch(QUERIES["cold_scans"], *days, sets)
    chance = await connection.fetch(QUERIES["cold_chance"], *days, list(points))
    if not scans and not chance:
        return hot
    cold = await asyncio.to_thread(_later_hours, scans, chance, window, known_at)
    return sorted({*hot, *cold})


def _later_hours(
    scans: Sequence[asyncpg.Record], chance: Sequence[asyncpg.Record], window: Window, known_at: int
) -> set[int]:
    hours: set[int] = set()
    for at, recorded_at in [
        *(unpack_times(row["times"]) for row in scans),
        *(unpack_samples(row["data"])[:2] for row in chance),
    ]:
        later = at[(recorded_at > known_at) & (at >= window.start) & (at < window.end)]
        hours.update((np.unique(later // HOUR_US) * HOUR_US).tolist())
    return hours


async def _newest_in(
    connection: asyncpg.Connection, window: Window, known_at: int, points: NDArray[np.int64]
) -> Samples:
    """Of the sets of some points the newest scan in a window, of chance selections everything; hot and cold."""
    times = moment(window.start), moment(window.end), moment(known_at)
    hot = await fetch_samples(connection, QUERIES["newest_of_sets"], *times, points.tolist())
    days = day_of(window.start), day_of(window.end - 1)
    scans = await connection.fetch(QUERIES["cold_scans"], *days, None)
    places = await asyncio.to_thread(_newest_places, scans, window, known_at)
    keys = list(places), [place[0] for place in places.values()]
    values = await connection.fetch(QUERIES["cold_values"], *keys) if places else []
    chance = await connection.fetch(QUERIES["cold_chance"], *days, None)
    if not values and not chance:
        return hot
    cold = await asyncio.to_thread(_cold_samples, values, places, chance)
    inside = (cold.at >= window.start) & (cold.at < window.end) & (cold.recorded_at <= known_at)
    return Samples.join([cold.select(inside), hot])


def _newest_places(scans: Sequence[asyncpg.Record], window: Window, known_at: int) -> dict[int, Place]:
    """Newest scan of every set that is cold."""
    places: dict[int, Place] = {}
    for row in scans:
        at, recorded_at = unpack_times(row["times"])
        known = np.flatnonzero((recorded_at <= known_at) & (at >= window.start) & (at < window.end))
        if not len(known):
            continue
        place = int(known[np.lexsort((recorded_at[known], at[known]))[-1]])
        candidate = row["day"], place, int(at[place]), int(recorded_at[place])
        before = places.get(row["set_id"])
        if before is None or candidate[2:] > before[2:]:
            places[row["set_id"]] = candidate
    return places


def _cold_samples(values: Sequence[Any], places: dict[int, Place], chance: Sequence[Any]) -> Samples:
    rows: list[tuple[int, int, int, float, int]] = []
    for row in values:
        _, place, at, recorded_at = places[row["set_id"]]
        value, quality = unpack_values(row["data"])
        rows.append((row["point_id"], at, recorded_at, float(value[place]), int(quality[place])))
    columns = list(zip(*rows, strict=True)) if rows else [()] * 5
    parts = [
        Samples(
            np.array(columns[0], np.uint32),
            np.array(columns[1], np.int64),
            np.array(columns[2], np.int64),
            np.array(columns[3], np.float64),
            np.array(columns[4], np.uint8),
        )
    ]
    for row in chance:
        times, recorded, value, quality = unpack_samples(row["data"])
        parts.append(Samples(np.full(len(times), row["point_id"], np.uint32), times, recorded, value, quality))
    return Samples.join(parts)


def _last_of_points(samples: Samples) -> Samples:
    """Of each point the newest; of one time the sample that was recorded last."""
    ordered = samples.ordered()
    last = np.ones(len(ordered), np.bool_)
    last[:-1] = ordered.point[1:] != ordered.point[:-1]
    return ordered.select(last)

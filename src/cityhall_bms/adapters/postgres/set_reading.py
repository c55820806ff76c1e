"""Samples of a few points of many scans: the database picks the values out of each scan, numpy lays them out.

A row per scan instead of one per sample: what long windows need. Every set is a question of its own, so for a short
window over many sets :mod:`~cityhall_bms.adapters.postgres.samples` asks once for all.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import asyncpg
import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.postgres.history_copy import fetch_samples, fetch_scans, moment
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.historian.columns import Samples
from cityhall_bms.ports.history import Window

QUERIES: Final = load("history.sql")


async def of_points(
    connection: asyncpg.Connection, points: Sequence[int], window: Window, known_at: int
) -> list[Samples]:
    """Samples of some points in scans, recorded by ``known_at`` (µs UTC): parts of one point each, oldest first.

    What was recorded again is there too. The samples of chance selections are one more part, in no order.
    """
    times = (moment(window.start), moment(window.end), moment(known_at))
    members = await connection.fetch(QUERIES["members"], list(points))
    parts = [await fetch_samples(connection, QUERIES["lone_samples_of_points"], *times, list(points))]
    for row in members:
        query = _question(row["ordinals"])
        at, recorded_at, value, quality = await fetch_scans(
            connection, query, len(row["points"]), row["set_id"], *times, bytes(len(row["points"]))
        )
        parts += await asyncio.to_thread(_by_point, row["points"], at, recorded_at, value, quality)
    return parts


def _question(ordinals: Sequence[int]) -> str:
    """Question for the values at some places (ascending, from 1) of a set's scans."""
    first, last = ordinals[0], ordinals[-1]
    places = [ordinal - first + 1 for ordinal in ordinals]
    return QUERIES["some_of_set"].format(
        first=int(first),
        last=int(last),
        values=", ".join(f"s.part[{int(place)}]" for place in places),
        quality=" || ".join(f"substring(s.marks FROM {int(place)} FOR 1)" for place in places),
    )


def _by_point(
    points: Sequence[int],
    at: NDArray[np.int64],
    recorded_at: NDArray[np.int64],
    value: NDArray[np.float64],
    quality: NDArray[np.uint8],
) -> list[Samples]:
    if not len(at):
        return []
    if (at[1:] < at[:-1]).any():
        order = np.argsort(at, kind="stable")
        at, recorded_at, value, quality = at[order], recorded_at[order], value[order], quality[order]
    return [
        Samples(np.full(len(at), point, np.uint32), at, recorded_at, value[:, place], quality[:, place])
        for place, point in enumerate(points)
    ]

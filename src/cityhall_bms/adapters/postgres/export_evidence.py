"""What the manifest of an export says of the record: coverage, gaps, events, restatements."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import asyncpg
import numpy as np

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.export_store import QUERIES
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.domain.gaps import Gap, GapCause
from cityhall_bms.exports.query import time_text
from cityhall_bms.historian.intervals import DAY_US, interval_edges
from cityhall_bms.ports.exports import ExportQuery, LogRange, Restated
from cityhall_bms.ports.history import Aggregation, Window

STEPS: Final = ((2 * DAY_US, "1m"), (31 * DAY_US, "15m"), (1_000 * DAY_US, "1h"))
"""Up to which length of a window the covered time is summed from which interval; beyond from days."""


FIGURE: Final = "figure"
"""Type of a restatement that is no event: a figure of a closed hour or day that changed."""
POINTS_AT_ONCE: Final = 32
"""A day of the samples of so many is in memory at a time where nothing is summed up."""
FIGURES_AT_ONCE: Final = 250_000
"""What history answers in one go has a bound."""


class PostgresExportEvidence:
    """See :class:`~cityhall_bms.ports.exports.ExportEvidence`."""

    def __init__(self, pool: asyncpg.Pool, history: PostgresHistory) -> None:
        self._pool = pool
        self._history = history

    async def covered(self, query: ExportQuery) -> list[float]:
        """Share of the window, widened to whole steps, for which good samples stand, 0..1, of each point."""
        step = covering_step(query)
        edges = interval_edges(query.window, step, ZoneInfo(query.time_zone))
        # Nothing stands beyond what was known, and years ahead of it are not asked for.
        known = edges[: max(int(np.searchsorted(edges, query.known_at, "left")) + 1, 2)]
        window, length = Window(int(known[0]), int(known[-1])), np.diff(known)
        numbers = [point.number for point in query.points]
        at_once = min(max(FIGURES_AT_ONCE // len(length), 1), POINTS_AT_ONCE)
        how = (window, step, Aggregation.COUNT, query.time_zone, query.known_at)
        shares: list[float] = []
        for begin in range(0, len(numbers), at_once):
            table = await self._history.queries.intervals_of(numbers[begin : begin + at_once], *how)
            shares += (table.coverage @ length / (edges[-1] - edges[0])).tolist()
        return shares

    async def gaps(self, query: ExportQuery) -> list[Sequence[Gap]]:
        """Gaps of each point, its own and its device's."""
        numbers = [point.number for point in query.points]
        devices = sorted({"", *(point.device for point in query.points)})
        end = min(query.window.end, query.known_at)
        with translated(HistoryUnavailableError):
            rows = await self._pool.fetch(QUERIES["gaps_of_points"], query.window.start, end, numbers, devices)
        return share_out([_gap(row) for row in rows], query)

    async def events(self, query: ExportQuery) -> LogRange:
        """Events between the window's begin and ``known_at``."""
        with translated(HistoryUnavailableError):
            async with self._pool.acquire() as connection:
                last = await _first_after(connection, query.known_at) - 1
                first = await _first_after(connection, query.window.start - 1)
                entry = await connection.fetchrow(QUERIES["entry"], last)
        return LogRange(0, 0, "") if entry is None else LogRange(min(first, last), last, entry["hash"])

    async def restatements(self, query: ExportQuery, limit: int) -> tuple[int, list[Restated]]:
        """How many there are that concern the window and were made by ``known_at``, and the first of them."""
        numbers = {point.number: point.name for point in query.points}
        asked = (query.known_at, query.window.start, query.window.end, list(numbers))
        with translated(HistoryUnavailableError):
            rows = await self._pool.fetch(QUERIES["restated"], query.known_at)
            in_all = await self._pool.fetchval(QUERIES["figures_restated_in_all"], *asked)
            figures = await self._pool.fetch(QUERIES["figures_restated"], *asked, limit)
        names = set(numbers.values())
        found = [
            Restated(row["position"], row["recorded_at"], row["type"], payload)
            for row in rows
            if concerns(payload := json.loads(row["payload"]), names, query)
        ]
        listed = [*found, *(_figure(row, numbers[row["point_id"]]) for row in figures)]
        return len(found) + in_all, listed[:limit]


async def _first_after(connection: asyncpg.Connection, at: int) -> int:
    """Position of the first event recorded after a time, whether it is there yet or not.

    Positions have no gaps, and times never go back with them: halving finds it without an index on times.
    """
    low, high = 1, await connection.fetchval(QUERIES["end_of_log"]) + 1
    while low < high:
        middle = (low + high) // 2
        if (await connection.fetchrow(QUERIES["entry"], middle))["recorded_at"] > at:
            high = middle
        else:
            low = middle + 1
    return low


def covering_step(query: ExportQuery) -> str:
    """Interval from which the covered time of a window is summed."""
    length = query.window.end - query.window.start
    return next((step for most, step in STEPS if length <= most), "1d")


def share_out(gaps: Sequence[Gap], query: ExportQuery) -> list[Sequence[Gap]]:
    """Gaps of each point of a query, from the gaps of all of them."""
    of_device: dict[str, list[Gap]] = {}
    of_point: dict[int, list[Gap]] = {}
    for gap in gaps:
        for number in gap.points:
            of_point.setdefault(number, []).append(gap)
        if not gap.points:
            of_device.setdefault(gap.device, []).append(gap)
    shared = of_device.pop("", [])
    return [[*shared, *of_device.get(point.device, []), *of_point.get(point.number, [])] for point in query.points]


def concerns(payload: Mapping[str, Any], names: set[str], query: ExportQuery) -> bool:
    """Tell whether a restatement falls into the window and touches one of the points."""
    first, until = payload.get("first", query.window.start), payload.get("until", query.window.end)
    points = payload.get("points", [payload["point"]] if "point" in payload else names)
    return first < query.window.end and until > query.window.start and not names.isdisjoint(points)


def _figure(row: asyncpg.Record, name: str) -> Restated:
    """A figure that changed after it was told; its position is its number in the record of restatements."""
    figures = ("old_count", "new_count", "old_mean", "new_mean", "old_delta", "new_delta")
    what = {
        "point": name,
        "interval": row["level"],
        "from": time_text(row["bucket"]),
        "to": time_text(row["bucket_end"]),
    }
    payload = what | {"why": row["why"]} | {figure: row[figure] for figure in figures}
    return Restated(row["id"], row["restated_at"], FIGURE, payload)


def _gap(row: asyncpg.Record) -> Gap:
    return Gap(row["device"], GapCause(row["cause"]), row["since"], row["polls"], tuple(row["point_ids"]), row["until"])

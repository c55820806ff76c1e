"""Keeps what was told of closed hours and days before it changed. Belongs to the historian's transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import asyncpg
import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.postgres.counters import Change, fetch_standing
from cityhall_bms.domain.counters import RestatedWhy
from cityhall_bms.historian.counters import Step, Steps
from cityhall_bms.historian.intervals import HOUR_US, floor_to, interval_edges
from cityhall_bms.historian.restatements import Figures, Restated, compare
from cityhall_bms.historian.rollups import Rollups
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.history import Window

HOURS, DAYS = "1h", "1d"
COLUMNS: Final = (
    "restated_at", "why", "level", "bucket", "bucket_end", "point_id", "old_count", "new_count", "old_good_us",
    "new_good_us", "old_mean", "new_mean", "old_delta", "new_delta",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recomputed:
    """Rows of the buckets between ``edges`` of a level before and after; the same where only counters changed."""

    level: str
    edges: NDArray[np.int64]
    before: Rollups
    after: Rollups


@dataclass(frozen=True, slots=True)
class Reason:
    """Why figures change, and what had been told by then: only buckets that were closed (µs UTC)."""

    why: RestatedWhy
    closed_through: int


async def keep(
    connection: asyncpg.Connection,
    clock: Clock,
    reason: Reason,
    recomputed: Iterable[Recomputed],
    changes: Sequence[Change],
) -> int:
    """Write down every figure that differs from what was told; gives how many do."""
    written = 0
    for part in recomputed:
        restated = await _compared(connection, part, changes)
        told = restated.bucket_end <= reason.closed_through
        records = _records(restated, np.flatnonzero(told), part.level, reason.why, clock.now())
        await connection.copy_records_to_table("restatement", records=records, columns=COLUMNS)
        written += len(records)
    return written


def buckets_of(changes: Iterable[Change], level: str, zone: ZoneInfo) -> list[tuple[int, int]]:
    """Buckets of a level in which steps of counters changed."""
    if level == HOURS:
        hours = {floor_to(change.at, HOUR_US) for change in changes}
        return [(hour, hour + HOUR_US) for hour in sorted(hours)]
    days = {tuple(interval_edges(Window(change.at, change.at + 1), DAYS, zone).tolist()) for change in changes}
    return sorted((begin, end) for begin, end in days)


async def _compared(connection: asyncpg.Connection, part: Recomputed, changes: Sequence[Change]) -> Restated:
    window = Window(int(part.edges[0]), int(part.edges[-1]))
    inside = [change for change in changes if window.start <= change.at < window.end]
    points = np.unique(np.concatenate([part.before.point, part.after.point])).tolist()
    standing = await fetch_standing(connection, points, window)
    now = {(point, item.step.at): item.step for point, items in standing.items() for item in items}
    then = dict(now)
    for change in inside:
        then.pop((change.point, change.at), None)
        if change.old is not None:
            then[change.point, change.at] = change.old
    return compare(Figures(part.before, _steps(then)), Figures(part.after, _steps(now)), part.edges)


def _steps(by_key: dict[tuple[int, int], Step]) -> Steps:
    return Steps.of((point, step) for (point, _), step in by_key.items())


def _records(
    restated: Restated, rows: NDArray[np.intp], level: str, why: RestatedWhy, now: int
) -> list[tuple[object, ...]]:
    columns = [restated.bucket, restated.bucket_end, restated.point]
    columns += [side[name] for name in ("count", "good_us", "mean", "delta") for side in (restated.old, restated.new)]
    lists = [
        [None if value != value else value for value in column[rows].tolist()]  # noqa: PLR0124 - NaN
        for column in columns
    ]
    return [(now, why.value, level, *record) for record in zip(*lists, strict=True)]

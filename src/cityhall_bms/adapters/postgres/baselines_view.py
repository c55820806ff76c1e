"""Baselines and non-routine adjustments in PostgreSQL: the fold of every stream."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.energy.baseline_book import (
    ADJUSTMENT_STREAMS,
    BASELINE_STREAMS,
    AdjustmentRecord,
    BaselineFitted,
    BaselineRecord,
    NonRoutineAdjusted,
    fold_adjustment,
    fold_baseline,
)
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.ports.baselines import AdjustmentPage, BaselinePage
from cityhall_bms.ports.history import Window

QUERIES: Final = load("baselines.sql")
TOUCHING_MAX: Final = 1_000


class BaselinesProjection:
    """Tables ``energy_baseline`` and ``energy_adjustment``."""

    name = "baselines"
    tables = ("energy_baseline", "energy_adjustment")

    async def apply(self, connection: asyncpg.Connection, entries: Sequence[StoredEvent]) -> None:
        """Take in what was fitted, adopted, adjusted and withdrawn."""
        for entry in entries:
            if entry.stream.startswith(BASELINE_STREAMS):
                await _fold_baseline(connection, entry)
            elif entry.stream.startswith(ADJUSTMENT_STREAMS):
                await _fold_adjustment(connection, entry)


async def _fold_baseline(connection: asyncpg.Connection, entry: StoredEvent) -> None:
    row = await connection.fetchrow(QUERIES["load"], entry.stream.removeprefix(BASELINE_STREAMS))
    before = None if row is None else baseline_of(row["record"])
    after = fold_baseline(before, entry)
    if after is None or after == before:
        return
    adopted = None if after.adopted_at is None else after.position
    key = (after.fitted.baseline, after.fitted.meter, adopted, entry.position)
    await connection.execute(QUERIES["store"], *key, _body(after))


async def _fold_adjustment(connection: asyncpg.Connection, entry: StoredEvent) -> None:
    row = await connection.fetchrow(QUERIES["load_adjustment"], entry.stream.removeprefix(ADJUSTMENT_STREAMS))
    before = None if row is None else adjustment_of(row["record"])
    after = fold_adjustment(before, entry)
    if after is None or after == before:
        return
    made = after.made
    key = (made.adjustment, made.meter, made.begin, made.until, entry.position)
    await connection.execute(QUERIES["store_adjustment"], *key, _body(after))


class PostgresBaselineView:
    """What :class:`BaselinesProjection` keeps: see :class:`~cityhall_bms.ports.baselines.BaselineView`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def page(self, meter: str | None, limit: int, before: int | None) -> BaselinePage:
        """One page of baselines, the newest first."""
        rows, following = await self._page("page", meter, limit, before)
        return BaselinePage([baseline_of(row["record"]) for row in rows], following)

    async def get(self, baseline: str) -> BaselineRecord | None:
        """One baseline, or none."""
        return await self._one("load", baseline)

    async def in_force(self, meter: str) -> BaselineRecord | None:
        """The baseline of a meter that was adopted last."""
        return await self._one("in_force", meter)

    async def adjustments(self, meter: str | None, limit: int, before: int | None) -> AdjustmentPage:
        """One page of adjustments, the newest first."""
        rows, following = await self._page("adjustments", meter, limit, before)
        return AdjustmentPage([adjustment_of(row["record"]) for row in rows], following)

    async def touching(self, meter: str, window: Window) -> Sequence[AdjustmentRecord]:
        """Adjustments that touch a window, ``TOUCHING_MAX`` at most."""
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["touching"], meter, window.start, window.end, TOUCHING_MAX)
        return [adjustment_of(row["record"]) for row in rows]

    async def _one(self, query: str, name: str) -> BaselineRecord | None:
        if "\x00" in name:
            return None
        with translated(EventLogUnavailableError):
            row = await self._pool.fetchrow(QUERIES[query], name)
        return None if row is None else baseline_of(row["record"])

    async def _page(
        self, query: str, meter: str | None, limit: int, before: int | None
    ) -> tuple[list[asyncpg.Record], int | None]:
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES[query], meter, before, limit + 1)
        return rows[:limit], rows[limit - 1]["place"] if len(rows) > limit else None


def baseline_of(body: str) -> BaselineRecord:
    """Baseline as the projection stored it."""
    table: dict[str, Any] = json.loads(body)
    return BaselineRecord(**(table | {"fitted": BaselineFitted(**table["fitted"])}))


def adjustment_of(body: str) -> AdjustmentRecord:
    """Adjustment as the projection stored it."""
    table: dict[str, Any] = json.loads(body)
    return AdjustmentRecord(**(table | {"made": NonRoutineAdjusted(**table["made"])}))


def _body(record: BaselineRecord | AdjustmentRecord) -> str:
    return json.dumps(dataclasses.asdict(record), ensure_ascii=False)

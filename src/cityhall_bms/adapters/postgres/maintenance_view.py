"""Maintenance in PostgreSQL: the fold of the stream of every order, round, finding, fire test and asset."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
from pydantic import TypeAdapter

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.maintenance.assets import ASSET_STREAMS, Asset, fold_asset
from cityhall_bms.domain.maintenance.fire_tests import FIRE_TEST_STREAMS, FireTest, fold_fire_test
from cityhall_bms.domain.maintenance.orders import DONE, ORDER_STREAMS, WorkOrder, fold_order
from cityhall_bms.domain.maintenance.patrol import (
    FINDING_STREAMS,
    ROUND_STREAMS,
    Finding,
    Round,
    fold_finding,
    fold_round,
)
from cityhall_bms.ports.maintenance import PlanWork, RecordFilter, RecordPage

QUERIES: Final = load("maintenance.sql")
Key = tuple[str, str, str, str, str, int, int | None, bool]


def _of_order(order: WorkOrder) -> Key:
    done = order.fixed_at if order.state in DONE else None
    return (
        order.state, order.kind, order.subject, order.reference, order.equipment, order.opened_at, done, order.ended
    )  # fmt: skip


def _of_round(found: Round) -> Key:
    return ("walked", found.route, found.route, "", "", found.at, found.at, True)


def _of_finding(finding: Finding) -> Key:
    closed = finding.closed_at is not None
    state = "closed" if closed else "open"
    return (state, finding.category, finding.round, "", finding.equipment, finding.at, finding.closed_at, closed)


def _of_fire_test(test: FireTest) -> Key:
    state = "passed" if test.passed else "failed"
    return (state, test.plan, test.plan, test.due, "", test.at, test.at, bool(test.filed_on))


def _of_asset(asset: Asset) -> Key:
    return ("standing", asset.asset_class, asset.tag, "", asset.tag, asset.changed_at, None, False)


@dataclass(frozen=True, slots=True)
class _Kind:
    """How records of one kind are folded, written and found."""

    name: str
    streams: str
    fold: Callable[[Any, StoredEvent], Any]
    key: Callable[[Any], Key]
    form: TypeAdapter[Any]


ORDER: Final = _Kind("order", ORDER_STREAMS, fold_order, _of_order, TypeAdapter(WorkOrder))
ROUND: Final = _Kind("round", ROUND_STREAMS, fold_round, _of_round, TypeAdapter(Round))
FINDING: Final = _Kind("finding", FINDING_STREAMS, fold_finding, _of_finding, TypeAdapter(Finding))
FIRE_TEST: Final = _Kind("fire_test", FIRE_TEST_STREAMS, fold_fire_test, _of_fire_test, TypeAdapter(FireTest))
ASSET: Final = _Kind("asset", ASSET_STREAMS, fold_asset, _of_asset, TypeAdapter(Asset))
KINDS: Final = (ORDER, ROUND, FINDING, FIRE_TEST, ASSET)


class MaintenanceProjection:
    """Table ``maintenance_record``."""

    name = "maintenance"
    tables = ("maintenance_record",)

    async def apply(self, connection: asyncpg.Connection, entries: Sequence[StoredEvent]) -> None:
        """Take in what was said about maintenance."""
        for entry in entries:
            for kind in KINDS:
                if entry.stream.startswith(kind.streams):
                    await _fold(connection, kind, entry)


async def _fold(connection: asyncpg.Connection, kind: _Kind, entry: StoredEvent) -> None:
    name = entry.stream.removeprefix(kind.streams)
    stored = await connection.fetchval(QUERIES["load"], kind.name, name)
    before = None if stored is None else kind.form.validate_json(stored)
    after = kind.fold(before, entry)
    if after is None or after == before:
        return
    body = kind.form.dump_json(after).decode()
    await connection.execute(QUERIES["store"], kind.name, name, *kind.key(after), entry.position, body)


class PostgresMaintenanceView:
    """What :class:`MaintenanceProjection` keeps: see :class:`~cityhall_bms.ports.maintenance.MaintenanceView`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def orders(self, which: RecordFilter, limit: int, before: int | None) -> RecordPage[WorkOrder]:
        """Work orders, the newest first."""
        return await self._page(ORDER, which, limit, before)

    async def rounds(self, which: RecordFilter, limit: int, before: int | None) -> RecordPage[Round]:
        """Rounds, the newest first."""
        return await self._page(ROUND, which, limit, before)

    async def findings(self, which: RecordFilter, limit: int, before: int | None) -> RecordPage[Finding]:
        """Findings, the newest first."""
        return await self._page(FINDING, which, limit, before)

    async def fire_tests(self, which: RecordFilter, limit: int, before: int | None) -> RecordPage[FireTest]:
        """Fire tests, the newest first."""
        return await self._page(FIRE_TEST, which, limit, before)

    async def assets(self, which: RecordFilter, limit: int, before: int | None) -> RecordPage[Asset]:
        """Assets, the newest first."""
        return await self._page(ASSET, which, limit, before)

    async def plan_work(self, newest: int, since: int = 0) -> Sequence[PlanWork]:
        """Orders of plans, the newest of each task at most, in the order in which they were opened."""
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["plan_work"], newest, since)
        return [PlanWork(r["subject"], r["reference"], r["name"], r["done_at"], r["ended"]) for r in rows]

    async def _page(self, kind: _Kind, which: RecordFilter, limit: int, before: int | None) -> RecordPage[Any]:
        window = (None, None) if which.window is None else (which.window.start, which.window.end)
        asked = (which.open_only, which.state, which.sort, which.subject, which.equipment, *window)
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["page"], kind.name, before, limit + 1, *asked)
        more = len(rows) > limit
        rows = rows[:limit]
        items = [kind.form.validate_json(row["record"]) for row in rows]
        return RecordPage(items, rows[-1]["opened_position"] if more else None)

"""Table ``backtest``: what was asked for, how far it is, and the results."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from cityhall_bms.adapters.postgres.connection import connect, translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import HistoryUnavailableError, NotFoundError
from cityhall_bms.domain.events import canonical
from cityhall_bms.ports.rule_views import Backtest, BacktestState

QUERIES: Final = load("backtests.sql")


class PostgresBacktestStore:
    """See :class:`~cityhall_bms.ports.rule_views.BacktestStore`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def begin(self, backtest: Backtest) -> None:
        """Enter a new one."""
        question = {
            "first": backtest.first,
            "until": backtest.until,
            "step_us": backtest.step_us,
            "definition": dict(backtest.definition),
            "active": None if backtest.active is None else dict(backtest.active),
        }
        row = (backtest.id, backtest.rule, backtest.fingerprint, backtest.actor, backtest.asked_at)
        with translated(HistoryUnavailableError):
            await self._pool.execute(QUERIES["enter"], *row, canonical(question))

    async def get(self, identity: str) -> Backtest:
        """One backtest; ``NotFoundError``."""
        with translated(HistoryUnavailableError):
            row = await self._pool.fetchrow(QUERIES["get"], identity)
        if row is None:
            msg = f"there is no backtest {identity}; GET /api/v1/rules/ID/backtests lists those of a rule"
            raise NotFoundError(msg)
        return _backtest(row)

    async def page(self, rule: str, limit: int, before: str | None) -> Sequence[Backtest]:
        """Those of a rule, the newest first, those before a given one."""
        with translated(HistoryUnavailableError):
            rows = await self._pool.fetch(QUERIES["page"], rule, limit, before)
        return [_backtest(row) for row in rows]

    async def next_open(self) -> str | None:
        """Oldest one that is not over."""
        with translated(HistoryUnavailableError):
            identity: str | None = await self._pool.fetchval(QUERIES["open"])
        return identity

    async def result(self, identity: str) -> str | None:
        """Result as it was digested."""
        with translated(HistoryUnavailableError):
            result: str | None = await self._pool.fetchval(QUERIES["result"], identity)
        return result

    async def advance(self, identity: str, progress: float) -> None:
        """Note how far it is, 0..1."""
        with translated(HistoryUnavailableError):
            await self._pool.execute(QUERIES["advance"], identity, progress)

    async def end(self, identity: str, now: int, result: str, digest: str, summary: dict[str, Any]) -> None:
        """Keep the result; nothing happens when it is over already."""
        row = (BacktestState.DONE.value, digest, canonical(summary), result, "", now)
        with translated(HistoryUnavailableError):
            await self._pool.execute(QUERIES["end"], identity, *row)

    async def fail(self, identity: str, now: int, reason: str) -> None:
        """Say why there will be none; nothing happens when it is over already."""
        row = (BacktestState.FAILED.value, None, None, None, reason, now)
        with translated(HistoryUnavailableError):
            await self._pool.execute(QUERIES["end"], identity, *row)


@asynccontextmanager
async def claimed_backtest(dsn: str, identity: str) -> AsyncIterator[bool]:
    """Tell whether we are the only process that makes it; we are until the block, or the process, ends."""
    with translated(HistoryUnavailableError):
        connection = await connect(dsn)
    try:
        with translated(HistoryUnavailableError):
            ours = await connection.fetchval(QUERIES["claim"], identity)
        yield bool(ours)
    finally:
        connection.terminate()


def _backtest(row: asyncpg.Record) -> Backtest:
    question = json.loads(row["question"])
    return Backtest(
        id=row["id"],
        rule=row["rule"],
        fingerprint=row["fingerprint"],
        actor=row["actor"],
        asked_at=row["asked_at"],
        first=question["first"],
        until=question["until"],
        step_us=question["step_us"],
        definition=question["definition"],
        active=question["active"],
        state=BacktestState(row["state"]),
        progress=row["progress"],
        digest=row["digest"],
        summary=None if row["summary"] is None else json.loads(row["summary"]),
        reason=row["reason"],
        ended_at=row["ended_at"],
    )

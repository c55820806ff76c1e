"""Rules in PostgreSQL: the fold of every rule's stream, and what shadows would have rung."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import asyncpg

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.rule_book import (
    RULE_STREAMS,
    BacktestSeal,
    Promotion,
    RuleRecord,
    Shadow,
    Wording,
    fold_rule,
)
from cityhall_bms.domain.rule_events import SHADOW_STREAMS, ShadowRaised, ShadowReturned
from cityhall_bms.ports.rule_views import ShadowDay

QUERIES: Final = load("rules.sql")


class RulesProjection:
    """Tables ``rule_record`` and ``shadow_occurrence``."""

    name = "rules"
    tables = ("rule_record", "shadow_occurrence")

    async def apply(self, connection: asyncpg.Connection, entries: Sequence[StoredEvent]) -> None:
        """Fold the entries of rules, and keep what shadows did."""
        of_rules = [entry for entry in entries if entry.stream.startswith(RULE_STREAMS)]
        if of_rules:
            await _fold(connection, of_rules)
        for entry in entries:
            if entry.stream.startswith(SHADOW_STREAMS):
                await _shadow(connection, entry)


async def _fold(connection: asyncpg.Connection, entries: Sequence[StoredEvent]) -> None:
    names = sorted({entry.stream.removeprefix(RULE_STREAMS) for entry in entries})
    rows = await connection.fetch(QUERIES["load"], names)
    records = {name: RuleRecord(name) for name in names} | {row["rule"]: record_of(row["record"]) for row in rows}
    for entry in entries:
        name = entry.stream.removeprefix(RULE_STREAMS)
        records[name] = fold_rule(records[name], [entry])
    await connection.execute(
        QUERIES["store"],
        names,
        [records[name].position for name in names],
        [json.dumps(dataclasses.asdict(records[name]), ensure_ascii=False) for name in names],
    )


async def _shadow(connection: asyncpg.Connection, entry: StoredEvent) -> None:
    match entry.event():
        case ShadowRaised() as event:
            key = event.rule, event.subject
            await connection.execute(QUERIES["shadow_changed"], *key, event.priority)
            row = (entry.position, event.rule, event.fingerprint, event.subject, event.priority, event.observed_at)
            await connection.execute(QUERIES["shadow_raised"], *row)
        case ShadowReturned() as event:
            await connection.execute(QUERIES["shadow_returned"], event.rule, event.subject, event.observed_at)


class PostgresRuleView:
    """See :class:`~cityhall_bms.ports.rule_views.RuleView`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def records(self) -> Mapping[str, RuleRecord]:
        """Every rule, by id."""
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["all"])
        return {row["rule"]: record_of(row["record"]) for row in rows}

    async def get(self, rule: str) -> RuleRecord | None:
        """One rule."""
        with translated(EventLogUnavailableError):
            body = await self._pool.fetchval(QUERIES["get"], rule)
        return None if body is None else record_of(body)

    async def shadow_days(self, rule: str, fingerprint: str, time_zone: str, now: int) -> Sequence[ShadowDay]:
        """Days on which a draft would have rung, oldest first."""
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["shadow_days"], rule, fingerprint, time_zone, now)
        return [ShadowDay(*row) for row in rows]


def record_of(body: str) -> RuleRecord:
    """Record as the projection stored it."""
    table: dict[str, Any] = json.loads(body)
    return RuleRecord(
        **(
            table
            | {
                "applied": _part(Wording, table["applied"]),
                "versions": tuple(Wording(**item) for item in table["versions"]),
                "draft": _part(Wording, table["draft"]),
                "backtest": _part(BacktestSeal, table["backtest"]),
                "shadow": _part(Shadow, table["shadow"]),
                "promotion": _part(Promotion, table["promotion"]),
            }
        )
    )


def _part(cls: type[Any], table: Mapping[str, Any] | None) -> Any:  # noqa: ANN401 - of the class that is given
    return None if table is None else cls(**table)

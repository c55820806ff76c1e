"""Energy conservation measures in PostgreSQL: the fold of every measure's stream."""

import dataclasses
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import asyncpg

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.measures import (
    MEASURE_STREAMS,
    Definition,
    IpmvpOption,
    Measure,
    Measurement,
    MeasureStatus,
    fold_measure,
)
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.ports.measures import MeasureFilter, MeasurePage

QUERIES: Final = load("measures.sql")


class MeasuresProjection:
    """Table ``energy_measure``."""

    name = "measures"
    tables = ("energy_measure",)

    async def apply(self, connection: asyncpg.Connection, entries: Sequence[StoredEvent]) -> None:
        """Take in what was said about measures."""
        for entry in entries:
            if entry.stream.startswith(MEASURE_STREAMS):
                await _fold(connection, entry)


async def _fold(connection: asyncpg.Connection, entry: StoredEvent) -> None:
    name = entry.stream.removeprefix(MEASURE_STREAMS)
    row = await connection.fetchrow(QUERIES["load"], name)
    before = None if row is None else measure_of(row["record"])
    after = fold_measure(before, entry)
    if after is None or after == before:
        return
    body = json.dumps(dataclasses.asdict(after), ensure_ascii=False, default=str)
    key = (after.measure, after.status.value, after.definition.commodity.value)
    await connection.execute(QUERIES["store"], *key, entry.position, body)


class PostgresMeasureView:
    """What :class:`MeasuresProjection` keeps: see :class:`~cityhall_bms.ports.measures.MeasureView`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def page(self, which: MeasureFilter, limit: int, before: int | None) -> MeasurePage:
        """One page, the newest first."""
        status = None if which.status is None else which.status.value
        commodity = None if which.commodity is None else which.commodity.value
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["page"], status, commodity, before, limit + 1)
        more = len(rows) > limit
        rows = rows[:limit]
        return MeasurePage([measure_of(row["record"]) for row in rows], rows[-1]["proposed_position"] if more else None)


def measure_of(body: str) -> Measure:
    """Measure as the projection stored it."""
    table: dict[str, Any] = json.loads(body)
    definition, measurement = table["definition"], table["measurement"]
    price = definition["price_ntd"]
    definition |= {
        "commodity": Commodity(definition["commodity"]),
        "option": IpmvpOption(definition["option"]),
        "meters": tuple(definition["meters"]),
        "equipment": tuple(definition["equipment"]),
        "price_ntd": None if price is None else Decimal(price),
    }
    if measurement is not None:
        pairs = {"before": tuple(measurement["before"]), "after": tuple(measurement["after"])}
        measurement = Measurement(**(measurement | pairs))
    whole = {"definition": Definition(**definition), "measurement": measurement}
    return Measure(**(table | whole | {"status": MeasureStatus(table["status"])}))

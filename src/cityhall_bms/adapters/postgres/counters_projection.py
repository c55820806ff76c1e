"""What people said about counters, as history needs it: the hours concerned are computed again."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.counter_events import CounterDecided, MeterExchanged
from cityhall_bms.domain.events import StoredEvent

QUERIES: Final = load("counters.sql")
TYPES: Final = frozenset({MeterExchanged.__name__, CounterDecided.__name__})


class CountersProjection:
    """Table ``counter_word``; what is said of points that nobody knows is left out."""

    name = "counters"
    tables = ("counter_word",)

    async def apply(self, connection: asyncpg.Connection, entries: Sequence[StoredEvent]) -> None:
        """Take in exchanges and decisions, and mark their hours."""
        words = [entry for entry in entries if entry.type in TYPES]
        if not words:
            return
        names, times = [word.payload["point"] for word in words], [word.payload["at"] for word in words]
        await connection.execute(
            QUERIES["add_words"],
            [word.position for word in words],
            names,
            times,
            [word.payload.get("decision") for word in words],
            [word.payload.get("last_old") for word in words],
            [word.payload.get("first_new") for word in words],
            [word.recorded_at for word in words],
        )
        await connection.execute(QUERIES["mark_words"], names, times)

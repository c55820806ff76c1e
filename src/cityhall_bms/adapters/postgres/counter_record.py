"""What history has to tell about counters and figures, and how far it did."""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.counter_events import FiguresRestated
from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.domain.integrity import digest_of_figures
from cityhall_bms.historian.counter_teller import Doubt, Told

QUERIES: Final = load("counters.sql")
RESTATEMENTS: Final = load("restatements.sql")
FIGURES_AT_ONCE: Final = 100_000
NAMES_MAX: Final = 20
EXAMPLES_MAX: Final = 5
DOUBTS_AT_ONCE: Final = 100


class PostgresCounterRecord:
    """See :class:`~cityhall_bms.historian.counter_teller.CounterRecord`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def told(self) -> Told:
        """How far it was told."""
        with translated(HistoryUnavailableError):
            return Told(*await self._pool.fetchrow(RESTATEMENTS["told"]))

    async def note_told(self, told: Told) -> None:
        """Remember how far it is told now."""
        with translated(HistoryUnavailableError):
            await self._pool.execute(RESTATEMENTS["note_told"], told.position, told.version, told.through)

    async def untold(self, after: int) -> Sequence[FiguresRestated]:
        """Restatements after a number, at most so many at once that an event stays small."""
        with translated(HistoryUnavailableError):
            async with self._pool.acquire() as connection:
                through = await connection.fetchval(RESTATEMENTS["untold_through"], after, FIGURES_AT_ONCE)
                if through is None:
                    return []
                rows = await connection.fetch(RESTATEMENTS["untold"], after, through)
                _, digest = await figures_digest(connection, after, through)
                return [await _event(connection, row, after, through, digest) for row in rows]

    async def doubts(self) -> Sequence[Doubt]:
        """Counters in quarantine of which nobody was told."""
        with translated(HistoryUnavailableError):
            return [Doubt(*row) for row in await self._pool.fetch(QUERIES["newly_waiting"], DOUBTS_AT_ONCE)]

    async def decided(self) -> Sequence[tuple[int, str]]:
        """Counters that were told, and are no longer in quarantine."""
        with translated(HistoryUnavailableError):
            rows = await self._pool.fetch(QUERIES["no_longer_waiting"], DOUBTS_AT_ONCE)
        return [(row["point_id"], row["name"]) for row in rows]

    async def note_doubts(self, numbers: Sequence[int]) -> None:
        """These were told."""
        with translated(HistoryUnavailableError):
            await self._pool.execute(QUERIES["note_notice"], list(numbers))

    async def note_decided(self, numbers: Sequence[int]) -> None:
        """Of these the end was told."""
        with translated(HistoryUnavailableError):
            await self._pool.execute(QUERIES["forget_notice"], list(numbers))


async def figures_digest(connection: asyncpg.Connection, after: int, through: int) -> tuple[int, str]:
    """How many restated figures there are with these numbers, and the digest over them."""
    rows = await connection.fetch(RESTATEMENTS["covered"], after, through)
    return len(rows), digest_of_figures([tuple(row) for row in rows])


async def _event(
    connection: asyncpg.Connection, row: asyncpg.Record, after: int, through: int, digest: str
) -> FiguresRestated:
    names = await connection.fetch(RESTATEMENTS["names"], after, through, row["why"], NAMES_MAX)
    examples = await connection.fetch(RESTATEMENTS["examples"], after, through, row["why"], EXAMPLES_MAX)
    return FiguresRestated(
        why=row["why"],
        first=row["first"],
        until=row["until"],
        hours=row["hours"],
        days=row["days"],
        points=row["points"],
        names=[name for (name,) in names],
        through=through,
        examples=[_example(example) for example in examples],
        after=after,
        digest=digest,
    )


def _example(row: asyncpg.Record) -> dict[str, Any]:
    sides = {side: {name: row[f"{side}_{name}"] for name in ("count", "mean", "delta")} for side in ("old", "new")}
    return {"point": row["name"], "level": row["level"], "bucket": row["bucket"], **sides}

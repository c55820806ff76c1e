"""Seals batches in the historian's transaction: what is stored is sealed, or neither is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import asyncpg

from cityhall_bms.adapters.postgres.history_copy import TIME_MAX_US, TIME_MIN_US, fetch_samples, moment
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.domain.integrity import BatchSeal, ChainHead
from cityhall_bms.historian.sealing import TimeSeal, seal_of_nothing, seal_samples

QUERIES: Final = load("batch_seals.sql")


@dataclass(frozen=True, slots=True)
class Place:
    """Which batch of a source is sealed, and when it was recorded (µs UTC, as in table ``scan``)."""

    source: str
    epoch: int
    sequence: int
    recorded_at: int


@dataclass(slots=True)
class SealMemory:
    """What the writer knows of the chains; as right as the rest of its memory, and thrown away with it."""

    chains: dict[str, int]
    heads: dict[str, ChainHead]
    newest: int
    """Newest time that has a seal; only a batch that is not newer can share its time with another."""

    @classmethod
    async def load(cls, connection: asyncpg.Connection) -> "SealMemory":
        """Read the heads of all chains."""
        rows = await connection.fetch(QUERIES["chains"])
        return cls(
            {row["source"]: row["chain"] for row in rows},
            {row["source"]: ChainHead(row["number"], bytes(row["hash"])) for row in rows},
            await connection.fetchval(QUERIES["newest"]),
        )

    async def seal_batches(
        self, connection: asyncpg.Connection, batches: Iterable[SampleBatch], seals: Mapping[int, TimeSeal]
    ) -> None:
        """Seal batches whose scans were just written; ``seals`` are theirs, by the time they were recorded at."""
        places = [Place(batch.source, batch.epoch, batch.sequence, _kept(batch.recorded_at)) for batch in batches]
        await self.seal(connection, places, seals)

    async def seal(
        self, connection: asyncpg.Connection, places: Sequence[Place], seals: Mapping[int, TimeSeal]
    ) -> None:
        """Seal what was just written, inside of the same transaction; every scan must belong to one of the places."""
        if not places:
            return
        times = sorted({place.recorded_at for place in places})
        found = {**seals, **await self._with_others(connection, times, seals)}
        for source in dict.fromkeys(place.source for place in places if place.source not in self.chains):
            self.chains[source] = await connection.fetchval(QUERIES["add_chain"], source)
        chained = list(self._chained(places, found))
        touched = dict.fromkeys(place.source for place in places)
        await connection.execute(
            QUERIES["add"],
            [self.chains[seal.source] for seal in chained],
            *(
                [getattr(seal, name) for seal in chained]
                for name in ("number", "epoch", "sequence", "recorded_at", "first", "last", "samples", "digest", "hash")
            ),
            [self.chains[source] for source in touched],
            [self.heads[source].number for source in touched],
            [self.heads[source].hash for source in touched],
        )
        self.newest = max(self.newest, *(place.recorded_at for place in places))

    def _chained(self, places: Sequence[Place], found: Mapping[int, TimeSeal]) -> Iterator[BatchSeal]:
        for place in places:
            head = self.heads.get(place.source, ChainHead())
            time = found.get(place.recorded_at) or seal_of_nothing(place.recorded_at)
            seal = BatchSeal(
                place.source,
                head.number + 1,
                place.epoch,
                place.sequence,
                place.recorded_at,
                time.first,
                time.last,
                time.samples,
                time.digest,
                b"",
            )
            seal = replace(seal, hash=seal.expected_hash(head.hash))
            self.heads[place.source] = ChainHead(seal.number, seal.hash)
            yield seal

    async def _with_others(
        self, connection: asyncpg.Connection, times: Sequence[int], found: Mapping[int, TimeSeal]
    ) -> dict[int, TimeSeal]:
        """Seals of the times that other batches share: their samples and the new ones, as they are stored now."""
        if times[0] > self.newest:
            return {}
        shared: dict[int, TimeSeal] = {}
        for row in await connection.fetch(QUERIES["sealed_before"], times):
            time, first, last = row["recorded_at"], row["first"], row["last"]
            if time in found:
                first, last = min(first, found[time].first), max(last, found[time].last)
            window = (moment(first), moment(last), moment(time))
            shared |= seal_samples(await fetch_samples(connection, QUERIES["samples_recorded_at"], *window))
        return shared


def _kept(recorded_at: int) -> int:
    """Time as table ``scan`` holds it."""
    return min(max(recorded_at, TIME_MIN_US), TIME_MAX_US)

"""The event log in PostgreSQL: gap-free positions, hash-chained, append-only."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Final, Self

import asyncpg

from cityhall_bms.adapters.event_chain import NUL, draft
from cityhall_bms.adapters.postgres.connection import open_pool, translated
from cityhall_bms.adapters.postgres.group_writer import GroupWriter
from cityhall_bms.adapters.postgres.lease import Fence
from cityhall_bms.adapters.postgres.listener import Listener
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, Checkpoint

QUERIES: Final = load("event_log.sql")
FOLLOW_PAGE_EVENTS: Final = 500
READERS_MAX: Final = 4


class PostgresEventLog:
    """``async with PostgresEventLog(dsn, clock) as log`` writes and listens until the block ends.

    Opening needs no server: whatever needs one raises ``EventLogUnavailableError`` until it is there.
    """

    def __init__(self, dsn: str, clock: Clock) -> None:
        self._dsn = dsn
        self._writer = GroupWriter(dsn, clock)
        self._listener = Listener(dsn, clock)
        self._tasks = asyncio.TaskGroup()
        self._running: list[asyncio.Task[None]] = []
        self._pool: asyncpg.Pool

    @property
    def listener(self) -> Listener:
        """What wakes the followers; read models of the same process share it."""
        return self._listener

    async def __aenter__(self) -> Self:
        self._pool = await open_pool(self._dsn, connections_max=READERS_MAX)
        await self._tasks.__aenter__()
        self._running = [self._tasks.create_task(part.run()) for part in (self._writer, self._listener)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._running:
            task.cancel()
        try:
            # Only a cancellation may come from the group; the body's own error leaves as it is, in no group.
            cancelled = isinstance(error, asyncio.CancelledError)
            await self._tasks.__aexit__(*((kind, error, trace) if cancelled else (None, None, None)))
        finally:
            self._writer.close()
            self._pool.terminate()

    async def append(
        self, appends: Sequence[Append], checkpoint: Checkpoint | None = None, *, fence: Fence | None = None
    ) -> list[StoredEvent]:
        """Append all or nothing, and the checkpoint with it.

        A caller that is cancelled while it waits may or may not have appended.
        ``ValueError`` or ``TypeError`` for a payload that is no JSON, ``LeaseLostError`` behind a ``fence``.
        """
        drafts = draft(appends)
        if not drafts and checkpoint is None:
            return []
        entries = await self._writer.append(drafts, checkpoint, fence)
        self._listener.wake()
        return entries

    def behind(self, fence: Fence) -> "FencedEventLog":
        """The same log for whoever holds a lease: it refuses what is appended after the lease was taken over."""
        return FencedEventLog(self, fence)

    async def checkpoint(self, name: str) -> Checkpoint | None:
        """Latest checkpoint of that name."""
        with translated(EventLogUnavailableError):
            row = await self._pool.fetchrow(QUERIES["checkpoint"], name)
        return None if row is None else Checkpoint(*row)

    async def read(self, after: int = 0, limit: int = 1000, stream: str | None = None) -> list[StoredEvent]:
        """Events after a position, in order."""
        if stream is not None and NUL in stream:
            return []  # no name of a stream has one, and the database would refuse the question
        with translated(EventLogUnavailableError):
            if stream is None:
                rows = await self._pool.fetch(QUERIES["read"], after, limit)
            elif stream.endswith("/"):
                rows = await self._pool.fetch(QUERIES["read_prefix"], after, limit, stream, stream[:-1] + "0")
            else:
                rows = await self._pool.fetch(QUERIES["read_stream"], after, limit, stream)
        return [stored_event(row) for row in rows]

    async def end(self) -> int:
        """Position of the newest event; 0 when there is none."""
        with translated(EventLogUnavailableError):
            position: int = await self._pool.fetchval(QUERIES["end"])
        return position

    async def follow(self, after: int) -> AsyncIterator[StoredEvent]:
        """Every event after a position, in order, without end; goes on by itself after an outage."""
        while True:
            changed = self._listener.changed
            try:
                entries = await self.read(after, FOLLOW_PAGE_EVENTS)
            except EventLogUnavailableError:
                entries = []
            for entry in entries:
                after = entry.position
                yield entry
            if len(entries) < FOLLOW_PAGE_EVENTS:
                await self._listener.wait(changed)


class FencedEventLog:
    """``EventLog`` of the holder of a lease."""

    def __init__(self, log: PostgresEventLog, fence: Fence) -> None:
        self._log = log
        self._fence = fence
        self.checkpoint = log.checkpoint
        self.read = log.read
        self.end = log.end
        self.follow = log.follow

    async def append(self, appends: Sequence[Append], checkpoint: Checkpoint | None = None) -> list[StoredEvent]:
        """Append as the log does; ``LeaseLostError`` when the lease was taken over."""
        return await self._log.append(appends, checkpoint, fence=self._fence)


def stored_event(row: asyncpg.Record) -> StoredEvent:
    """Entry of a row with all columns of the log."""
    position, recorded_at, stream, version, kind, actor, payload, prev_hash, digest = row
    return StoredEvent(
        position, recorded_at, stream, version, kind, actor, json.loads(payload), bytes(prev_hash), bytes(digest)
    )

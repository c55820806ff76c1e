"""The ports of decisions in memory: what unit tests use, held to the same contract as the real ones.

Nothing here is durable.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

from cityhall_bms.adapters.event_chain import Head, chain, draft, selects
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, Checkpoint


class MemoryEventLog:
    """An event log that lives as long as the process. Setting ``available`` to false plays an outage."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: list[StoredEvent] = []
        self._versions: dict[str, int] = {}
        self._checkpoints: dict[str, Checkpoint] = {}
        self._head = Head()
        self._changed = asyncio.Event()
        self._available = True

    @property
    def available(self) -> bool:
        """Whether the log can be reached."""
        return self._available

    @available.setter
    def available(self, value: bool) -> None:
        self._available = value
        self._wake()

    async def append(self, appends: Sequence[Append], checkpoint: Checkpoint | None = None) -> list[StoredEvent]:
        """Append all or nothing, and the checkpoint with it."""
        self._reach()
        self._head, versions, entries = chain(self._head, self._versions, draft(appends), self._clock.now())
        self._versions |= versions
        self._entries.extend(entries)
        if checkpoint is not None:
            self._checkpoints[checkpoint.name] = checkpoint
        self._wake()
        return entries

    async def checkpoint(self, name: str) -> Checkpoint | None:
        """Latest checkpoint of that name."""
        self._reach()
        return self._checkpoints.get(name)

    async def read(self, after: int = 0, limit: int = 1000, stream: str | None = None) -> list[StoredEvent]:
        """Events after a position, in order."""
        self._reach()
        chosen = self._entries[max(after, 0) :] if stream is None else self._of_stream(after, stream)
        return chosen[:limit]

    async def end(self) -> int:
        """Position of the newest event; 0 when there is none."""
        self._reach()
        return self._head.position

    async def follow(self, after: int) -> AsyncIterator[StoredEvent]:
        """Every event after a position, without end; waits while the log is not available."""
        while True:
            changed = self._changed
            if self._available and after < len(self._entries):
                entry = self._entries[after]
                after = entry.position
                yield entry
            else:
                await changed.wait()

    def _of_stream(self, after: int, stream: str) -> list[StoredEvent]:
        return [entry for entry in self._entries[max(after, 0) :] if selects(stream, entry.stream)]

    def _reach(self) -> None:
        if not self._available:
            msg = "the event log is not available"
            raise EventLogUnavailableError(msg)

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

"""The log of every decision: gap-free positions, hash-chained, kept for ever."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cityhall_bms.domain.events import Event, StoredEvent

ANY_VERSION: Final = -1
"""Expected version of a stream whose writers cannot disagree."""


@dataclass(frozen=True, slots=True)
class Append:
    """Events for one stream, appended only if the stream still has ``expected_version`` events (0 = new)."""

    stream: str
    events: Sequence[Event]
    actor: str
    expected_version: int = ANY_VERSION


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a reader of the telemetry log has come, and what it must remember; stored with its events."""

    name: str
    position: int
    state: bytes


class EventLog(Protocol):
    """The log itself. Every method raises ``EventLogUnavailableError`` when it cannot be reached."""

    async def append(self, appends: Sequence[Append], checkpoint: Checkpoint | None = None) -> list[StoredEvent]:
        """Append all or nothing, and the checkpoint with it.

        :class:`~cityhall_bms.domain.errors.ConcurrencyError` when a stream is not at its expected version.
        """
        ...

    async def checkpoint(self, name: str) -> Checkpoint | None:
        """Latest checkpoint of that name."""
        ...

    async def read(self, after: int = 0, limit: int = 1000, stream: str | None = None) -> list[StoredEvent]:
        """Events after a position, in order; ``stream`` ending in ``/`` selects every stream that starts so."""
        ...

    async def end(self) -> int:
        """Position of the newest event; 0 when there is none."""
        ...

    def follow(self, after: int) -> AsyncIterator[StoredEvent]:
        """Every event after a position, in order, without end; goes on by itself after an outage."""
        ...

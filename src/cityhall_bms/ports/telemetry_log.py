"""The log of everything measured: batches, in one order, durable before they are confirmed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cityhall_bms.domain.batch import SampleBatch


@dataclass(frozen=True, slots=True)
class LoggedBatch:
    """A batch and its place in the log. Positions grow; they may have holes, a source's sequences may not."""

    position: int
    batch: SampleBatch


class TelemetryReader(Protocol):
    """One reader's way through the log. It keeps its own place; the log does not remember it."""

    async def fetch(self, batches_max: int, wait_s: float) -> Sequence[LoggedBatch]:
        """Next batches in order; none when nothing came within ``wait_s``.

        ``TelemetryLogUnavailableError`` when the log is away; fetching again goes on where this reader was.
        """
        ...

    async def close(self) -> None:
        """Stop reading; never raises."""
        ...


class TelemetryLog(Protocol):
    """The log itself."""

    async def publish(self, batch: SampleBatch) -> None:
        """Return once the batch is on disk. Publishing the same batch again changes nothing.

        :class:`~cityhall_bms.domain.errors.TelemetryLogUnavailableError` when that is not certain, and
        :class:`~cityhall_bms.domain.errors.LeaseLostError` when a later life of its source was claimed.
        """
        ...

    async def newest(self, source: str) -> LoggedBatch | None:
        """The newest batch of a source that is kept."""
        ...

    async def claim(self, first: SampleBatch, after: int) -> None:
        """Publish the first batch of a new life of its source: from then on those of earlier lives are refused.

        ``after`` is the position of :meth:`newest` (0 = there is none);
        :class:`~cityhall_bms.domain.errors.LeaseLostError` when another batch of the source came since. Of a claimed
        life one batch is published at a time.
        """
        ...

    async def reader(self, after: int) -> TelemetryReader:
        """Read what comes after a position: 0 = from the oldest batch that is kept."""
        ...

    async def end(self) -> int:
        """Position of the newest batch; 0 when there is none."""
        ...

    async def fill_ratio(self) -> float:
        """Share of the room for batches that is in use, 0..1; at 1 nothing is taken until something is forgotten."""
        ...

    async def forget(self, through: int) -> None:
        """Let go of everything up to a position, because whoever needed it has it."""
        ...

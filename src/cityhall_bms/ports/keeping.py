"""What becomes of history with the years: packed, given to an archive, let go of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

FOR_EVER = 0


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days what is kept; 0 = for ever.

    ``scans`` are days after which scans are packed. ``samples`` are those of points of no other class;
    ``samples_of`` names classes of points by their ids. Hours and days are kept for ever.
    """

    scans: int = 2
    samples: int = 400
    minutes: int = 400
    quarters: int = 3_660
    samples_of: Mapping[int, Sequence[int]] | None = None
    """Days, and the points that are kept for so many."""
    archived: bool = False
    """Samples are let go of only after they are in an archive."""


class KeepingStore(Protocol):
    """Where history is kept. Every method raises ``HistoryUnavailableError`` when it cannot be reached."""

    async def next_day(self, before: date) -> date | None:
        """Oldest day before another with scans outside of the cold form."""
        ...

    async def pack(self, day: date, now: int) -> bool:
        """Pack the scans of a day; false when some came meanwhile, so that it must be packed again."""
        ...

    async def empty_one(self, now: int) -> date | None:
        """Give back the room of the scans of a day that was packed a while ago; none when there is none to give."""
        ...

    async def to_let_go(self, retention: Retention, now: int) -> date | None:
        """Day before which samples are about to be let go of; none while nothing is due, or safe elsewhere."""
        ...

    async def expire(self, retention: Retention, now: int) -> int:
        """Let go of what was kept long enough, and is safe elsewhere; gives how many rows went."""
        ...


class DemandStore(Protocol):
    """Where the greatest quarter hours of days are kept."""

    async def keep_one(self) -> int | None:
        """Find the quarters of one more day (its begin, µs UTC, is given); none when every day that is over is kept.

        Raises ``HistoryUnavailableError`` when history cannot be reached.
        """
        ...


class Archive(Protocol):
    """Where packed days are written to, outside of the database."""

    async def next_day(self) -> date | None:
        """Oldest day to archive."""
        ...

    async def write(self, day: date, now: int) -> object:
        """Archive a day; it is safe there when this returns."""
        ...

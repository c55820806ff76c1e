"""What rang, as the figures of alarm handling need it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.domain.annunciations import Annunciations


@dataclass(frozen=True, slots=True)
class Console:
    """What one console shows; none does not restrict. ``zone`` is a floor (``05``) or a zone of one (``05.W``)."""

    system: str | None = None
    zone: str | None = None
    priority: int | None = None


WHOLE_SITE = Console()


class AnnunciationView(Protocol):
    """What rang. ``EventLogUnavailableError`` when it cannot be read."""

    async def annunciations(self, console: Console, first: int, until: int) -> Annunciations:
        """Rows of a stretch (µs UTC), with a day before it and what already stood: all that its figures need."""
        ...

    async def stale(self, console: Console, since: int, limit: int) -> Sequence[Alarm]:
        """Alarms that operators see and that have been standing since before ``since``, longest first."""
        ...

    async def rings(self, after: int, since: int, limit: int) -> Sequence[tuple[int, int]]:
        """Position and time of what rang after a position and a time (µs UTC), in order; drills do not count."""
        ...

    async def position(self) -> int:
        """Position of the newest event that it reflects."""
        ...

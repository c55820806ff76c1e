"""Searching everything that ever happened to alarms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cityhall_bms.ports.read_models import AlarmTransition


@dataclass(frozen=True, slots=True)
class AlarmSearch:
    """What to look for; whatever is none does not matter. Times are µs UTC of the log, ``end`` excluded."""

    start: int | None = None
    end: int | None = None
    subject: str | None = None
    """Point or equipment that the alarm is about."""
    equipment: str | None = None
    actor: str | None = None
    """Who did it: an operator, or ``rules``, ``system``."""
    system: str | None = None
    priority: int | None = None
    text: str | None = None
    """Part of the alarm's name or text, or of what an operator wrote; large and small letters alike."""


@dataclass(frozen=True, slots=True)
class AlarmSearchPage:
    """Transitions, the newest first; ``next_place`` is where the next page begins."""

    transitions: Sequence[AlarmTransition]
    next_place: int | None


class AlarmRecord(Protocol):
    """The record of alarms. Raises ``EventLogUnavailableError`` when it cannot be reached."""

    async def search(self, what: AlarmSearch, limit: int, before: int | None) -> AlarmSearchPage:
        """One page; ``before`` is the place that the page before gave."""
        ...

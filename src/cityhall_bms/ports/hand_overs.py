"""Handing shifts over: what is asked, and what people do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.domain.hand_overs import HandOver, Lists


@dataclass(frozen=True, slots=True)
class HandOverPage:
    """Hand-overs, the newest first; ``next_place`` is where the next page begins."""

    hand_overs: Sequence[HandOver]
    next_place: int | None


class HandOverView(Protocol):
    """All hand-overs as they stand. Raises ``EventLogUnavailableError`` when it cannot be reached."""

    async def page(self, limit: int, before: int | None) -> HandOverPage:
        """One page; ``before`` is the place that the page before gave."""
        ...


class StandingThen(Protocol):
    """Alarms that were not normal at a position of the event log."""

    async def reflected(self) -> int:
        """Newest position for which :meth:`alarms_by` and the permits can answer."""
        ...

    async def alarms_by(self, position: int) -> Sequence[Alarm]:
        """Those alarms in the operators' order; ``EventLogUnavailableError`` when it cannot be reached."""
        ...


class HandOverDesk(Protocol):
    """What operators do about hand-overs.

    ``NotFoundError`` for one that nobody knows, ``RefusedError`` for what is not allowed.
    """

    async def prepare(self, *, by: str, notes: str) -> tuple[HandOver, Lists]:
        """Write down how things stand now."""
        ...

    async def sign(self, hand_over: str, *, by: str, comment: str) -> HandOver:
        """Take a shift."""
        ...

    async def read(self, hand_over: str) -> tuple[HandOver, Lists]:
        """One hand-over, with its lists as the log gives them now."""
        ...

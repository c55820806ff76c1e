"""Permits: what is asked about them, and what people do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cityhall_bms.domain.permits import Permit, PermitKind, Scope


@dataclass(frozen=True, slots=True)
class PermitFilter:
    """Which permits: those not closed yet (``open_only``), of a kind."""

    open_only: bool = True
    kind: PermitKind | None = None


@dataclass(frozen=True, slots=True)
class PermitPage:
    """Permits, the newest first; ``next_place`` is where the next page begins."""

    permits: Sequence[Permit]
    next_place: int | None


@dataclass(frozen=True, slots=True)
class PermitWish:
    """What somebody wants to be allowed; times are µs UTC, ``until`` excluded."""

    kind: PermitKind
    scope: Scope
    begin: int
    until: int
    reason: str


class PermitView(Protocol):
    """All permits as they stand. Raises ``EventLogUnavailableError`` when it cannot be reached."""

    async def page(self, which: PermitFilter, limit: int, before: int | None) -> PermitPage:
        """One page; ``before`` is the place that the page before gave."""
        ...

    async def get(self, permit: str) -> Permit | None:
        """One permit, or none."""
        ...

    async def due(self, now: int) -> Sequence[Permit]:
        """Permits whose time is over and which nobody closed."""
        ...

    async def in_force(self, position: int, at: int) -> Sequence[Permit]:
        """Permits in force at a time, by what the event log held up to a position."""
        ...


class PermitDesk(Protocol):
    """What people do about permits.

    ``RefusedError`` for what makes no sense, ``NotFoundError`` for places and permits that nobody knows.
    """

    async def open(self, wish: PermitWish, *, by: str) -> Permit:
        """Open one."""
        ...

    async def close(self, permit: str, *, by: str, comment: str) -> Permit:
        """End one before its time, or confirm that its work is done."""
        ...

"""Notifications: what is asked about them, and what people do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cityhall_bms.domain.notifications import Notification, NotificationState


@dataclass(frozen=True, slots=True)
class NotificationFilter:
    """Which notifications; what is not given does not restrict."""

    alarm: str | None = None
    person: str | None = None
    state: NotificationState | None = None


@dataclass(frozen=True, slots=True)
class ToldNotification:
    """A notification, and who acknowledged its alarm when (µs UTC) afterwards."""

    notification: Notification
    acknowledged_by: str = ""
    acknowledged_at: int | None = None


@dataclass(frozen=True, slots=True)
class NotificationPage:
    """Notifications, the newest first; ``next_place`` is where the next page begins."""

    notifications: Sequence[ToldNotification]
    next_place: int | None


class NotificationView(Protocol):
    """All notifications as they stand. Raises ``EventLogUnavailableError`` when it cannot be reached."""

    async def page(self, which: NotificationFilter, limit: int, before: int | None) -> NotificationPage:
        """One page; ``before`` is the place that the page before gave."""
        ...


class NotificationDesk(Protocol):
    """What people do about notifications."""

    async def test(self, person: str, *, by: str) -> Sequence[str]:
        """Queue a message to every channel of a person; gives their ids. ``NotFoundError`` for nobody of the plan."""
        ...

"""The events of one notification's life, in its stream ``notification/<id>``. Times are µs UTC."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from cityhall_bms.domain.events import Event, stored

NOTIFICATION_STREAMS: Final = "notification/"
"""What the stream of every notification starts with; reads them all."""


class Occasion(StrEnum):
    """Why somebody is told."""

    RAISED = "raised"
    ESCALATED = "escalated"
    RETURNED = "returned"
    FLOOD = "flood"
    TEST = "test"
    REPORT = "report"


def stream_of(notification: str) -> str:
    """Event stream of one notification."""
    return NOTIFICATION_STREAMS + notification


@dataclass(frozen=True, slots=True)
class NotificationEvent(Event):
    """Base of the events in a notification's stream."""


@stored
@dataclass(frozen=True, slots=True)
class NotificationQueued(NotificationEvent):
    """Somebody shall be told. ``person`` and ``channel`` are names; the channel's address is nowhere in the record.

    ``cause`` is the position of the event that it is about (0: none), ``not_before`` the end of quiet hours (0: none).
    ``attachments`` are files below the data folder.
    """

    notification: str
    occasion: str
    person: str
    channel: str
    priority: int
    title: str
    text: str
    at: int
    alarm: str = ""
    occurrence: int = 0
    level: int = 0
    group: str = ""
    cause: int = 0
    not_before: int = 0
    attachments: list[str] = field(default_factory=list)


@stored
@dataclass(frozen=True, slots=True)
class NotificationAttempted(NotificationEvent):
    """It is about to be handed to its channel. Written before that is done."""

    attempt: int
    at: int


@stored
@dataclass(frozen=True, slots=True)
class NotificationSent(NotificationEvent):
    """The channel took it."""

    attempt: int
    at: int


@stored
@dataclass(frozen=True, slots=True)
class NotificationFailed(NotificationEvent):
    """The channel did not take it; it is tried again at ``retry_at``."""

    attempt: int
    at: int
    reason: str
    retry_at: int


@stored
@dataclass(frozen=True, slots=True)
class NotificationUncertain(NotificationEvent):
    """Nobody can know whether the channel took it. Repeated at ``retry_at``; none: not repeated."""

    attempt: int
    at: int
    reason: str
    retry_at: int | None = None


@stored
@dataclass(frozen=True, slots=True)
class NotificationAbandoned(NotificationEvent):
    """It is not sent (any more): nobody needs it now, or every attempt failed."""

    at: int
    reason: str

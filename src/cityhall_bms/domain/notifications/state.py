"""One notification as it stands, and what follows from an attempt: repeated, given up, or left uncertain."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from cityhall_bms.domain.events import EVENT_TYPES, StoredEvent
from cityhall_bms.domain.notifications.events import (
    NotificationAbandoned,
    NotificationAttempted,
    NotificationEvent,
    NotificationFailed,
    NotificationQueued,
    NotificationSent,
    NotificationUncertain,
    Occasion,
)

RETRY_FIRST_S: Final = 5.0
RETRY_MAX_S: Final = 300.0
ATTEMPTS_MAX: Final = 12
"""About forty minutes; by then an escalation has reached somebody else."""
REPEATED_PRIORITY: Final = 1
"""Uncertain messages of this priority are repeated: told twice is better than not told."""
INTERRUPTED: Final = "the service ended while it was being sent"


class NotificationState(StrEnum):
    """What became of it."""

    QUEUED = "queued"
    SENDING = "sending"
    FAILED = "failed"
    """Not yet: it is tried again."""
    SENT = "sent"
    UNCERTAIN = "uncertain"
    ABANDONED = "abandoned"


class Outcome(StrEnum):
    """What handing a message to a channel came to."""

    ACCEPTED = "accepted"
    NOT_SENT = "not sent"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Outcome of one attempt, with a reason that holds no secret."""

    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Notification:
    """One notification; the fold of its events. Times are µs UTC."""

    notification: str
    occasion: Occasion = Occasion.TEST
    person: str = ""
    channel: str = ""
    group: str = ""
    priority: int = 4
    alarm: str = ""
    occurrence: int = 0
    level: int = 0
    title: str = ""
    text: str = ""
    attachments: tuple[str, ...] = ()
    """Files below the data folder."""
    queued_at: int = 0
    due: int | None = None
    """When it is tried next; none: it is not."""
    state: NotificationState = NotificationState.QUEUED
    attempts: int = 0
    may_repeat: bool = False
    """Whether it may have arrived already."""
    attempted_at: int | None = None
    ended_at: int | None = None
    """When it was sent, given up or left uncertain."""
    reason: str = ""
    version: int = 0
    position: int = 0

    @property
    def open(self) -> bool:
        """Whether something is still to be done."""
        return self.due is not None or self.state is NotificationState.SENDING


def fold(notification: Notification, entries: Iterable[StoredEvent]) -> Notification:
    """Notification after further entries of its own stream, in order; those it already contains change nothing."""
    for entry in entries:
        if entry.version > notification.version:
            notification = _after(notification, entry)
    return notification


def _after(notification: Notification, entry: StoredEvent) -> Notification:
    known = EVENT_TYPES.get(entry.type)
    if known in _EVOLVE:
        notification = _EVOLVE[known](notification, entry.event())
    return replace(notification, version=entry.version, position=entry.position)


def _on_queued(notification: Notification, event: NotificationQueued) -> Notification:
    return replace(
        notification,
        occasion=Occasion(event.occasion),
        person=event.person,
        channel=event.channel,
        group=event.group,
        priority=event.priority,
        alarm=event.alarm,
        occurrence=event.occurrence,
        level=event.level,
        title=event.title,
        text=event.text,
        attachments=tuple(event.attachments),
        queued_at=event.at,
        due=max(event.at, event.not_before),
    )


_S = NotificationState
_EVOLVE: Final[dict[type, Callable[[Notification, Any], Notification]]] = {
    NotificationQueued: _on_queued,
    NotificationAttempted: lambda n, e: replace(
        n, state=_S.SENDING, attempts=e.attempt, attempted_at=e.at, due=None, reason=""
    ),
    NotificationSent: lambda n, e: replace(n, state=_S.SENT, ended_at=e.at),
    NotificationFailed: lambda n, e: replace(n, state=_S.FAILED, due=e.retry_at, reason=e.reason),
    NotificationUncertain: lambda n, e: replace(
        n,
        state=_S.UNCERTAIN,
        may_repeat=True,
        due=e.retry_at,
        reason=e.reason,
        ended_at=e.at if e.retry_at is None else None,
    ),
    NotificationAbandoned: lambda n, e: replace(n, state=_S.ABANDONED, due=None, ended_at=e.at, reason=e.reason),
}


def retry_delay_s(attempt: int) -> float:
    """Pause after a failed attempt, counted from 1: doubling, and never longer than the maximum."""
    return float(min(RETRY_FIRST_S * 2 ** (attempt - 1), RETRY_MAX_S))


def concluded(notification: Notification, delivery: Delivery, at: int) -> NotificationEvent:
    """What follows from an attempt."""
    attempt = notification.attempts
    if delivery.outcome is Outcome.ACCEPTED:
        return NotificationSent(attempt=attempt, at=at)
    may_go_on = attempt < ATTEMPTS_MAX
    retry_at = at + round(retry_delay_s(attempt) * 1e6)
    if delivery.outcome is Outcome.UNCERTAIN:
        repeats = may_go_on and notification.priority == REPEATED_PRIORITY
        again = retry_at if repeats else None
        return NotificationUncertain(attempt=attempt, at=at, reason=delivery.reason, retry_at=again)
    if may_go_on:
        return NotificationFailed(attempt=attempt, at=at, reason=delivery.reason, retry_at=retry_at)
    return NotificationAbandoned(at=at, reason=f"{attempt} attempts failed; the last: {delivery.reason}")


def interrupted(notification: Notification, at: int) -> NotificationEvent:
    """What is said of an attempt whose process ended before it could say what came of it."""
    return concluded(notification, Delivery(Outcome.UNCERTAIN, INTERRUPTED), at)

"""Notifications: who is told of an alarm, by which channel, and what became of it.

A notification is an event before it is a message: it is queued with its text, each attempt is written down before it
is made, and what came of it afterwards. So it is known of every message whether it was sent, and where that cannot be
known (the process died in between, the channel did not answer) the record says *uncertain*.
"""

from cityhall_bms.domain.notifications.events import (
    NOTIFICATION_STREAMS,
    NotificationAbandoned,
    NotificationAttempted,
    NotificationEvent,
    NotificationFailed,
    NotificationQueued,
    NotificationSent,
    NotificationUncertain,
    Occasion,
    stream_of,
)
from cityhall_bms.domain.notifications.plan import Channel, Duty, Group, NotificationPlan, Person, Quiet, Route
from cityhall_bms.domain.notifications.state import (
    Delivery,
    Notification,
    NotificationState,
    Outcome,
    concluded,
    fold,
    interrupted,
)

__all__ = [
    "NOTIFICATION_STREAMS",
    "Channel",
    "Delivery",
    "Duty",
    "Group",
    "Notification",
    "NotificationAbandoned",
    "NotificationAttempted",
    "NotificationEvent",
    "NotificationFailed",
    "NotificationPlan",
    "NotificationQueued",
    "NotificationSent",
    "NotificationState",
    "NotificationUncertain",
    "Occasion",
    "Outcome",
    "Person",
    "Quiet",
    "Route",
    "concluded",
    "fold",
    "interrupted",
    "stream_of",
]

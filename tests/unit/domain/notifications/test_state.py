"""What follows from an attempt, by a table; and a notification as the fold of its events."""

from dataclasses import replace

import pytest

from cityhall_bms.domain.notifications import (
    Delivery,
    Notification,
    NotificationAbandoned,
    NotificationEvent,
    NotificationFailed,
    NotificationSent,
    NotificationState,
    NotificationUncertain,
    Outcome,
    concluded,
    interrupted,
)
from cityhall_bms.domain.notifications.state import ATTEMPTS_MAX, INTERRUPTED, RETRY_MAX_S, retry_delay_s

AT = 1_000_000_000
SENDING = Notification("7-wang-line", priority=2, state=NotificationState.SENDING, attempts=1)
NO = Delivery(Outcome.NOT_SENT, "no")
MAYBE = Delivery(Outcome.UNCERTAIN, "maybe")
LAST = {"attempts": ATTEMPTS_MAX}


@pytest.mark.parametrize(
    ("changes", "delivery", "event"),
    [
        ({}, Delivery(Outcome.ACCEPTED), NotificationSent(1, AT)),
        ({}, NO, NotificationFailed(1, AT, "no", AT + 5_000_000)),
        ({"attempts": 3}, NO, NotificationFailed(3, AT, "no", AT + 20_000_000)),
        (LAST, NO, NotificationAbandoned(AT, "12 attempts failed; the last: no")),
        ({}, MAYBE, NotificationUncertain(1, AT, "maybe", None)),
        ({"priority": 1}, MAYBE, NotificationUncertain(1, AT, "maybe", AT + 5_000_000)),
        ({"priority": 1} | LAST, MAYBE, NotificationUncertain(12, AT, "maybe", None)),
    ],
)
def test_an_attempt_is_repeated_when_it_certainly_failed_or_when_lives_may_hang_on_it(
    changes: dict[str, int], delivery: Delivery, event: NotificationEvent
) -> None:
    assert concluded(replace(SENDING, **changes), delivery, AT) == event  # type: ignore[arg-type]


def test_what_was_cut_off_is_uncertain() -> None:
    assert interrupted(SENDING, AT) == NotificationUncertain(1, AT, INTERRUPTED, None)
    assert interrupted(replace(SENDING, priority=1), AT) == NotificationUncertain(1, AT, INTERRUPTED, AT + 5_000_000)


def test_pauses_double_up_to_their_maximum() -> None:
    assert [retry_delay_s(attempt) for attempt in (1, 2, 3, 6, 7, 12)] == [5, 10, 20, 160, RETRY_MAX_S, RETRY_MAX_S]

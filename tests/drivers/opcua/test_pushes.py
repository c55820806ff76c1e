"""Losses that only the receiver of a subscription can notice."""

import logging
import math

import numpy as np
import pytest
from tests.support.manual_clock import ManualClock
from tests.support.opcua_server import Heard, bound, opcua_point

from cityhall_bms.domain.quality import Quality
from cityhall_drivers.opcua.codec import columns_of
from cityhall_drivers.opcua.plan import OpcUaPlan
from cityhall_drivers.opcua.pushes import Pushes
from cityhall_drivers.opcua.wire import Message

POINTS = bound([opcua_point("A"), opcua_point("B", scale=2.0)])


def pushes(sink: Heard, clock: ManualClock | None = None) -> Pushes:
    return Pushes("lifts", OpcUaPlan(POINTS, ["A", "B"], [b"A", b"B"], 100), sink, clock or ManualClock())


def changes(sequence: int, *items: tuple[int, float, int]) -> Message:
    """A message of changes: client handle, value, status."""
    handles, numbers, status = (np.array(column) for column in zip(*items, strict=True))
    columns = columns_of(numbers.astype(np.float64), status.astype(np.uint32), np.zeros(len(items), np.int64))
    return Message(sequence, False, handles.astype(np.uint32), columns)


def keep_alive(sequence: int) -> Message:
    nothing = columns_of(np.empty(0), np.empty(0, np.uint32), np.empty(0, np.int64))
    return Message(sequence, True, np.empty(0, np.uint32), nothing)


def test_a_value_without_any_time_gets_ours_and_is_scaled() -> None:
    heard, clock = Heard(), ManualClock()
    pushes(heard, clock).take(changes(1, (1, 21.0, 0), (0, 4.0, 0)))

    assert heard.of(8) == [(42.0, Quality.GOOD, clock.now())]
    assert heard.of(7) == [(4.0, Quality.GOOD, clock.now())]
    assert len(heard.readings) == 1, "one message is one reading"


def test_a_value_that_scaling_makes_infinite_is_bad_and_its_neighbour_good() -> None:
    heard = Heard()
    pushes(heard).take(changes(1, (1, 1e308, 0), (0, 1e308, 0)))

    ((number, quality, _),) = heard.of(8)
    assert (math.isnan(number), quality) == (True, Quality.BAD_DECODE)
    assert [(number, quality) for number, quality, _ in heard.of(7)] == [(1e308, Quality.GOOD)]


def test_two_changes_of_one_point_in_a_message_are_both_kept_in_order() -> None:
    heard = Heard()
    pushes(heard).take(changes(1, (0, 1.0, 0), (0, 2.0, 0)))

    assert [number for number, _, _ in heard.of(7)] == [1.0, 2.0]


def test_a_handle_that_was_never_given_out_is_ignored() -> None:
    heard = Heard()
    pushes(heard).take(changes(1, (2, 1.0, 0)))

    assert heard.readings == []


def test_dropped_values_are_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    receiver = pushes(Heard())
    with caplog.at_level(logging.WARNING):
        receiver.take(changes(1, (0, 1.0, 0x480)))
        receiver.take(changes(2, (0, 1.0, 0x480), (1, 1.0, 0x480)))

    assert receiver.values_dropped == 3
    assert [record.getMessage() for record in caplog.records] == [
        "lifts: its queues are too short, the server drops values: raise queue_size"
    ]


def test_missing_messages_are_named_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    receiver = pushes(Heard())
    with caplog.at_level(logging.WARNING):
        missing = []
        for sequence in (5, 6, 9, 11):
            missing.append(receiver.take(changes(sequence, (0, 1.0, 0))))
            receiver.tell_losses()

    assert missing == [[], [], [7, 8], [10]]
    assert receiver.messages_lost == 3
    assert [record.getMessage() for record in caplog.records] == ["lifts: 2 messages with changes were lost on the way"]


def test_a_message_that_is_sent_again_is_pushed_and_no_longer_lost() -> None:
    heard = Heard()
    receiver = pushes(heard)
    receiver.take(changes(5, (0, 1.0, 0)))
    assert receiver.take(changes(7, (0, 3.0, 0))) == [6]
    receiver.repair(changes(6, (0, 2.0, 0)))

    assert [number for number, _, _ in heard.of(7)] == [1.0, 3.0, 2.0]
    assert (receiver.messages_lost, receiver.messages_repaired) == (0, 1)
    assert receiver.take(changes(8, (0, 4.0, 0))) == []


def test_after_a_long_gap_nothing_is_asked_for_again() -> None:
    receiver = pushes(Heard())
    receiver.take(changes(1, (0, 1.0, 0)))
    assert receiver.take(changes(5000, (0, 1.0, 0))) == []
    assert receiver.messages_lost == 4998


def test_message_numbers_that_begin_again_at_one_are_no_loss() -> None:
    receiver = pushes(Heard())
    receiver.take(changes(2**32 - 1, (0, 1.0, 0)))
    receiver.take(changes(1, (0, 1.0, 0)))

    assert receiver.messages_lost == 0


def test_keep_alives_are_signs_of_life_and_no_messages() -> None:
    clock = ManualClock()
    receiver = pushes(Heard(), clock)
    receiver.expect_every(10.0)
    receiver.take(changes(1, (0, 1.0, 0)))
    clock._elapsed_s = 29.0
    receiver.take(keep_alive(2))
    clock._elapsed_s = 58.0
    receiver.take(changes(2, (0, 1.0, 0)))

    assert receiver.trouble() is None
    assert receiver.messages_lost == 0
    clock._elapsed_s = 89.0
    assert receiver.trouble() == "the subscription has been silent for 31 s, not even a keep-alive came"


def test_a_subscription_that_the_server_ended_is_in_trouble() -> None:
    receiver = pushes(Heard())
    receiver.end("the server ended the subscription")
    receiver.end("and then the line was cut")

    assert receiver.trouble() == "the server ended the subscription"


def test_only_refused_items_are_pushed_as_bad() -> None:
    heard = Heard()
    pushes(heard).refuse([(0, 0), (1, 0x80340000)])

    assert [quality for _, quality, _ in heard.of(8)] == [Quality.BAD_REFUSED]
    assert heard.of(7) == []

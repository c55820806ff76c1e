"""Sending: written down before and after, repeated by the rules, uncertain where nobody can know."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from tests.support.alarm_events import of_alarm, raised
from tests.support.manual_clock import ManualClock
from tests.support.notification_plans import ToldNotifier, site

from cityhall_bms.adapters.memory import MemoryAlarmView, MemoryEventLog
from cityhall_bms.alarms.notification_desk import QueuedTests
from cityhall_bms.alarms.notifying import AlarmReader
from cityhall_bms.alarms.sending import NotificationSender
from cityhall_bms.domain.alarms import AlarmAcknowledged, AlarmReturned, AlarmShelved
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.notifications import (
    NOTIFICATION_STREAMS,
    Delivery,
    NotificationAttempted,
    NotificationQueued,
    Outcome,
    stream_of,
)
from cityhall_bms.ports.event_log import Append

NO = Delivery(Outcome.NOT_SENT, "the channel cannot be reached")
MAYBE = Delivery(Outcome.UNCERTAIN, "the channel did not answer in time")
ALARM = "hi~TCH.05F.W.AHU01.SAT"


class Post:
    """An outbox, a sender and the record of both."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.events = MemoryEventLog(self.clock)
        self.notifier = ToldNotifier()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[NotificationSender]:
        sender = NotificationSender(
            self.notifier, AlarmReader(MemoryAlarmView(self.events), self.events), self.events, self.clock
        )
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(sender.run())
            yield sender
            running.cancel()

    async def queue(self, name: str = "1-wang-wang_line", **changes: object) -> None:
        fields: dict[str, object] = {
            "notification": name, "occasion": "raised", "person": "wang", "channel": name.split("-")[2], "priority": 2,
            "title": "標題", "text": "內文", "at": self.clock.now(), "alarm": ALARM, "occurrence": 1,
        }  # fmt: skip
        await self.events.append([Append(stream_of(name), [NotificationQueued(**(fields | changes))], "t", 0)])  # type: ignore[arg-type]

    async def ring(self, *events: object) -> None:
        await self.events.append([of_alarm("TCH.05F.W.AHU01.SAT", raised(priority=2), *events)])  # type: ignore[arg-type]

    async def life(self, name: str = "1-wang-wang_line") -> list[str]:
        """Types of a notification's events after it was queued, with the reason."""
        entries = await self.events.read(0, 1_000, stream_of(name))
        return [
            " ".join(filter(None, [entry.type.removeprefix("Notification"), entry.payload.get("reason", "")]))
            for entry in entries[1:]
        ]


@pytest.fixture
def post() -> Post:
    return Post()


async def test_a_message_is_sent_once_with_its_id(post: Post) -> None:
    await post.ring()
    await post.queue()
    async with post.open():
        await post.clock.advance(3_600)

    assert post.notifier.sent == [("wang_line", "標題", "內文\n編號 Id: 1-wang-wang_line")]
    assert await post.life() == ["Attempted", "Sent"]


async def test_what_certainly_failed_is_tried_again_with_growing_pauses(post: Post) -> None:
    post.notifier.outcomes = [NO, NO, NO]
    await post.ring()
    await post.queue()
    async with post.open():
        await post.clock.advance(4)
        assert len(post.notifier.sent) == 1
        await post.clock.advance(100)

    assert await post.life() == ["Attempted", f"Failed {NO.reason}"] * 3 + ["Attempted", "Sent"]
    assert all("repetition" not in text for _, _, text in post.notifier.sent)


async def test_after_the_last_attempt_it_is_given_up_and_said_so(post: Post) -> None:
    post.notifier.outcomes = [NO] * 100
    await post.ring()
    await post.queue()
    async with post.open() as sender:
        await post.clock.advance(3_600)
        assert sender.waiting == 0

    assert len(post.notifier.sent) == 12
    assert (await post.life())[-1] == f"Abandoned 12 attempts failed; the last: {NO.reason}"


async def test_what_may_have_arrived_is_not_repeated_and_is_called_uncertain(post: Post) -> None:
    post.notifier.outcomes = [MAYBE]
    await post.ring()
    await post.queue()
    async with post.open():
        await post.clock.advance(3_600)

    assert len(post.notifier.sent) == 1
    assert await post.life() == ["Attempted", f"Uncertain {MAYBE.reason}"]


async def test_of_priority_1_it_is_repeated_under_the_same_id_and_says_so(post: Post) -> None:
    post.notifier.outcomes = [MAYBE]
    await post.ring()
    await post.queue(priority=1)
    async with post.open():
        await post.clock.advance(3_600)

    first, second = (text for _, _, text in post.notifier.sent)
    assert "編號 Id: 1-wang-wang_line" in first
    assert second.endswith("編號 Id: 1-wang-wang_line（可能重複 may be a repetition）")
    assert await post.life() == ["Attempted", f"Uncertain {MAYBE.reason}", "Attempted", "Sent"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((AlarmAcknowledged(at=1, by="王小明"),), "acknowledged by 王小明"),
        ((AlarmReturned(observed_at=1), AlarmAcknowledged(at=1, by="王小明")), "acknowledged by 王小明"),
        ((AlarmShelved(at=1, by="w", until=2, reason="r"),), "the alarm is hidden from the operators (SHLVD)"),
    ],
)
async def test_what_nobody_needs_any_more_is_not_sent(post: Post, answer: tuple[object, ...], reason: str) -> None:
    await post.queue(not_before=post.clock.now() + 600_000_000)
    await post.ring(*answer)
    async with post.open():
        await post.clock.advance(599)
        assert await post.life() == [], "quiet hours"
        await post.clock.advance(2)

    assert post.notifier.sent == []
    assert await post.life() == [f"Abandoned {reason}"]


async def test_what_was_cut_off_by_a_crash_is_owned_up_at_the_next_start(post: Post) -> None:
    await post.ring()
    for name, priority in (("1-wang-wang_line", 2), ("1-wang-wang_mail", 1)):
        await post.queue(name, priority=priority)
        await post.events.append([Append(stream_of(name), [NotificationAttempted(1, 1)], "t", 1)])
    async with post.open():
        await post.clock.advance(60)

    cut_off = "Uncertain the service ended while it was being sent"
    assert await post.life("1-wang-wang_line") == ["Attempted", cut_off]
    assert await post.life("1-wang-wang_mail") == ["Attempted", cut_off, "Attempted", "Sent"]
    assert [channel for channel, _, _ in post.notifier.sent] == ["wang_mail"]


async def test_a_start_reads_only_what_is_still_open(post: Post) -> None:
    await post.ring()
    for number in range(20):
        await post.queue(f"{number}-wang-wang_line")
    async with post.open():
        await post.clock.advance(60)
    await post.queue("77-wang-wang_line")
    async with post.open() as sender:
        await post.clock.advance(60)
        assert sender.waiting == 0

    checkpoint = await post.events.checkpoint("notifications sent")
    assert checkpoint is not None
    assert len(await post.events.read(checkpoint.position, 1_000, NOTIFICATION_STREAMS)) <= 1
    assert len(post.notifier.sent) == 21


async def test_nothing_is_sent_that_cannot_be_written_down_before(post: Post) -> None:
    await post.ring()
    await post.queue()
    async with post.open():
        post.events.available = False
        await post.clock.advance(60)
        assert post.notifier.sent == []
        post.events.available = True
        await post.clock.advance(60)

    assert await post.life() == ["Attempted", "Sent"]


async def test_what_came_of_it_is_written_down_however_long_the_log_is_away(post: Post) -> None:
    async def send_and_lose_the_log(channel: str, title: str, text: str, _: Sequence[str] = ()) -> Delivery:
        post.events.available = False
        post.notifier.sent.append((channel, title, text))
        return Delivery(Outcome.ACCEPTED)

    post.notifier.send = send_and_lose_the_log  # type: ignore[method-assign]
    await post.ring()
    await post.queue()
    async with post.open():
        await post.clock.advance(600)
        post.events.available = True
        await post.clock.advance(60)

    assert len(post.notifier.sent) == 1
    assert await post.life() == ["Attempted", "Sent"]


async def test_what_is_under_way_when_the_service_is_stopped_is_ended_and_written_down(post: Post) -> None:
    handed_over, answered = asyncio.Event(), asyncio.Event()

    async def slowly(_channel: str, _title: str, _text: str, _: Sequence[str] = ()) -> Delivery:
        handed_over.set()
        await answered.wait()
        return Delivery(Outcome.ACCEPTED)

    post.notifier.send = slowly  # type: ignore[method-assign]
    await post.ring()
    await post.queue()
    async with post.open():
        await post.clock.advance(1)
        await handed_over.wait()
        asyncio.get_running_loop().call_later(0.01, answered.set)

    assert await post.life() == ["Attempted", "Sent"]


async def test_a_slow_channel_holds_up_only_itself(post: Post) -> None:
    answered = asyncio.Event()

    async def slowly(channel: str, title: str, text: str, _: Sequence[str] = ()) -> Delivery:
        post.notifier.sent.append((channel, title, text))
        if channel == "wang_mail":
            await answered.wait()
        return Delivery(Outcome.ACCEPTED)

    post.notifier.send = slowly  # type: ignore[method-assign]
    await post.ring()
    for name in ("1-wang-wang_mail", "2-wang-wang_mail", "3-wang-wang_line"):
        await post.queue(name)
    async with post.open():
        await post.clock.advance(10)
        assert [channel for channel, _, _ in post.notifier.sent] == ["wang_mail", "wang_line"]
        answered.set()
        await post.clock.advance(10)

    assert len(post.notifier.sent) == 3


async def test_a_test_goes_to_every_channel_of_a_person(post: Post) -> None:
    desk = QueuedTests(site(), post.events, post.clock)
    names = await desk.test("wang", by="王小明")
    async with post.open():
        await post.clock.advance(10)

    assert [channel for channel, _, _ in post.notifier.sent] == ["wang_line", "wang_mail"]
    assert await post.life(names[0]) == ["Attempted", "Sent"]
    with pytest.raises(NotFoundError, match=r"nobody is named xu in notifications\.toml; there are wang, li, chief"):
        await desk.test("xu", by="王小明")

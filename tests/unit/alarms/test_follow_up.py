"""What nobody acknowledges goes up its chain, what lasts rings again: once, whatever restarts meanwhile."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.alarm_events import RAISED_US, of_alarm, raised
from tests.support.dying_log import DyingLog, KilledError
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryAlarmView, MemoryEventLog
from cityhall_bms.alarms.desk import AlarmDesk
from cityhall_bms.alarms.follow_up import FollowUpKeeper
from cityhall_bms.domain.alarms import AlarmReturned, AlarmTakenOutOfService, stream_of
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import Event, StoredEvent
from cityhall_bms.domain.follow_up import Handling
from cityhall_bms.domain.permits import Permit, PermitKind, Scope
from cityhall_bms.ports.event_log import Append, Checkpoint
from cityhall_bms.ports.permits import PermitFilter, PermitPage
from cityhall_bms.ports.read_models import AlarmFilter

SUBJECT = "TCH.05F.W.AHU01.SAT"
ALARM = f"hi~{SUBJECT}"
HANDLING = Handling()


class ToldPermits:
    """Permits as a test says they stand."""

    def __init__(self) -> None:
        self.known: dict[str, Permit] = {}

    async def get(self, permit: str) -> Permit | None:
        return self.known.get(permit)

    async def page(self, which: PermitFilter, limit: int, before: int | None) -> PermitPage:
        raise NotImplementedError

    async def due(self, now: int) -> Sequence[Permit]:
        raise NotImplementedError

    async def in_force(self, position: int, at: int) -> Sequence[Permit]:
        raise NotImplementedError


class Room:
    """A control room in which nobody acts but the test."""

    def __init__(self) -> None:
        self.clock = ManualClock(RAISED_US)
        self.events = MemoryEventLog(self.clock)
        self.view = MemoryAlarmView(self.events)
        self.permits = ToldPermits()
        self.desk = AlarmDesk(self.view, self.events, self.clock)

    async def write(self, *events: Event, subject: str = SUBJECT) -> None:
        await self.events.append([of_alarm(subject, *events)])

    async def wait(self, seconds: float, keepers: int = 1) -> None:
        """Let time pass under keepers that are new: what they know is what the record says."""
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self.keeper().run()) for _ in range(keepers)]
            await self.clock.advance(seconds)
            for task in running:
                task.cancel()

    def keeper(self) -> FollowUpKeeper:
        return FollowUpKeeper(self.view, self.permits, self.events, self.clock, HANDLING)

    async def story(self) -> list[tuple[str, int]]:
        """What followed the raising: type, and whole seconds after it."""
        entries = await self.events.read(stream=stream_of(ALARM))
        return [(entry.type, (entry.recorded_at - RAISED_US) // 1_000_000) for entry in entries[1:]]


async def test_an_urgent_alarm_climbs_at_one_three_and_five_minutes() -> None:
    room = Room()
    await room.write(raised(priority=1))
    await room.wait(900)
    assert await room.story() == [("AlarmEscalated", at) for at in (60, 180, 300)]
    levels = [entry.payload for entry in await room.events.read(stream=stream_of(ALARM))][1:]
    assert [(payload["level"], payload["to"]) for payload in levels] == list(enumerate(HANDLING.escalate_to, 1))


async def test_whoever_acknowledges_ends_the_chain() -> None:
    room = Room()
    await room.write(raised(priority=1))
    await room.wait(100)
    await room.desk.acknowledge(ALARM, by="王小明")
    await room.wait(700)
    assert [kind for kind, _ in await room.story()] == ["AlarmEscalated", "AlarmAcknowledged"]


async def test_an_acknowledged_alarm_that_lasts_rings_and_climbs_again() -> None:
    room = Room()
    await room.write(raised(priority=1))
    await room.desk.acknowledge(ALARM, by="王小明")
    await room.wait(1_000)
    assert await room.story() == [("AlarmAcknowledged", 0), ("AlarmRealarmed", 900), ("AlarmEscalated", 960)]


async def test_due_times_are_those_of_the_record_also_after_a_restart() -> None:
    room = Room()
    await room.write(raised(priority=1))
    for _ in range(50):
        await room.wait(7)
    assert await room.story() == [("AlarmEscalated", at) for at in (60, 180, 300)]


async def test_what_became_due_while_nobody_kept_is_recorded_at_the_start_each_step_for_itself() -> None:
    room = Room()
    await room.write(raised(priority=1))
    await room.clock.advance(4_000)
    await room.wait(1)
    assert await room.story() == [("AlarmEscalated", 4_000)] * 3


async def test_an_alarm_that_was_found_late_is_passed_on_only_after_the_operators_had_their_time() -> None:
    room = Room()
    await room.clock.advance(3_600)
    await room.write(raised(priority=1, observed_at=RAISED_US))
    await room.wait(59)
    assert await room.story() == []
    await room.wait(2)
    assert await room.story() == [("AlarmEscalated", 3_660)]


async def test_several_keepers_record_what_is_due_once() -> None:
    room = Room()
    await room.write(raised(priority=1))
    await room.wait(400, keepers=3)
    assert await room.story() == [("AlarmEscalated", at) for at in (60, 180, 300)]


async def test_an_outage_delays_what_is_due_and_loses_none() -> None:
    room = Room()
    await room.write(raised(priority=2))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(room.keeper().run())
        await room.clock.advance(590)
        room.events.available = False
        await room.clock.advance(300)
        room.events.available = True
        await room.clock.advance(2)
        running.cancel()
    [(kind, at)] = await room.story()
    assert (kind, 890 <= at <= 891) == ("AlarmEscalated", True)


class Interrupting(MemoryEventLog):
    """An operator acknowledges in the very moment in which a keeper wants to pass the alarm on."""

    async def append(self, appends: Sequence[Append], checkpoint: Checkpoint | None = None) -> list[StoredEvent]:
        if appends and appends[0].actor == "system":
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(self, "append", super().append)
                view = MemoryAlarmView(self)
                await AlarmDesk(view, self, ManualClock(RAISED_US)).acknowledge(ALARM, by="王小明")
        return await super().append(appends, checkpoint)


async def test_the_operator_who_acts_in_the_same_moment_is_first() -> None:
    room = Room()
    room.events = Interrupting(room.clock)
    room.view = MemoryAlarmView(room.events)
    await room.write(raised(priority=2))
    await room.wait(700)
    assert [kind for kind, _ in await room.story()] == ["AlarmAcknowledged"]


async def test_a_repair_ends_at_its_time_and_with_its_permit() -> None:
    room = Room()
    permit = Permit("p", PermitKind.WORKS, Scope(systems=("hvac",)), RAISED_US, RAISED_US + 10**10, "", "", 0)
    room.permits.known["p"] = permit
    until = RAISED_US + 500_000_000
    await room.write(raised(), AlarmTakenOutOfService(RAISED_US, "李", "p", until, "換感測器"))
    await room.wait(499)
    assert [kind for kind, _ in await room.story()] == ["AlarmTakenOutOfService"]
    await room.wait(2)
    assert (await room.story())[1:] == [("AlarmReturnedToService", 500)]

    await room.write(AlarmTakenOutOfService(room.clock.now(), "李", "p", until * 2, "換感測器"))
    await room.wait(10)
    room.permits.known["p"] = replace(permit, closed_at=room.clock.now(), closed_by="李")
    await room.wait(1)
    assert [kind for kind, _ in await room.story()][2:] == ["AlarmTakenOutOfService", "AlarmReturnedToService"]


acts = st.lists(
    st.tuples(
        st.integers(1, 400), st.sampled_from(["restart", "acknowledge", "return", "raise", "shelve", "unshelve"])
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), acts, st.integers(1, 2))
async def test_whatever_happens_each_step_is_taken_once_in_order_and_in_time(
    priority: int, happens: list[tuple[int, str]], keepers: int
) -> None:
    room = Room()
    await room.write(raised(priority=priority))
    for seconds, act in happens:
        await room.wait(seconds, keepers)
        await do(room, act, priority)
    await room.wait(1_000, keepers)
    await check_story(room, priority)


async def do(room: Room, act: str, priority: int) -> None:
    try:
        match act:
            case "acknowledge":
                await room.desk.acknowledge(ALARM, by="王小明")
            case "return":
                await room.write(AlarmReturned(observed_at=room.clock.now()))
            case "raise":
                await room.write(raised(priority=priority, observed_at=room.clock.now()))
            case "shelve":
                until = room.clock.now() + 600_000_000
                await room.desk.shelve(ALARM, by="王小明", until=until, reason="檢修")
            case "unshelve":
                await room.desk.unshelve(ALARM, by="王小明")
    except RefusedError:
        pass


async def check_story(room: Room, priority: int) -> None:
    steps = HANDLING.escalate_s[priority - 1]
    rung: int | None = None
    taken: Counter[int | None] = Counter()
    since: int | None = None
    for item in await room.view.transitions(0, 10_000):
        if item.type == "AlarmEscalated":
            assert rung is not None
            taken[rung] += 1
            assert item.alarm.escalation_level == taken[rung] <= len(steps)
            late_s = (item.recorded_at - rung) / 1e6 - steps[taken[rung] - 1]
            assert 0 <= late_s <= 2
        if item.alarm.waiting_since != since:
            since, rung = item.alarm.waiting_since, item.recorded_at
    [alarm] = (await room.view.page(AlarmFilter("all"), 1, None)).alarms
    if alarm.waiting_since is not None and alarm.annunciated:
        assert rung is not None
        overdue_s = (room.clock.now() - rung) / 1e6 - 2
        assert alarm.escalation_level >= sum(step <= overdue_s for step in steps)


@pytest.mark.parametrize("calls", [1, 2, 3])
@pytest.mark.parametrize("after", [False, True], ids=["before it is written", "after it was written"])
async def test_a_keeper_that_dies_at_any_step_leaves_nothing_out_and_nothing_twice(calls: int, after: bool) -> None:
    room = Room()
    await room.write(raised(priority=1))
    dying = DyingLog(room.events, calls, after=after, error=KilledError)
    keeper = FollowUpKeeper(room.view, room.permits, dying, room.clock, HANDLING)
    _, died = await asyncio.gather(room.clock.advance(400), keeper.run(), return_exceptions=True)
    assert isinstance(died, BaseExceptionGroup)
    await room.wait(400)
    levels = [entry.payload.get("level") for entry in await room.events.read(stream=stream_of(ALARM))]
    assert levels == [None, 1, 2, 3]

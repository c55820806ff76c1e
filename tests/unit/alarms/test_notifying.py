"""Who is told of what: each occurrence once, whatever restarts, and nobody of what nobody has to look at."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.alarm_events import RAISED_US, of_alarm, raised
from tests.support.manual_clock import ManualClock
from tests.support.notification_plans import PLAN, quiet, site

from cityhall_bms.adapters.memory import MemoryAlarmView, MemoryEventLog
from cityhall_bms.alarms.notifying import AlarmReader, NotificationKeeper
from cityhall_bms.domain.alarms import (
    AlarmAcknowledged,
    AlarmEscalated,
    AlarmPriorityChanged,
    AlarmRealarmed,
    AlarmRecordedLate,
    AlarmReturned,
    AlarmReturnedToService,
    AlarmShelved,
    AlarmSuppressed,
    AlarmTakenOutOfService,
    AlarmUnshelved,
    AlarmUnsuppressed,
)
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import Event, RuleApplied
from cityhall_bms.domain.flood_watch import AlarmFloodBegan
from cityhall_bms.domain.notifications import NOTIFICATION_STREAMS, NotificationPlan, NotificationQueued
from cityhall_bms.domain.site import Text
from cityhall_bms.ports.event_log import Append

SUBJECT = "TCH.05F.W.AHU01.SAT"
DAY_US = RAISED_US + 4 * 3_600_000_000
"""Noon in Taipei."""
PROCEDURES = {"hi": Text("1. 檢查冰水閥", "1. Check the valve")}


class Duty:
    """A control room of which people are told; the test writes the record."""

    def __init__(self, plan: NotificationPlan = PLAN, start_us: int = DAY_US) -> None:
        self.clock = ManualClock(start_us)
        self.events = MemoryEventLog(self.clock)
        self.site = site(plan)
        self.keeper = self.restarted()

    def restarted(self) -> NotificationKeeper:
        reader = AlarmReader(MemoryAlarmView(self.events), self.events)
        self.keeper = NotificationKeeper(self.site, reader, self.events, self.clock, PROCEDURES)
        return self.keeper

    async def write(self, *events: Event, subject: str = SUBJECT) -> None:
        await self.events.append([of_alarm(subject, *events)])
        await self.keeper.step()

    async def pass_time(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await self.keeper.step()

    async def queued(self) -> list[NotificationQueued]:
        entries = await self.events.read(0, 10_000, NOTIFICATION_STREAMS)
        return [event for entry in entries if isinstance(event := entry.event(), NotificationQueued)]

    async def told(self) -> list[str]:
        return [event.notification for event in await self.queued()]


async def on_duty(plan: NotificationPlan = PLAN, start_us: int = DAY_US) -> Duty:
    duty = Duty(plan, start_us)
    await duty.keeper.step()
    return duty


async def test_an_alarm_is_told_to_whom_the_roster_names_by_each_channel() -> None:
    duty = await on_duty()

    await duty.write(raised(priority=2))

    assert await duty.told() == ["1-wang-wang_line", "1-wang-wang_mail"]
    first = (await duty.queued())[0]
    assert (first.occasion, first.group, first.alarm, first.occurrence, first.level) == (
        "raised", "duty", f"hi~{SUBJECT}", 1, 0,
    )  # fmt: skip
    assert (first.cause, first.not_before, first.title) == (1, 0, "【P2 高】送風溫度過高")
    assert "處置：1. 檢查冰水閥" in first.text


async def test_at_its_very_first_start_nobody_is_told_of_the_past() -> None:
    duty = Duty()
    await duty.events.append([of_alarm(SUBJECT, raised(priority=1))])

    await duty.keeper.step()
    await duty.write(raised(priority=1, subject="b"), subject="b")

    assert {event.alarm for event in await duty.queued()} == {"hi~b"}


async def test_a_priority_without_a_route_and_a_site_without_a_plan_tell_nobody() -> None:
    for duty in (await on_duty(), await on_duty(NotificationPlan())):
        await duty.write(raised(priority=3))
        assert await duty.told() == []


class TestNobodyIsTold:
    """Of what no operator is asked to look at."""

    @pytest.mark.parametrize(
        "events",
        [
            (AlarmSuppressed(at=1, by="E01~x", relation="supply"), raised(priority=1)),
            (raised(priority=1), AlarmShelved(at=1, by="w", until=2, reason="r")),
            (raised(priority=1), AlarmTakenOutOfService(at=1, by="w")),
            (raised(priority=1), AlarmAcknowledged(at=1, by="w")),
            (raised(priority=1, drill="2026-07-01-1"),),
        ],
        ids=["suppressed", "shelved", "out of service", "acknowledged", "drill"],
    )
    async def test_of_what_is_hidden_or_answered(self, events: tuple[Event, ...]) -> None:
        duty = await on_duty()
        await duty.write(*events)
        assert await duty.told() == []

    async def test_of_late_records(self) -> None:
        duty = await on_duty()
        fields = raised(priority=1).payload()
        late = {name: fields[name] for name in ("rule", "rule_version", "subject", "equipment", "system", "priority")}
        await duty.write(AlarmRecordedLate(**late, text_zh="x", text_en="x", began=1, ended=2))
        assert await duty.told() == []

    async def test_of_rules_and_their_shadows(self) -> None:
        duty = await on_duty()
        await duty.events.append([Append("rule/HI", [RuleApplied("HI", 1, "f", {})], "rules")])
        await duty.keeper.step()
        assert await duty.told() == []


@pytest.mark.parametrize(
    ("cover", "uncover"),
    [
        (AlarmSuppressed(at=1, by="x"), AlarmUnsuppressed(at=2)),
        (AlarmTakenOutOfService(at=1, by="w"), AlarmReturnedToService(at=2, by="w")),
    ],
)
async def test_what_was_hidden_as_it_began_is_told_when_it_is_shown_and_still_stands(
    cover: Event, uncover: Event
) -> None:
    duty = await on_duty()
    await duty.write(cover, raised(priority=2))
    await duty.write(uncover)
    assert await duty.told() == ["3-wang-wang_line", "3-wang-wang_mail"]


async def test_what_comes_back_from_a_shelf_was_told_already() -> None:
    duty = await on_duty()
    await duty.write(raised(priority=2))
    await duty.write(AlarmShelved(at=1, by="w", until=2, reason="r"), AlarmUnshelved(at=2, by="system"))
    assert len(await duty.told()) == 2


async def test_an_escalation_goes_to_the_groups_of_its_level() -> None:
    duty = await on_duty()
    await duty.write(raised(priority=1))
    before = await duty.told()
    await duty.write(AlarmEscalated(level=1, to="值班長", at=1))

    chief = [event for event in await duty.queued() if event.notification not in before]
    assert [(event.person, event.occasion, event.level) for event in chief] == [("chief", "escalated", 1)]


async def test_an_answered_alarm_that_rings_again_because_it_lasts_is_told_again_at_every_level() -> None:
    duty = await on_duty()
    await duty.write(raised(priority=1))
    await duty.write(AlarmEscalated(level=1, to="", at=1))
    await duty.write(AlarmAcknowledged(at=1, by="w"))
    await duty.pass_time(1_000)
    before = await duty.told()
    await duty.write(AlarmRealarmed(at=2))
    await duty.write(AlarmEscalated(level=1, to="", at=3))

    anew = [event for event in await duty.queued() if event.notification not in before]
    assert [(event.person, event.level) for event in anew] == [("wang", 0), ("wang", 0), ("chief", 1)]


async def test_a_higher_severity_is_told_again() -> None:
    duty = await on_duty()
    await duty.write(raised(priority=2))
    await duty.write(AlarmPriorityChanged(priority=1, text_zh="更高", text_en="worse", observed_at=DAY_US))
    assert [event.priority for event in await duty.queued()] == [2, 2, 1, 1]


async def test_who_wishes_is_told_that_it_is_over() -> None:
    duty = await on_duty()
    await duty.write(raised(priority=2))
    await duty.write(AlarmReturned(observed_at=DAY_US))
    assert [event.occasion for event in await duty.queued()] == ["raised", "raised", "returned", "returned"]


async def test_of_what_nobody_was_told_nobody_is_told_that_it_is_over() -> None:
    duty = await on_duty()
    await duty.write(raised(priority=2), AlarmAcknowledged(at=1, by="w"))
    await duty.write(AlarmReturned(observed_at=DAY_US))
    assert await duty.told() == []


async def test_quiet_hours_hold_a_message_and_never_one_of_priority_1() -> None:
    duty = await on_duty(quiet(PLAN), RAISED_US - 3_600_000_000)  # 07:00
    await duty.write(raised(priority=2))
    await duty.write(raised(priority=1, subject="b"), subject="b")

    held = {(event.priority, event.not_before) for event in await duty.queued()}
    assert held == {(2, RAISED_US), (1, 0)}


async def test_pain_29_a_flapping_alarm_is_one_message_and_one_more_when_it_stands() -> None:
    duty = await on_duty()
    for occurrence in range(1, 21):
        await duty.write(raised(priority=2, occurrence=occurrence))
        if occurrence < 20:
            await duty.write(AlarmReturned(observed_at=DAY_US), AlarmAcknowledged(at=1, by="w"))
        await duty.pass_time(10)
    in_the_beginning = [event for event in await duty.queued() if event.occasion == "raised"]
    await duty.pass_time(1_000)

    told = [event for event in await duty.queued() if event.occasion == "raised"]
    assert [event.occurrence for event in in_the_beginning] == [1, 1]
    assert [event.occurrence for event in told] == [1, 1, 20, 20]


async def test_pain_29_a_flood_is_ten_messages_and_a_summary() -> None:
    duty = await on_duty()
    for number in range(300):
        await duty.write(raised(priority=2, subject=f"s{number}"), subject=f"s{number}")
    assert len(await duty.told()) == 10 * 2
    await duty.pass_time(599)
    assert len(await duty.told()) == 10 * 2
    await duty.pass_time(1)

    for number in range(300):
        await duty.write(AlarmReturned(observed_at=DAY_US), subject=f"s{number}")

    over = [event for event in await duty.queued() if event.occasion == "returned"]
    assert {event.alarm for event in over} == {f"hi~s{number}" for number in range(10)}, "what was told alone"
    summary = [event for event in await duty.queued() if event.occasion == "flood"]
    assert [(event.channel, "另有 290 件" in event.title) for event in summary] == [
        ("wang_line", True), ("wang_mail", True),
    ]  # fmt: skip


async def test_who_is_told_of_alarms_is_told_that_a_flood_began_once() -> None:
    duty = await on_duty()
    await duty.events.append([Append("alarm-floods", [AlarmFloodBegan(at=DAY_US, first_ring=DAY_US, count=11)], "t")])
    await duty.keeper.step()
    await duty.restarted().step()

    assert await duty.told() == ["1b-wang-wang_line", "1b-wang-wang_mail"]
    assert (await duty.queued())[0].title == "【大量警報】自 2026-07-01 12:00:00+08:00 起 11 件"


async def test_an_outage_of_the_log_delays_and_doubles_nothing() -> None:
    duty = await on_duty()
    await duty.events.append([of_alarm(SUBJECT, raised(priority=2))])
    duty.events.available = False
    with pytest.raises(EventLogUnavailableError):
        await duty.keeper.step()
    duty.events.available = True

    await duty.keeper.step()
    await duty.keeper.step()

    assert len(await duty.told()) == 2


async def test_an_event_on_which_it_breaks_stops_neither_the_engine_nor_the_next_message() -> None:
    duty = await on_duty(replace(PLAN, routes=(replace(PLAN.routes[0], priorities=(2, 9)),)))
    await duty.write(raised(priority=9, subject="no such priority"), subject="no such priority")
    await duty.write(raised(priority=2))

    assert await duty.told() == ["2-wang-wang_line", "2-wang-wang_mail"]


async def test_whoever_is_in_two_groups_is_told_once() -> None:
    both = replace(PLAN, routes=(*PLAN.routes, replace(PLAN.routes[0], group="chiefs", returned=False)))
    plan = replace(both, groups=PLAN.groups | {"chiefs": replace(PLAN.groups["chiefs"], people=("wang", "chief"))})
    duty = await on_duty(plan)
    await duty.write(raised(priority=2))
    assert sorted(await duty.told()) == ["1-chief-chief_line", "1-wang-wang_line", "1-wang-wang_mail"]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["raise", "return", "ack", "suppress", "unsuppress", "shelve", "unshelve", "wait", "restart", "twin"]
        ),
        st.sampled_from(["a", "b"]),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_no_occurrence_is_ever_told_twice_however_often_the_keeper_begins_anew(steps: list[tuple[str, str]]) -> None:
    asyncio.run(_live(steps))


async def _live(steps: list[tuple[str, str]]) -> None:
    duty = await on_duty()
    occurrence: Counter[str] = Counter()
    view = MemoryAlarmView(duty.events)
    for step, subject in steps:
        alarm = await view.get(f"hi~{subject}")
        if step == "restart":
            duty.restarted()
        elif step == "twin":
            await Duty.restarted(duty).step()
        elif step == "wait":
            await duty.pass_time(400)
        elif step == "raise" and (alarm is None or not alarm.active):
            occurrence[subject] += 1
            await duty.write(raised(priority=2, subject=subject, occurrence=occurrence[subject]), subject=subject)
        elif alarm is not None:
            event = {
                "return": AlarmReturned(observed_at=1),
                "ack": AlarmAcknowledged(at=1, by="w"),
                "suppress": AlarmSuppressed(at=1, by="x"),
                "unsuppress": AlarmUnsuppressed(at=1),
                "shelve": AlarmShelved(at=1, by="w", until=2, reason="r"),
                "unshelve": AlarmUnshelved(at=1, by="w"),
            }.get(step)
            if event is not None:
                await duty.write(event, subject=subject)
    told = Counter((e.alarm, e.occurrence, e.occasion, e.channel) for e in await duty.queued())
    assert not told or max(told.values()) == 1

"""What operators do, and what they may not."""

from collections.abc import Sequence

import pytest
from tests.support.alarm_events import RAISED_US, of_alarm, raised
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryAlarmView, MemoryEventLog
from cityhall_bms.alarms.desk import ATTEMPTS_MAX, AlarmDesk
from cityhall_bms.domain.alarms import Alarm, AlarmAcknowledged, AlarmReturned, AlarmState, stream_of
from cityhall_bms.domain.errors import (
    ConcurrencyError,
    EventLogUnavailableError,
    NotFoundError,
    RefusedError,
)
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.permits import PermitOpened, permit_stream
from cityhall_bms.ports.event_log import Append, Checkpoint

SUBJECT = "TCH.05F.W.AHU01.SAT"
ALARM = f"hi~{SUBJECT}"


class Desk:
    """A desk with one alarm that rings."""

    def __init__(self) -> None:
        self.clock = ManualClock(RAISED_US)
        self.events = MemoryEventLog(self.clock)
        self.view = MemoryAlarmView(self.events)
        self.desk = AlarmDesk(self.view, self.events, self.clock)

    async def ring(self, **changes: object) -> "Desk":
        await self.events.append([of_alarm(SUBJECT, raised(**changes))])
        return self

    async def end(self) -> None:
        await self.events.append([of_alarm(SUBJECT, AlarmReturned(observed_at=self.clock.now()))])

    def later(self, seconds: float) -> int:
        return self.clock.now() + round(seconds * 1e6)

    async def stored(self) -> list[StoredEvent]:
        return await self.events.read(stream=stream_of(ALARM))


async def test_an_acknowledgement_says_who_when_and_what_was_said() -> None:
    at = await Desk().ring()
    await at.clock.advance(42.0)
    alarm = await at.desk.acknowledge(ALARM, by="王小明", comment="現場查看中")
    assert (alarm.state, alarm.acknowledged_by, alarm.comment) == (AlarmState.ACKNOWLEDGED, "王小明", "現場查看中")
    assert alarm.acknowledged_at == RAISED_US + 42_000_000
    assert alarm.version == 2
    entry = (await at.stored())[-1]
    assert (entry.type, entry.actor, entry.position) == ("AlarmAcknowledged", "王小明", alarm.position)


async def test_an_alarm_that_never_rang_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="no alarm is named hi~nothing"):
        await Desk().desk.acknowledge("hi~nothing", by="王小明")


async def test_nothing_is_acknowledged_twice() -> None:
    at = await Desk().ring()
    await at.desk.acknowledge(ALARM, by="王小明")
    with pytest.raises(RefusedError):
        await at.desk.acknowledge(ALARM, by="李小華")
    assert len(await at.stored()) == 2


@pytest.mark.parametrize(("priority", "longest_s"), [(2, 3_600), (3, 8 * 3_600), (4, 24 * 3_600)])
async def test_a_shelf_ends_within_the_maximum_of_its_priority(priority: int, longest_s: int) -> None:
    at = await Desk().ring(priority=priority)
    with pytest.raises(RefusedError):
        await at.desk.shelve(ALARM, by="王小明", until=at.later(longest_s + 1), reason="濾網更換中")
    alarm = await at.desk.shelve(ALARM, by="王小明", until=at.later(longest_s), reason="濾網更換中")
    assert alarm.state is AlarmState.SHELVED
    assert alarm.shelved_until == RAISED_US + longest_s * 1_000_000


async def test_the_first_priority_is_never_shelved() -> None:
    at = await Desk().ring(priority=1)
    with pytest.raises(RefusedError):
        await at.desk.shelve(ALARM, by="王小明", until=at.later(1), reason="測試")


async def test_a_shelf_needs_a_reason() -> None:
    at = await Desk().ring()
    with pytest.raises(RefusedError, match="reason"):
        await at.desk.shelve(ALARM, by="王小明", until=at.later(60), reason="  ")


async def test_what_is_still_active_rings_again_when_it_is_taken_back() -> None:
    at = await Desk().ring()
    await at.desk.acknowledge(ALARM, by="王小明")
    await at.desk.shelve(ALARM, by="王小明", until=at.later(600), reason="檢修")
    alarm = await at.desk.unshelve(ALARM, by="李小華")
    assert alarm.state is AlarmState.UNACKNOWLEDGED
    with pytest.raises(RefusedError):
        await at.desk.unshelve(ALARM, by="李小華")


async def test_what_is_over_is_normal_when_it_is_taken_back() -> None:
    at = await Desk().ring()
    await at.desk.shelve(ALARM, by="王小明", until=at.later(600), reason="檢修")
    await at.end()
    assert (await at.desk.unshelve(ALARM, by="王小明")).state is AlarmState.NORMAL


async def test_a_latch_is_released_only_when_the_condition_is_over() -> None:
    at = await Desk().ring(latching=True)
    with pytest.raises(RefusedError):
        await at.desk.reset(ALARM, by="王小明")
    await at.desk.acknowledge(ALARM, by="王小明")
    await at.end()
    assert (await at.desk.reset(ALARM, by="王小明")).state is AlarmState.NORMAL


class Restless(MemoryEventLog):
    """An alarm that changes under the operator's hands, so and so many times."""

    def __init__(self, clock: ManualClock, changes: int) -> None:
        super().__init__(clock)
        self.changes = changes

    async def append(self, appends: Sequence[Append], checkpoint: Checkpoint | None = None) -> list[StoredEvent]:
        if self.changes and appends[0].actor != "rules":
            self.changes -= 1
            latest = (await self.read(stream=stream_of(ALARM)))[-1]
            turn = raised(occurrence=9) if latest.type == "AlarmReturned" else AlarmReturned(observed_at=RAISED_US)
            await super().append([of_alarm(SUBJECT, turn)])
        return await super().append(appends, checkpoint)


async def test_a_decision_is_taken_again_when_the_alarm_changed_meanwhile() -> None:
    clock = ManualClock(RAISED_US)
    log = Restless(clock, changes=3)
    await log.append([of_alarm(SUBJECT, raised())])
    alarm = await AlarmDesk(MemoryAlarmView(log), log, clock).acknowledge(ALARM, by="王小明")
    # Returned, raised, returned, acknowledged: it was the return that the operator acknowledged.
    assert alarm.state is AlarmState.NORMAL
    assert alarm.version == 5


async def test_a_decision_is_given_up_after_a_bounded_number_of_attempts() -> None:
    clock = ManualClock(RAISED_US)
    log = Restless(clock, changes=ATTEMPTS_MAX)
    await log.append([of_alarm(SUBJECT, raised())])
    with pytest.raises(ConcurrencyError):
        await AlarmDesk(MemoryAlarmView(log), log, clock).acknowledge(ALARM, by="王小明")
    assert [entry.type for entry in await log.read(stream=stream_of(ALARM))].count("AlarmAcknowledged") == 0


async def test_an_outage_is_told_and_nothing_is_recorded() -> None:
    at = await Desk().ring()
    at.events.available = False
    with pytest.raises(EventLogUnavailableError):
        await at.desk.acknowledge(ALARM, by="王小明")
    at.events.available = True
    assert len(await at.stored()) == 1


async def test_a_long_history_is_read_to_its_end() -> None:
    at = Desk()
    turns = [event for _ in range(600) for event in (raised(), AlarmReturned(observed_at=RAISED_US))]
    await at.events.append([of_alarm(SUBJECT, *turns[:1200])])
    alarm: Alarm = await at.desk.acknowledge(ALARM, by="王小明")
    assert alarm.version == 1201


async def test_a_shelf_without_an_end_lasts_as_long_as_its_priority_allows() -> None:
    at = await Desk().ring(priority=2)
    assert (await at.desk.shelve(ALARM, by="王小明", reason="檢修")).shelved_until == at.later(3_600)


async def test_a_shelf_for_one_occurrence_ends_with_it() -> None:
    at = await Desk().ring()
    await at.desk.shelve(ALARM, by="王小明", reason="檢修", one_shot=True)
    await at.end()
    assert (await at.desk.comment(ALARM, by="王小明", comment="好了")).state is AlarmState.NORMAL


async def test_a_comment_is_kept_whatever_the_state() -> None:
    at = await Desk().ring()
    await at.end()
    alarm = await at.desk.comment(ALARM, by="王小明", comment="已通知廠商")
    assert (alarm.state, alarm.comment) == (AlarmState.RETURNED_UNACKNOWLEDGED, "已通知廠商")
    with pytest.raises(RefusedError, match="text"):
        await at.desk.comment(ALARM, by="王小明", comment=" ")


async def test_of_several_alarms_each_is_told_for_itself_and_is_one_event_or_none() -> None:
    at = await Desk().ring()
    await at.events.append([of_alarm("seen", raised(), AlarmAcknowledged(RAISED_US, "李小華"))])
    await at.events.append([of_alarm(f"many-{number}", raised()) for number in range(100)])
    before = await at.events.end()
    names = [ALARM, "hi~seen", "hi~nothing", ALARM, *(f"hi~many-{number}" for number in range(100))]

    outcomes = await at.desk.acknowledge_each(names, by="王小明", comment="一併確認")

    assert [outcome.alarm_id for outcome in outcomes] == list(dict.fromkeys(names))
    assert [type(outcome.failure) for outcome in outcomes[:3]] == [type(None), RefusedError, NotFoundError]
    assert all(outcome.alarm and outcome.alarm.acknowledged_by == "王小明" for outcome in outcomes[3:])
    entries = await at.events.read(before)
    assert [(entry.type, entry.actor) for entry in entries] == [("AlarmAcknowledged", "王小明")] * 101
    assert len({entry.stream for entry in entries}) == 101


async def test_latches_are_released_each_for_itself() -> None:
    at = await Desk().ring(latching=True)
    await at.events.append([of_alarm("lasts", raised(latching=True))])
    await at.end()
    over, lasts = await at.desk.reset_each([ALARM, "hi~lasts"], by="王小明")
    assert over.alarm is not None
    assert over.alarm.state is AlarmState.RETURNED_UNACKNOWLEDGED
    assert isinstance(lasts.failure, RefusedError)


async def test_an_outage_of_the_log_is_told_once_for_all_of_them() -> None:
    at = await Desk().ring()
    at.events.available = False
    with pytest.raises(EventLogUnavailableError):
        await at.desk.acknowledge_each([ALARM, "hi~x"], by="王小明")


async def permit(at: Desk, **changes: object) -> PermitOpened:
    fields: dict[str, object] = {
        "permit": "2026-07-01-1", "kind": "works", "equipment": ["TCH.05F.W.AHU01"], "zones": [], "systems": [],
        "begin": RAISED_US, "until": at.later(7_200), "reason": "換感測器", "by": "李小華", "at": RAISED_US,
    }  # fmt: skip
    event = PermitOpened(**(fields | changes))  # type: ignore[arg-type]
    await at.events.append([Append(permit_stream(event.permit), [event], "李小華", 0)])
    return event


async def test_an_alarm_goes_out_of_service_under_its_permit_and_comes_back() -> None:
    at = await Desk().ring()
    allowed = await permit(at)
    out = await at.desk.take_out_of_service(ALARM, by="王小明", permit=allowed.permit, reason="換感測器")
    assert (out.state, out.permit, out.out_of_service_until) == (
        AlarmState.OUT_OF_SERVICE,
        allowed.permit,
        allowed.until,
    )
    back = await at.desk.return_to_service(ALARM, by="王小明")
    assert (back.state, back.permit) == (AlarmState.UNACKNOWLEDGED, "")


@pytest.mark.parametrize(
    ("changes", "later_s", "said"),
    [
        ({"equipment": ["TCH.06F.W.AHU01"]}, None, "not in force for TCH.05F.W.AHU01"),
        ({"begin": RAISED_US + 1}, None, "not in force"),
        ({}, 7_201, "longer than its permit"),
        ({}, 0, "over already"),
    ],
)
async def test_a_permit_that_does_not_cover_the_alarm_takes_nothing_out_of_service(
    changes: dict[str, object], later_s: float | None, said: str
) -> None:
    at = await Desk().ring()
    allowed = await permit(at, **changes)
    until = None if later_s is None else at.later(later_s)
    with pytest.raises(RefusedError, match=said):
        await at.desk.take_out_of_service(ALARM, by="王小明", permit=allowed.permit, reason="換感測器", until=until)
    with pytest.raises(NotFoundError, match="no permit is named 2026-07-01-9"):
        await at.desk.take_out_of_service(ALARM, by="王小明", permit="2026-07-01-9", reason="換感測器")
    assert len(await at.stored()) == 1


class Lagging(MemoryAlarmView):
    """A view that never follows: what it once gave it gives for ever."""

    def __init__(self, log: MemoryEventLog) -> None:
        super().__init__(log)
        self.kept: Alarm | None = None

    async def get(self, alarm_id: str) -> Alarm | None:
        self.kept = self.kept or await super().get(alarm_id)
        return self.kept


async def test_a_decision_rests_on_the_log_however_far_the_view_lags() -> None:
    at = await Desk().ring()
    desk = AlarmDesk(Lagging(at.events), at.events, at.clock)
    await desk.acknowledge(ALARM, by="王小明")
    with pytest.raises(RefusedError):
        await desk.acknowledge(ALARM, by="李小華")
    assert (await desk.comment(ALARM, by="李小華", comment="收到")).version == 3

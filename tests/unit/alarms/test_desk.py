"""What operators do, and what they may not."""

from collections.abc import Sequence

import pytest
from tests.support.alarm_events import RAISED_US, of_alarm, raised
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.alarms.desk import ATTEMPTS_MAX, AlarmDesk
from cityhall_bms.domain.alarms import Alarm, AlarmReturned, AlarmState, stream_of
from cityhall_bms.domain.errors import (
    ConcurrencyError,
    EventLogUnavailableError,
    NotFoundError,
    RefusedError,
)
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.ports.event_log import Append, Checkpoint

SUBJECT = "TCH.05F.W.AHU01.SAT"
ALARM = f"hi~{SUBJECT}"


class Desk:
    """A desk with one alarm that rings."""

    def __init__(self) -> None:
        self.clock = ManualClock(RAISED_US)
        self.events = MemoryEventLog(self.clock)
        self.desk = AlarmDesk(self.events, self.clock)

    async def ring(self, **changes: object) -> "Desk":
        await self.events.append([of_alarm(SUBJECT, raised(**changes))])
        return self

    async def end(self) -> None:
        await self.events.append([of_alarm(SUBJECT, AlarmReturned(observed_at=self.clock.now()))])

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
        await at.desk.shelve(ALARM, by="王小明", duration_s=longest_s + 1, reason="濾網更換中")
    alarm = await at.desk.shelve(ALARM, by="王小明", duration_s=longest_s, reason="濾網更換中")
    assert alarm.state is AlarmState.SHELVED
    assert alarm.shelved_until == RAISED_US + longest_s * 1_000_000


async def test_the_first_priority_is_never_shelved() -> None:
    at = await Desk().ring(priority=1)
    with pytest.raises(RefusedError):
        await at.desk.shelve(ALARM, by="王小明", duration_s=1, reason="測試")


async def test_a_shelf_needs_a_reason() -> None:
    at = await Desk().ring()
    with pytest.raises(RefusedError, match="reason"):
        await at.desk.shelve(ALARM, by="王小明", duration_s=60, reason="  ")


async def test_what_is_still_active_rings_again_when_it_is_taken_back() -> None:
    at = await Desk().ring()
    await at.desk.acknowledge(ALARM, by="王小明")
    await at.desk.shelve(ALARM, by="王小明", duration_s=600, reason="檢修")
    alarm = await at.desk.unshelve(ALARM, by="李小華")
    assert alarm.state is AlarmState.UNACKNOWLEDGED
    with pytest.raises(RefusedError):
        await at.desk.unshelve(ALARM, by="李小華")


async def test_what_is_over_is_normal_when_it_is_taken_back() -> None:
    at = await Desk().ring()
    await at.desk.shelve(ALARM, by="王小明", duration_s=600, reason="檢修")
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
    alarm = await AlarmDesk(log, clock).acknowledge(ALARM, by="王小明")
    # Returned, raised, returned, acknowledged: it was the return that the operator acknowledged.
    assert alarm.state is AlarmState.NORMAL
    assert alarm.version == 5


async def test_a_decision_is_given_up_after_a_bounded_number_of_attempts() -> None:
    clock = ManualClock(RAISED_US)
    log = Restless(clock, changes=ATTEMPTS_MAX)
    await log.append([of_alarm(SUBJECT, raised())])
    with pytest.raises(ConcurrencyError):
        await AlarmDesk(log, clock).acknowledge(ALARM, by="王小明")
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

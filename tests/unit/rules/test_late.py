"""Data that came late: judged once, recorded once, and nobody is paged."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.support.manual_clock import ManualClock
from tests.support.rule_trial import START_US, point, site_of

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.memory_telemetry import MemoryTelemetryLog
from cityhall_bms.domain.alarm_stream import ALARM_STREAMS, fold
from cityhall_bms.domain.alarms import Alarm, AlarmRaised, AlarmRecordedLate, AlarmReturned, AlarmState
from cityhall_bms.domain.batch import Readings, SampleBatch
from cityhall_bms.domain.events import HistoryImported, StoredEvent
from cityhall_bms.ports.event_log import Append
from cityhall_bms.ports.history import Progress, Window
from cityhall_bms.ports.rule_history import PastSamples
from cityhall_bms.rules.binding import bind
from cityhall_bms.rules.late import APART_US, STRETCHES_MAX, Stretch, gathered, late_in, touched
from cityhall_bms.rules.late_keeper import LateKeeper, Sources
from cityhall_bms.rules.model import RULE_ADAPTER, Rule

MINUTE = 60_000_000
SITE = site_of({"U1": "Unit", "U2": "Unit"}, [point(unit, "T", scan_s=60.0) for unit in ("U1", "U2")])
IDS = {"U1.T": 1, "U2.T": 2}
NAME = "HOT~U1"


def hot(**changed: object) -> Rule:
    table = {
        "id": "HOT", "equipment_class": "Unit", "condition": "T > 25 °C", "priority": 2, "on_delay_s": 300,
        "source": "test", "text_zh": "{equipment} 過熱 {value}", "text_en": "{equipment} hot at {value} {unit}",
    }  # fmt: skip
    found: Rule = RULE_ADAPTER.validate_python({**table, **changed})
    return found


@dataclass
class Late:
    """Both logs and a history that stores what the telemetry log has."""

    rules: Sequence[Rule] = field(default_factory=lambda: [hot()])
    clock: ManualClock = field(default_factory=lambda: ManualClock(START_US))

    def __post_init__(self) -> None:
        self.events = MemoryEventLog(self.clock)
        self.telemetry = MemoryTelemetryLog(self.clock)
        self.samples: dict[tuple[int, int], float] = {}
        self.stored = 0
        self.sequence = 0

    async def progress(self) -> Progress:
        return Progress(self.stored, {})

    async def samples_of(self, points: Sequence[int], window: Window) -> PastSamples:
        rows = sorted(
            (number, at, value)
            for (number, at), value in self.samples.items()
            if number in points and window.start <= at < window.end
        )
        return PastSamples(
            np.array([row[0] for row in rows], np.int64),
            np.array([row[1] for row in rows], np.int64),
            np.array([row[2] for row in rows], np.float64),
            np.zeros(len(rows), np.uint8),
        )

    def keep(self, minutes: Sequence[int], value: float, number: int = 1) -> None:
        """Have history know samples of a point, minutes before now."""
        for minute in minutes:
            self.samples[number, self.clock.now() - minute * MINUTE] = value

    async def arrive(self, minutes: Sequence[int], value: float, number: int = 1) -> None:
        """Samples come that were observed so many minutes ago."""
        self.keep(minutes, value, number)
        at = np.array([self.clock.now() - minute * MINUTE for minute in minutes], np.int64)
        count = len(at)
        readings = Readings(
            np.full(count, number, np.uint32), at, np.full(count, value), np.zeros(count, np.uint8), partial=True
        )
        self.sequence += 1
        await self.telemetry.publish(SampleBatch.gather("c", 1, self.sequence, self.clock.now(), [readings]))
        self.stored = await self.telemetry.end()

    def keeper(self) -> LateKeeper:
        return LateKeeper(self.rules, SITE, IDS, Sources(self.telemetry, self.events, self, self.progress), self.clock)

    async def live(self, keeper: LateKeeper, seconds: float = 400.0) -> None:
        """Let a keeper run for so long."""
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(keeper.run())
            for _ in range(round(seconds / 10)):
                await self.clock.advance(10.0)
                # Replays work in a thread of their own.
                await asyncio.sleep(0.005)
            task.cancel()

    async def alarms(self) -> list[StoredEvent]:
        return await self.events.read(0, 1000, ALARM_STREAMS)


async def test_an_occurrence_in_late_data_is_recorded_and_changes_no_state() -> None:
    late = Late()
    await late.live(late.keeper(), 20)
    late.keep(range(100, 0, -1), 20.0)
    await late.arrive(range(60, 40, -1), 30.0)
    keeper = late.keeper()
    await late.live(keeper)
    (entry,) = await late.alarms()
    event = entry.event()
    assert isinstance(event, AlarmRecordedLate)
    assert (event.rule, event.subject, event.priority, event.value, event.limit) == ("HOT", "U1", 2, 30.0, 25.0)
    assert (event.text_zh, event.text_en) == ("機U1 過熱 30", "U1 hot at 30 °C")
    begun = START_US + 20_000_000 - 60 * MINUTE
    assert 0 <= event.began - (begun + 5 * MINUTE) <= MINUTE
    assert 0 <= event.ended - (begun + 20 * MINUTE) <= MINUTE
    alarm = fold(Alarm(NAME), [entry])
    assert (alarm.state, alarm.active, alarm.occurrence) == (AlarmState.NORMAL, False, 0)
    assert keeper.recorded == 1


async def test_it_is_recorded_once_however_often_the_keeper_begins_anew_and_the_data_come() -> None:
    late = Late()
    await late.live(late.keeper(), 20)
    late.keep(range(100, 0, -1), 20.0)
    for _ in range(2):
        await late.arrive(range(60, 40, -1), 30.0)
        for seconds in (30, 200, 100):
            await late.live(late.keeper(), seconds)
    assert len(await late.alarms()) == 1


async def test_what_rang_in_its_time_is_not_recorded_again() -> None:
    late = Late()
    await late.live(late.keeper(), 20)
    late.keep(range(100, 0, -1), 20.0)
    at = late.clock.now()
    raised = AlarmRaised(
        "HOT",
        1,
        "U1",
        "U1",
        "hvac",
        2,
        "過熱",
        "hot",
        False,
        1,
        at - 52 * MINUTE,
        value=30.0,
    )
    await late.events.append([Append(f"alarm/{NAME}", [raised, AlarmReturned(at - 39 * MINUTE)], "rules")])
    await late.arrive(range(60, 40, -1), 30.0)
    await late.live(late.keeper())
    assert len(await late.alarms()) == 2


async def test_data_that_come_in_time_or_change_nothing_are_not_judged() -> None:
    late = Late()
    await late.live(late.keeper(), 20)
    late.keep(range(100, 0, -1), 20.0)
    await late.arrive([2, 1], 30.0)
    await late.arrive(range(60, 40, -1), 21.0)
    await late.live(late.keeper())
    assert await late.alarms() == []


async def test_history_is_waited_for_and_so_is_the_end_of_the_flood_of_late_samples() -> None:
    late = Late()
    await late.live(late.keeper(), 20)
    late.keep(range(100, 0, -1), 20.0)
    keeper = late.keeper()
    await late.arrive(range(60, 40, -1), 30.0)
    late.stored = 0
    await late.live(keeper, 200)
    assert await late.alarms() == []
    late.stored = 1
    await late.live(late.keeper(), 100)
    assert len(await late.alarms()) == 1


async def test_an_import_is_judged_too() -> None:
    late = Late()
    await late.live(late.keeper(), 20)
    now = late.clock.now()
    late.keep(range(300, 100, -1), 20.0)
    late.keep(range(200, 180, -1), 30.0)
    event = HistoryImported("d" * 64, "simulated", now - 300 * MINUTE, now - 100 * MINUTE, 60, 2, 400)
    await late.events.append([Append("history", [event], "ann")])
    await late.live(late.keeper())
    assert [entry.type for entry in await late.alarms()] == ["AlarmRecordedLate"]


def test_only_late_samples_of_watched_points_make_a_stretch() -> None:
    at = np.array([START_US, START_US - 20 * MINUTE, START_US - 30 * MINUTE], np.int64)
    readings = Readings(np.array([1, 2, 9], np.uint32), at, np.zeros(3), np.zeros(3, np.uint8), partial=True)
    batch = SampleBatch.gather("c", 1, 1, START_US, [readings])
    found = late_in(batch, 5, {1, 2})
    assert found == Stretch(START_US - 20 * MINUTE, START_US - 20 * MINUTE, frozenset({2}), 5, START_US)
    assert late_in(batch, 5, {1}) is None


def test_only_rules_that_look_at_a_touched_point_are_asked() -> None:
    binding = bind([hot(), hot(id="PAIR", condition="POINT > 30 °C", each=["T"])], SITE, IDS)
    assert touched(binding, frozenset({2})) == {"HOT", "PAIR"}
    assert touched(binding, frozenset({7})) == set()


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 300), st.integers(1, 5)), max_size=150))
def test_however_many_stretches_come_all_that_was_touched_is_judged(made: list[tuple[int, int, int]]) -> None:
    stretches: list[Stretch] = []
    for number, (first, length, watched) in enumerate(made):
        new = Stretch(first * APART_US, first * APART_US + length * MINUTE, frozenset({watched}), number, number)
        stretches = gathered(stretches, new)
        assert any(new.points <= item.points and item.first <= new.first <= new.last <= item.last for item in stretches)
    assert len(stretches) <= STRETCHES_MAX
    assert [Stretch.of(item.plain()) for item in stretches] == stretches
    for number, (first, length, watched) in enumerate(made):
        begin, end = first * APART_US, first * APART_US + length * MINUTE
        assert any(
            watched in item.points and item.first <= begin <= end <= item.last and item.position >= number
            for item in stretches
        )

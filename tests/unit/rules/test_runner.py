"""The live loop: alarms exactly once, whatever dies when."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.dying_log import DyingLog, KilledError
from tests.support.rule_trial import START_US, UNIT, rule
from tests.support.rule_world import HOT, TRIP, World
from tests.support.until import until

from cityhall_bms.domain.alarms import AlarmReset
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import Event, StoredEvent
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.rule_events import RuleDraftDropped
from cityhall_bms.ports.event_log import Append, Checkpoint
from cityhall_bms.rules.runner import RulesRunner


@dataclass(frozen=True, slots=True)
class FromTheFuture(Event):
    """Of a version that we do not know: not registered as stored."""


async def test_a_trip_becomes_an_event_with_everything_an_operator_needs() -> None:
    world = World()
    await world.publish(0, 20.0)
    await world.publish(0.5, 20.0, trip=1.0)
    await world.catch_up(world.runner())
    (entry,) = await world.alarm_events()
    assert entry.actor == "rules"
    assert entry.stream == f"alarm/TRIP~{UNIT}.Trip"
    assert entry.payload == {
        "rule": "TRIP",
        "rule_version": 1,
        "subject": f"{UNIT}.Trip",
        "equipment": UNIT,
        "system": "hvac",
        "priority": 2,
        "text_zh": f"機{UNIT} 跳脫",
        "text_en": f"{UNIT} tripped at 1",
        "latching": True,
        "occurrence": 1,
        "observed_at": START_US + 500_000,
        "value": 1.0,
        "limit": None,
        "unit": "",
        "telemetry_position": 2,
        "drill": "",
    }


async def test_occurrences_are_numbered_over_the_life_of_an_alarm() -> None:
    world = World()
    for second, trip in enumerate((0, 1, 0, 1, 0)):
        await world.publish(second, 20.0, trip=trip)
    await world.catch_up(world.runner())
    events = await world.alarm_events()
    assert [entry.type for entry in events] == ["AlarmRaised", "AlarmReturned", "AlarmRaised", "AlarmReturned"]
    assert [entry.payload.get("occurrence") for entry in events] == [1, None, 2, None]


async def test_a_thirty_minute_timer_survives_a_restart() -> None:
    world = World()
    for second in range(0, 1000, 5):
        await world.publish(second, -1.0)
    await world.catch_up(world.runner())
    assert await world.told() == []
    for second in range(1000, 1860, 5):
        await world.publish(second, -1.0)
    await world.catch_up(world.runner())
    assert await world.told() == []
    await world.publish(1860, -1.0)
    await world.catch_up(world.runner())
    assert await world.told() == [f"SLOW~{UNIT}.T AlarmRaised"]


HISTORY = st.lists(
    st.tuples(
        st.sampled_from([-5.0, 20.0, 29.0, 31.0]),
        st.sampled_from([None, 0.0, 0.0, 1.0]),
        st.sampled_from([Quality.GOOD, Quality.GOOD, Quality.GOOD, Quality.BAD_TIMEOUT]),
        st.sampled_from([0.5, 1.0, 3.0, 9.0, 700.0]),
    ),
    min_size=1,
    max_size=40,
)
DEATHS = st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=8)


async def _play(
    history: Sequence[tuple[float, float | None, int, float]], deaths: Sequence[tuple[int, bool]]
) -> tuple[list[tuple[object, ...]], list[bytes]]:
    world = World()
    second = 0.0
    for value, trip, quality, wait_s in history:
        second += wait_s
        await world.publish(second, value, trip, quality)
    for calls, after in deaths:
        log = DyingLog(world.events, calls, after=after, error=KilledError)
        with contextlib.suppress(KilledError):
            await _until_death(world, world.runner(events=log))
    runner = world.runner()
    await world.catch_up(runner)
    events = [(entry.stream, entry.version, entry.type, entry.payload) for entry in await world.alarm_events()]
    state = runner.engine_state
    kept = [column for rule in sorted(state.memory) for memory in state.memory[rule] for column in memory.columns]
    columns = (state.active, state.held, state.leaning, state.good_at, state.answer, *kept)
    return events, [column.tobytes() for column in columns]


async def _until_death(world: World, runner: RulesRunner) -> None:
    end = await world.telemetry.end()
    running = asyncio.ensure_future(runner.run())
    while not running.done() and runner.position < end:  # noqa: ASYNC110 - every turn of the loop may be the last
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@given(history=HISTORY, deaths=DEATHS)
@settings(max_examples=60, deadline=None)
def test_deaths_at_any_moment_change_no_event(
    history: list[tuple[float, float | None, int, float]], deaths: list[tuple[int, bool]]
) -> None:
    assert asyncio.run(_play(history, deaths)) == asyncio.run(_play(history, []))


async def test_an_append_whose_answer_was_lost_is_not_repeated() -> None:
    world = World()
    await world.publish(0, 20.0)
    await world.publish(1, 20.0, trip=1.0)
    # The first call stores a checkpoint, the second the alarm.
    lost = DyingLog(world.events, 2, after=True, error=lambda: EventLogUnavailableError("answer lost"))
    runner = world.runner(events=lost)
    async with world.running(runner):
        await world.clock.advance(2.0)
        await until(lambda: runner.position == 2)
    assert await world.told() == [f"TRIP~{UNIT}.Trip AlarmRaised"]
    await world.catch_up(world.runner())
    assert await world.told() == [f"TRIP~{UNIT}.Trip AlarmRaised"]


async def test_alarms_wait_for_the_event_log_and_none_is_lost() -> None:
    world = World()
    for second, trip in enumerate((0, 1, 0, 1)):
        await world.publish(second, 20.0, trip=trip)
    runner = world.runner()
    world.events.available = False
    async with world.running(runner):
        await world.clock.advance(20.0)
        world.events.available = True
        await world.clock.advance(2.0)
        await until(lambda: runner.position == 4)
    assert [text.split()[1] for text in await world.told()] == ["AlarmRaised", "AlarmReturned", "AlarmRaised"]


async def test_an_operator_who_acts_first_wins_and_the_return_still_follows() -> None:
    world = World()
    name = f"TRIP~{UNIT}.Trip"

    class Racing(DyingLog):
        raced = 0

        async def append(self, appends: Sequence[Append], checkpoint: Checkpoint | None = None) -> list[StoredEvent]:
            if appends and appends[0].expected_version == 1 and not self.raced:
                self.raced += 1
                await world.desk.acknowledge(name, by="王小明")
            return await super().append(appends, checkpoint)

    for second, trip in enumerate((0, 1, 0)):
        await world.publish(second, 20.0, trip=trip)
    log = Racing(world.events, 0, after=False, error=KilledError)
    await world.catch_up(world.runner(events=log))
    assert log.raced == 1
    assert await world.told() == [f"{name} AlarmRaised", f"{name} AlarmAcknowledged", f"{name} AlarmReturned"]


async def test_an_alarm_whose_rule_is_gone_is_returned_and_one_of_somebody_else_is_left() -> None:
    world = World()
    await world.publish(0, 20.0, trip=1.0)
    await world.catch_up(world.runner())
    (raised,) = await world.alarm_events()
    await world.events.append([Append("alarm/other~x", [raised.event()], "supervisor")])
    await world.catch_up(world.runner(rules=(HOT,)))
    assert await world.told() == [
        f"TRIP~{UNIT}.Trip AlarmRaised", "other~x AlarmRaised", f"TRIP~{UNIT}.Trip AlarmReturned",
    ]  # fmt: skip
    await world.publish(1, 20.0, trip=1.0)
    await world.catch_up(world.runner())
    assert (await world.told())[3:] == [f"TRIP~{UNIT}.Trip AlarmRaised"]


@pytest.mark.parametrize("stranger", [AlarmReset(at=START_US, by="x"), FromTheFuture()])
async def test_an_entry_that_nobody_understands_stops_no_alarm(stranger: Event) -> None:
    world = World()
    await world.publish(0, 20.0, trip=1.0)
    await world.catch_up(world.runner())
    await world.events.append([Append(f"alarm/TRIP~{UNIT}.Trip", [stranger], "a newer version")])
    await world.publish(1, 20.0, trip=0.0)
    await world.catch_up(world.runner())
    assert [text.split()[1] for text in await world.told()] == ["AlarmRaised", type(stranger).__name__, "AlarmReturned"]
    assert (await world.desk.acknowledge(f"TRIP~{UNIT}.Trip", by="王小明")).version == 4


async def test_a_new_version_of_a_rule_does_not_ring_again_for_what_is_active() -> None:
    world = World()
    await world.publish(0, 20.0, trip=1.0)
    await world.catch_up(world.runner())
    newer = TRIP.model_copy(update={"version": 2})
    for second in range(1, 4):
        await world.publish(second, 20.0, trip=1.0)
    await world.catch_up(world.runner(rules=(newer, HOT)))
    assert len(await world.told()) == 1


@pytest.mark.parametrize("state", [b"", b"nonsense", b"\x78\x9c\x03\x00\x00\x00\x00\x01"])
async def test_without_a_readable_checkpoint_active_alarms_are_known_from_the_log(state: bytes) -> None:
    world = World()
    await world.publish(0, 20.0, trip=1.0)
    await world.catch_up(world.runner())
    await world.events.append([], Checkpoint("rules", 1, state))
    await world.publish(1, 20.0, trip=1.0)
    await world.publish(2, 20.0, trip=0.0)
    await world.catch_up(world.runner())
    assert [text.split()[1] for text in await world.told()] == ["AlarmRaised", "AlarmReturned"]


async def test_a_silent_collector_makes_devices_stale_by_the_clock() -> None:
    world = World()
    await world.publish(0, 20.0)
    runner = world.runner()
    async with world.running(runner):
        await until(lambda: runner.position == 1)
        await world.clock.advance(60.0)
        assert await world.told() == []
        await world.clock.advance(10.0)
        assert await world.told() == ["LOST~controller AlarmRaised"]
        await world.publish(80, 20.0)
        await world.clock.advance(2.0)
    assert await world.told() == ["LOST~controller AlarmRaised", "LOST~controller AlarmReturned"]


async def test_after_a_night_off_the_devices_have_time_to_report() -> None:
    world = World()
    await world.publish(0, 20.0)
    await world.catch_up(world.runner())
    await world.clock.advance(10 * 3600.0)
    runner = world.runner()
    async with world.running(runner):
        await world.clock.advance(25.0)
        await world.publish(36_025, 20.0)
        await world.clock.advance(5.0)
    assert await world.told() == []


async def test_alarms_ring_although_the_clock_was_set_back_by_an_hour() -> None:
    world = World()
    for second in range(3600, 3660):
        await world.publish(second, 20.0)
    for second in range(60):
        await world.publish(second, 20.0, trip=1.0)
    for second in range(60, 120):
        await world.publish(second, 20.0, trip=0.0)
    await world.catch_up(world.runner())
    raised, returned = await world.alarm_events()
    assert (raised.type, returned.type) == ("AlarmRaised", "AlarmReturned")
    assert raised.payload["observed_at"] == START_US


async def test_timers_run_although_the_clock_was_set_back_while_nobody_was_there() -> None:
    world = World()
    for second in range(3600, 3610):
        await world.publish(second, 20.0)
    await world.catch_up(world.runner())
    for second in range(0, 1900, 5):
        await world.publish(second, -1.0)
    await world.catch_up(world.runner())
    assert await world.told() == [f"SLOW~{UNIT}.T AlarmRaised"]


async def test_an_outage_of_the_telemetry_log_is_waited_for() -> None:
    world = World()
    runner = world.runner()
    world.telemetry.available = False
    async with world.running(runner):
        await world.clock.advance(10.0)
        world.telemetry.available = True
        await world.publish(10, 20.0, trip=1.0)
        await world.clock.advance(2.0)
        await until(lambda: runner.position == 1)
        await world.clock.advance(0.0)
    assert await world.told() == [f"TRIP~{UNIT}.Trip AlarmRaised"]


async def test_a_quiet_engine_stores_its_checkpoint_every_minute() -> None:
    world = World()
    stored: list[int] = []

    class Counting(DyingLog):
        async def append(self, appends: Sequence[Append], checkpoint: Checkpoint | None = None) -> list[StoredEvent]:
            assert checkpoint is not None
            stored.append(checkpoint.position)
            return await super().append(appends, checkpoint)

    for second in range(1, 186):
        await world.publish(second, 20.0)
    log = Counting(world.events, 0, after=False, error=KilledError)
    await world.catch_up(world.runner(events=log))
    assert stored == [1, 61, 121, 181]


async def test_a_rule_that_fails_is_recorded_once_over_all_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    await world.publish(0, 20.0)

    def fail(_self: object, _tick: object, _memory: object) -> None:
        msg = "bad rule"
        raise ValueError(msg)

    monkeypatch.setattr("cityhall_bms.rules.conditions.SilentCondition.step", fail)
    broken = rule(id="BROKEN", kind="stale")
    await world.catch_up(world.runner(rules=(broken, TRIP)))
    await world.publish(1, 20.0, trip=1.0)
    await world.catch_up(world.runner(rules=(broken, TRIP)))
    (failed,) = await world.events.read(stream="rule/")
    assert failed.payload == {"rule": "BROKEN", "reason": "ValueError: bad rule"}
    assert await world.told() == [f"TRIP~{UNIT}.Trip AlarmRaised"]


async def test_a_failure_is_recorded_although_a_draft_is_written_in_the_same_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    await world.publish(0, 20.0)

    def fail(_self: object, _tick: object, _memory: object) -> None:
        raise ValueError

    class Overtaken(DyingLog):
        """Somebody drops a draft of the rule just before the first failure is appended."""

        overtaken = False

        async def append(self, appends: Sequence[Append], checkpoint: Checkpoint | None = None) -> list[StoredEvent]:
            if appends and not self.overtaken:
                self.overtaken = True
                await world.events.append([Append("rule/BROKEN", [RuleDraftDropped("BROKEN", 1, "li")], "li")])
            return await super().append(appends, checkpoint)

    monkeypatch.setattr("cityhall_bms.rules.conditions.SilentCondition.step", fail)
    log = Overtaken(world.events, 0, after=False, error=KilledError)
    await world.catch_up(world.runner(rules=(rule(id="BROKEN", kind="stale"),), events=log))
    assert [entry.type for entry in await world.events.read(stream="rule/")] == ["RuleDraftDropped", "RuleFailed"]


async def test_a_failure_whose_answer_was_lost_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    await world.publish(0, 20.0)

    def fail(_self: object, _tick: object, _memory: object) -> None:
        raise ValueError

    monkeypatch.setattr("cityhall_bms.rules.conditions.SilentCondition.step", fail)
    lost = DyingLog(world.events, 1, after=True, error=lambda: EventLogUnavailableError("answer lost"))
    runner = world.runner(rules=(rule(id="BROKEN", kind="stale"),), events=lost)
    async with world.running(runner):
        await world.clock.advance(3.0)
        await until(lambda: runner.position == 1)
    assert len(await world.events.read(stream="rule/")) == 1

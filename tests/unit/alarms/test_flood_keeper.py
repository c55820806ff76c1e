"""Floods are recorded once, with the times at which they happened, whatever is restarted meanwhile."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.annunciations import SECOND
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.alarms.flood_keeper import FloodKeeper
from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.domain.annunciations import Annunciations
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import CollectorStarted, Event
from cityhall_bms.domain.flood_watch import FLOOD_STREAM, AlarmFloodBegan, AlarmFloodEnded
from cityhall_bms.ports.alarm_figures import Console
from cityhall_bms.ports.event_log import Append


class Rings:
    """A view that shows what a test lets ring, once it has caught up."""

    def __init__(self, log: MemoryEventLog) -> None:
        self.log = log
        self.rows: list[tuple[int, int]] = []
        self.shown = 0

    async def ring(self, clock: ManualClock) -> None:
        [entry] = await self.log.append([Append("collector/a", [CollectorStarted("a", 1)], "test")])
        self.rows.append((entry.position, clock.now()))

    async def catch_up(self) -> None:
        self.shown = await self.log.end()

    async def position(self) -> int:
        return self.shown

    async def rings(self, after: int, since: int, limit: int) -> Sequence[tuple[int, int]]:
        shown = [row for row in self.rows if row[0] <= self.shown]
        return [(position, at) for position, at in shown if position > after and at > since][:limit]

    async def annunciations(self, console: Console, first: int, until: int) -> Annunciations:
        raise NotImplementedError

    async def stale(self, console: Console, since: int, limit: int) -> Sequence[Alarm]:
        raise NotImplementedError


class Desk:
    """A keeper that can be restarted, and the site that it looks at."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.log = MemoryEventLog(self.clock)
        self.rings = Rings(self.log)
        self.restart()

    def restart(self) -> None:
        self.keeper = FloodKeeper(self.rings, self.log, self.clock)

    async def ring(self, times: int, every_s: float) -> None:
        for _ in range(times):
            await self.rings.ring(self.clock)
            await self.clock.advance(every_s)

    async def look(self) -> None:
        await self.rings.catch_up()
        await self.keeper.look()

    async def recorded(self) -> list[Event]:
        return [entry.event() for entry in await self.log.read(stream=FLOOD_STREAM)]


async def test_a_flood_is_recorded_as_it_begins_and_as_it_ends() -> None:
    desk = Desk()
    start = desk.clock.now()
    await desk.ring(11, 30)
    await desk.look()
    assert (desk.keeper.on, desk.keeper.rang) == (True, 11)
    await desk.clock.advance(3_600)
    await desk.look()

    assert await desk.recorded() == [
        AlarmFloodBegan(start + 300 * SECOND, start, 11),
        AlarmFloodEnded(start + 780 * SECOND, start + 300 * SECOND, 11, 11),
    ]
    assert (desk.keeper.on, desk.keeper.rang) == (False, 0)


async def test_no_end_is_decided_while_more_may_have_rung() -> None:
    desk = Desk()
    await desk.ring(11, 30)
    await desk.look()
    await desk.clock.advance(400)
    await desk.rings.ring(desk.clock)
    await desk.clock.advance(3_600)

    await desk.keeper.look()  # the view has not caught up with the last ring

    assert [type(event) for event in await desk.recorded()] == [AlarmFloodBegan]


async def test_a_flood_that_came_and_went_while_nobody_looked_is_recorded_all_the_same() -> None:
    desk = Desk()
    await desk.ring(15, 10)
    await desk.clock.advance(86_400)
    desk.restart()
    await desk.look()

    assert [type(event) for event in await desk.recorded()] == [AlarmFloodBegan, AlarmFloodEnded]


async def test_two_keepers_at_once_record_it_once() -> None:
    desk = Desk()
    other = FloodKeeper(desk.rings, desk.log, desk.clock)
    await desk.look()
    await other.look()
    await desk.ring(11, 1)
    await desk.look()
    await other.look()
    await other.look()

    assert [type(event) for event in await desk.recorded()] == [AlarmFloodBegan]
    assert other.on


async def test_an_outage_delays_and_loses_nothing() -> None:
    desk = Desk()
    await desk.look()
    await desk.ring(11, 1)
    await desk.rings.catch_up()
    desk.log.available = False
    with pytest.raises(EventLogUnavailableError):
        await desk.keeper.look()
    desk.log.available = True
    await desk.look()

    assert [type(event) for event in await desk.recorded()] == [AlarmFloodBegan]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ring"), st.integers(1, 14), st.integers(0, 90)),
        st.tuples(st.sampled_from(["look", "restart", "wait"]), st.integers(1, 20), st.just(0)),
    ),
    max_size=25,
)


@given(STEPS)
@settings(max_examples=60)
async def test_restarts_anywhere_change_nothing_of_what_is_recorded(steps: list[tuple[str, int, int]]) -> None:
    """Against a keeper that looks once, at the end."""
    desk = Desk()
    for step, number, every_s in steps:
        match step:
            case "ring":
                await desk.ring(number, every_s)
            case "wait":
                await desk.clock.advance(number * 60)
            case "look":
                await desk.look()
            case _:
                desk.restart()
    await desk.clock.advance(1_000)
    await desk.look()
    once = Desk()
    once.rings.rows = desk.rings.rows
    once.clock = desk.clock
    once.restart()
    once.rings.shown = desk.rings.shown
    await once.keeper.look()

    assert await desk.recorded() == await once.recorded()

"""Schedules carried out through the real command desk, beside people, over restarts and outages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from tests.support.command_rig import CHILLER, PANEL, WANG, CommandRig
from tests.support.rig import quiet_collector
from tests.support.scheduled_site import ROOM, START, at, daily, entries, scheduled_site

from cityhall_bms.domain.commanding.control import SCHEDULE
from cityhall_bms.domain.errors import EventLogUnavailableError, HistoryUnavailableError
from cityhall_bms.domain.scheduling.bookings import BookingKind, BookingPlan, BookingWish
from cityhall_bms.domain.scheduling.programme import SchedulePlan
from cityhall_bms.domain.scheduling.schedule import OptimumStart, PointSchedule, Targets
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.queries import Table
from cityhall_bms.scheduling.booking_office import BookingOffice
from cityhall_bms.scheduling.early_starts import EarlyStarts
from cityhall_bms.scheduling.keeper import ScheduleKeeper
from cityhall_bms.scheduling.office import ScheduleOffice
from cityhall_bms.scheduling.record import SchedulingRecord

CHWS = f"{CHILLER}.CHWS_SP"
MINUTE_S = 60.0


@pytest.fixture(autouse=True)
def no_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet_collector(monkeypatch)


class Rooms:
    """History of one room: it came down by ``rate`` °C a minute from every start, and has ``now`` °C."""

    def __init__(self, now: float = 29.0, rate: float = 0.1) -> None:
        self.now, self.rate, self.available = now, rate, True

    async def intervals_of(
        self,
        points: list[int],
        window: Window,
        interval: str,
        aggregation: Aggregation,
        time_zone: str,
        known_at: int | None = None,
    ) -> Table:
        if not self.available:
            msg = "the history is away"
            raise HistoryUnavailableError(msg)
        step = 15 if interval == "15m" else 1
        number = (window.end - window.start) // (step * 60_000_000)
        falls = self.rate * np.maximum(np.arange(number) * step - 120.0, 0.0)
        value = np.full((len(points), number), self.now) - (falls if interval == "15m" else 0.0)
        return Table(np.zeros(number, np.int64), value, np.ones_like(value))


class House(CommandRig):
    """The command rig at a time of the wall clock, with schedules."""

    def __init__(self, *schedules: PointSchedule, begins: str = "2026-03-02 07:50", rooms: Rooms | None = None) -> None:
        plan = SchedulePlan(tuple(schedules), bookings=BookingPlan(notice_h=0.0))
        super().__init__(scheduled_site(plan, protocol="fake"))
        self.clock.jump((at(begins) - self.clock.now()) / 1e6)
        self.rooms = rooms or Rooms()
        self.record = SchedulingRecord(plan, self.events)
        self.schedules = ScheduleOffice(self.site, self.record, self.clock)
        tokens = count(1)
        self.bookings = BookingOffice(self.site, self.record, self.permits, self.clock, lambda: f"{next(tokens):06d}")
        self.anew()

    def anew(self) -> None:
        """Another life of the keeper: it remembers nothing."""
        early = EarlyStarts(self.ids, self.rooms, self.site.time_zone)  # type: ignore[arg-type]
        record = SchedulingRecord(self.site.scheduling, self.events)
        self.scheduler = ScheduleKeeper(self.site, record, (self.office, self.view), early, self.clock)

    async def until(self, text: str, step_s: float = 5.0) -> None:
        """Let the keeper look every few seconds until a time."""
        while self.clock.now() < at(text):
            await self.scheduler.look()
            await self.clock.advance(min(step_s, (at(text) - self.clock.now()) / 1e6))
        await self.scheduler.look()
        await self.clock.advance(1.0)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with self.running():
            for name in self.site.points:
                if name.endswith("RunSts"):
                    self.set(name, 0.0)
            await self.clock.advance(1_200.0)
            yield


OFFICE = daily("OFFICE", "08:30=1", "17:30=-")


async def test_a_schedule_writes_at_16_when_it_begins_and_gives_up_when_it_ends() -> None:
    house = House(OFFICE)
    async with house.open():
        await house.until("2026-03-02 08:29", 20.0)
        assert house.writes(START) == []
        await house.until("2026-03-02 08:31")
        assert house.writes(START) == [(1.0, SCHEDULE)]
        slot = (await house.view.control(START)).slots[SCHEDULE]
        assert (slot.by, slot.role, "schedule/OFFICE" in slot.reason) == ("schedule", "service", True)
        house.clock.jump((at("2026-03-02 17:29") - house.clock.now()) / 1e6)
        await house.until("2026-03-02 17:31")
        assert house.writes(START) == [(1.0, SCHEDULE), (None, SCHEDULE)]


async def test_a_restart_does_nothing_twice_and_what_was_missed_is_done_once_late() -> None:
    house = House(OFFICE)
    async with house.open():
        await house.until("2026-03-02 08:31")
        house.anew()
        await house.until("2026-03-02 08:33")
        assert house.writes(START) == [(1.0, SCHEDULE)]
        await house.clock.advance(900.0)
        house.clock.jump(11 * 3_600.0)
        house.anew()
        await house.until("2026-03-02 19:52")
        assert house.writes(START) == [(1.0, SCHEDULE), (None, SCHEDULE)]


async def test_what_was_over_before_anybody_looked_is_skipped() -> None:
    house = House(OFFICE, begins="2026-03-02 20:00")
    async with house.open():
        await house.until("2026-03-02 20:25")
        assert house.writes(START) == []


async def test_a_person_at_8_wins_and_the_schedule_stands_behind() -> None:
    house = House(OFFICE)
    async with house.open():
        await house.command(START, 0.0, WANG)
        await house.until("2026-03-02 08:32")
        assert house.held(START) == 0.0
        control = await house.view.control(START)
        assert (control.top and control.top.priority, control.slots[SCHEDULE].value) == (8, 1.0)


async def test_a_changed_schedule_is_followed_and_one_that_is_switched_off_gives_up() -> None:
    house = House(OFFICE)
    async with house.open():
        await house.until("2026-03-02 08:31")
        await house.schedules.save_schedule(replace(OFFICE, enabled=False), by="王小明", expected=0)
        await house.until("2026-03-02 08:45")
        assert house.writes(START)[-1] == (None, SCHEDULE)


async def test_a_device_that_refuses_is_not_stormed() -> None:
    house = House(daily("A", "08:15=8", targets=Targets(points=(CHWS,))))
    async with house.open():
        house.panel(CHWS).refuses = "not now"
        await house.until("2026-03-02 10:15", 10.0)
        tried = [entry for entry in await house.story(CHWS) if entry == "CommandAttempted"]
        assert 2 <= len(tried) <= 10
        house.panel(CHWS).refuses = ""
        await house.until("2026-03-02 11:20", 10.0)
        assert house.writes(CHWS) == [(8.0, SCHEDULE)]


async def test_life_safety_is_never_asked_for() -> None:
    house = House(daily("A", "00:00=1", targets=Targets(points=(f"{PANEL}.Reset", START))))
    async with house.open():
        await house.until("2026-03-02 08:12")
        assert house.writes(f"{PANEL}.Reset") == []
        assert await house.story(f"{PANEL}.Reset") == []


async def test_an_outage_of_the_log_delays_what_is_due() -> None:
    house = House(OFFICE)
    async with house.open():
        await house.until("2026-03-02 08:20", 30.0)
        house.events.available = False
        with pytest.raises(EventLogUnavailableError):
            await house.until("2026-03-02 08:31")
        house.events.available = True
        await house.until("2026-03-02 08:35")
        assert house.writes(START) == [(1.0, SCHEDULE)]


async def test_an_approved_booking_has_the_air_run_and_ends_by_itself() -> None:
    house = House(OFFICE, begins="2026-03-02 17:00")
    wish = BookingWish(
        BookingKind.AFTER_HOURS, "", ("B2.CN",), at("2026-03-02 19:00"), at("2026-03-02 21:00"), 12, "年度結算"
    )  # fmt: skip
    async with house.open():
        booking = await house.bookings.make(wish, by="王小明")
        await house.bookings.answer(booking.booking, approved=True, by="李小華", comment="")
        await house.until("2026-03-02 18:29", 30.0)
        assert [priority for value, priority in house.writes(START) if value] == [SCHEDULE]
        before = len(house.writes(START))
        await house.until("2026-03-02 18:31")
        assert house.writes(START)[before:] == [(1.0, SCHEDULE)]
        await house.until("2026-03-02 21:01", 30.0)
        assert house.writes(START)[-1] == (None, SCHEDULE)


async def test_an_optimum_start_begins_when_the_room_needs_it_and_is_not_taken_back_when_it_is_cool() -> None:
    schedule = replace(OFFICE, weekly=(entries("10:00=1", "17:30=-"),) * 7, optimum_start=OptimumStart("RAT", 27.0, 60))
    house = House(schedule, begins="2026-03-02 08:30", rooms=Rooms(now=29.0, rate=0.1))
    async with house.open():
        assert ROOM in house.ids
        await house.until("2026-03-02 09:39", 30.0)
        assert house.writes(START) == []
        await house.until("2026-03-02 09:41")
        assert house.writes(START) == [(1.0, SCHEDULE)]
        house.rooms.now = 26.0
        await house.until("2026-03-02 09:50", 30.0)
        house.anew()
        await house.until("2026-03-02 09:55", 30.0)
        assert house.writes(START) == [(1.0, SCHEDULE)]


async def test_without_history_an_optimum_start_begins_at_the_plain_time() -> None:
    schedule = replace(OFFICE, weekly=(entries("08:30=1", "17:30=-"),) * 7, optimum_start=OptimumStart("RAT", 27.0, 60))
    house = House(schedule)
    house.rooms.available = False
    async with house.open():
        await house.until("2026-03-02 08:29", 30.0)
        assert house.writes(START) == []
        await house.until("2026-03-02 08:31")
        assert house.writes(START) == [(1.0, SCHEDULE)]

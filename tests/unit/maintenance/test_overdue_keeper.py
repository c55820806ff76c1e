"""What is overdue rings once a plan, and ends when it is done; hours of counters make work due as days do."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.support.fake_driver import EQUIPMENT, fake_site
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.domain.alarm_stream import fold
from cityhall_bms.domain.alarms import Alarm, alarm_id, stream_of
from cityhall_bms.domain.maintenance.book import FireTestPlan, MaintenanceBook, Plan
from cityhall_bms.domain.maintenance.cycles import Cycle, CycleUnit
from cityhall_bms.domain.maintenance.plans import TaskState
from cityhall_bms.maintenance.overdue_keeper import PRIORITY, RULE, OverdueKeeper
from cityhall_bms.maintenance.planning import PlanBook
from cityhall_bms.ports.maintenance import PlanWork, RecordPage

DAY_S = 86_400.0
WEEKLY = Plan("look", "外觀檢查", "Look", (EQUIPMENT,), Cycle(CycleUnit.WEEK, date(2026, 7, 6)))
OIL = Plan("oil", "換油", "Oil", (EQUIPMENT,), run_hours=100.0)
REPORT = FireTestPlan("report", "檢修申報", "Report", Cycle(CycleUnit.HALF_YEAR, date(2026, 12, 31)))


@dataclass
class ToldView:
    """Says of orders what the test told it."""

    work: list[PlanWork] = field(default_factory=list)

    async def plan_work(self, newest: int, since: int = 0) -> Sequence[PlanWork]:
        del newest, since
        return self.work

    async def nothing(self, *_: Any) -> RecordPage[Any]:
        return RecordPage([], None)

    orders = rounds = findings = fire_tests = nothing


@dataclass
class ToldHours:
    hours: float | None = 0.0

    async def since(self, equipment: str, role: str, at: int) -> float | None:
        del equipment, role, at
        return self.hours


class Bench:
    """Plans over a log in memory; 1 July 2026 08:00 in the building to begin with."""

    def __init__(self, *plans: Plan, fire_tests: tuple[FireTestPlan, ...] = ()) -> None:
        self.clock = ManualClock()
        self.log = MemoryEventLog(self.clock)
        self.view, self.hours = ToldView(), ToldHours()
        site = replace(fake_site([], [])[0], maintenance=MaintenanceBook(plans=plans, fire_tests=fire_tests))
        zone = ZoneInfo("Asia/Taipei")
        view: Any = self.view
        self.planning = PlanBook(site.maintenance, zone, view, self.hours, self.log, self.clock)
        self.keeper = OverdueKeeper(site, self.planning, self.log, self.clock)

    async def alarm(self, plan: str) -> Alarm:
        name = alarm_id(RULE, plan)
        return fold(Alarm(name), await self.log.read(stream=stream_of(name)))

    async def done(self, plan: str, reference: str) -> None:
        self.view.work.append(PlanWork(f"{plan}/{EQUIPMENT}", reference, "2026-07-07-1", self.clock.now(), ended=True))


async def test_work_by_the_calendar_rings_after_its_window_and_ends_when_it_is_done() -> None:
    bench = Bench(WEEKLY)
    await bench.keeper.look()
    await bench.clock.advance(6 * DAY_S)
    await bench.keeper.look()
    assert not (await bench.alarm("look")).active, "due until the 7th"
    await bench.clock.advance(DAY_S)
    for _ in range(2):
        await bench.keeper.look()
    rang = await bench.alarm("look")
    assert (rang.active, rang.occurrence, rang.priority, rang.equipment) == (True, 1, PRIORITY, EQUIPMENT)
    assert "外觀檢查" in rang.text_zh
    await bench.done("look", "2026-07-06")
    await bench.keeper.look()
    assert not (await bench.alarm("look")).active


async def test_a_plan_counts_from_when_it_was_seen_first() -> None:
    bench = Bench(replace(WEEKLY, cycle=Cycle(CycleUnit.WEEK, date(2020, 1, 6))))
    await bench.keeper.look()
    [task] = await bench.planning.tasks()
    assert (task.state, task.due) == (TaskState.WAITING, date(2026, 7, 6))


@pytest.mark.parametrize(("hours", "rings"), [(105.0, False), (111.0, True), (None, False)])
async def test_work_by_running_hours_rings_a_tenth_after_them(hours: float | None, rings: bool) -> None:
    bench = Bench(OIL)
    bench.hours.hours = hours
    await bench.keeper.look()
    assert (await bench.alarm("oil")).active is rings


async def test_on_hours_that_nobody_knows_what_rings_goes_on_ringing() -> None:
    bench = Bench(OIL)
    bench.hours.hours = 111.0
    await bench.keeper.look()
    bench.hours.hours = None
    await bench.keeper.look()
    assert (await bench.alarm("oil")).active


async def test_a_fire_report_that_is_late_rings() -> None:
    bench = Bench(fire_tests=(REPORT,))
    await bench.keeper.look()
    await bench.clock.advance(183 * DAY_S)
    await bench.keeper.look()
    assert not (await bench.alarm("report")).active, "due on 31 December"
    await bench.clock.advance(19 * DAY_S)
    await bench.keeper.look()
    assert (await bench.alarm("report")).active


async def test_the_figures_hold_what_was_due_against_what_was_done_in_time() -> None:
    bench = Bench(WEEKLY)
    await bench.keeper.look()
    await bench.clock.advance(5 * DAY_S)
    await bench.done("look", "2026-07-06")
    await bench.clock.advance(25 * DAY_S)
    found = (await bench.planning.figures(date(2026, 7, 1), date(2026, 8, 1))).preventive
    assert (found.due, found.done, found.on_time) == (4, 1, 1)

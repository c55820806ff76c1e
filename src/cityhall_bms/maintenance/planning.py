"""When preventive work and fire tests stand due, from the plans and from what the record says was done."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.maintenance.book import MaintenanceBook, Plan
from cityhall_bms.domain.maintenance.figures import MaintenanceFigures, arrivals, by_category, by_state
from cityhall_bms.domain.maintenance.orders import WorkKind
from cityhall_bms.domain.maintenance.plans import (
    PLAN_STREAMS,
    Done,
    Punctuality,
    Task,
    begun,
    calendar_task,
    hours_task,
    punctuality,
    task_subject,
)
from cityhall_bms.domain.wall_clock import instant_us, local_day
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.maintenance import MaintenanceView, PlanWork, RecordFilter, RunHours

PLANS_MAX: Final = 1_000
PAGE: Final = 1_000
NEWEST: Final = 4
"""Orders of a task that say how it stands: of the occasion that counts, of the one before, and spares."""
LONGEST: Final = timedelta(days=400)
"""How long before a period work of it may have been begun."""


class PlanBook:
    """See :class:`~cityhall_bms.ports.maintenance.Planning`."""

    def __init__(
        self,
        book: MaintenanceBook,
        zone: ZoneInfo,
        view: MaintenanceView,
        hours: RunHours,
        events: EventLog,
        clock: Clock,
    ) -> None:
        self._book = book
        self._zone = zone
        self._view = view
        self._hours = hours
        self._events = events
        self._clock = clock

    async def begun(self) -> Mapping[str, int]:
        """When each plan was seen first."""
        return begun(await self._events.read(limit=PLANS_MAX, stream=PLAN_STREAMS))

    async def tasks(self) -> Sequence[Task]:
        """Every plan on every piece of its equipment."""
        work = _by_subject(await self._view.plan_work(NEWEST))
        since = await self.begun()
        return [
            await self._task(plan, equipment, work.get(task_subject(plan.name, equipment), []), since)
            for plan in self._book.plans
            for equipment in plan.equipment
        ]

    async def task(self, plan: str, equipment: str) -> Task:
        """One of them."""
        found = self._book.plan(plan)
        if equipment not in found.equipment:
            msg = f"計畫 {plan} 不含 {equipment} / plan {plan} does not cover {equipment}"
            raise NotFoundError(msg)
        work = _by_subject(await self._view.plan_work(NEWEST))
        return await self._task(found, equipment, work.get(task_subject(plan, equipment), []), await self.begun())

    async def _task(self, plan: Plan, equipment: str, work: Sequence[PlanWork], since: Mapping[str, int]) -> Task:
        began, share = since.get(plan.name, self._clock.now()), self._book.rules.window_share
        done = self._done(work)
        going = next((each.order for each in work if each.done_at is None and not each.ended), "")
        if plan.cycle is None:
            last = max(done.values(), key=lambda each: each.at, default=None)
            hours = await self._hours.since(equipment, plan.run_hours_role, began if last is None else last.at)
            task = hours_task(plan, equipment, hours, last, share)
        else:
            task = calendar_task(
                plan.name,
                equipment,
                plan.cycle,
                done,
                began=local_day(self._zone, began),
                today=local_day(self._zone, self._clock.now()),
                share=share,
            )
        return replace(task, order=going)

    def _done(self, work: Sequence[PlanWork]) -> dict[str, Done]:
        """What was done, by occasion; of work by running hours each is one of its own."""
        return {
            each.order if each.reference == "hours" else each.reference: Done(
                each.done_at, local_day(self._zone, each.done_at), each.order
            )
            for each in work
            if each.done_at is not None
        }

    async def fire_tests(self) -> Sequence[Task]:
        """Every fire test of the plan."""
        tests = (await self._view.fire_tests(RecordFilter(), PAGE, None)).items
        since, today = await self.begun(), local_day(self._zone, self._clock.now())
        found: list[Task] = []
        for plan in self._book.fire_tests:
            done = {
                test.due: Done(test.at, date.fromisoformat(test.tested_on), test.test)
                for test in tests
                if test.plan == plan.name and test.due
            }
            began = local_day(self._zone, since.get(plan.name, self._clock.now()))
            share = self._book.rules.window_share
            found.append(calendar_task(plan.name, "", plan.cycle, done, began=began, today=today, share=share))
        return found

    async def figures(self, first: date, until: date) -> MaintenanceFigures:
        """Figures of a period."""
        window = Window(instant_us(self._zone, first, 0), instant_us(self._zone, until, 0))
        before = instant_us(self._zone, first - LONGEST, 0)
        work = _by_subject(await self._view.plan_work(PAGE, before))
        since, now = await self.begun(), min(self._clock.now(), window.end)
        which = RecordFilter(window=window)
        orders = (await self._view.orders(which, PAGE, None)).items
        tests = [
            test
            for test in (await self._view.fire_tests(RecordFilter(), PAGE, None)).items
            if first.isoformat() <= test.tested_on < until.isoformat()
        ]
        return MaintenanceFigures(
            plans={
                plan.name: self._punctuality(plan, work, since, (first, until))
                for plan in self._book.plans
                if plan.cycle is not None
            },
            arrivals=arrivals(orders, now, self._book.rules),
            orders=by_state([order for order in orders if order.kind is WorkKind.REPAIR]),
            findings=by_category((await self._view.findings(which, PAGE, None)).items, now),
            rounds=len((await self._view.rounds(which, PAGE, None)).items),
            fire_tests=tests,
        )

    def _punctuality(
        self, plan: Plan, work: Mapping[str, list[PlanWork]], since: Mapping[str, int], period: tuple[date, date]
    ) -> Punctuality:
        assert plan.cycle is not None  # noqa: S101 - asked for plans by the calendar alone
        began = local_day(self._zone, since.get(plan.name, self._clock.now()))
        # What is not over yet is not held against anybody.
        first, until = period[0], min(period[1], local_day(self._zone, self._clock.now()))
        share, total = self._book.rules.window_share, Punctuality()
        for equipment in plan.equipment:
            done = self._done(work.get(task_subject(plan.name, equipment), []))
            total += punctuality(plan.cycle, done, began, (first, until), share)
        return total


def _by_subject(work: Sequence[PlanWork]) -> dict[str, list[PlanWork]]:
    found: dict[str, list[PlanWork]] = {}
    for each in work:
        found.setdefault(each.subject, []).append(each)
    return found


def names_of(book: MaintenanceBook) -> list[str]:
    """Everything that comes due by the calendar or by hours: plans and fire tests."""
    return [plan.name for plan in book.plans] + [plan.name for plan in book.fire_tests]

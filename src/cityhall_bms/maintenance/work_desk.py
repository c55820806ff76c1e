"""Work orders, as people open, take, do and verify them."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.domain.errors import CityHallError, NotFoundError, RefusedError
from cityhall_bms.domain.events import Event
from cityhall_bms.domain.maintenance.documents import as_values
from cityhall_bms.domain.maintenance.order_decisions import (
    AlarmStanding,
    check_open,
    check_time,
    judged,
    move_order,
)
from cityhall_bms.domain.maintenance.orders import (
    ORDER_STREAMS,
    WorkKind,
    WorkMoved,
    WorkOpened,
    WorkOrder,
    WorkRecorded,
    WorkSource,
    WorkStep,
    fold_order,
    order_stream,
)
from cityhall_bms.domain.maintenance.patrol import finding_stream, fold_finding
from cityhall_bms.domain.maintenance.plans import TaskState
from cityhall_bms.domain.permits import PermitKind, Scope, places_of
from cityhall_bms.domain.site import Site
from cityhall_bms.domain.wall_clock import instant_us, local_day
from cityhall_bms.maintenance.streams import Numbering, read_record
from cityhall_bms.ports.alarm_log import caught_up
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.maintenance import (
    MaintenanceView,
    Planning,
    RecordFilter,
    RecordWish,
    RepairWish,
    StepWish,
)
from cityhall_bms.ports.permits import PermitDesk, PermitWish

CHANGES_MAX: Final = 500
"""Entries of one order; more are a program that runs wild."""
SYSTEM: Final = "system"

log = structlog.get_logger(__name__)


class WorkOffice:
    """See :class:`~cityhall_bms.ports.maintenance.WorkDesk`."""

    def __init__(
        self,
        site: Site,
        view: MaintenanceView,
        planning: Planning,
        permits: PermitDesk,
        events: EventLog,
        clock: Clock,
        *,
        number: Numbering,
    ) -> None:
        self._site = site
        self._book = site.maintenance
        self._zone = ZoneInfo(site.time_zone)
        self._places = frozenset().union(*(places_of(name) for name in site.equipment), _codes(site))
        self._view = view
        self._planning = planning
        self._permits = permits
        self._events = events
        self._clock = clock
        self._number = number
        self._newest: dict[str, str] = {}
        """The order that was opened here last about each subject: the view may not have heard of it yet."""

    async def get(self, order: str) -> WorkOrder:
        """Give one."""
        missing = f"沒有工單 {order} / no work order is named {order}; GET /api/v1/maintenance/orders lists them"
        return await read_record(self._events, order_stream(order), fold_order, missing)

    async def open_for_alarm(self, alarm: str, *, by: str, comment: str = "") -> WorkOrder:
        """Have repaired what rang."""
        rang = await self._alarm(alarm)
        if not rang.occurrence:
            msg = f"沒有警報 {alarm} / no alarm {alarm} rang"
            raise NotFoundError(msg)
        reference = f"{alarm}~{rang.occurrence}"
        await self._refuse_second(WorkKind.REPAIR, alarm)
        return await self._open(
            WorkOpened(
                order="",
                kind=WorkKind.REPAIR.value,
                source=WorkSource.ALARM.value,
                subject=alarm,
                reference=reference,
                equipment=rang.equipment if rang.equipment in self._site.equipment else "",
                place="",
                priority=rang.priority,
                text_zh=rang.text_zh + (f"：{comment}" if comment else ""),
                text_en=rang.text_en + (f": {comment}" if comment else ""),
                by=by,
                at=self._clock.now(),
                occurrence=rang.occurrence,
            )
        )

    async def open_for_task(self, plan: str, equipment: str, *, by: str) -> WorkOrder:
        """Begin preventive work that is due; it needs no triage, for the plan says what to do."""
        task, found = await self._planning.task(plan, equipment), self._book.plan(plan)
        await self._refuse_second(WorkKind.PREVENTIVE, task.subject)
        if task.state is TaskState.WAITING:
            when = "" if task.opens is None else f" {task.opens.isoformat()}"
            msg = f"尚未到期{when} / this work is not due yet{when and ': it is from' + when}"
            raise RefusedError(msg)
        day = task.closes
        opened = WorkOpened(
            order="",
            kind=WorkKind.PREVENTIVE.value,
            source=WorkSource.PLAN.value,
            subject=task.subject,
            reference=task.reference,
            equipment=equipment,
            place="",
            priority=4,
            text_zh=f"{found.text_zh}：{self._site.equipment[equipment].text.zh}",
            text_en=f"{found.text_en}: {self._site.equipment[equipment].text.en}",
            by=by,
            at=self._clock.now(),
            sop=found.sop,
            checks=[asdict(check) for check in found.checks],
            due_at=None if day is None else instant_us(self._zone, day, 1_440),
        )
        order = await self._open(opened)
        return await self._append(order, WorkMoved(WorkStep.TRIAGE.value, SYSTEM, opened.at, priority=4), SYSTEM)

    async def open_repair(self, wish: RepairWish, *, by: str) -> WorkOrder:
        """Have something repaired that a person or a patrol found."""
        self._check_place(wish)
        subject, source = wish.key, WorkSource.PERSON
        if wish.finding:
            missing = f"沒有巡檢缺失 {wish.finding} / no finding is named {wish.finding}"
            await read_record(self._events, finding_stream(wish.finding), fold_finding, missing)
            subject, source = wish.finding, WorkSource.PATROL
            await self._refuse_second(WorkKind.REPAIR, subject)
        elif subject and (sent := await self._standing(WorkKind.REPAIR, subject)) is not None:
            return sent
        order = await self._open(
            WorkOpened(
                order="",
                kind=WorkKind.REPAIR.value,
                source=source.value,
                subject=subject,
                reference="",
                equipment=wish.equipment,
                place=wish.place,
                priority=wish.priority,
                text_zh=wish.text,
                text_en=wish.text,
                by=by,
                at=self._clock.now(),
            )
        )
        if not wish.documents:
            return order
        return await self._append(order, WorkRecorded(by, order.opened_at, [], as_values(wish.documents)), by)

    async def step(self, order: str, wish: StepWish, *, by: str) -> WorkOrder:
        """Take a step."""
        found = await self.get(order)
        if wish.key and wish.key in found.keys:
            return found
        at = self._when(wish.at, found)
        event = WorkMoved(
            step=wish.step.value,
            by=by,
            at=at,
            comment=wish.comment,
            assignee=wish.assignee,
            priority=wish.priority,
            run_hours=await self._run_hours(found) if wish.step is WorkStep.FIX else None,
            key=wish.key,
        )
        standing = await self._standing_alarm(found) if wish.step is WorkStep.VERIFY else None
        move_order(found, event, standing, self._book.rules)
        if wish.lock_out_s is not None:
            return await self._lock_out(found, event, wish.lock_out_s)
        after = await self._append(found, event, by)
        if wish.step is WorkStep.FIX and found.permit:
            await self._release(found, by)
        return after

    async def record(self, order: str, wish: RecordWish, *, by: str) -> WorkOrder:
        """Write down results, photos and words."""
        found = await self.get(order)
        if wish.key and wish.key in found.keys:
            return found
        check_open(found)
        if not (wish.results or wish.documents or wish.comment.strip()):
            msg = "沒有可記錄的內容 / there is nothing to record"
            raise RefusedError(msg)
        at = self._when(wish.at, found)
        results = [judged(found.checks, result) for result in wish.results]
        told = [{"check": r.check, "ok": r.ok, "value": r.value, "note": r.note} for r in results]
        event = WorkRecorded(by, at, told, as_values(wish.documents), wish.comment, wish.key)
        return await self._append(found, event, by)

    def _when(self, told: int | None, order: WorkOrder) -> int:
        """When something happened that a phone may tell later; ``RefusedError`` for a time that cannot be."""
        now = self._clock.now()
        if told is None:
            return now
        last = order.log[-1].at
        check_time(told, now, last)
        # A clock that is a little slow does not make a step come before the one that it followed.
        return max(told, last)

    async def _lock_out(self, order: WorkOrder, event: WorkMoved, seconds: float) -> WorkOrder:
        """Arrive, under a permit for works that ends by itself and hides the alarms of the equipment."""
        if event.step != WorkStep.ARRIVE or not order.equipment:
            msg = "停用須於到場時，且工單須有設備 / lock-out comes with the arrival, of an order that names equipment"
            raise RefusedError(msg)
        now = self._clock.now()
        until = now + round(min(seconds, self._book.rules.lock_out_s) * 1e6)
        reason = f"工單 {order.order} / work order {order.order}"
        wish = PermitWish(PermitKind.WORKS, Scope(equipment=(order.equipment,)), now, until, reason)
        permit = await self._permits.open(wish, by=event.by)
        fields = asdict(event) | {"permit": permit.permit}
        try:
            return await self._append(order, WorkMoved(**fields), event.by)
        except CityHallError:
            await self._permits.close(permit.permit, by=event.by, comment="")
            raise

    async def _release(self, order: WorkOrder, by: str) -> None:
        """Give the equipment's alarms back with the end of the work."""
        try:
            await self._permits.close(order.permit, by=by, comment=f"工單 {order.order} 完工 / work done")
        except (RefusedError, NotFoundError) as error:
            # Its time was over, or somebody closed it before.
            log.info("a lock-out was over already", order=order.order, reason=str(error))

    async def _open(self, event: WorkOpened) -> WorkOrder:
        def named(name: str) -> Event:
            return WorkOpened(**(asdict(event) | {"order": name}))

        day = local_day(self._zone, event.at)
        order = fold_order(None, await self._number(self._events, ORDER_STREAMS, day, event.by, named))
        assert order is not None  # noqa: S101 - it was just opened
        if event.subject:
            self._newest[event.subject] = order.order
        return order

    async def _append(self, order: WorkOrder, event: Event, by: str) -> WorkOrder:
        if order.version >= CHANGES_MAX:
            msg = f"工單至多 {CHANGES_MAX} 筆紀錄 / an order has {CHANGES_MAX} entries at most"
            raise RefusedError(msg)
        [entry] = await self._events.append([Append(order_stream(order.order), [event], by, order.version)])
        after = fold_order(order, entry)
        assert after is not None  # noqa: S101 - it was there before
        return after

    async def _refuse_second(self, kind: WorkKind, subject: str) -> None:
        standing = await self._standing(kind, subject, open_only=True)
        if standing is not None:
            name = standing.order
            msg = f"已有未結案的工單 {name} / work order {name} about this is open already"
            raise RefusedError(msg)

    async def _standing(self, kind: WorkKind, subject: str, *, open_only: bool = False) -> WorkOrder | None:
        """The newest order about something, if any."""
        names = [self._newest[subject]] if subject in self._newest else []
        which = RecordFilter(open_only=open_only, sort=kind.value, subject=subject)
        names += [order.order for order in (await self._view.orders(which, 1, None)).items]
        for name in names:
            order = await self.get(name)
            if not (open_only and order.ended):
                return order
        return None

    async def _standing_alarm(self, order: WorkOrder) -> AlarmStanding | None:
        if order.source is not WorkSource.ALARM:
            return None
        alarm = await self._alarm(order.subject)
        return AlarmStanding(alarm.active, alarm.returned_at)

    async def _alarm(self, name: str) -> Alarm:
        return Alarm(name) if _impossible(name) else await caught_up(self._events, Alarm(name))

    async def _run_hours(self, order: WorkOrder) -> float | None:
        """Hours of the equipment, where its plan goes by them."""
        plan = next((plan for plan in self._book.plans if order.subject == f"{plan.name}/{order.equipment}"), None)
        if plan is None or plan.run_hours is None:
            return None
        return (await self._planning.task(plan.name, order.equipment)).hours

    def _check_place(self, wish: RepairWish) -> None:
        if bool(wish.equipment) == bool(wish.place):
            msg = "請填設備或位置其一 / name the equipment or the place, one of them"
            raise RefusedError(msg)
        self._check(wish.equipment, self._site.equipment.__contains__, "equipment")
        self._check(wish.place, self._places.__contains__, "floor or zone")

    @staticmethod
    def _check(name: str, known: Callable[[str], bool], kind: str) -> None:
        if name and not known(name):
            msg = f"案場沒有 {name} / the site has no {kind} {name}"
            raise NotFoundError(msg)


def _codes(site: Site) -> frozenset[str]:
    return frozenset(floor.code for floor in site.floors)


def _impossible(name: str) -> bool:
    """Whether no stream can have such a name."""
    return "\x00" in name or not name

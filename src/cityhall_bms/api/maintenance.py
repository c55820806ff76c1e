"""Maintenance: plans, what is due, and work orders until somebody else has seen that it is right."""

from collections import Counter
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from cityhall_bms.api import cursors
from cityhall_bms.api import maintenance_models as models
from cityhall_bms.api import maintenance_plan_models as planned
from cityhall_bms.api.access import Caller, Who
from cityhall_bms.api.alarms import NO_NUL
from cityhall_bms.api.energy_readings import FILE_BODY
from cityhall_bms.api.models import Text
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import WrittenDay
from cityhall_bms.domain.energy.documents import BYTES_MAX, safe_name
from cityhall_bms.domain.maintenance.documents import Attached
from cityhall_bms.domain.maintenance.orders import WorkKind, WorkState
from cityhall_bms.domain.maintenance.plans import Task, TaskState
from cityhall_bms.ports.access import EVERYWHERE, Permission
from cityhall_bms.ports.maintenance import RecordFilter

router = APIRouter(prefix="/maintenance", tags=["maintenance"])

URGENCY = (TaskState.OVERDUE, TaskState.DUE, TaskState.UNKNOWN, TaskState.WAITING)
LONGEST = timedelta(days=400)
SEVERAL = "name either 'alarm', or 'plan' with 'equipment', or 'text' with 'equipment' or 'place'"

Asked = Annotated[str | None, Query(max_length=200, pattern=NO_NUL)]
Limit = Annotated[int, Query(ge=1, le=1000)]
Cursor = Annotated[str | None, Query(max_length=400)]


async def check_place(who: Caller, equipment: str, place: str) -> None:
    """Refuse whoever may not maintain there."""
    zones = who.zones(Permission.MAINTAIN)
    if equipment:
        await who.require(Permission.MAINTAIN, equipment)
    elif zones.isdisjoint({EVERYWHERE, place, place.split(".", maxsplit=1)[0]}):
        # Somewhere else they may: this asks for the whole building, and records that they may not.
        await who.require(Permission.MAINTAIN)


async def attached(services: ApiServices, given: list[models.GivenWorkDocument]) -> tuple[Attached, ...]:
    """Files as they are kept; 404 for one that is not."""
    found: list[Attached] = []
    for document in given:
        media_type, data = await services.maintenance.documents.read(document.sha256)
        name = safe_name(document.name, media_type)
        found.append(Attached(document.sha256, name, media_type, len(data), document.what))
    return tuple(found)


@router.get("/plans", responses=responses(503))
async def list_maintenance_plans(services: Services) -> planned.MaintenancePlanList:
    """Preventive plans of the site folder."""
    since = await services.maintenance.planning.begun()
    return planned.MaintenancePlanList(
        items=[planned.MaintenancePlan.of(plan, since.get(plan.name)) for plan in services.maintenance.book.plans]
    )


@router.get("/due", responses=responses(422, 503))
async def list_maintenance_due(
    services: Services,
    state: Annotated[TaskState | None, Query(description="Null: what is overdue, due or unknown.")] = None,
    equipment: Asked = None,
) -> planned.MaintenanceTaskList:
    """Work of plans that is due, the most urgent first."""
    tasks = await services.maintenance.planning.tasks()
    counts = Counter(task.state for task in tasks)
    wanted = [
        task
        for task in tasks
        if equipment in {None, task.equipment}
        and (task.state is state if state is not None else task.state is not TaskState.WAITING)
    ]
    texts = {plan.name: Text(zh=plan.text_zh, en=plan.text_en) for plan in services.maintenance.book.plans}
    wanted.sort(key=_urgency)
    return planned.MaintenanceTaskList(
        items=[planned.MaintenanceTask.of(task, texts[task.plan], services.site) for task in wanted],
        counts={each: counts[each] for each in TaskState},
    )


@router.get("/figures", responses=responses(422, 503))
async def maintenance_figures(
    services: Services,
    first: Annotated[WrittenDay, Query(alias="from", description="First day.", examples=["2026-07-01"])],
    until: Annotated[WrittenDay, Query(alias="to", description="Day after the last.", examples=["2026-08-01"])],
) -> planned.MaintenanceFigures:
    """Work of plans on time, arrivals at urgent repairs, and findings by category in a period of 400 days at most."""
    if not first < until <= first + LONGEST:
        msg = "期間至多 400 天，且結束晚於開始 / a period of 400 days at most, its end after its begin"
        raise HTTPException(422, msg)
    found = await services.maintenance.planning.figures(first, until)
    return planned.MaintenanceFigures.of(found, services.maintenance.book.rules)


class AskedOrders(BaseModel):
    """Which work orders."""

    model_config = ConfigDict(extra="forbid")

    open_only: bool = Field(default=True, alias="open", description="Only those that are not closed.")
    kind: WorkKind | None = None
    state: WorkState | None = None
    equipment: str | None = Field(None, max_length=200, pattern=NO_NUL)
    alarm: str | None = Field(None, max_length=400, pattern=NO_NUL, description="About this alarm.")
    limit: int = Field(200, ge=1, le=1000)
    cursor: str | None = Field(None, max_length=400, description="`next` of the page before.")


@router.get("/orders", responses=responses(400, 422, 503))
async def list_work_orders(services: Services, asked: Annotated[AskedOrders, Query()]) -> models.WorkOrderPage:
    """Work orders, the newest first."""
    which = RecordFilter(asked.open_only, asked.state, asked.kind, asked.alarm, asked.equipment)
    page = await services.maintenance.view.orders(which, asked.limit, cursors.place_of(asked.cursor))
    return models.WorkOrderPage(
        items=[models.WorkOrder.of(order, services) for order in page.items], next=cursors.cursor_of(page.next_place)
    )


@router.post("/orders", status_code=201, responses=responses(400, 404, 409, 415, 422, 503))
async def open_work_order(services: Services, who: Who, body: models.NewWorkOrder) -> models.WorkOrder:
    """Open a work order; 409 while one about the same is open, or where nothing is due."""
    desk = services.maintenance.work
    if bool(body.alarm) + bool(body.plan) + bool(body.finding or (body.text.strip() and not body.alarm)) != 1:
        raise HTTPException(400, SEVERAL)
    if body.alarm:
        rang = await services.alarms.get(body.alarm)
        await check_place(who, "" if rang is None else rang.equipment, "")
        order = await desk.open_for_alarm(body.alarm, by=who.name, comment=body.text.strip())
    elif body.plan:
        await check_place(who, body.equipment, "")
        order = await desk.open_for_task(body.plan, body.equipment, by=who.name)
    else:
        await check_place(who, body.equipment, body.place)
        wish = body.repair(await attached(services, body.documents))
        order = await desk.open_repair(wish, by=who.name)
    return models.WorkOrder.of(order, services)


@router.get("/orders/{order}", responses=responses(404, 503))
async def get_work_order(services: Services, order: str) -> models.WorkOrder:
    """One work order with its history."""
    return models.WorkOrder.of(await services.maintenance.work.get(order), services)


@router.post("/orders/{order}/steps", responses=responses(404, 409, 415, 422, 503))
async def move_work_order(services: Services, who: Who, order: str, body: models.NewWorkStep) -> models.WorkOrder:
    """Take a step; 409 where it cannot follow, or where the same person would verify who did the work."""
    desk = services.maintenance.work
    found = await desk.get(order)
    await check_place(who, found.equipment, found.place)
    return models.WorkOrder.of(await desk.step(order, body.wish(), by=who.name), services)


@router.post("/orders/{order}/records", responses=responses(404, 409, 415, 422, 503))
async def record_work(services: Services, who: Who, order: str, body: models.NewWorkRecord) -> models.WorkOrder:
    """Write down results of the checklist, photos and words."""
    desk = services.maintenance.work
    found = await desk.get(order)
    await check_place(who, found.equipment, found.place)
    wish = body.wish(await attached(services, body.documents))
    return models.WorkOrder.of(await desk.record(order, wish, by=who.name), services)


@router.post(
    "/documents",
    status_code=201,
    openapi_extra=FILE_BODY,
    responses=responses(409, 413, 422),
    max_body_size=BYTES_MAX,
)
async def keep_maintenance_document(
    services: Services,
    request: Request,
    name: Annotated[str, Query(min_length=1, max_length=200, pattern=NO_NUL, description="Name of the file.")],
) -> models.WorkDocument:
    """Keep a photo or paper (PNG, JPEG, PDF; at most 5 MB) for orders, findings, tests and assets."""
    kept = await services.maintenance.documents.keep(name, await request.body())
    return models.WorkDocument.of(Attached(kept.sha256, kept.name, kept.media_type, kept.size))


def _urgency(task: Task) -> tuple[int, str, str]:
    return (URGENCY.index(task.state), "" if task.due is None else task.due.isoformat(), task.equipment)

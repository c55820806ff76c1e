"""Patrol: routes, rounds as phones send them, and findings until they are right again."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from cityhall_bms.api import cursors
from cityhall_bms.api.access import Who
from cityhall_bms.api.maintenance import Asked, Cursor, Limit, attached, check_place
from cityhall_bms.api.maintenance_models import GivenWorkDocument, Line, Said, WorkDocument
from cityhall_bms.api.models import Model, Text, Time
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import Moment, to_rfc3339, to_us
from cityhall_bms.domain.maintenance import patrol
from cityhall_bms.domain.maintenance.patrol import Category, FindingClosed, Severity, StopVisit
from cityhall_bms.ports.maintenance import FoundWish, RecordFilter, RoundWish

router = APIRouter(prefix="/maintenance", tags=["maintenance"])

RoundName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{7,63}$")]


class PatrolStop(Model):
    """One stop of a route."""

    stop: str = Field(examples=["b1_corridor"])
    place: str = Field(examples=["B1.CN"])
    text: Text


class PatrolRoute(Model):
    """One route."""

    route: str = Field(examples=["night"])
    text: Text
    stops: list[PatrolStop]


class PatrolRouteList(Model):
    """All routes, and the places that findings can be in."""

    items: list[PatrolRoute]


class NewStopVisit(BaseModel):
    """A stop as it was found."""

    model_config = ConfigDict(extra="forbid")

    stop: Line
    ok: StrictBool = True
    note: Line = ""
    at: Moment


class NewFinding(BaseModel):
    """Something that is not as it should be."""

    model_config = ConfigDict(extra="forbid")

    place: Annotated[Line, Field(min_length=1, examples=["B1.CN"])]
    category: Category
    severity: Severity = Severity.OTHER
    text: Said
    equipment: Line = ""
    documents: Annotated[list[GivenWorkDocument], Field(max_length=10)] = []


class NewPatrolRound(BaseModel):
    """A round as a phone sends it; sent again under the same name, it changes nothing."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "round": "3f2a9c10-77aa-4f0e-9a2b-5d5c1d1e2f31", "route": "night",
                "begun": "2026-07-01T22:00:00+08:00", "ended": "2026-07-01T22:40:00+08:00",
                "stops": [{"stop": "b1_corridor", "ok": False, "at": "2026-07-01T22:05:00+08:00"}],
                "findings": [
                    {"place": "B1.CN", "category": "clear_corridors", "severity": "safety", "text": "走道堆置雜物"}
                ],
            }
        },
    )  # fmt: skip

    round: RoundName = Field(description="The phone's own name for it.")
    route: Line
    begun: Moment
    ended: Moment
    stops: Annotated[list[NewStopVisit], Field(max_length=200)]
    findings: Annotated[list[NewFinding], Field(max_length=50)] = []


class FindingClosure(BaseModel):
    """How a finding was put right: a photo of it, or the work order that did it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"comment": "已清除", "order": "2026-07-01-3"}}
    )

    comment: Said
    order: Line = ""
    documents: Annotated[list[GivenWorkDocument], Field(max_length=10)] = []


class PatrolVisit(Model):
    """A stop of a round."""

    stop: str
    ok: bool
    note: str
    at: Time


class PatrolRound(Model):
    """One round."""

    round: str
    route: str
    begun: Time
    ended: Time
    by: str
    stops: list[PatrolVisit]
    missed: list[str] = Field(description="Stops of the route that were not visited.")
    findings: list[str]

    @classmethod
    def of(cls, found: patrol.Round, services: ApiServices) -> "PatrolRound":
        """Give the answer's form."""
        visited = {visit.stop for visit in found.stops}
        route = next((route for route in services.maintenance.book.routes if route.name == found.route), None)
        return cls(
            round=found.round,
            route=found.route,
            begun=to_rfc3339(found.begun) or "",
            ended=to_rfc3339(found.at) or "",
            by=found.by,
            stops=[PatrolVisit(stop=v.stop, ok=v.ok, note=v.note, at=to_rfc3339(v.at) or "") for v in found.stops],
            missed=[] if route is None else [stop.name for stop in route.stops if stop.name not in visited],
            findings=list(found.findings),
        )


class PatrolRoundPage(Model):
    """Some rounds, the newest first, and where to go on."""

    items: list[PatrolRound]
    next: str | None


class PatrolFinding(Model):
    """One finding as it stands."""

    finding: str
    round: str
    place: str
    equipment: str | None
    category: Category
    severity: Severity
    text: str
    by: str
    at: Time
    due_at: Time
    overdue: bool
    closed_by: str | None
    closed_at: Time | None
    comment: str
    order: str | None
    documents: list[WorkDocument]

    @classmethod
    def of(cls, found: patrol.Finding, now: int) -> "PatrolFinding":
        """Give the answer's form, as of a time (µs UTC)."""
        return cls(
            finding=found.finding,
            round=found.round,
            place=found.place,
            equipment=found.equipment or None,
            category=found.category,
            severity=found.severity,
            text=found.text,
            by=found.by,
            at=to_rfc3339(found.at) or "",
            due_at=to_rfc3339(found.due_at) or "",
            overdue=found.overdue(now),
            closed_by=found.closed_by or None,
            closed_at=to_rfc3339(found.closed_at),
            comment=found.comment,
            order=found.order or None,
            documents=[WorkDocument.of(document) for document in found.documents],
        )


class PatrolFindingPage(Model):
    """Some findings, the newest first, and where to go on."""

    items: list[PatrolFinding]
    next: str | None


@router.get("/routes")
async def list_patrol_routes(services: Services) -> PatrolRouteList:
    """Patrol routes of the site folder."""
    return PatrolRouteList(
        items=[
            PatrolRoute(
                route=route.name,
                text=Text(zh=route.text_zh, en=route.text_en),
                stops=[
                    PatrolStop(stop=stop.name, place=stop.place, text=Text(zh=stop.text_zh, en=stop.text_en))
                    for stop in route.stops
                ],
            )
            for route in services.maintenance.book.routes
        ]
    )


@router.get("/rounds", responses=responses(400, 422, 503))
async def list_patrol_rounds(
    services: Services, route: Asked = None, limit: Limit = 50, cursor: Cursor = None
) -> PatrolRoundPage:
    """Rounds that were walked, the newest first."""
    page = await services.maintenance.view.rounds(RecordFilter(sort=route), limit, cursors.place_of(cursor))
    return PatrolRoundPage(
        items=[PatrolRound.of(each, services) for each in page.items], next=cursors.cursor_of(page.next_place)
    )


@router.post("/rounds", status_code=201, responses=responses(404, 409, 415, 422, 503))
async def record_patrol_round(services: Services, who: Who, body: NewPatrolRound) -> PatrolRound:
    """Record a round with its findings; the same one again is answered with what was recorded."""
    for each in body.findings:
        await check_place(who, each.equipment, each.place)
    findings = [
        FoundWish(
            each.place,
            each.category,
            each.severity,
            each.text,
            each.equipment,
            await attached(services, each.documents),
        )
        for each in body.findings
    ]
    stops = tuple(StopVisit(each.stop, each.ok, each.note, to_us(each.at)) for each in body.stops)
    wish = RoundWish(body.round, body.route, to_us(body.begun), to_us(body.ended), stops, tuple(findings))
    return PatrolRound.of(await services.maintenance.patrol.walk(wish, by=who.name), services)


@router.get("/findings", responses=responses(400, 422, 503))
async def list_patrol_findings(
    services: Services,
    open_only: Annotated[bool, Query(alias="open", description="Only those that are not closed.")] = True,  # noqa: FBT002
    category: Annotated[Category | None, Query()] = None,
    limit: Limit = 200,
    cursor: Cursor = None,
) -> PatrolFindingPage:
    """Findings of patrols, the newest first."""
    which = RecordFilter(open_only, sort=category)
    page = await services.maintenance.view.findings(which, limit, cursors.place_of(cursor))
    now = services.clock.now()
    return PatrolFindingPage(
        items=[PatrolFinding.of(each, now) for each in page.items], next=cursors.cursor_of(page.next_place)
    )


@router.post("/findings/{finding}/closure", responses=responses(404, 409, 415, 422, 503))
async def close_patrol_finding(services: Services, who: Who, finding: str, body: FindingClosure) -> PatrolFinding:
    """Say that a finding is right again, with a photo or the work order that did it."""
    desk, now = services.maintenance.patrol, services.clock.now()
    found = await desk.finding(finding)
    await check_place(who, found.equipment, found.place)
    documents = await attached(services, body.documents)
    values = [WorkDocument.of(document).model_dump() for document in documents]
    event = FindingClosed(by=who.name, at=now, comment=body.comment, order=body.order, documents=values)
    return PatrolFinding.of(await desk.close(finding, event), now)

"""Commissioning: read plans, single questions to a device, and the walk past every point with its signature."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cityhall_bms.api.access import Who
from cityhall_bms.api.alarms import NO_NUL, Words
from cityhall_bms.api.models import Model, PointName, Severity, Text, Time
from cityhall_bms.api.points import find_point, present_value
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain import site, walks
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.access import Permission
from cityhall_bms.ports.capabilities import Examined

EXAMINED_MAX = 64

router = APIRouter(prefix="/commissioning", tags=["commissioning"])

Name = Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=200)]


class Request(Model):
    """One request of a scan."""

    what: str = Field(description="What it asks for, in the protocol's words.", examples=["input 100-131"])
    points: int = Field(description="How many points it serves.")
    bytes: int = Field(description="Question and answer together.")
    line_ms: float | None = Field(description="How long a serial line is taken; null where that does not count.")


class Scan(Model):
    """What is asked every so often."""

    scan_s: float = Field(examples=[5.0])
    requests: list[Request]


class ReadPlan(Model):
    """How a device is read."""

    device: str
    scans: list[Scan]
    bytes_per_s: float = Field(description="All of it on the wire.")


class Reading(Model):
    """One way to read the same bytes."""

    encoding: str = Field(examples=["float32 CDAB"])
    value: float | None = Field(description="Null: no number.")
    plausible: bool = Field(description="Finite, and within the point's range.")


class ExaminedPoint(Model):
    """A point as its device told it just now."""

    point: PointName
    address: str
    raw: str = Field(description="Bytes in hexadecimal, as they came.", examples=["40e0 0000"])
    value: float | None
    quality: Severity
    note: str = Field(description="What the device said when there is no value.")
    candidates: list[Reading]


class Examination(Model):
    """What a device answered."""

    device: str
    at: Time
    points: list[ExaminedPoint]


class ToExamine(BaseModel):
    """Which points of the device."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"points": ["TCH.B2.CN.CHC01.CHWS_T"]}})

    points: list[Name] = Field(min_length=1, max_length=EXAMINED_MAX)


class WalkSummary(Model):
    """How far the walk of a piece of equipment is."""

    equipment: str = Field(examples=["TCH.B2.CN.CHC01"])
    text: Text
    system: str
    points: int
    passed: int
    failed: int
    signed_by: str = Field(description="Empty: nobody took it over, or it was checked again since.")
    signed_at: Time | None


class WalkList(Model):
    """Every piece of equipment that has points."""

    items: list[WalkSummary]


class WalkedPoint(Model):
    """A point of the walk; ``passed`` is null while nobody checked it."""

    point: PointName
    text: Text
    unit: str
    passed: bool | None
    note: str
    seen: float | None = Field(description="What the service showed when it was checked.")
    by: str
    at: Time | None


class Walk(Model):
    """The walk of one piece of equipment."""

    equipment: str
    points: list[WalkedPoint]
    signed_by: str
    signed_at: Time | None
    note: str


class Checked(BaseModel):
    """A point was compared with the machine."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"point": "TCH.B2.CN.CHC01.CHWS_T", "passed": True, "note": "與現場溫度計相符"}},
    )

    point: Name
    passed: bool
    note: Words = Field("", description="What was seen at the machine; of a failure what is wrong.")


class SignOff(BaseModel):
    """Equipment is taken over."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"note": "驗收合格"}})

    note: Words = ""


@router.get("/devices/{name}/read-plan", responses=responses(404, 409))
async def get_read_plan(services: Services, name: str) -> ReadPlan:
    """How a device is read: its requests, how many points each serves, and what they cost on the wire."""
    plan = services.commissioning.bench.plan(name)
    scans = [
        Scan(
            scan_s=scan.scan_s,
            requests=[
                Request(what=one.what, points=one.points, bytes=one.bytes, line_ms=one.line_ms) for one in scan.requests
            ],
        )
        for scan in plan
    ]
    wire = sum(one.bytes / scan.scan_s for scan in plan for one in scan.requests if scan.scan_s > 0)
    return ReadPlan(device=name, scans=scans, bytes_per_s=round(wire, 3))


@router.post("/devices/{name}/examination", responses=responses(403, 404, 409, 415, 422, 503))
async def examine_device(services: Services, who: Who, name: str, body: ToExamine) -> Examination:
    """Ask a device for some of its points now, and show their bytes and all that they could mean."""
    for point in body.points:
        await who.require(Permission.EDIT_POINTS, find_point(services, point).equipment)
    found = await services.commissioning.bench.examine(name, list(dict.fromkeys(body.points)))
    at = to_rfc3339(services.clock.now()) or ""
    return Examination(device=name, at=at, points=[_examined(one) for one in found])


@router.get("/walks", responses=responses(422, 503))
async def list_walks(services: Services, system: site.System | None = None) -> WalkList:
    """How far the walk of each piece of equipment is."""
    found = await services.commissioning.walks.all()
    return WalkList(
        items=[
            _summary(services, name, points, found.get(name, walks.Walk(name)))
            for name, points in sorted(_points_by_equipment(services.site).items())
            if system is None or services.site.equipment[name].system == system
        ]
    )


@router.get("/walks/{equipment}", responses=responses(404, 503))
async def get_walk(services: Services, equipment: str) -> Walk:
    """The walk of one piece of equipment, point by point."""
    if "\x00" in equipment:
        msg = "no equipment has such a name"
        raise NotFoundError(msg)
    return _walk(services, await services.commissioning.desk.of(equipment))


@router.post("/walks/checks", status_code=201, responses=responses(403, 404, 409, 415, 422, 503))
async def check_point(services: Services, who: Who, body: Checked) -> Walk:
    """Record that a point was compared with the machine; a signature of its equipment is void then."""
    point = find_point(services, body.point)
    await who.require(Permission.EDIT_POINTS, point.equipment)
    seen = present_value(services, services.ids[point.name]).value
    done = await services.commissioning.desk.check(
        point.name, passed=body.passed, note=body.note, seen=seen, by=who.name
    )
    return _walk(services, done)


@router.post("/walks/{equipment}/sign-off", status_code=201, responses=responses(403, 404, 409, 415, 422, 503))
async def sign_off_walk(services: Services, who: Who, equipment: str, body: SignOff) -> Walk:
    """Take equipment over; 409 while a point is unchecked or failed, and to who checked one of them."""
    if equipment not in services.site.equipment:
        msg = f"no equipment is named {equipment}; GET /api/v1/equipment lists it"
        raise NotFoundError(msg)
    await who.require(Permission.EDIT_POINTS, equipment)
    return _walk(services, await services.commissioning.desk.sign_off(equipment, note=body.note, by=who.name))


def _examined(one: Examined) -> ExaminedPoint:
    return ExaminedPoint(
        point=one.point,
        address=one.address,
        raw=one.raw,
        value=_number(one.value),
        quality=Quality(one.quality).severity,
        note=one.note,
        candidates=[
            Reading(encoding=other.encoding, value=_number(other.value), plausible=other.plausible)
            for other in one.candidates
        ],
    )


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _points_by_equipment(described: site.Site) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for point in described.points.values():
        found.setdefault(point.equipment, []).append(point.name)
    return found


def _summary(services: ApiServices, name: str, points: Sequence[str], walk: walks.Walk) -> WalkSummary:
    equipment = services.site.equipment[name]
    checks = [walk.checks[point] for point in points if point in walk.checks]
    passed = sum(check.passed for check in checks)
    return WalkSummary(
        equipment=name,
        text=Text.of(equipment.text),
        system=equipment.system,
        points=len(points),
        passed=passed,
        failed=len(checks) - passed,
        signed_by=walk.signature.by if walk.signature else "",
        signed_at=to_rfc3339(walk.signature.at) if walk.signature else None,
    )


def _walk(services: ApiServices, walk: walks.Walk) -> Walk:
    points = sorted(_points_by_equipment(services.site).get(walk.equipment, ()))
    return Walk(
        equipment=walk.equipment,
        points=[_walked(services.site.points[name], walk.checks.get(name)) for name in points],
        signed_by=walk.signature.by if walk.signature else "",
        signed_at=to_rfc3339(walk.signature.at) if walk.signature else None,
        note=walk.signature.note if walk.signature else "",
    )


def _walked(point: site.Point, check: walks.Check | None) -> WalkedPoint:
    return WalkedPoint(
        point=point.name,
        text=Text.of(point.text),
        unit=point.unit,
        passed=check.passed if check else None,
        note=check.note if check else "",
        seen=check.seen if check else None,
        by=check.by if check else "",
        at=to_rfc3339(check.at) if check else None,
    )

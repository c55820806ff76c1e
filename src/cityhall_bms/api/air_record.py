"""What people write down about indoor air: laboratory samples, inspections, actions, and what was wrong."""

from datetime import UTC, date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cityhall_bms.api import cursors
from cityhall_bms.api import indoor_air_models as models
from cityhall_bms.api.access import Who
from cityhall_bms.api.alarm_desk import Reason
from cityhall_bms.api.alarms import NO_NUL, Words
from cityhall_bms.api.points import known_us
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import KnownAt, Moment, WrittenDay, to_rfc3339, to_us
from cityhall_bms.domain.air_record import InspectionKind, due
from cityhall_bms.domain.wall_clock import local_day
from cityhall_bms.ports.air_record import AirEntry, AirEntryFilter, EntryKind, Sample

INSPECTIONS_MAX = 1_000
VALUE_MAX = 1e9

router = APIRouter(prefix="/indoor-air", tags=["indoor air"])

Name = Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=200)]
Short = Annotated[str, StringConstraints(pattern=NO_NUL, max_length=200)]
Limit = Annotated[int, Query(ge=1, le=1000)]
Cursor = Annotated[str | None, Query(max_length=400)]


class NewSample(BaseModel):
    """A laboratory's figure; `place` is a floor (`02`), a zone (`02.E`) or equipment."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "place": "02", "name": "bacteria", "value": 620, "sampled_at": "2026-06-20T10:00:00+08:00",
                "method": "NIEA E301", "report": "115-0620-03",
            }
        },
    )  # fmt: skip

    place: Name
    name: Annotated[Name, Field(description="Of a spot limit: `bacteria`, `fungi`.")]
    value: Annotated[float, Field(ge=0.0, le=VALUE_MAX, allow_inf_nan=False, strict=True)]
    sampled_at: Moment
    method: Short = ""
    report: Short = ""


class NewInspection(BaseModel):
    """An inspection with simple instruments, or a periodic test."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"kind": "walk_through", "day": "2026-06-01", "report": "115-0601-01"}},
    )

    kind: InspectionKind
    day: Annotated[WrittenDay, Field(ge=date(1990, 1, 1), le=date(2200, 1, 1))]
    report: Short = ""
    note: Words = ""


class NewAction(BaseModel):
    """What was done about an exceedance; `at` is a moment within it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "equipment": "TCH.01.E.IAQ05", "role": "CO2", "at": "2026-07-01T14:00:00+08:00",
                "action": "加大外氣量，疏散部分人員",
            }
        },
    )  # fmt: skip

    equipment: Name
    role: Name
    at: Moment
    action: Reason


class Withdrawal(BaseModel):
    """Why an entry is wrong."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reason": "樓層寫錯"}})

    reason: Reason


@router.get("/samples", responses=responses(400, 422, 503))
async def list_air_samples(
    services: Services,
    withdrawn: Annotated[bool, Query(description="Withdrawn ones too.")] = False,  # noqa: FBT002
    as_known_at: KnownAt = None,
    limit: Limit = 200,
    cursor: Cursor = None,
) -> models.SamplePage:
    """Samples that a laboratory counted, against their limits, the newest first."""
    known_at = known_us(services, as_known_at)
    which = AirEntryFilter(EntryKind.SAMPLE, withdrawn=withdrawn, known_at=known_at)
    page = await services.environment.air_record.page(which, limit, cursors.place_of(cursor))
    return models.SamplePage(
        items=[_sample(services, entry, known_at) for entry in page.entries], next=cursors.cursor_of(page.next_place)
    )


@router.post("/samples", status_code=201, responses=responses(404, 409, 415, 422, 503))
async def add_air_sample(services: Services, who: Who, body: NewSample) -> models.Written:
    """Write down what a laboratory counted; a wrong entry is withdrawn and written anew."""
    sample = Sample(body.place, body.name, body.value, to_us(body.sampled_at), body.method, body.report)
    return models.Written(entry=await services.environment.air_desk.sample(sample, by=who.name))


@router.get("/inspections", responses=responses(400, 422, 503))
async def list_air_inspections(
    services: Services,
    withdrawn: Annotated[bool, Query(description="Withdrawn ones too.")] = False,  # noqa: FBT002
    as_known_at: KnownAt = None,
    limit: Limit = 200,
    cursor: Cursor = None,
) -> models.InspectionPage:
    """Inspections and tests of the building, the newest first, and when the next ones are due."""
    known_at = known_us(services, as_known_at)
    record, plan = services.environment.air_record, services.environment.air.plan
    which = AirEntryFilter(EntryKind.INSPECTION, withdrawn=withdrawn, known_at=known_at)
    page = await record.page(which, limit, cursors.place_of(cursor))
    valid = (await record.page(AirEntryFilter(EntryKind.INSPECTION, known_at=known_at), INSPECTIONS_MAX)).entries
    found = due(
        ((InspectionKind(entry.name), _day(entry)) for entry in valid),
        plan.test_every_months,
        plan.inspection_within_months,
    )
    today = local_day(ZoneInfo(services.site.time_zone), services.clock.now() if known_at is None else known_at)
    return models.InspectionPage(
        items=[
            models.InspectionEntry(
                **_entry(entry, known_at), day=_day(entry).isoformat(), report=entry.report, note=entry.note
            )
            for entry in page.entries
        ],
        next=cursors.cursor_of(page.next_place),
        last_test=found.last_test.isoformat() if found.last_test else None,
        next_test=found.next_test.isoformat() if found.next_test else None,
        inspection_from=found.inspection_from.isoformat() if found.inspection_from else None,
        inspected=found.inspected,
        overdue=found.overdue(today),
    )


@router.post("/inspections", status_code=201, responses=responses(409, 415, 422, 503))
async def add_air_inspection(services: Services, who: Who, body: NewInspection) -> models.Written:
    """Write down that the building was inspected or tested."""
    entry = await services.environment.air_desk.inspection(
        body.kind, body.day, by=who.name, report=body.report, note=body.note
    )
    return models.Written(entry=entry)


@router.post("/actions", status_code=201, responses=responses(404, 409, 415, 422, 503))
async def add_air_action(services: Services, who: Who, body: NewAction) -> models.Written:
    """Write down what was done about an exceedance; it is shown with it."""
    desk = services.environment.air_desk
    entry = await desk.action(body.equipment, body.role, to_us(body.at), body.action, by=who.name)
    return models.Written(entry=entry)


@router.post("/entries/{entry}/withdrawal", status_code=201, responses=responses(404, 409, 415, 422, 503))
async def withdraw_air_entry(services: Services, who: Who, entry: int, body: Withdrawal) -> models.Written:
    """Withdraw a wrong entry: it stays in the record, and counts no more."""
    return models.Written(entry=await services.environment.air_desk.withdraw(entry, by=who.name, reason=body.reason))


def _entry(entry: AirEntry, known_at: int | None) -> dict[str, object]:
    """Fields of every entry; as known at a time, a later withdrawal is not known."""
    withdrawn = entry.withdrawn_at is not None and (known_at is None or entry.withdrawn_at <= known_at)
    return {
        "entry": entry.position,
        "recorded_at": to_rfc3339(entry.recorded_at),
        "place": entry.place,
        "name": entry.name,
        "by": entry.by,
        "withdrawn_at": to_rfc3339(entry.withdrawn_at) if withdrawn else None,
        "withdrawn_by": entry.withdrawn_by if withdrawn else "",
        "withdrawn_why": entry.withdrawn_why if withdrawn else "",
    }


def _sample(services: ApiServices, entry: AirEntry, known_at: int | None) -> models.SampleEntry:
    limit = services.environment.air.plan.spot_limits.get(entry.name)
    value = entry.value if entry.value is not None else 0.0
    return models.SampleEntry(
        **_entry(entry, known_at),
        value=value,
        unit=entry.unit,
        limit=None if limit is None else limit.limit,
        exceeded=None if limit is None else value > limit.limit,
        sampled_at=to_rfc3339(entry.moment) or "",
        method=entry.method,
        report=entry.report,
    )


def _day(entry: AirEntry) -> date:
    return datetime.fromtimestamp(entry.moment / 1e6, UTC).date()

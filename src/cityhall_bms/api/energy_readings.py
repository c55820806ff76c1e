"""Readings that people enter: amounts per period, with their proofs, approved by somebody else."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Query, Request, Response

from cityhall_bms.api import cursors
from cityhall_bms.api import energy_readings_models as models
from cityhall_bms.api.access import Who
from cityhall_bms.api.alarms import NO_NUL
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.domain.energy import readings
from cityhall_bms.domain.energy.documents import BYTES_MAX, SUFFIXES, safe_name
from cityhall_bms.domain.energy.readings import Document, ReadingState
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.ports.energy_readings import ReadingFilter, RowOutcome

router = APIRouter(prefix="/energy", tags=["energy"])

CSV_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": "meter,first_day,last_day,amount,unit\nTCH.FUEL.FLEET,2026-06-01,2026-06-30,1518.5,L\n",
            }
        },
    }
}
FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in SUFFIXES},
    }
}
FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file as it was kept.",
        "content": {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in SUFFIXES},
    }
}


@router.get("/readings", responses=responses(400, 422, 503))
async def list_readings(
    services: Services,
    meter: Annotated[str, Query(max_length=60, pattern=NO_NUL, description="Of this meter.")] = "",
    state: Annotated[ReadingState | None, Query(description="`pending` lists what waits for somebody.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> models.ReadingPage:
    """Readings, the newest first."""
    page = await services.energy.readings.page(ReadingFilter(meter, state), limit, cursors.place_of(cursor))
    return models.ReadingPage(
        items=[_answer(services, reading) for reading in page.readings], next=cursors.cursor_of(page.next_place)
    )


@router.post("/readings", status_code=201, responses=responses(404, 409, 415, 422, 503))
async def enter_reading(services: Services, who: Who, body: models.NewReading) -> models.Reading:
    """Enter an amount of a period that is over; it counts when somebody else approved it."""
    document = await _document(services, body.document)
    return _answer(services, await services.energy.reading_desk.enter(body.wish(document), by=who.name))


@router.post("/readings/import", openapi_extra=CSV_BODY, responses=responses(400, 413, 422, 503))
async def import_readings(
    services: Services,
    who: Who,
    request: Request,
    dry_run: Annotated[bool, Query(description="Only say what would be entered.")] = False,  # noqa: FBT002
) -> models.FileOutcome:
    """Enter the rows of a CSV file, all or none. Every mistake is told at once; the same file adds nothing twice."""
    sent = await request.body()
    if not sent:
        raise HTTPException(422, "the file is empty")
    try:
        text = sent.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HTTPException(400, "the file is not UTF-8: save it as UTF-8 (in Excel: 'CSV UTF-8')") from error
    found = await services.energy.reading_desk.enter_file(text, by=who.name, dry_run=dry_run)
    changes = any(row.outcome is not RowOutcome.UNCHANGED for row in found.rows)
    zone = ZoneInfo(services.site.time_zone)
    return models.FileOutcome(
        dry_run=dry_run,
        entered=changes and not (dry_run or found.problems),
        sha256=found.source,
        rows=[models.FileRow.of(row, _unit(services, row.reading), zone) for row in found.rows],
        problems=[
            models.FileProblem(line=p.line, column=p.column, field=p.field, message=p.message) for p in found.problems
        ],
    )


@router.post("/readings/approval", responses=responses(404, 409, 415, 422, 503))
async def approve_readings(services: Services, who: Who, body: models.Approval) -> models.ReadingList:
    """Approve readings, all or none. 409 to who entered one of them, and for what is decided already."""
    named = [(reading.meter, reading.number) for reading in body.readings]
    found = await services.energy.reading_desk.approve(named, by=who.name, comment=body.comment)
    return models.ReadingList(items=[_answer(services, reading) for reading in found])


@router.get("/readings/{meter}/{number}", responses=responses(404, 422, 503))
async def get_reading(services: Services, meter: str, number: models.Number) -> models.Reading:
    """One reading."""
    found = await services.energy.readings.get(meter, number)
    if found is None:
        msg = f"{meter} 沒有第 {number} 筆抄表 / {meter} has no reading number {number}"
        raise NotFoundError(msg)
    return _answer(services, found)


@router.post("/readings/{meter}/{number}/rejection", responses=responses(404, 409, 415, 422, 503))
async def reject_reading(
    services: Services, who: Who, meter: str, number: models.Number, body: models.Rejection
) -> models.Reading:
    """Reject a reading, or withdraw one's own; it will never count. 409 when it is decided already."""
    found = await services.energy.reading_desk.reject(meter, number, by=who.name, reason=body.reason)
    return _answer(services, found)


@router.post(
    "/documents",
    status_code=201,
    openapi_extra=FILE_BODY,
    responses=responses(409, 413, 422),
    max_body_size=BYTES_MAX,
)
async def keep_document(
    services: Services,
    request: Request,
    name: Annotated[str, Query(min_length=1, max_length=200, pattern=NO_NUL, description="Name of the file.")],
) -> models.Document:
    """Keep a PDF, PNG or JPEG file of at most 5 MB, for the readings that it proves; the same file twice is one."""
    return models.Document.of(await services.energy.documents.keep(name, await request.body()))


@router.get("/documents/{sha256}", response_class=Response, responses=FILE | responses(404))
async def get_document(services: Services, sha256: str) -> Response:
    """A file that was kept, to save; it is never shown in the page."""
    media_type, data = await services.energy.documents.read(sha256)
    headers = {"Content-Disposition": f'attachment; filename="{sha256}{SUFFIXES[media_type]}"'}
    return Response(data, media_type=media_type, headers=headers)


async def _document(services: ApiServices, given: models.GivenDocument | None) -> Document | None:
    """Document as it is kept; 404 when it is not."""
    if given is None:
        return None
    media_type, data = await services.energy.documents.read(given.sha256)
    return Document(given.sha256, safe_name(given.name, media_type), media_type, len(data))


def _answer(services: ApiServices, reading: readings.Reading) -> models.Reading:
    return models.Reading.of(reading, _unit(services, reading), ZoneInfo(services.site.time_zone))


def _unit(services: ApiServices, reading: readings.Reading) -> str:
    """Unit of an amount; empty for a meter that is described no more."""
    meter = services.site.metering.meters.get(reading.meter)
    return meter.commodity.unit if meter else ""

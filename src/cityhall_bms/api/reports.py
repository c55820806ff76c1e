"""Reports: what can be made, a preview, and those that were asked for, with their files."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import FileResponse, HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from cityhall_bms.api import cursors, models
from cityhall_bms.api.access import Who
from cityhall_bms.api.energy_query import PeriodQuery
from cityhall_bms.api.models import Model, Text, Time
from cityhall_bms.api.points import known_us
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import KnownAt, Moment, to_rfc3339, to_us
from cityhall_bms.domain.energy.periods import Period, parse_period
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.reports import (
    Every,
    Language,
    ReportFile,
    ReportFormat,
    ReportKind,
    ReportRecord,
    ReportState,
    ReportWish,
)
from cityhall_bms.reports.kinds import SORTS
from cityhall_bms.reports.periods import asked_period, period_text

MEDIA_TYPES: Final = {
    ReportFormat.HTML: "text/html; charset=utf-8",
    ReportFormat.PDF: "application/pdf",
    ReportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ReportFormat.CSV: "text/csv; charset=utf-8",
}
MANIFEST_SUFFIX: Final = ".manifest.json"
FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string"}}}, "description": "The whole file."}
}
MANIFEST: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/json": {"schema": {"type": "object"}}}, "description": "The signed manifest."}
}

router = APIRouter(prefix="/reports", tags=["reports"])

Identity = Annotated[str, Path(pattern=r"^[0-9A-Za-z.-]{1,100}$")]


class ReportOrder(BaseModel):
    """What to make."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"kind": "half-year", "period": "104H1", "formats": ["pdf", "xlsx"]}},
    )

    kind: ReportKind
    period: str = Field(max_length=40, examples=["104H1"])
    formats: list[ReportFormat] = Field([ReportFormat.PDF], min_length=1, max_length=4)
    language: Language = Language.ZH
    provisional: StrictBool = Field(default=False, description="Also figures that rest on too little; they are marked.")
    as_known_at: Moment | None = Field(None, description="Only what was recorded by then counts.")


class ReportFileView(Model):
    """One file of a report."""

    format: ReportFormat
    name: str = Field(examples=["half-year-TCH-104H1.pdf"])
    bytes: int
    rows: int = Field(description="Rows after the headings; 0 where a file has none.")
    sha256: str
    file: str = Field(description="Where it is.")
    manifest: str = Field(description="Where its signed manifest is.")


class ReportView(Model):
    """One report and how far it is."""

    report: str = Field(examples=["monthly-104-06"])
    kind: ReportKind
    text: Text
    period: str = Field(examples=["104H1"])
    period_text: Text
    state: ReportState
    as_known_at: Time
    language: Language
    provisional: bool
    asked_by: str
    asked_at: Time
    schedule: str | None = Field(description="The schedule that had it made; null: somebody asked.")
    ended_at: Time | None
    reason: str | None = Field(description="Why it failed.")
    files: list[ReportFileView]

    @classmethod
    def of(cls, record: ReportRecord) -> "ReportView":
        """Give the answer's form."""
        wish = record.wish
        period = Period(wish.first, wish.until)
        return cls(
            report=record.report,
            kind=wish.kind,
            text=Text.of(SORTS[wish.kind].text),
            period=period.name,
            period_text=Text.of(period_text(period)),
            state=record.state,
            as_known_at=to_rfc3339(wish.known_at) or "",
            language=wish.language,
            provisional=wish.provisional,
            asked_by=record.by,
            asked_at=to_rfc3339(record.asked_at) or "",
            schedule=record.schedule or None,
            ended_at=to_rfc3339(record.ended_at),
            reason=record.reason or None,
            files=[_file(record, file) for file in record.files],
        )


class ReportPage(Model):
    """Some reports, the newest first, and where to go on."""

    items: list[ReportView]
    next: str | None


class ReportSort(Model):
    """A kind of report that can be made."""

    kind: ReportKind
    text: Text
    periods: list[Every]


class Schedule(Model):
    """A report that is made by itself."""

    name: str
    kind: ReportKind
    every: Every
    after_days: int
    at: str = Field(examples=["06:00"])
    formats: list[ReportFormat]
    groups: list[str]


class ReportKinds(Model):
    """What can be made, and what is made by itself."""

    kinds: list[ReportSort]
    schedules: list[Schedule]


@router.get("/kinds")
async def list_report_kinds(services: Services) -> ReportKinds:
    """Kinds of reports with the periods that they are made for, and the schedules of the site."""
    return ReportKinds(
        kinds=[
            ReportSort(kind=kind, text=models.Text.of(sort.text), periods=list(sort.periods))
            for kind, sort in SORTS.items()
        ],
        schedules=[
            Schedule(
                name=each.name,
                kind=each.kind,
                every=each.every,
                after_days=each.after_days,
                at=f"{each.minutes // 60:02}:{each.minutes % 60:02}",
                formats=list(each.formats),
                groups=list(each.groups),
            )
            for each in services.site.reports.schedules
        ],
    )


@router.get("/preview", response_class=HTMLResponse, responses=responses(400, 404, 409, 422, 503))
async def preview_report(
    services: Services,
    kind: Annotated[ReportKind, Query()],
    period: PeriodQuery,
    language: Annotated[Language, Query()] = Language.ZH,
    provisional: Annotated[bool, Query(description="Also figures that rest on too little; they are marked.")] = False,  # noqa: FBT002
    as_known_at: KnownAt = None,
) -> HTMLResponse:
    """A report as a page, made at once and kept nowhere."""
    asked = parse_period(period)
    known_at = known_us(services, as_known_at) or services.clock.now()
    wish = ReportWish(kind, asked.first, asked.until, known_at, (ReportFormat.HTML,), language, provisional)
    reports = services.reports
    page = reports.page(await reports.maker.make(wish), language)
    return HTMLResponse(page, headers={"Content-Security-Policy": reports.page_policy, "Cache-Control": "no-store"})


@router.get("", responses=responses(400, 422, 503))
async def list_reports(
    services: Services,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> ReportPage:
    """Reports that were asked for, the newest first."""
    page = await services.reports.view.page(limit, cursors.place_of(cursor))
    return ReportPage(items=[ReportView.of(record) for record in page.reports], next=cursors.cursor_of(page.next_place))


@router.post("", status_code=202, responses=responses(400, 404, 409, 415, 422, 501, 503))
async def ask_report(services: Services, who: Who, order: ReportOrder, response: Response) -> ReportView:
    """Have a report made; it is made even when the service is stopped meanwhile."""
    period = asked_period(order.period)
    now = services.clock.now()
    wish = ReportWish(
        order.kind,
        period.first,
        period.until,
        now if order.as_known_at is None else to_us(order.as_known_at),
        tuple(dict.fromkeys(order.formats)),
        order.language,
        order.provisional,
    )
    record = await services.reports.desk.ask(wish, by=who.name)
    response.headers["Location"] = f"/api/v1/reports/{record.report}"
    return ReportView.of(record)


@router.get("/{report}", responses=responses(404, 422, 503))
async def get_report(services: Services, report: Identity) -> ReportView:
    """One report, as the event log has it now."""
    return ReportView.of(await services.reports.desk.get(report))


@router.get("/{report}/files/{form}", response_class=FileResponse, responses={**responses(404, 409, 422, 503), **FILE})
async def get_report_file(
    services: Services,
    report: Identity,
    form: ReportFormat,
    disposition: Annotated[Literal["inline", "attachment"], Query(description="Shown, or saved.")] = "attachment",
) -> FileResponse:
    """A file of a report that was made, its SHA-256 as `ETag`."""
    record, file = await _found(services, report, form)
    path = services.reports.desk.file_of(record, file)
    if not path.is_file():
        raise HTTPException(404, f"the file {file.name} of report {report} is no longer on this machine")
    headers = {"ETag": f'"{file.sha256}"', "Cache-Control": "no-store"}
    if form is ReportFormat.HTML:
        headers["Content-Security-Policy"] = services.reports.page_policy
    return FileResponse(
        path,
        media_type=MEDIA_TYPES[form],
        filename=path.name,
        headers=headers,
        content_disposition_type=disposition,
    )


@router.get(
    "/{report}/files/{form}/manifest",
    response_class=Response,
    responses={**responses(404, 409, 422, 503), **MANIFEST},
)
async def get_report_manifest(services: Services, report: Identity, form: ReportFormat) -> FileResponse:
    """The signed manifest of a file, to the byte as it was signed; keep it beside the file."""
    record, file = await _found(services, report, form)
    path = services.reports.desk.file_of(record, file)
    path = path.with_name(path.name + MANIFEST_SUFFIX)
    if not path.is_file():
        raise HTTPException(404, f"the manifest of {file.name} is no longer on this machine")
    return FileResponse(path, media_type="application/json", filename=path.name)


async def _found(services: ApiServices, report: str, form: ReportFormat) -> tuple[ReportRecord, ReportFile]:
    record = await services.reports.desk.get(report)
    for file in record.files:
        if file.format is form:
            return record, file
    if record.state is ReportState.MADE:
        raise HTTPException(404, f"report {report} was not made as {form}")
    msg = f"報表 {report} 尚未完成（{record.state}） / report {report} is {record.state}: it has no files"
    raise RefusedError(msg)


def _file(record: ReportRecord, file: ReportFile) -> ReportFileView:
    address = f"/api/v1/reports/{record.report}/files/{file.format}"
    return ReportFileView(
        format=file.format,
        name=file.name,
        bytes=file.bytes,
        rows=file.rows,
        sha256=file.sha256,
        file=address,
        manifest=f"{address}/manifest",
    )

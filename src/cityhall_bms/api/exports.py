"""Exports: files that are sent while they are made, jobs of any size, and the manifests of both."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Response
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from cityhall_bms.api import cursors, models
from cityhall_bms.api.access import Who
from cityhall_bms.api.points import checked_window
from cityhall_bms.api.problems import responses
from cityhall_bms.api.seats import OneExport
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import FromTime, KnownAt, Moment, ToTime, to_rfc3339, to_us
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.exports.query import choose, file_name
from cityhall_bms.ports.exports import (
    Export,
    ExportFormat,
    ExportKind,
    ExportPoint,
    ExportQuery,
    ExportState,
)
from cityhall_bms.ports.history import Aggregation

router = APIRouter(prefix="/exports", tags=["exports"])

CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "UTF-8 with BOM, CRLF."}
}
"""How a route that gives CSV describes its answer."""
FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string"}}}, "description": "The whole file."},
    206: {"description": "The asked-for part of it."},
}
MANIFEST: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"schema": {"type": "object"}}}, "description": "The signed manifest."}
}
MEDIA_TYPES: Final = {
    ExportFormat.CSV_LONG: "text/csv; charset=utf-8",
    ExportFormat.CSV_WIDE: "text/csv; charset=utf-8",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ExportFormat.PARQUET: "application/vnd.apache.parquet",
}
STREAM_ACTOR: Final = "api"
EXPORT_HEADER: Final = "X-Export-Id"

Identity = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,60}$")]


class ExportOrder(BaseModel):
    """What to export."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={
            "example": {
                "points": ["TCH.B2.CN.CHC01.*"],
                "from": "2026-07-01T00:00:00+08:00",
                "to": "2026-08-01T00:00:00+08:00",
                "format": "parquet",
            }
        },
    )

    points: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        min_length=1, max_length=2_000, description="Names, or patterns with `*` and `?`."
    )
    start: Moment = Field(alias="from", description="Start, included.")
    end: Moment = Field(alias="to", description="End, excluded.")
    format: ExportFormat = ExportFormat.CSV_LONG
    interval: str | None = Field(None, description="Length of an interval; without it raw samples.")
    agg: Aggregation = Field(Aggregation.MEAN, description="Figure per interval.")
    language: Literal["zh", "en"] = Field("zh", description="Language of the headings.")
    as_known_at: Moment | None = Field(None, description="Only what was recorded by then counts.")


class ExportView(models.Model):
    """An export and how far it is."""

    id: str = Field(examples=["20261121T101500-3f9a1c07"])
    kind: ExportKind
    state: ExportState
    asked_by: str
    asked_at: models.Time
    ended_at: models.Time | None
    format: ExportFormat
    points: int
    start: models.Time = Field(serialization_alias="from")
    end: models.Time = Field(serialization_alias="to")
    as_known_at: models.Time
    interval: str | None
    progress: float = Field(description="Share that is done, 0 to 1.")
    rows: int
    bytes: int
    sha256: str | None
    reason: str | None = Field(description="Why it failed.")
    file: str | None = Field(description="Where the file is.")
    manifest: str | None = Field(description="Where its manifest is.")


class ExportPage(models.Model):
    """Some exports, the newest first, and where to go on."""

    items: list[ExportView]
    next: str | None


@router.get(
    "/samples.csv",
    response_class=StreamingResponse,
    responses={**responses(400, 404, 409, 422, 503), **CSV},
    dependencies=[OneExport],
)
async def export_samples(  # noqa: PLR0913, PLR0917 - one parameter per part of the question
    services: Services,
    points: Annotated[str, Query(min_length=1, description="Names of points, separated by commas.")],
    start: FromTime,
    end: ToTime,
    interval: Annotated[str | None, Query(description="Length of an interval; without it raw samples.")] = None,
    agg: Annotated[Aggregation, Query(description="Figure per interval.")] = Aggregation.MEAN,
    language: Annotated[Literal["zh", "en"], Query(description="Language of the headings.")] = "zh",
    as_known_at: KnownAt = None,
) -> StreamingResponse:
    """Samples of some points, one row each, oldest first (conventions: `docs/reference/csv.md`).

    The header `X-Export-Id` names the export: its manifest is there once the file has come to its end.
    """
    names = [name for name in points.split(",") if name]
    if not names:
        raise HTTPException(400, "`points` names no point")
    query = ExportQuery(
        site=services.site.code,
        points=_points(services, names),
        window=checked_window(to_us(start), to_us(end), interval),
        known_at=_known_at(services, as_known_at),
        time_zone=services.site.time_zone,
        interval=interval or "",
        aggregation=agg,
        language=language,
    )
    export = services.exports.new(query, ExportKind.STREAM, STREAM_ACTOR)
    answer = await streamed(services.exporter.csv(export), file_name(export.id, query))
    answer.headers[EXPORT_HEADER] = export.id
    return answer


@router.post("", status_code=202, responses=responses(400, 404, 409, 422, 501, 503))
async def ask_export(services: Services, who: Who, order: ExportOrder, response: Response) -> ExportView:
    """Have a file of any size made; it goes on when the service was killed meanwhile."""
    query = ExportQuery(
        site=services.site.code,
        points=_points(services, order.points),
        window=checked_window(to_us(order.start), to_us(order.end), order.interval),
        known_at=_known_at(services, order.as_known_at),
        time_zone=services.site.time_zone,
        interval=order.interval or "",
        aggregation=order.agg,
        format=order.format,
        language=order.language,
    )
    export = services.exports.new(query, ExportKind.JOB, who.name)
    await services.exports.ask(export)
    response.headers["Location"] = _address(export)
    return describe(export)


@router.get("", responses=responses(400, 422, 503))
async def list_exports(
    services: Services,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> ExportPage:
    """Exports, the newest first."""
    found = await services.exports.page(limit + 1, cursors.decode(cursor) if cursor else None)
    page = found[:limit]
    return ExportPage(
        items=[describe(export) for export in page], next=cursors.encode(page[-1].id) if len(found) > limit else None
    )


@router.get("/{identity}", responses=responses(404, 422, 503))
async def get_export(services: Services, identity: Identity) -> ExportView:
    """One export, and how far it is."""
    return describe(await services.exports.get(identity))


@router.get(
    "/{identity}/file",
    response_class=FileResponse,
    responses={**responses(404, 409, 422, 503), **FILE},
    dependencies=[OneExport],
)
async def get_export_file(services: Services, identity: Identity) -> FileResponse:
    """The file of a finished job; parts of it by `Range`, its SHA-256 as `ETag`."""
    export = await services.exports.get(identity)
    if export.kind is not ExportKind.JOB or export.state is not ExportState.DONE:
        msg = f"export {identity} is a {export.kind} and {export.state}: only a job that is done has a file here"
        raise RefusedError(msg)
    path = services.exports.file_of(export)
    if not path.is_file():
        raise HTTPException(404, f"the file of export {identity} is no longer on this machine")
    headers = {"ETag": f'"{export.sha256}"', "Cache-Control": "no-store"}
    return FileResponse(path, media_type=MEDIA_TYPES[export.query.format], filename=path.name, headers=headers)


@router.get("/{identity}/manifest", response_class=Response, responses={**responses(404, 409, 422, 503), **MANIFEST})
async def get_export_manifest(services: Services, identity: Identity) -> Response:
    """The signed manifest, to the byte as it was signed; keep it beside the file (`cityhall-bms verify-export`)."""
    export = await services.exports.get(identity)
    if export.manifest is None:
        msg = f"export {identity} is {export.state}: it has no manifest yet"
        raise RefusedError(msg)
    name = f"{file_name(export.id, export.query)}.manifest.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(export.manifest.encode(), media_type="application/json", headers=headers)


@router.delete("/{identity}", responses=responses(404, 409, 422, 503))
async def withdraw_export(services: Services, identity: Identity) -> ExportView:
    """Cancel a job that is not done, or remove the file of one that is; its manifest and its events stay."""
    return describe(await services.exports.withdraw(identity))


def describe(export: Export) -> ExportView:
    """Export in the answer's form."""
    query, address = export.query, _address(export)
    has_file = export.kind is ExportKind.JOB and export.state is ExportState.DONE
    return ExportView(
        id=export.id,
        kind=export.kind,
        state=export.state,
        asked_by=export.actor,
        asked_at=to_rfc3339(export.asked_at) or "",
        ended_at=to_rfc3339(export.ended_at),
        format=query.format,
        points=len(query.points),
        start=to_rfc3339(query.window.start) or "",
        end=to_rfc3339(query.window.end) or "",
        as_known_at=to_rfc3339(query.known_at) or "",
        interval=query.interval or None,
        progress=round(export.progress, 4),
        rows=export.rows,
        bytes=export.bytes,
        sha256=export.sha256,
        reason=export.reason or None,
        file=f"{address}/file" if has_file else None,
        manifest=None if export.manifest is None else f"{address}/manifest",
    )


async def streamed(chunks: AsyncIterator[bytes], name: str) -> StreamingResponse:
    """A CSV file as it is made."""
    # Before the headers go out: a failing query must be a problem, not an empty file with status 200.
    first = await anext(chunks, b"")
    return StreamingResponse(
        _joined(first, chunks),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


def _points(services: ApiServices, patterns: Sequence[str]) -> list[ExportPoint]:
    site = services.site
    return [
        ExportPoint(services.ids[name], name, site.points[name].unit, site.points[name].device)
        for name in choose(patterns, site.points)
    ]


def _known_at(services: ApiServices, asked: Moment | None) -> int:
    now = services.clock.now()
    if asked is None:
        return now
    if to_us(asked) > now:
        raise HTTPException(400, "`as_known_at` is in the future: nobody knows yet what the record will say then")
    return to_us(asked)


def _address(export: Export) -> str:
    return f"/api/v1/exports/{export.id}"

"""CSV exports, streamed at the speed of the store."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import StreamingResponse

from cityhall_bms.api.points import checked_window, find_point
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import Services
from cityhall_bms.api.times import FromTime, ToTime, to_us
from cityhall_bms.ports.history import ExportRequest

router = APIRouter(prefix="/exports", tags=["exports"])

CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "UTF-8 with BOM, CRLF."}
}
"""How a route that gives CSV describes its answer."""


@router.get("/samples.csv", response_class=StreamingResponse, responses={**responses(400, 404, 422, 503), **CSV})
async def export_samples(
    services: Services,
    points: Annotated[str, Query(min_length=1, description="Names of points, separated by commas.")],
    start: FromTime,
    end: ToTime,
    interval: Annotated[str | None, Query(description="Length of an interval; without it raw samples.")] = None,
    language: Annotated[Literal["zh", "en"], Query(description="Language of the headings.")] = "zh",
) -> StreamingResponse:
    """Samples of some points, one row each, oldest first (conventions: `docs/reference/csv.md`)."""
    chosen = [find_point(services, name) for name in dict.fromkeys(points.split(",")) if name]
    if not chosen:
        raise HTTPException(400, "`points` names no point")
    request = ExportRequest(
        points=[(services.ids[point.name], point.name, point.unit) for point in chosen],
        window=checked_window(to_us(start), to_us(end), interval),
        interval=interval or "",
        time_zone=services.site.time_zone,
        language=language,
    )
    name = f"samples-{services.site.code}-{start:%Y%m%dT%H%M%S}-{end:%Y%m%dT%H%M%S}.csv"
    return await streamed(services.exporter.csv(request), name)


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

"""The gap ledger: which polls gave no value, since when, and why."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from cityhall_bms.api import cursors, models
from cityhall_bms.api.alarms import NO_NUL
from cityhall_bms.api.exports import CSV, streamed
from cityhall_bms.api.points import find_point
from cityhall_bms.api.problems import responses
from cityhall_bms.api.seats import OneExport
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import Moment, to_rfc3339, to_us
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.gaps import Gap, GapCause
from cityhall_bms.ports.gap_ledger import GapExport, GapFilter

router = APIRouter(tags=["gaps"])


class Asked(BaseModel):
    """Which gaps."""

    device: str | None = Field(None, max_length=200, pattern=NO_NUL, description="Of this device.")
    cause: GapCause | None = Field(None, description="For this reason.")
    point: str | None = Field(None, max_length=200, description="Of this point, or of its device as a whole.")
    start: Moment | None = Field(None, alias="from", description="Not over by then (RFC 3339).")
    end: Moment | None = Field(None, alias="to", description="Begun before then (RFC 3339).")
    open_only: bool = Field(False, alias="open", description="That last.")  # noqa: FBT003 - the library's signature

    def of(self, services: ApiServices) -> GapFilter:
        """In our terms; 404 for a point that is not there."""
        found = find_point(services, self.point) if self.point else None
        return GapFilter(
            device=self.device,
            cause=self.cause,
            point=services.ids[found.name] if found else None,
            point_device=found.device if found else "",
            start=to_us(self.start) if self.start else None,
            end=to_us(self.end) if self.end else None,
            open_only=self.open_only,
        )


class AskedPage(Asked):
    """Which gaps, and how many at once."""

    limit: int = Field(200, ge=1, le=1000)
    cursor: str | None = Field(None, max_length=100_000, description="`next` of the page before.")


class AskedFile(Asked):
    """Which gaps, and in which language."""

    language: Literal["zh", "en"] = Field("zh", description="Language of the headings.")


@router.get("/gaps", responses=responses(400, 404, 422, 503))
async def list_gaps(services: Services, asked: Annotated[AskedPage, Query()]) -> models.GapPage:
    """Gaps in the record, the newest first."""
    cursor = cursors.decode(asked.cursor) if asked.cursor else None
    try:
        page = await services.gaps.page(asked.of(services), asked.limit, cursor)
    except RefusedError as error:
        raise HTTPException(400, str(error)) from error
    return models.GapPage(
        items=[_describe(services, gap) for gap in page.gaps],
        next=cursors.encode(page.next_cursor) if page.next_cursor else None,
    )


@router.get(
    "/exports/gaps.csv",
    response_class=StreamingResponse,
    responses={**responses(400, 404, 422, 503), **CSV},
    dependencies=[OneExport],
)
async def export_gaps(services: Services, asked: Annotated[AskedFile, Query()]) -> StreamingResponse:
    """Gaps in the record, one row each, the newest first (conventions: `docs/reference/csv.md`)."""
    request = GapExport(asked.of(services), services.names, services.site.time_zone, asked.language)
    return await streamed(services.gaps.csv(request), f"gaps-{services.site.code}.csv")


def _describe(services: ApiServices, gap: Gap) -> models.Gap:
    lasted_us = (services.clock.now() if gap.until is None else gap.until) - gap.since
    return models.Gap(
        device=gap.device or None,
        cause=gap.cause,
        polls=gap.polls,
        since=to_rfc3339(gap.since) or "",
        until=to_rfc3339(gap.until),
        lasted_s=max(lasted_us, 0) / 1e6,
        points=[services.names.get(number, f"#{number}") for number in gap.points],
    )

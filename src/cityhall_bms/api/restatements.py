"""Restatements: figures of closed hours and days that changed, what was told before, and why."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from cityhall_bms.api import cursors
from cityhall_bms.api.exports import CSV, streamed
from cityhall_bms.api.models import Model, PointName, Time
from cityhall_bms.api.points import find_point
from cityhall_bms.api.problems import responses
from cityhall_bms.api.seats import OneExport
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import Moment, to_rfc3339, to_us
from cityhall_bms.domain.counters import RestatedWhy
from cityhall_bms.ports.counters import Restatement, RestatementExport, RestatementFilter, ToldFigures

NUMBER_MAX = 2**63 - 1

router = APIRouter(tags=["restatements"])


class Figures(Model):
    """Figures of an interval; null where nothing was known."""

    count: int = Field(description="Good samples.", examples=[58])
    coverage: float = Field(description="Share of the interval that they stand for.", examples=[0.97])
    mean: float | None
    delta: float | None

    @classmethod
    def of(cls, told: ToldFigures) -> "Figures":
        """Give the answer's form."""
        return cls(count=told.count, coverage=told.coverage, mean=told.mean, delta=told.delta)


class RestatedFigure(Model):
    """One figure that changed after its interval was closed."""

    point: PointName
    interval: str = Field(examples=["1h", "1d"])
    begin: Time
    end: Time
    why: RestatedWhy
    restated_at: Time
    old: Figures
    new: Figures


class RestatementPage(Model):
    """Restatements, newest first."""

    items: list[RestatedFigure]
    next: str | None = Field(description="Send it as `cursor` for the next page; null on the last one.")


class Asked(BaseModel):
    """Which restatements."""

    point: str | None = Field(None, max_length=200, description="Of this point.")
    start: Moment | None = Field(None, alias="from", description="Of intervals not over by then (RFC 3339).")
    end: Moment | None = Field(None, alias="to", description="Of intervals begun before then (RFC 3339).")

    def of(self, services: ApiServices) -> RestatementFilter:
        """In our terms; 404 for a point that is not there."""
        return RestatementFilter(
            point=services.ids[find_point(services, self.point).name] if self.point else None,
            start=to_us(self.start) if self.start else None,
            end=to_us(self.end) if self.end else None,
        )


class AskedPage(Asked):
    """Which restatements, and how many at once."""

    limit: int = Field(200, ge=1, le=1000)
    cursor: str | None = Field(None, max_length=400, description="`next` of the page before.")


class AskedFile(Asked):
    """Which restatements, and in which language."""

    language: Literal["zh", "en"] = Field("zh", description="Language of the headings.")


@router.get("/restatements", responses=responses(400, 404, 422, 503))
async def list_restatements(services: Services, asked: Annotated[AskedPage, Query()]) -> RestatementPage:
    """Figures of closed hours and days that changed: old, new, why; newest first."""
    before = _place(asked.cursor)
    found = await services.counters.restatements(asked.of(services), asked.limit + 1, before)
    page = found[: asked.limit]
    return RestatementPage(
        items=[_describe(services, row) for row in page],
        next=cursors.encode(str(page[-1].id)) if len(found) > asked.limit else None,
    )


@router.get(
    "/exports/restatements.csv",
    response_class=StreamingResponse,
    responses={**responses(400, 404, 422, 503), **CSV},
    dependencies=[OneExport],
)
async def export_restatements(services: Services, asked: Annotated[AskedFile, Query()]) -> StreamingResponse:
    """Figures that changed, one row each, newest first (conventions: `docs/reference/csv.md`)."""
    units = {number: services.site.points[name].unit for number, name in services.names.items()
             if name in services.site.points}  # fmt: skip
    request = RestatementExport(asked.of(services), services.names, units, services.site.time_zone, asked.language)
    return await streamed(services.counters.restatements_csv(request), f"restatements-{services.site.code}.csv")


def _place(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    text = cursors.decode(cursor)
    if not text.isascii() or not text.isdigit() or int(text) > NUMBER_MAX:
        raise HTTPException(400, "the cursor is not one of ours: take `next` of the page before, unchanged")
    return int(text)


def _describe(services: ApiServices, row: Restatement) -> RestatedFigure:
    return RestatedFigure(
        point=services.names.get(row.point, f"#{row.point}"),
        interval=row.level,
        begin=to_rfc3339(row.begin) or "",
        end=to_rfc3339(row.end) or "",
        why=row.why,
        restated_at=to_rfc3339(row.restated_at) or "",
        old=Figures.of(row.old),
        new=Figures.of(row.new),
    )

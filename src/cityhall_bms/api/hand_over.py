"""Shifts handed over: what stood, what was said, who signed."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from cityhall_bms.api import cursors, models
from cityhall_bms.api.access import Who
from cityhall_bms.api.alarms import Words
from cityhall_bms.api.hand_over_page import PAGE_POLICY, page_of
from cityhall_bms.api.models import Model, Time
from cityhall_bms.api.permits import Permit
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import Services
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain import hand_overs
from cityhall_bms.domain.hand_overs import ListName, Lists

NOTES_MAX = 10_000

router = APIRouter(prefix="/shifts/hand-overs", tags=["shifts"])


class NewHandOver(BaseModel):
    """Who hands the shift over, and what the next one should know."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"notes": "三號主機等料，週四到貨；五樓西區下午有施工"}},
    )

    notes: Annotated[str, Field(max_length=NOTES_MAX, pattern=r"^[^\x00]*$")] = ""


class Signature(BaseModel):
    """Who takes the shift."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"comment": "收到"}})

    comment: Words = ""


class HandOver(Model):
    """One hand-over."""

    hand_over: str = Field(description="Day and number.", examples=["2026-07-01-1"])
    prepared_by: str = Field(examples=["王小明"])
    prepared_at: Time
    notes: str
    as_of: int = Field(description="Position of the event log at which its lists were taken.", examples=[4711])
    counts: Mapping[str, int] = Field(description="Alarms by list, and permits in force.")
    digest: str = Field(description="SHA-256 of its lists.")
    signed_by: str = Field(description="Empty while nobody took the shift.", examples=["李小華"])
    signed_at: Time | None
    comment: str
    version: int

    @classmethod
    def of(cls, hand_over: hand_overs.HandOver) -> "HandOver":
        """Give the answer's form."""
        return cls(
            hand_over=hand_over.hand_over,
            prepared_by=hand_over.prepared_by,
            prepared_at=to_rfc3339(hand_over.prepared_at) or "",
            notes=hand_over.notes,
            as_of=hand_over.as_of,
            counts=hand_over.counts,
            digest=hand_over.digest,
            signed_by=hand_over.signed_by,
            signed_at=to_rfc3339(hand_over.signed_at),
            comment=hand_over.comment,
            version=hand_over.version,
        )


class HandOverWithLists(Model):
    """One hand-over with everything that stood when it was prepared, as the event log gives it now."""

    hand_over: HandOver
    proven: bool = Field(description="The lists are those of the digest.")
    alarms: dict[ListName, list[models.Alarm]]
    permits: list[Permit]


class HandOverPage(Model):
    """Some hand-overs, the newest first, and where to go on."""

    items: list[HandOver]
    next: str | None


@router.get("", responses=responses(400, 422, 503))
async def list_hand_overs(
    services: Services,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> HandOverPage:
    """Hand-overs, the newest first."""
    page = await services.hand_overs.page(limit, cursors.place_of(cursor))
    return HandOverPage(items=[HandOver.of(item) for item in page.hand_overs], next=cursors.cursor_of(page.next_place))


@router.post("", status_code=201, responses=responses(409, 415, 422, 503))
async def prepare_hand_over(services: Services, who: Who, body: NewHandOver) -> HandOverWithLists:
    """Write down how things stand now, for somebody else to sign within the hour."""
    return _answer(*await services.shift_desk.prepare(by=who.name, notes=body.notes))


@router.get("/{hand_over}", responses=responses(404, 503))
async def get_hand_over(services: Services, hand_over: str) -> HandOverWithLists:
    """One hand-over, its lists folded anew from the event log up to the position at which they were taken."""
    return _answer(*await services.shift_desk.read(hand_over))


@router.get("/{hand_over}/page", response_class=HTMLResponse, responses=responses(404, 503))
async def print_hand_over(services: Services, hand_over: str) -> HTMLResponse:
    """The same as a page to print, with lines for the signatures."""
    found, lists = await services.shift_desk.read(hand_over)
    return HTMLResponse(page_of(services.site, found, lists), headers={"Content-Security-Policy": PAGE_POLICY})


@router.post("/{hand_over}/signature", responses=responses(404, 409, 415, 422, 503))
async def sign_hand_over(services: Services, who: Who, hand_over: str, body: Signature) -> HandOver:
    """Take a shift; 409 for whoever hands it over, when somebody signed, and after an hour."""
    return HandOver.of(await services.shift_desk.sign(hand_over, by=who.name, comment=body.comment))


def _answer(hand_over: hand_overs.HandOver, lists: Lists) -> HandOverWithLists:
    at = hand_over.prepared_at
    return HandOverWithLists(
        hand_over=HandOver.of(hand_over),
        proven=lists.digest == hand_over.digest,
        alarms={name: [models.Alarm.of(alarm, at) for alarm in alarms] for name, alarms in lists.alarms.items()},
        permits=[Permit.of(permit, at) for permit in lists.permits],
    )

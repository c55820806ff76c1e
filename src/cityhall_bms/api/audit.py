"""The record as auditors search it: who did what, to what, when; and whether its chain holds."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from cityhall_bms.api import cursors, models
from cityhall_bms.api.alarms import NO_NUL
from cityhall_bms.api.events import describe_event
from cityhall_bms.api.problems import responses
from cityhall_bms.api.seats import OneExport
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import Moment, to_rfc3339, to_us
from cityhall_bms.domain.audit import first_break
from cityhall_bms.domain.events import EVENT_TYPES, StoredEvent
from cityhall_bms.domain.integrity import SEAL_STREAM, DaySealed
from cityhall_bms.ports.audit import EventSearch

TYPES_MAX: Final = 100
CHECKED_MAX: Final = 20_000
PAGE: Final = 1_000
CSV: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "UTF-8 with BOM, CRLF."}
}

router = APIRouter(prefix="/audit", tags=["audit"])


class Filters(BaseModel):
    """What to look for; every condition must hold."""

    start: Moment | None = Field(None, alias="from", description="Recorded then or later (RFC 3339).")
    end: Moment | None = Field(None, alias="to", description="Recorded before then (RFC 3339).")
    type: list[str] = Field(default=[], max_length=TYPES_MAX, description="Kinds of events, of which one is enough.")
    who: str | None = Field(None, min_length=1, max_length=100, pattern=NO_NUL)
    people: bool = Field(default=False, description="Only what somebody did, not what the service did by itself.")
    stream: str | None = Field(
        None, min_length=1, max_length=300, pattern=NO_NUL, description="One stream; ending in `/`, all below it."
    )
    q: str | None = Field(
        None, min_length=1, max_length=100, pattern=NO_NUL,
        description="Part of the stream's name or of anything that the event says.",
    )  # fmt: skip

    @property
    def search(self) -> EventSearch:
        """In our terms."""
        return EventSearch(
            start=None if self.start is None else to_us(self.start),
            end=None if self.end is None else to_us(self.end),
            types=tuple(self.type),
            actor=self.who,
            people=self.people,
            stream=self.stream,
            text=self.q,
        )


class Searched(Filters):
    """What to look for, and which page of it."""

    limit: int = Field(100, ge=1, le=1000)
    cursor: str | None = Field(None, max_length=400, description="`next` of the page before.")


class AuditPage(models.Model):
    """Events, the newest first."""

    items: list[models.Event]
    next: str | None = Field(
        description="Where to go on; null when all was looked through. With `q` an empty page may have a next one."
    )


class EventKinds(models.Model):
    """Kinds of events that this version records."""

    items: list[str] = Field(examples=[["AlarmAcknowledged", "RulePromoted"]])


class SignedDay(models.Model):
    """The latest local day that was signed."""

    day: str = Field(examples=["2026-07-01"])
    position: int = Field(description="Its last event.")
    sealed_at: models.Time
    key: str = Field(description="Id of the public key.")
    batches: int = Field(description="Seals of telemetry that it covers.")


class ChainState(models.Model):
    """How the chain of events stands."""

    position: int = Field(description="Of the newest event.")
    hash: str = Field(description="Of the newest event; empty where there is none.")
    signed: SignedDay | None
    unsigned: int = Field(description="Events since the last signed day: they will be covered by the next one.")
    checked_from: int = Field(description="First event that was checked just now.")
    checked: int = Field(description="How many events were checked just now, up to the newest.")
    broken_at: int | None = Field(description="First event that is not as the chain says; null: it holds.")


@router.get("/events", responses=responses(400, 422, 503))
async def search_events(services: Services, asked: Annotated[Searched, Query()]) -> AuditPage:
    """Everything that was ever recorded, the newest first: by kind, person, stream, time and words."""
    page = await services.audit.search(asked.search, asked.limit, cursors.place_of(asked.cursor))
    return AuditPage(items=[describe_event(event) for event in page.events], next=cursors.cursor_of(page.next_place))


@router.get(
    "/events.csv", response_class=StreamingResponse, responses={**responses(422, 503), **CSV}, dependencies=[OneExport]
)
async def export_audit_events(services: Services, asked: Annotated[Filters, Query()]) -> StreamingResponse:
    """The same as CSV, at most 100,000 events: each with the hash by which it is proven against the log."""
    headers = {
        "Content-Disposition": f'attachment; filename="audit-{services.site.code}.csv"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(services.audit.csv(asked.search), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/kinds")
async def list_event_kinds() -> EventKinds:
    """Kinds of events, for filters."""
    return EventKinds(items=sorted(EVENT_TYPES))


@router.get("/chain", responses=responses(422, 503))
async def check_event_chain(
    services: Services,
    check: Annotated[int, Query(ge=0, le=CHECKED_MAX, description="How many of the newest events to check.")] = 0,
) -> ChainState:
    """Newest event, last signed day, and a check of the newest events; `cityhall-bms verify` checks all."""
    end = await services.events.end()
    newest = await services.events.read(end - 1, 1) if end else []
    sealed = (await services.audit.search(EventSearch(stream=SEAL_STREAM), 1, None)).events
    first = max(end - check, 0) + 1
    return ChainState(
        position=end,
        hash=newest[0].hash.hex() if newest else "",
        signed=_signed(sealed[0]) if sealed else None,
        unsigned=end - (int(sealed[0].payload["position"]) if sealed else 0),
        checked_from=first,
        checked=end + 1 - first,
        broken_at=await _broken_at(services, first, end),
    )


def _signed(entry: StoredEvent) -> SignedDay | None:
    event = entry.event()
    if not isinstance(event, DaySealed):
        return None
    return SignedDay(
        day=event.day,
        position=event.position,
        sealed_at=to_rfc3339(event.sealed_at) or "",
        key=event.key,
        batches=event.batches,
    )


async def _broken_at(services: ApiServices, first: int, end: int) -> int | None:
    """Check events from ``first`` to ``end``, each with its link to the one before."""
    after = first - 1
    before = await services.events.read(after - 1, 1) if after else []
    known = before[0].hash if before else None
    while after < end:
        events = await services.events.read(after, min(PAGE, end - after))
        if not events or (broken := first_break(events, known)) is not None:
            return broken if events else after + 1
        after, known = events[-1].position, events[-1].hash
    return None

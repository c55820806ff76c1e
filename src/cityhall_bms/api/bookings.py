"""Bookings: a hall for an evening, or air after hours; asked for, agreed to by a second person, cancelled."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cityhall_bms.api.access import Who
from cityhall_bms.api.alarms import NO_NUL
from cityhall_bms.api.models import Model, Text, Time
from cityhall_bms.api.problems import responses
from cityhall_bms.api.schedule_models import ConflictAnswer, Named, Words
from cityhall_bms.api.schedules import DryRun
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import Moment, to_rfc3339, to_us
from cityhall_bms.domain.scheduling import bookings
from cityhall_bms.domain.scheduling.bookings import BookingKind, BookingState, BookingWish
from cityhall_bms.ports.access import Permission

router = APIRouter(prefix="/bookings", tags=["schedules"])

Name = Annotated[str, Path(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9A-Za-z_-]{1,20}$")]
LISTED_MAX = 1_000


class NewBooking(BaseModel):
    """What is asked for: a space by its name, or places."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "kind": "after_hours", "places": ["05.W"], "begin": "2026-07-01T18:00:00+08:00",
                "until": "2026-07-01T21:00:00+08:00", "people": 12, "purpose": "年度結算", "contact": "分機 1234",
            }
        },
    )  # fmt: skip

    kind: BookingKind
    space: Words = ""
    places: Annotated[list[Named], Field(max_length=100, description="Floors and zones, where no space is named.")] = []
    begin: Moment
    until: Moment
    people: Annotated[int, Field(ge=1, le=100_000)]
    purpose: Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=200)]
    contact: Words = ""

    def wish(self) -> BookingWish:
        """In our terms."""
        return BookingWish(
            kind=self.kind,
            space=self.space,
            places=tuple(self.places),
            begin=to_us(self.begin),
            until=to_us(self.until),
            people=self.people,
            purpose=self.purpose,
            contact=self.contact,
        )


class BookingReply(BaseModel):
    """Whether it is agreed to, and what there is to say."""

    model_config = ConfigDict(extra="forbid")

    approved: bool
    comment: Words = ""


class BookingEnd(BaseModel):
    """Why it is not needed."""

    model_config = ConfigDict(extra="forbid")

    comment: Words = ""


class BookingAnswer(Model):
    """A booking as it stands."""

    booking: str = Field(examples=["2026-07-01-3fa9c1"])
    kind: BookingKind
    state: BookingState
    space: str
    places: list[str]
    begin: Time
    until: Time
    people: int
    purpose: str
    contact: str
    by: str
    at: Time
    answered_by: str
    answered_at: Time | None
    comment: str

    @classmethod
    def of(cls, booking: bookings.Booking) -> "BookingAnswer":
        """Give the answer's form."""
        wish = booking.wish
        return cls(
            booking=booking.booking,
            kind=wish.kind,
            state=booking.state,
            space=wish.space,
            places=list(wish.places),
            begin=to_rfc3339(wish.begin) or "",
            until=to_rfc3339(wish.until) or "",
            people=wish.people,
            purpose=wish.purpose,
            contact=wish.contact,
            by=booking.by,
            at=to_rfc3339(booking.at) or "",
            answered_by=booking.answered_by,
            answered_at=to_rfc3339(booking.answered_at),
            comment=booking.comment,
        )


class BookingList(Model):
    """Bookings, those that begin first first."""

    items: list[BookingAnswer]


class SpaceAnswer(Model):
    """A space that is booked by name."""

    name: str
    text: Text
    places: list[str]


class BookingRules(Model):
    """The site's rules of bookings."""

    people_min: int = Field(description="Of air after hours.")
    notice_h: float
    longest_h: float
    lead_min: int = Field(description="So long before its begin the plant runs.")
    spaces: list[SpaceAnswer]


class SavedBooking(Model):
    """What was kept; or, of a trial, what speaks against it."""

    booking: BookingAnswer | None = Field(description="Null: nothing was kept.")
    conflicts: list[ConflictAnswer]
    equipment: list[str] = Field(description="What it has running.")


@router.get("", responses=responses(422, 503))
async def list_bookings(
    services: Services,
    begin: Annotated[Moment | None, Query(alias="from", description="Those that end after it.")] = None,
    end: Annotated[Moment | None, Query(alias="to", description="Those that begin before it.")] = None,
    state: BookingState | None = None,
    limit: Annotated[int, Query(ge=1, le=LISTED_MAX)] = 200,
) -> BookingList:
    """Bookings of the last 400 days and to come, those that begin first first."""
    found = [
        booking
        for booking in await services.scheduling.bookings.bookings()
        if (begin is None or booking.wish.until > to_us(begin))
        and (end is None or booking.wish.begin < to_us(end))
        and state in {None, booking.state}
    ]
    return BookingList(items=[BookingAnswer.of(booking) for booking in found[:limit]])


@router.get("/rules", responses=responses(503))
async def booking_rules(services: Services) -> BookingRules:
    """Notice, length, people, and the spaces that there are."""
    plan = services.site.scheduling.bookings
    spaces = [
        SpaceAnswer(name=each.name, text=Text(zh=each.text_zh, en=each.text_en), places=list(each.places))
        for each in plan.spaces
    ]
    return BookingRules(
        people_min=plan.people_min,
        notice_h=plan.notice_h,
        longest_h=plan.longest_h,
        lead_min=plan.lead_min,
        spaces=spaces,
    )


@router.post("", status_code=201, responses=responses(403, 404, 409, 415, 422, 503))
async def make_booking(
    services: Services,
    who: Who,
    body: NewBooking,
    dry_run: DryRun = False,  # noqa: FBT002
) -> SavedBooking:
    """Ask for it; a second person must agree. 409 with every problem; warnings do not hinder."""
    desk, wish = services.scheduling.bookings, body.wish()
    equipment = desk.equipment_of(wish)
    conflicts = [ConflictAnswer.of(conflict) for conflict in await desk.try_(wish)]
    if dry_run:
        return SavedBooking(booking=None, conflicts=conflicts, equipment=equipment)
    for name in equipment:
        await who.require(Permission.EDIT_SCHEDULES, name)
    booking = await desk.make(wish, by=who.name)
    return SavedBooking(booking=BookingAnswer.of(booking), conflicts=conflicts, equipment=equipment)


@router.get("/{booking}", responses=responses(404, 422, 503))
async def get_booking(services: Services, booking: Name) -> BookingAnswer:
    """One booking."""
    return BookingAnswer.of(await services.scheduling.bookings.get(booking))


@router.post("/{booking}/answer", responses=responses(403, 404, 409, 415, 422, 503))
async def answer_booking(services: Services, who: Who, booking: Name, body: BookingReply) -> BookingAnswer:
    """Agree to a booking as a second person, or decline it."""
    await _require(services, who, booking, Permission.APPROVE)
    desk = services.scheduling.bookings
    answered = await desk.answer(booking, approved=body.approved, by=who.name, comment=body.comment)
    return BookingAnswer.of(answered)


@router.post("/{booking}/cancellation", responses=responses(403, 404, 409, 415, 422, 503))
async def cancel_booking(services: Services, who: Who, booking: Name, body: BookingEnd) -> BookingAnswer:
    """It is not needed any more; what runs for it is given up."""
    await _require(services, who, booking, Permission.EDIT_SCHEDULES)
    return BookingAnswer.of(await services.scheduling.bookings.cancel(booking, by=who.name, comment=body.comment))


async def _require(services: ApiServices, who: Who, booking: str, permission: Permission) -> None:
    found = await services.scheduling.bookings.get(booking)
    for name in services.scheduling.bookings.equipment_of(found.wish):
        await who.require(permission, name)

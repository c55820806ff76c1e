"""The desk of bookings: asked for, agreed to by a second person, cancelled."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from cityhall_bms.domain.calendars import DayKind
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.events import Event
from cityhall_bms.domain.permits import Permit, PermitKind
from cityhall_bms.domain.scheduling.bookings import (
    Booking,
    BookingGrounds,
    BookingState,
    BookingWish,
    answer_booking,
    booking_conflicts,
    cancel_booking,
)
from cityhall_bms.domain.scheduling.conflict import Conflict, check
from cityhall_bms.domain.scheduling.events import BookingAnswered, BookingCancelled, BookingMade
from cityhall_bms.domain.scheduling.programme import Programme
from cityhall_bms.domain.scheduling.resolving import booked_points, days_of, place_names
from cityhall_bms.domain.site import Site
from cityhall_bms.domain.wall_clock import local_day
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.permits import PermitFilter, PermitView
from cityhall_bms.scheduling.record import SchedulingRecord

TOKEN_CHARACTERS: Final = 6
PERMITS_MAX: Final = 1_000


class BookingOffice:
    """What people do about bookings; ``new_token`` tells two bookings of a day apart."""

    def __init__(
        self,
        site: Site,
        record: SchedulingRecord,
        permits: PermitView,
        clock: Clock,
        new_token: Callable[[], str],
    ) -> None:
        self._site = site
        self._record = record
        self._permits = permits
        self._clock = clock
        self._new_token = new_token

    async def bookings(self) -> Sequence[Booking]:
        """All that are not long over, the ones that begin first first."""
        programme = await self._record.programme()
        return sorted(programme.bookings.values(), key=lambda booking: (booking.wish.begin, booking.booking))

    async def get(self, booking: str) -> Booking:
        """One of them."""
        return (await self._record.programme()).booking(booking)

    def placed(self, wish: BookingWish) -> BookingWish:
        """The wish with the places of its space; ``NotFoundError`` for places that the site does not have."""
        space = self._site.scheduling.bookings.space(wish.space)
        placed = wish if space is None else replace(wish, places=space.places)
        for place in placed.places:
            if place not in place_names(self._site):
                msg = f"案場沒有 {place} / the site has no floor or zone {place}"
                raise NotFoundError(msg)
        return placed

    def equipment_of(self, wish: BookingWish) -> list[str]:
        """Equipment that a booking has running."""
        points = booked_points(self._site, self._site.scheduling.bookings, self.placed(wish))
        return list(dict.fromkeys(self._site.points[point].equipment for point in points))

    async def try_(self, wish: BookingWish) -> list[Conflict]:
        """What speaks against it; nothing is kept."""
        permits = await self._works()
        return self._conflicts(await self._record.programme(), self.placed(wish), permits)

    async def make(self, wish: BookingWish, *, by: str) -> Booking:
        """Ask for it."""
        placed, permits = self.placed(wish), await self._works()
        at = self._clock.now()
        day = local_day(days_of(self._site, await self._record.programme()).zone, placed.begin)
        name = f"{day.isoformat()}-{self._new_token()[:TOKEN_CHARACTERS]}"

        def decide(programme: Programme) -> Event:
            check(self._conflicts(programme, placed, permits))
            return BookingMade(
                booking=name,
                kind=placed.kind.value,
                space=placed.space,
                places=list(placed.places),
                begin=placed.begin,
                until=placed.until,
                people=placed.people,
                purpose=placed.purpose,
                contact=placed.contact,
                by=by,
                at=at,
            )

        return (await self._record.act(by, decide)).booking(name)

    async def answer(self, booking: str, *, approved: bool, by: str, comment: str) -> Booking:
        """Agree to it as a second person, or decline it."""

        def decide(programme: Programme) -> Event:
            answer_booking(programme.booking(booking), approved=approved, by=by)
            return BookingAnswered(booking, approved, comment, by, self._clock.now())

        return (await self._record.act(by, decide)).booking(booking)

    async def cancel(self, booking: str, *, by: str, comment: str) -> Booking:
        """It is not needed any more."""

        def decide(programme: Programme) -> Event:
            cancel_booking(programme.booking(booking), self._clock.now())
            return BookingCancelled(booking, comment, by, self._clock.now())

        return (await self._record.act(by, decide)).booking(booking)

    def _conflicts(self, programme: Programme, wish: BookingWish, permits: Sequence[Permit]) -> list[Conflict]:
        plan = programme.plan.bookings
        points = booked_points(self._site, plan, wish)
        grounds = BookingGrounds(
            now=self._clock.now(),
            others=[each for each in programme.bookings.values() if each.state is not BookingState.CANCELLED],
            points=points,
            closed=self._closed(programme, wish),
            permits=self._permits_at(wish, points, permits),
        )
        return booking_conflicts(wish, plan, grounds)

    def _closed(self, programme: Programme, wish: BookingWish) -> list[str]:
        days = days_of(self._site, programme)
        first, last = (local_day(days.zone, at) for at in (wish.begin, max(wish.begin, wish.until - 1)))
        return [
            f"{day} {special.text_zh or special.text_en}".strip()
            for day, special in sorted(days.calendar("").days.items())
            if first <= day <= last and special.kind is DayKind.HOLIDAY
        ]

    def _permits_at(self, wish: BookingWish, points: dict[str, float], permits: Sequence[Permit]) -> list[str]:
        equipment = {self._site.points[point].equipment for point in points}
        return [
            permit.permit
            for permit in permits
            if permit.begin < wish.until
            and wish.begin < permit.until
            and any(permit.scope.covers(name, self._site.equipment[name].system.value) for name in equipment)
        ]

    async def _works(self) -> Sequence[Permit]:
        return (
            await self._permits.page(PermitFilter(open_only=True, kind=PermitKind.WORKS), PERMITS_MAX, None)
        ).permits

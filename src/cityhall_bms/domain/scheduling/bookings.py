"""Event bookings: a hall for an evening, or air after hours for ten people and more.

An approved booking is an exception of precedence 8 of the air handlers and lights of its places
(:data:`~cityhall_bms.domain.scheduling.schedule.BOOKING`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.scheduling.conflict import Conflict, problem, warning

HOUR_US: Final = 3_600_000_000
MINUTE_US: Final = 60_000_000


class BookingKind(StrEnum):
    """What is booked: a space for oneself, or air (and light) after hours."""

    EVENT = "event"
    AFTER_HOURS = "after_hours"


class BookingState(StrEnum):
    """Where a booking stands."""

    REQUESTED = "requested"
    APPROVED = "approved"
    DECLINED = "declined"
    CANCELLED = "cancelled"


OPEN_STATES: Final = frozenset({BookingState.REQUESTED, BookingState.APPROVED})


@dataclass(frozen=True, slots=True)
class Space:
    """A space that is booked by name, and the floors or zones whose plant serves it."""

    name: str
    text_zh: str
    text_en: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BookedAction:
    """What the points of a role, at equipment of some classes in the places of a booking, are to hold."""

    classes: tuple[str, ...]
    role: str
    value: float


@dataclass(frozen=True, slots=True)
class BookingPlan:
    """The site's rules of bookings; ``people_min`` is for air after hours (the building's rules: ten)."""

    people_min: int = 10
    notice_h: float = 4.0
    longest_h: float = 16.0
    lead_min: int = 30
    """So many minutes before its begin the plant runs."""
    actions: tuple[BookedAction, ...] = (
        BookedAction(("Air_Handling_Unit",), "StartCmd", 1.0),
        BookedAction(("Lighting_System",), "OnCmd", 1.0),
    )
    spaces: tuple[Space, ...] = ()

    def space(self, name: str) -> Space | None:
        """Space of a name."""
        return next((space for space in self.spaces if space.name == name), None)


@dataclass(frozen=True, slots=True)
class BookingWish:
    """What somebody asks for; times are µs UTC, ``until`` excluded. ``space`` may be empty: then places are named."""

    kind: BookingKind
    space: str
    places: tuple[str, ...]
    begin: int
    until: int
    people: int
    purpose: str
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Booking:
    """One booking as it stands; the fold of its events."""

    booking: str
    wish: BookingWish
    state: BookingState
    by: str
    at: int
    answered_by: str = ""
    answered_at: int | None = None
    comment: str = ""

    def overlaps(self, wish: BookingWish) -> bool:
        """Whether it is for some of the same time, in some of the same places."""
        in_time = self.wish.begin < wish.until and wish.begin < self.wish.until
        return in_time and bool(_places(self.wish.places) & _places(wish.places))


@dataclass(frozen=True, slots=True)
class BookingGrounds:
    """What a booking is held against."""

    now: int
    others: Sequence[Booking]
    points: Mapping[str, float]
    """What it would have points hold."""
    closed: Sequence[str] = ()
    """Texts of declared holidays in its time."""
    permits: Sequence[str] = field(default_factory=tuple)
    """Permits for works that cover its equipment at that time."""


def booking_conflicts(wish: BookingWish, plan: BookingPlan, grounds: BookingGrounds) -> list[Conflict]:
    """Everything that speaks against a booking."""
    found = [*_of_time(wish, plan, grounds.now), *_of_people(wish, plan)]
    if plan.space(wish.space) is None and wish.space:
        found.append(problem("unknown", f"沒有場地 {wish.space}", f"no space is named {wish.space}"))
    if not grounds.points:
        found.append(problem("nothing", "此處沒有可排程的空調或照明", "no air handler or light serves these places"))
    for other in grounds.others:
        if other.state in OPEN_STATES and other.overlaps(wish) and _excludes(other.wish, wish):
            zh, en = (
                f"與 {other.booking}（{other.wish.purpose}）重複",
                f"{other.booking} ({other.wish.purpose}) is there",
            )
            found.append(problem("double-booking", zh, en))
    found += [warning("closed", f"當日休館：{text}", f"the building is closed: {text}") for text in grounds.closed]
    found += [
        warning("permit", f"施工許可 {name} 期間自動指令會被拒絕", f"works under permit {name}: commands are refused")
        for name in grounds.permits
    ]
    return found


def answer_booking(booking: Booking, *, approved: bool, by: str) -> None:
    """Refuse an answer to what was answered already, or by whoever asked."""
    if booking.state is not BookingState.REQUESTED:
        msg = f"預約 {booking.booking} 已為 {booking.state} / booking {booking.booking} is {booking.state} already"
        raise RefusedError(msg)
    if approved and booking.by == by:
        msg = "須由第二人核准 / a second person approves, not whoever asked"
        raise RefusedError(msg)


def cancel_booking(booking: Booking, now: int) -> None:
    """Refuse to cancel what is not open, or over."""
    if booking.state not in OPEN_STATES or booking.wish.until <= now:
        msg = f"預約 {booking.booking} 已結束或取消 / booking {booking.booking} is over, or not open any more"
        raise RefusedError(msg)


def answered(booking: Booking, state: BookingState, by: str, at: int, comment: str) -> Booking:
    """Booking after an answer or its cancellation."""
    return replace(booking, state=state, answered_by=by, answered_at=at, comment=comment)


def _of_time(wish: BookingWish, plan: BookingPlan, now: int) -> Iterable[Conflict]:
    if wish.until <= wish.begin:
        yield problem("times", "結束須晚於開始", "it ends before it begins")
    elif wish.until - wish.begin > plan.longest_h * HOUR_US:
        yield problem("length", f"最長 {plan.longest_h:g} 小時", f"{plan.longest_h:g} h at most")
    if wish.begin < now + plan.notice_h * HOUR_US:
        zh, en = f"須於 {plan.notice_h:g} 小時前提出", f"ask {plan.notice_h:g} h ahead at least"
        yield problem("notice", zh, en)


def _of_people(wish: BookingWish, plan: BookingPlan) -> Iterable[Conflict]:
    if wish.kind is BookingKind.AFTER_HOURS and wish.people < plan.people_min:
        zh, en = f"加班空調須 {plan.people_min} 人以上", f"air after hours is for {plan.people_min} people and more"
        yield problem("people", zh, en)


def _excludes(one: BookingWish, other: BookingWish) -> bool:
    """Two who want air in the same zone share it; an event has its space for itself."""
    return one.kind is BookingKind.EVENT and other.kind is BookingKind.EVENT and one.space == other.space


def _places(places: Iterable[str]) -> set[str]:
    return set(places)

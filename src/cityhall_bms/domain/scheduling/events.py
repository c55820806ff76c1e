"""What was said about schedules, scenes, special days and bookings; all of it in one stream."""

from dataclasses import dataclass
from typing import Any, Final

from cityhall_bms.domain.events import Event, stored

SCHEDULING_STREAM: Final = "scheduling"


@stored
@dataclass(frozen=True, slots=True)
class ScheduleChanged(Event):
    """A schedule was made or changed; ``before`` is empty where there was none. Times are µs UTC."""

    schedule: str
    definition: dict[str, Any]
    before: dict[str, Any]
    by: str
    at: int
    reason: str = ""


@stored
@dataclass(frozen=True, slots=True)
class ScheduleRemoved(Event):
    """What people said of a schedule is taken back: it is gone, or again as the site folder describes it."""

    schedule: str
    before: dict[str, Any]
    by: str
    at: int
    reason: str = ""


@stored
@dataclass(frozen=True, slots=True)
class SceneChanged(Event):
    """A scene was made or changed; ``before`` is empty where there was none."""

    scene: str
    definition: dict[str, Any]
    before: dict[str, Any]
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class SceneRemoved(Event):
    """What people said of a scene is taken back: it is gone, or again as the site folder describes it."""

    scene: str
    before: dict[str, Any]
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class SpecialDayDeclared(Event):
    """A day (ISO) of a calendar is a holiday, as when a typhoon closes offices, or a day on which people work."""

    calendar: str
    day: str
    kind: str
    text_zh: str
    text_en: str
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class SpecialDayWithdrawn(Event):
    """A day is again what the site folder says."""

    calendar: str
    day: str
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class BookingMade(Event):
    """Somebody asked for a space, or for air after hours; ``until`` (µs UTC) is excluded."""

    booking: str
    kind: str
    space: str
    places: list[str]
    begin: int
    until: int
    people: int
    purpose: str
    contact: str
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class BookingAnswered(Event):
    """A second person agreed to a booking, or declined it."""

    booking: str
    approved: bool
    comment: str
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class BookingCancelled(Event):
    """A booking is not needed any more."""

    booking: str
    comment: str
    by: str
    at: int

"""Everything that is scheduled at a site: what its folder says, and what people said since (that counts more)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, Generic, TypeVar

from cityhall_bms.domain.calendars import DayKind, SpecialDay
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.events import EVENT_TYPES, Event, StoredEvent
from cityhall_bms.domain.scheduling import events as told
from cityhall_bms.domain.scheduling.bookings import (
    Booking,
    BookingKind,
    BookingPlan,
    BookingState,
    BookingWish,
    answered,
)
from cityhall_bms.domain.scheduling.schedule import PointSchedule
from cityhall_bms.domain.scheduling.writing import schedule_of, schedule_table

WhatT = TypeVar("WhatT")
KeyT = TypeVar("KeyT")

SITE: Final = "site"
"""Who describes what stands in the site folder."""
BOOKINGS_KEPT_US: Final = 400 * 86_400_000_000
"""A booking that was over for longer is in the event log only."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A named set of points and what each of them is to hold."""

    name: str
    values: Mapping[str, float]
    text_zh: str = ""
    text_en: str = ""


@dataclass(frozen=True, slots=True)
class SchedulePlan:
    """What the site folder says (``schedules.toml``)."""

    schedules: tuple[PointSchedule, ...] = ()
    scenes: tuple[Scene, ...] = ()
    bookings: BookingPlan = field(default_factory=BookingPlan)


@dataclass(frozen=True)
class Kept(Generic[WhatT]):
    """A schedule or scene as it counts: ``version`` is that of its latest change, 0 for the site folder's own."""

    what: WhatT
    version: int = 0
    by: str = SITE
    at: int = 0


@dataclass(frozen=True, slots=True)
class Programme:
    """What counts now. ``version`` is that of the stream."""

    plan: SchedulePlan = field(default_factory=SchedulePlan)
    changed_schedules: Mapping[str, Kept[PointSchedule]] = field(default_factory=dict)
    changed_scenes: Mapping[str, Kept[Scene]] = field(default_factory=dict)
    days: Mapping[tuple[str, date], SpecialDay] = field(default_factory=dict)
    """What people declared, by calendar (empty: the site's first) and day."""
    bookings: Mapping[str, Booking] = field(default_factory=dict)
    version: int = 0
    position: int = 0

    @property
    def schedules(self) -> dict[str, Kept[PointSchedule]]:
        """Every schedule by name, in order."""
        own = {schedule.name: Kept(schedule) for schedule in self.plan.schedules}
        return dict(sorted((own | dict(self.changed_schedules)).items()))

    @property
    def scenes(self) -> dict[str, Kept[Scene]]:
        """Every scene by name, in order."""
        own = {scene.name: Kept(scene) for scene in self.plan.scenes}
        return dict(sorted((own | dict(self.changed_scenes)).items()))

    def schedule(self, name: str) -> Kept[PointSchedule]:
        """Give one; ``NotFoundError`` for one that nobody knows."""
        return _found(self.schedules, name, "排程", "schedule", "/api/v1/schedules")

    def scene(self, name: str) -> Kept[Scene]:
        """Give one; ``NotFoundError`` for one that nobody knows."""
        return _found(self.scenes, name, "場景", "scene", "/api/v1/scenes")

    def booking(self, name: str) -> Booking:
        """Give one; ``NotFoundError`` for one that nobody knows."""
        return _found(self.bookings, name, "預約", "booking", "/api/v1/bookings")


def fold(programme: Programme, entries: Iterable[StoredEvent]) -> Programme:
    """Programme after further entries of its stream; events of a newer version change nothing."""
    for entry in entries:
        event = entry.event() if entry.type in EVENT_TYPES else None
        after = _after(programme, event, entry.version)
        programme = replace(after, version=entry.version, position=entry.position)
    return programme


def scene_table(scene: Scene) -> dict[str, Any]:
    """A scene without its name, as JSON values."""
    return {"text_zh": scene.text_zh, "text_en": scene.text_en, "values": dict(scene.values)}


def before_of_schedule(programme: Programme, name: str) -> dict[str, Any]:
    """What counts of a schedule before it changes; empty where there is none."""
    kept = programme.schedules.get(name)
    return {} if kept is None else schedule_table(kept.what)


def before_of_scene(programme: Programme, name: str) -> dict[str, Any]:
    """What counts of a scene before it changes; empty where there is none."""
    kept = programme.scenes.get(name)
    return {} if kept is None else scene_table(kept.what)


def _after(programme: Programme, event: Event | None, version: int) -> Programme:
    match event:
        case told.ScheduleChanged(schedule=name):
            kept = Kept(schedule_of(name, event.definition), version, event.by, event.at)
            return replace(programme, changed_schedules=dict(programme.changed_schedules) | {name: kept})
        case told.ScheduleRemoved(schedule=name):
            return replace(programme, changed_schedules=_without(programme.changed_schedules, name))
    return _after_scene(programme, event, version)


def _after_scene(programme: Programme, event: Event | None, version: int) -> Programme:
    match event:
        case told.SceneChanged(scene=name):
            kept_scene = Kept(Scene(name, **event.definition), version, event.by, event.at)
            return replace(programme, changed_scenes=dict(programme.changed_scenes) | {name: kept_scene})
        case told.SceneRemoved(scene=name):
            return replace(programme, changed_scenes=_without(programme.changed_scenes, name))
    return _after_day(programme, event)


def _after_day(programme: Programme, event: Event | None) -> Programme:
    match event:
        case told.SpecialDayDeclared():
            key = (event.calendar, date.fromisoformat(event.day))
            special = SpecialDay(DayKind(event.kind), event.text_zh, event.text_en)
            return replace(programme, days=dict(programme.days) | {key: special})
        case told.SpecialDayWithdrawn():
            return replace(programme, days=_without(programme.days, (event.calendar, date.fromisoformat(event.day))))
    return _after_booking(programme, event)


def _after_booking(programme: Programme, event: Event | None) -> Programme:
    match event:
        case told.BookingMade():
            kept = {
                name: booking
                for name, booking in programme.bookings.items()
                if booking.wish.until > event.at - BOOKINGS_KEPT_US
            }
            return replace(programme, bookings=kept | {event.booking: _made(event)})
        case told.BookingAnswered():
            state = BookingState.APPROVED if event.approved else BookingState.DECLINED
            return _moved(programme, event, state)
        case told.BookingCancelled():
            return _moved(programme, event, BookingState.CANCELLED)
    return programme


def _moved(programme: Programme, event: told.BookingAnswered | told.BookingCancelled, state: BookingState) -> Programme:
    before = programme.bookings.get(event.booking)
    if before is None:
        return programme
    after = answered(before, state, event.by, event.at, event.comment)
    return replace(programme, bookings=dict(programme.bookings) | {event.booking: after})


def _made(event: told.BookingMade) -> Booking:
    wish = BookingWish(
        kind=BookingKind(event.kind),
        space=event.space,
        places=tuple(event.places),
        begin=event.begin,
        until=event.until,
        people=event.people,
        purpose=event.purpose,
        contact=event.contact,
    )
    return Booking(event.booking, wish, BookingState.REQUESTED, event.by, event.at)


def _without(table: Mapping[KeyT, WhatT], key: KeyT) -> dict[KeyT, WhatT]:
    return {other: value for other, value in table.items() if other != key}


def _found(table: Mapping[str, WhatT], name: str, zh: str, en: str, address: str) -> WhatT:
    if name not in table:
        msg = f"沒有{zh} {name} / no {en} is named {name}; GET {address} lists them"
        raise NotFoundError(msg)
    return table[name]

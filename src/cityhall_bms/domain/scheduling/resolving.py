"""Which points schedules and bookings mean at a site."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from cityhall_bms.domain.calendars import Calendar, Schedules, SpecialDay
from cityhall_bms.domain.commands import CommandTarget
from cityhall_bms.domain.errors import ReadOnlyPointError
from cityhall_bms.domain.permits import places_of
from cityhall_bms.domain.scheduling.bookings import BookingPlan, BookingWish
from cityhall_bms.domain.scheduling.programme import Programme
from cityhall_bms.domain.scheduling.schedule import Days, Targets
from cityhall_bms.domain.site import Point, Site

NO_NUMBER: Final = 0
"""Whether a point may be written does not depend on its number."""


def points_of(site: Site, targets: Targets) -> list[str]:
    """Points that targets mean besides a scene's, named ones first; a name that nobody knows is among them."""
    named = dict.fromkeys(targets.points)
    if targets.roles:
        named |= dict.fromkeys(point.name for point in site.points.values() if _is_meant(site, point, targets))
    return list(named)


def booked_points(site: Site, plan: BookingPlan, wish: BookingWish) -> dict[str, float]:
    """What a booking has points hold."""
    found: dict[str, float] = {}
    for action in plan.actions:
        targets = Targets(roles=(action.role,), classes=action.classes, places=wish.places)
        found |= dict.fromkeys((name for name in points_of(site, targets) if may_write(site, name)), action.value)
    return found


def may_write(site: Site, name: str) -> bool:
    """Whether a point may be commanded at all: life safety and measured points never are."""
    return target_of(site, name) is not None


def target_of(site: Site, name: str) -> CommandTarget | None:
    """A point as a target; none for one that is never commanded, or that nobody knows."""
    point = site.points.get(name)
    if point is None:
        return None
    try:
        return CommandTarget(NO_NUMBER, point, site.equipment[point.equipment])
    except ReadOnlyPointError:
        return None


def days_of(site: Site, programme: Programme) -> Days:
    """Days by the site's calendars, with what people declared since."""
    schedules = site.schedules
    first = schedules.calendar()
    calendars = {calendar.name: _declared(calendar, programme.days) for calendar in schedules.calendars}
    known_first = calendars.get(first.name) or _declared(first, programme.days)
    return Days(ZoneInfo(schedules.time_zone), calendars, _with(known_first, programme.days, ""))


def known_calendars(schedules: Schedules) -> tuple[str, ...]:
    """Names of the site's calendars."""
    return tuple(calendar.name for calendar in schedules.calendars)


def place_names(site: Site) -> frozenset[str]:
    """Floors, and zones of floors, where there is equipment."""
    return frozenset().union(*(places_of(name) for name in site.equipment))


def _is_meant(site: Site, point: Point, targets: Targets) -> bool:
    equipment = site.equipment.get(point.equipment)
    if equipment is None or point.role not in targets.roles:
        return False
    if targets.classes and equipment.brick_class not in targets.classes:
        return False
    return not targets.places or _is_in(equipment.name, targets.places)


def _is_in(equipment: str, places: Iterable[str]) -> bool:
    return not places_of(equipment).isdisjoint(places)


def _declared(calendar: Calendar, days: Mapping[tuple[str, date], SpecialDay]) -> Calendar:
    return _with(calendar, days, calendar.name)


def _with(calendar: Calendar, days: Mapping[tuple[str, date], SpecialDay], name: str) -> Calendar:
    own = {day: special for (of, day), special in days.items() if of == name}
    return replace(calendar, days=dict(calendar.days) | own) if own else calendar

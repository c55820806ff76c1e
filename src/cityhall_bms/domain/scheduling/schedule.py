"""Schedules of points: what is to be held when, as BACnet's Schedule object has it (ASHRAE 135-2020, clause 12.24).

A day begins with nothing. Of the exceptions that are for the day the one of the highest precedence (the lowest number;
of equals the first) that has a value counts, else the day's weekly value, else the default. An entry without a value
gives up: whatever stands behind it counts. Times are of the wall clock (:mod:`cityhall_bms.domain.wall_clock`).
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cityhall_bms.domain.calendars import Calendar
from cityhall_bms.domain.scheduling.days import DayRule
from cityhall_bms.domain.wall_clock import instant_us, local_day

WEEKLY: Final = 17
"""Precedence of the weekly hours; exceptions have 1 to 16."""
DEFAULT: Final = 18
"""Precedence of the default."""
BOOKING: Final = 8
"""Precedence of an approved booking: exceptions of 1 to 7, as a closure, come before it."""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """From ``minute`` (since midnight, by the wall clock) until the next entry or the day's end; no value gives up."""

    minute: int
    value: float | None


Entries = tuple[Entry, ...]
"""In order of their minutes."""


@dataclass(frozen=True, slots=True)
class SpecialEvent:
    """Entries of some days, which come before the weekly ones while they have a value."""

    days: DayRule
    entries: Entries
    precedence: int = 10
    text_zh: str = ""
    text_en: str = ""


@dataclass(frozen=True, slots=True)
class Targets:
    """Points by name, and those of some roles at equipment of some classes and places; or the points of a scene.

    Of classes and places (``05``, ``05.W``) an empty one does not restrict; without roles only named points are meant.
    A scene holds while the schedule's value is not 0.
    """

    points: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    scene: str = ""


@dataclass(frozen=True, slots=True)
class OptimumStart:
    """Begin earlier than the first value, so that the room is at ``target`` (°C) in time; ``most_min`` at most.

    ``role`` is the room's temperature at the equipment of each target.
    """

    role: str
    target: float
    most_min: int = 90


@dataclass(frozen=True, slots=True)
class Choice:
    """What a schedule says at a moment: a value or none, by what, and of which precedence."""

    value: float | None = None
    precedence: int = DEFAULT
    text_zh: str = ""
    text_en: str = ""


NOTHING: Final = Choice()


@dataclass(frozen=True, slots=True)
class PointSchedule:
    """One schedule. ``weekly`` is Monday to Sunday; it counts from ``valid_from`` until ``valid_until`` (included)."""

    name: str
    targets: Targets
    weekly: tuple[Entries, ...] = ((),) * 7
    specials: tuple[SpecialEvent, ...] = ()
    default: float | None = None
    text_zh: str = ""
    text_en: str = ""
    calendar: str = ""
    """Whose days exceptions look at; empty: the site's first one."""
    valid_from: date | None = None
    valid_until: date | None = None
    enabled: bool = True
    optimum_start: OptimumStart | None = None

    def holds_on(self, day: date) -> bool:
        """Whether it counts on a day."""
        begun = self.valid_from is None or self.valid_from <= day
        return self.enabled and begun and (self.valid_until is None or day <= self.valid_until)

    def values(self) -> set[float]:
        """Every value that it may ask for."""
        lists = (*self.weekly, *(special.entries for special in self.specials))
        found = {entry.value for entries in lists for entry in entries} | {self.default}
        return {value for value in found if value is not None}

    def may_give_up(self) -> bool:
        """Whether there may be hours in which it asks for nothing."""
        return self.default is None


@dataclass(frozen=True, slots=True)
class Change:
    """From ``at`` (µs UTC) on a schedule says something else."""

    at: int
    choice: Choice


class Days:
    """What schedules say of one site's days; ``calendars`` by name, with what was declared meanwhile."""

    def __init__(self, zone: ZoneInfo, calendars: Mapping[str, Calendar], first: Calendar) -> None:
        self.zone = zone
        self._calendars = calendars
        self._first = first

    def calendar(self, name: str) -> Calendar:
        """Calendar of a name; the site's first one for an empty name, or one that is not there any more."""
        return self._calendars.get(name, self._first)

    def at(self, schedule: PointSchedule, at: int) -> Choice:
        """What a schedule says at a moment."""
        day = local_day(self.zone, at)
        if not schedule.holds_on(day):
            return NOTHING
        for layer in self._layers(schedule, day):
            value = self._value(layer, day, at)
            if value is not None:
                return Choice(value, layer.precedence, layer.text_zh, layer.text_en)
        return Choice(schedule.default)

    def changes(self, schedule: PointSchedule, begin: int, end: int) -> Iterator[Change]:
        """How it stands at ``begin``, and every change before ``end`` (µs UTC)."""
        last = self.at(schedule, begin)
        yield Change(begin, last)
        for edge in self._edges(schedule, begin, end):
            choice = self.at(schedule, edge)
            if choice != last:
                yield Change(edge, choice)
                last = choice

    def _edges(self, schedule: PointSchedule, begin: int, end: int) -> Iterator[int]:
        """Moments at which it may change, in order."""
        day = local_day(self.zone, begin)
        while True:
            midnight = instant_us(self.zone, day, 0)
            if midnight >= end:
                return
            edges = {midnight}
            if schedule.holds_on(day):
                layers = self._layers(schedule, day)
                edges |= {instant_us(self.zone, day, entry.minute) for layer in layers for entry in layer.entries}
            yield from sorted(edge for edge in edges if begin < edge < end)
            day += _DAY

    def _layers(self, schedule: PointSchedule, day: date) -> list["_Layer"]:
        """What counts on a day, the highest precedence first."""
        calendar = self.calendar(schedule.calendar)
        layers = [
            _Layer(special.precedence, special.entries, special.text_zh, special.text_en)
            for special in schedule.specials
            if special.days.covers(day, calendar)
        ]
        layers.sort(key=lambda layer: layer.precedence)
        return [*layers, _Layer(WEEKLY, schedule.weekly[day.weekday()])]

    def _value(self, layer: "_Layer", day: date, at: int) -> float | None:
        edges = [instant_us(self.zone, day, entry.minute) for entry in layer.entries]
        place = bisect_right(edges, at)
        return layer.entries[place - 1].value if place else None


@dataclass(frozen=True, slots=True)
class _Layer:
    precedence: int
    entries: Entries
    text_zh: str = ""
    text_en: str = ""

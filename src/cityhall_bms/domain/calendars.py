"""When the building is used: schedules of several periods a day, on calendars with holidays and make-up days.

A schedule is told in wall-clock time of the site's zone. A period belongs to the day on which it begins, and may last
past midnight. What a day's periods are is decided by, in this order: an exception of the schedule, a declared day of
its calendar, the weekday.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.wall_clock import DAY_MIN, instant_us, local_day

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EVERY_DAY, WORKDAYS, WEEKEND, HOLIDAYS = "every_day", "workdays", "weekend", "holidays"
DAY_CLASSES: Final = (EVERY_DAY, WORKDAYS, WEEKEND, HOLIDAYS, *WEEKDAYS)
"""What the periods of a schedule can be told for."""
LOOK_AHEAD_DAYS: Final = 800
"""A schedule that changes no more within so many days counts as one that does not change."""
DAYS_KEPT_MAX: Final = 4_000
_DAY: Final = timedelta(days=1)
_NEVER: Final = np.iinfo(np.int64).min

Spans = tuple[tuple[int, int], ...]
"""Begin and end (not included), µs UTC."""


class DayKind(StrEnum):
    """What a calendar declares a day to be."""

    HOLIDAY = "holiday"
    WORKDAY = "workday"
    """A day off by the weekday on which people work, as to make up for a bridged one."""


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day that a calendar declares."""

    kind: DayKind
    text_zh: str = ""
    text_en: str = ""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which weekdays are workdays (0 is Monday), and the days that are declared to be something else."""

    name: str
    text_zh: str = ""
    text_en: str = ""
    workdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    days: Mapping[date, SpecialDay] = field(default_factory=dict)

    def is_holiday(self, day: date) -> bool:
        """Whether a day is declared a holiday; a plain weekend is none."""
        special = self.days.get(day)
        return special is not None and special.kind is DayKind.HOLIDAY

    def classes_of(self, day: date) -> tuple[str, ...]:
        """Names under which a schedule may tell a day's periods, the most particular first."""
        special = self.days.get(day)
        if special is not None:
            return (HOLIDAYS if special.kind is DayKind.HOLIDAY else WORKDAYS, EVERY_DAY)
        week = WORKDAYS if day.weekday() in self.workdays else WEEKEND
        return (WEEKDAYS[day.weekday()], week, EVERY_DAY)


PLAIN_CALENDAR: Final = Calendar("")
"""Monday to Friday, without a holiday: what counts where a site has no calendar."""


@dataclass(frozen=True, slots=True)
class Period:
    """Part of a day by the wall clock, in minutes since midnight; an end above 1440 is on the next day."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ScheduleException:
    """Days (both included) on which a schedule has these periods instead; none of them: closed."""

    first: date
    last: date
    periods: tuple[Period, ...] = ()
    text_zh: str = ""
    text_en: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule between two days (both included; none: without end). ``periods`` by day class."""

    name: str
    periods: Mapping[str, tuple[Period, ...]]
    calendar: str = ""
    """Empty: the site's first calendar."""
    text_zh: str = ""
    text_en: str = ""
    exceptions: tuple[ScheduleException, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether the schedule is valid on a day."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_until is None or day <= self.valid_until)

    def periods_on(self, day: date, calendar: Calendar) -> tuple[Period, ...]:
        """Periods that begin on a day."""
        for exception in self.exceptions:
            if exception.first <= day <= exception.last:
                return exception.periods
        for day_class in calendar.classes_of(day):
            if day_class in self.periods:
                return self.periods[day_class]
        return ()


@dataclass(frozen=True)
class Schedules:
    """All schedules of a site. A name may stand several times, each time valid for other days.

    Times are µs UTC. An unknown name is a :class:`NotFoundError` with those that there are.
    """

    time_zone: str = "UTC"
    calendars: tuple[Calendar, ...] = ()
    schedules: tuple[Schedule, ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of schedules, in order."""
        return tuple(dict.fromkeys(schedule.name for schedule in self.schedules))

    def within(self, name: str, at_us: int) -> bool:
        """Whether a schedule holds at a moment."""
        day = local_day(self._zone, at_us)
        return any(begin <= at_us < end for begin, end in (*self._spans(name, day - _DAY), *self._spans(name, day)))

    def within_many(self, name: str, at_us: NDArray[np.int64]) -> NDArray[np.bool_]:
        """The same for many moments, in any order."""
        if len(at_us) == 0:
            return np.zeros(0, dtype=np.bool_)
        first, last = local_day(self._zone, int(at_us.min())), local_day(self._zone, int(at_us.max()))
        spans = sorted(span for day in _days(first - _DAY, last) for span in self._spans(name, day))
        begins = np.array([_NEVER, *(begin for begin, _ in spans)], dtype=np.int64)
        # Of several that have begun, the one that ends last decides.
        ends = np.maximum.accumulate(np.array([_NEVER, *(end for _, end in spans)], dtype=np.int64))
        found: NDArray[np.bool_] = at_us < ends[np.searchsorted(begins, at_us, side="right") - 1]
        return found

    def next_change(self, name: str, at_us: int) -> int | None:
        """First moment after ``at_us`` at which it begins or ends to hold; none within the look-ahead."""
        today, now = local_day(self._zone, at_us), self.within(name, at_us)
        for day in _days(today - _DAY, today + LOOK_AHEAD_DAYS * _DAY):
            for edge in sorted(edge for span in self._spans(name, day) for edge in span):
                if edge > at_us and self.within(name, edge) is not now:
                    return edge
        return None

    def is_holiday(self, at_us: int, calendar: str | None = None) -> bool:
        """Whether a moment lies on a declared holiday of a calendar; of the site's first one if none is named."""
        return self.calendar(calendar or "").is_holiday(local_day(self._zone, at_us))

    def calendar(self, name: str = "") -> Calendar:
        """Calendar of a name; empty: the site's first, or the plain one where it has none."""
        if not name:
            return self.calendars[0] if self.calendars else PLAIN_CALENDAR
        for calendar in self.calendars:
            if calendar.name == name:
                return calendar
        msg = f"no calendar is named {name}; there are {', '.join(known.name for known in self.calendars) or 'none'}"
        raise NotFoundError(msg)

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @cached_property
    def _kept(self) -> dict[tuple[str, date], Spans]:
        return {}

    def _spans(self, name: str, day: date) -> Spans:
        """What a schedule holds from periods that begin on a day."""
        kept = self._kept.get((name, day))
        if kept is not None:
            return kept
        if len(self._kept) >= DAYS_KEPT_MAX:
            self._kept.clear()
        spans = tuple(self._found_spans(name, day))
        self._kept[name, day] = spans
        return spans

    def _found_spans(self, name: str, day: date) -> Iterator[tuple[int, int]]:
        if name not in self.names:
            msg = f"no schedule is named {name}; there are {', '.join(self.names) or 'none'}"
            raise NotFoundError(msg)
        for schedule in self.schedules:
            if schedule.name == name and schedule.holds_on(day):
                for period in schedule.periods_on(day, self.calendar(schedule.calendar)):
                    begin = instant_us(self._zone, day, period.start)
                    end = instant_us(self._zone, day, period.end)
                    if begin < end:  # the clocks may jump over all of it
                        yield begin, end


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + number * _DAY


def parse_period(text: str) -> Period:
    """Read ``08:00-17:30``; ``22:00-06:00`` lasts past midnight, ``00:00-24:00`` all day. Else ``ValueError``."""
    start_text, dash, end_text = text.partition("-")
    start, end = _minutes(start_text), _minutes(end_text)
    if not dash or start is None or end is None or start >= DAY_MIN or start == end:
        msg = f"'{text}' is no period"
        raise ValueError(msg)
    return Period(start, end if end > start else end + DAY_MIN)


def _minutes(text: str) -> int | None:
    hours, colon, minutes = text.strip().partition(":")
    if not (colon and len(hours) == len(minutes) == 2 and (hours + minutes).isascii() and (hours + minutes).isdigit()):
        return None
    total = 60 * int(hours) + int(minutes)
    return total if int(minutes) < 60 and total <= DAY_MIN else None

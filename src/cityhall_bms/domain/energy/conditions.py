"""What a baseline is told of each interval in order to say what would have been used."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.calendars import WORKDAYS, Calendar
from cityhall_bms.domain.wall_clock import local_day, local_hour

HOURS_OF_WEEK: Final = 168
SUNDAY: Final = 6
_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Columns, one row per interval."""

    temperature: NDArray[np.float64]
    """Mean outdoor temperature, °C; NaN where it is not known."""
    workday: NDArray[np.bool_]
    slot: NDArray[np.int64]
    """Hour of the week, 0 is Monday's first; a weekday that the calendar declares off counts as a Sunday."""

    def at(self, chosen: NDArray[np.bool_]) -> Self:
        """Give the rows of some intervals."""
        return type(self)(self.temperature[chosen], self.workday[chosen], self.slot[chosen])

    @classmethod
    def of(cls, at: NDArray[np.int64], temperature: NDArray[np.float64], zone: ZoneInfo, calendar: Calendar) -> Self:
        """Conditions of intervals that begin at these times (µs UTC), by the wall clock of a zone."""
        hours = np.array([local_hour(zone, int(begin)) for begin in at], np.int64)
        numbers = hours // 24
        kinds = {number: _kind(_EPOCH + timedelta(days=number), calendar) for number in np.unique(numbers).tolist()}
        works = np.array([kinds[number][0] for number in numbers.tolist()], np.bool_)
        weekday = np.array([kinds[number][1] for number in numbers.tolist()], np.int64)
        return cls(temperature, works, weekday * 24 + hours % 24)


def months_of(at: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.int64]:
    """Month in which each moment (µs UTC) lies by the wall clock, counted on from year 0."""
    days = [local_day(zone, int(begin)) for begin in at]
    return np.array([day.year * 12 + day.month for day in days], np.int64)


def _kind(day: date, calendar: Calendar) -> tuple[bool, int]:
    """Whether people work on a day, and the weekday that it is like."""
    works = WORKDAYS in calendar.classes_of(day)
    usual = day.weekday() in calendar.workdays
    if works == usual:
        return works, day.weekday()
    # A workday that makes up for another one is like the first workday of the week.
    return works, min(calendar.workdays, default=0) if works else SUNDAY

"""Cycles of the calendar: when something is due that is done every week, month, half-year or 36 months.

Due days lie on a fixed grid that begins at a first day, so that work done late does not move all that follows; around
each lies a window of a share of the cycle (±10 % by default) in which the work is on time.
"""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

MONTHS_OF_YEAR: Final = 12
DAYS_OF_WEEK: Final = 7


class CycleUnit(StrEnum):
    """Unit of a cycle."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half-year"
    YEAR = "year"


_DAYS: Final = {CycleUnit.DAY: 1, CycleUnit.WEEK: DAYS_OF_WEEK}
_MONTHS: Final = {CycleUnit.MONTH: 1, CycleUnit.QUARTER: 3, CycleUnit.HALF_YEAR: 6, CycleUnit.YEAR: 12}


@dataclass(frozen=True, slots=True)
class Cycle:
    """``times`` units, counted from a first day."""

    every: CycleUnit
    first: date
    times: int = 1

    def due(self, number: int) -> date:
        """Due day of a number (0 is the first); a month that is too short ends it on its last day."""
        if self.every in _DAYS:
            return self.first + timedelta(days=number * self.times * _DAYS[self.every])
        months = self.first.month - 1 + number * self.times * _MONTHS[self.every]
        year, month = self.first.year + months // MONTHS_OF_YEAR, months % MONTHS_OF_YEAR + 1
        # The first day's own number is kept: 30 June is followed by 30 December, the end of a month by ends of months.
        last = calendar.monthrange(year, month)[1]
        at_end = self.first.day == calendar.monthrange(self.first.year, self.first.month)[1]
        return date(year, month, last if at_end else min(self.first.day, last))

    def tolerance(self, number: int, share: float) -> timedelta:
        """Half of the window around a due day: a share of the cycle in whole days, one at least from a week on."""
        length = (self.due(number + 1) - self.due(number)).days
        return timedelta(days=max(1 if length >= DAYS_OF_WEEK else 0, int(share * length)))


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that something is due; it is on time from ``opens`` to ``closes``, both included."""

    number: int
    due: date
    opens: date
    closes: date


def occurrence(cycle: Cycle, number: int, share: float) -> Occurrence:
    """Give one by its number."""
    due, half = cycle.due(number), cycle.tolerance(number, share)
    return Occurrence(number, due, due - half, due + half)


def latest_open(cycle: Cycle, day: date, share: float) -> Occurrence | None:
    """The latest one whose window has begun on a day; none before the first one's has."""
    if occurrence(cycle, 0, share).opens > day:
        return None
    step = max(1, (cycle.due(1) - cycle.due(0)).days)
    # Months differ by a few days: begin near, then go down and up.
    number = max(0, (day - cycle.first).days // step)
    while number and occurrence(cycle, number, share).opens > day:
        number -= 1
    while occurrence(cycle, number + 1, share).opens <= day:
        number += 1
    return occurrence(cycle, number, share)


def ending_within(cycle: Cycle, first: date, until: date, share: float) -> list[Occurrence]:
    """Those whose windows end on a day from ``first`` to ``until`` (excluded), in order."""
    last = latest_open(cycle, until, share)
    found: list[Occurrence] = []
    number = -1 if last is None else last.number
    while number >= 0:
        one = occurrence(cycle, number, share)
        if one.closes < first:
            break
        if one.closes < until:
            found.append(one)
        number -= 1
    return found[::-1]

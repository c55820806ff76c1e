"""Periods of the calendar, as reports name them, and the same period of another year."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cityhall_bms.domain.roc import YEARS, ce_year, roc_date, roc_year
from cityhall_bms.domain.wall_clock import instant_us

LONGEST_YEARS: Final = 10
"""A longer period is no period of a report."""
MONTHS: Final = 12
FORMS: Final = (
    "104, 104H1, 104Q2, 104-06, 104-06-30 or 104-06-01..104-06-20 (both included); ROC years, or CE with four digits"
)

_DAY: Final = r"(\d{2,4})-(\d{2})-(\d{2})"
_NAMED: Final = re.compile(r"(\d{2,4})(?:(H[12])|(Q[1-4])|-(\d{2}))?")
_RANGE: Final = re.compile(rf"{_DAY}(?:\.\.{_DAY})?")
_PARTS: Final = {"H": 6, "Q": 3}


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Whole days of the site's calendar, ``until`` excluded."""

    first: date
    until: date

    @property
    def days(self) -> int:
        """How many days it has: 366 in a leap year."""
        return (self.until - self.first).days

    @property
    def whole_months(self) -> bool:
        """Whether it begins and ends with a month."""
        return self.first.day == 1 and self.until.day == 1

    @property
    def name(self) -> str:
        """How reports name it, with the ROC year: ``104H1``."""
        months = months_between(self.first, self.until) if self.whole_months else 0
        year, month = roc_year(self.first.year), self.first.month
        if months == MONTHS and month == 1:
            return str(year)
        for letter, length in _PARTS.items():
            if months == length and (month - 1) % length == 0:
                return f"{year}{letter}{(month - 1) // length + 1}"
        if months == 1:
            return f"{year}-{month:02d}"
        last = self.until - timedelta(days=1)
        return roc_date(self.first) if last == self.first else f"{roc_date(self.first)}..{roc_date(last)}"

    def moved(self, years: int) -> "Period":
        """The same dates of another year.

        The 29th of February is kept where there is one, and is the 1st of March where there is none: a half-year of
        182 days is compared with one of 181 as both are. ``ValueError`` where nothing is left, as of that day alone.
        """
        first, until = _in_year(self.first, self.first.year + years), _in_year(self.until, self.until.year + years)
        if first >= until:
            msg = f"{self.name}: there is no such day in ROC {roc_year(self.first.year + years)}"
            raise ValueError(msg)
        return Period(first, until)

    def elapsed(self, today: date) -> "Period | None":
        """The days of it that are over; none before its first one is."""
        return None if today <= self.first else Period(self.first, min(self.until, today))

    def bounds(self, zone: ZoneInfo) -> tuple[int, int]:
        """Begin (included) and end (excluded), µs UTC, by the clocks of a zone."""
        return instant_us(zone, self.first, 0), instant_us(zone, self.until, 0)


def parse_period(text: str) -> Period:
    """Read what :data:`FORMS` shows; ``ValueError`` for anything else."""
    found = _named(text) or _ranged(text)
    if found is None or found.first >= found.until or found.until.year - found.first.year > LONGEST_YEARS:
        msg = f"'{text}' is no period; write {FORMS}"
        raise ValueError(msg)
    return found


def year_period(year: int) -> Period:
    """A calendar year (CE)."""
    return Period(date(year, 1, 1), date(year + 1, 1, 1))


def months_of(first: date, months: int) -> Period:
    """So many months from the first day of one."""
    return Period(first, _months_on(first, months))


def months_between(first: date, until: date) -> int:
    """Months from the first day of one to the first day of another."""
    return (until.year - first.year) * MONTHS + until.month - first.month


def share_of_year(until: date, year: int) -> float:
    """How much of a year (CE) is over at the begin of a day, 0..1, on the linear plan.

    The plan gives every month a twelfth, and every day of a month the same part of it: half of a year's amount is due
    by the end of June, also where the first half has 181 days of 365.
    """
    if until.year != year:
        return 0.0 if until.year < year else 1.0
    of_month = calendar.monthrange(until.year, until.month)[1]
    return (until.month - 1 + (until.day - 1) / of_month) / MONTHS


def _in_year(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def _months_on(first: date, months: int) -> date:
    count = first.month - 1 + months
    return date(first.year + count // MONTHS, count % MONTHS + 1, 1)


def _named(text: str) -> Period | None:
    match = _NAMED.fullmatch(text)
    if match is None:
        return None
    year = ce_year(int(match[1]))
    if year not in YEARS:
        return None
    part = match[2] or match[3]
    months, index = (1, int(match[4])) if match[4] else (_PARTS[part[0]], int(part[1])) if part else (MONTHS, 1)
    month = (index - 1) * months + 1
    return months_of(date(year, month, 1), months) if 1 <= month <= MONTHS else None


def _ranged(text: str) -> Period | None:
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    try:
        first = date(ce_year(int(match[1])), int(match[2]), int(match[3]))
        last = first if match[4] is None else date(ce_year(int(match[4])), int(match[5]), int(match[6]))
    except ValueError:
        return None
    return Period(first, last + timedelta(days=1)) if {first.year, last.year} <= {*YEARS} else None

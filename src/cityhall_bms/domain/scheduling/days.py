"""Which days an exception is for, in the forms of a BACnet calendar entry (ASHRAE 135-2020, clause 21, and 12.9)."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cityhall_bms.domain.calendars import Calendar, DayKind

DAYS_OF_A_WEEK = 7
ODD_MONTHS, EVEN_MONTHS = 13, 14
LAST_WEEK = 6
"""The last seven days of a month; 7, 8 and 9 are the seven days before those, and so on."""


class DayForm(StrEnum):
    """How days are told."""

    DATES = "dates"
    WEEK_N_DAY = "week_n_day"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class DayRule:
    """Some days. Which fields count is decided by ``form``; of a week-n-day what is none is any.

    ``first`` to ``last`` (both included) of dates. ``month`` is 1 to 12, 13 odd, 14 even; ``week`` 1 to 5 for days 1-7,
    8-14 ..., 6 the last seven days, 7 to 9 the seven days before; ``weekday`` 1 (Monday) to 7. Of a calendar the days
    that it declares to be of a ``kind``: holidays, or days on which people make up for a bridged one.
    """

    form: DayForm
    first: date | None = None
    last: date | None = None
    month: int | None = None
    week: int | None = None
    weekday: int | None = None
    kind: DayKind = DayKind.HOLIDAY

    def covers(self, day: date, calendar: Calendar) -> bool:
        """Whether a day is one of them."""
        if self.form is DayForm.DATES:
            assert self.first is not None  # noqa: S101 - dates have a first day
            return self.first <= day <= (self.last or self.first)
        if self.form is DayForm.CALENDAR:
            special = calendar.days.get(day)
            return special is not None and special.kind is self.kind
        return self._month_fits(day) and self._week_fits(day) and self.weekday in {None, day.isoweekday()}

    def _month_fits(self, day: date) -> bool:
        if self.month in {ODD_MONTHS, EVEN_MONTHS}:
            return (day.month % 2 == 1) == (self.month == ODD_MONTHS)
        return self.month in {None, day.month}

    def _week_fits(self, day: date) -> bool:
        if self.week is None:
            return True
        if self.week < LAST_WEEK:
            return (day.day - 1) // DAYS_OF_A_WEEK + 1 == self.week
        days_left = monthrange(day.year, day.month)[1] - day.day
        return days_left // DAYS_OF_A_WEEK == self.week - LAST_WEEK

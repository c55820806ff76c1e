"""Office days of the city government: weekends, public holidays, days that make up for a bridged one.

``sites/calendar.csv`` holds the office calendars (政府行政機關辦公日曆表) of the Directorate-General of Personnel
Administration (行政院人事行政總處) for ROC 95-116 (2006-2027). Source ``dgpa_csv`` was compared day by day with the
files that it publishes; ``dgpa_list`` comes from public lists of its earlier calendars. Of other years only the
holidays on fixed dates are known. Labour Day, Confucius' Birthday, Retrocession and Constitution Day are days off for
offices since the act of 28 May 2025.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

_SATURDAY: Final = 5
_FIXED: Final = frozenset({(1, 1), (2, 28), (4, 4), (4, 5), (10, 10)})
_FIXED_SINCE_2026: Final = frozenset({(5, 1), (9, 28), (10, 25), (12, 25)})
"""Month and day; those before 2026 are the ones of the regulations of 2012."""


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A public holiday, or a Saturday on which offices work."""

    day: date
    works: bool
    name_zh: str
    name_en: str
    source: str


@cache
def special_days() -> Mapping[date, SpecialDay]:
    """What the office calendars say beside plain weekdays and weekends."""
    table = files("cityhall_simulators") / "sites" / "calendar.csv"
    rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    days = [
        SpecialDay(date.fromisoformat(r["date"]), r["kind"] == "workday", r["name_zh"], r["name_en"], r["source"])
        for r in rows
    ]
    return MappingProxyType({special.day: special for special in days})


@cache
def years_with_calendar() -> frozenset[int]:
    """Years whose office calendar is known in full."""
    return frozenset(day.year for day in special_days())


def is_workday(day: date) -> bool:
    """Whether offices are open by calendar (a typhoon may close them all the same)."""
    special = special_days().get(day)
    if special is not None:
        return special.works
    weekday = day.weekday() < _SATURDAY
    if day.year in years_with_calendar():
        return weekday
    fixed = _FIXED if day.year < 2026 else _FIXED | _FIXED_SINCE_2026
    return weekday and (day.month, day.day) not in fixed

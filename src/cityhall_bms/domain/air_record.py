"""What people write down about indoor air: samples that a laboratory counted, inspections, and what was done.

Entries are never changed: a wrong one is withdrawn, stays in the record, and is written anew. The law asks that
such records be kept for five years (Indoor Air Quality Act of Taiwan, 室內空氣品質管理法); the log keeps them for ever.
"""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from cityhall_bms.domain.events import Event, stored

AIR_STREAM: Final = "indoor-air"


class InspectionKind(StrEnum):
    """What was done."""

    WALK_THROUGH = "walk_through"
    """Inspection with simple instruments (巡檢), within some months before each test."""
    TEST = "test"
    """Periodic test by a licensed laboratory (定期檢測)."""


@stored
@dataclass(frozen=True, slots=True)
class AirSampled(Event):
    """A laboratory counted a sample that was taken at a place; ``unit`` is that of the limit. Times µs UTC."""

    place: str
    name: str
    value: float
    unit: str
    sampled_at: int
    method: str
    report: str
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class AirInspected(Event):
    """The building was inspected or tested on a day (ISO date of the building); ``at`` is µs UTC."""

    kind: str
    day: str
    report: str
    note: str
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class AirActionNoted(Event):
    """What was done about an exceedance of a node's role, named by a moment (µs UTC) within it."""

    equipment: str
    role: str
    moment: int
    action: str
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class AirEntryWithdrawn(Event):
    """An entry was wrong; ``entry`` is the position of its event."""

    entry: int
    reason: str
    by: str
    at: int


@dataclass(frozen=True, slots=True)
class Due:
    """When the next test must be made by, and from when on its inspection counts; none before the first test."""

    last_test: date | None
    last_inspection: date | None
    next_test: date | None
    inspection_from: date | None

    def overdue(self, today: date) -> bool:
        """Whether the next test is late; none was ever made: it is."""
        return self.next_test is None or today > self.next_test

    @property
    def inspected(self) -> bool:
        """Whether the inspection before the next test was made in its time."""
        return (
            self.last_inspection is not None
            and self.inspection_from is not None
            and self.inspection_from <= self.last_inspection
        )


def due(
    inspections: Iterable[tuple[InspectionKind, date]], test_every_months: int, inspection_within_months: int
) -> Due:
    """Dates that follow from what was done so far."""
    days: dict[InspectionKind, date] = {}
    for kind, day in inspections:
        days[kind] = max(day, days.get(kind, day))
    last, walked = days.get(InspectionKind.TEST), days.get(InspectionKind.WALK_THROUGH)
    if last is None:
        return Due(None, walked, None, None)
    following = months_later(last, test_every_months)
    return Due(last, walked, following, months_later(following, -inspection_within_months))


def months_later(day: date, months: int) -> date:
    """The same day some months on, or the last of a shorter month."""
    place = day.year * 12 + day.month - 1 + months
    year, month = divmod(place, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))

"""When scheduled reports are due. Pure: the clock is asked elsewhere."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

from cityhall_bms.domain.energy.periods import Period
from cityhall_bms.domain.reports import ReportSchedule, ReportWish
from cityhall_bms.domain.wall_clock import instant_us, local_day
from cityhall_bms.reports.periods import period_before


def due_at(schedule: ReportSchedule, period: Period, zone: ZoneInfo) -> int:
    """When the report about a period is due, µs UTC."""
    return instant_us(zone, period.until + timedelta(days=schedule.after_days), schedule.minutes)


def latest_due(schedule: ReportSchedule, now: int, zone: ZoneInfo) -> Period:
    """The last period whose report is due at a time (µs UTC)."""
    period = period_before(schedule.every, local_day(zone, now) + timedelta(days=1))
    while due_at(schedule, period, zone) > now:
        period = period_before(schedule.every, period.first)
    return period


Due = tuple[str, ReportSchedule, ReportWish]


def due(schedules: Iterable[ReportSchedule], now: int, zone: ZoneInfo) -> Iterator[Due]:
    """The latest report of each schedule: its name, the same for the same due time for ever, and what is asked for.

    It is made as known when it was due, so that it is the same however late it is made.
    """
    for schedule in schedules:
        period = latest_due(schedule, now, zone)
        known_at = due_at(schedule, period, zone)
        wish = ReportWish(
            schedule.kind,
            period.first,
            period.until,
            known_at,
            schedule.formats,
            schedule.language,
            schedule.provisional,
        )
        yield f"{schedule.name}-{period.name}", schedule, wish

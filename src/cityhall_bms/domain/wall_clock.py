"""From what a wall clock shows to the one moment that it means, also on days of 23 or 25 hours."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

DAY_MIN: Final = 1_440
"""Minutes of a day by the wall clock, however long it lasts."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
_HOUR: Final = timedelta(hours=1)


def instant_us(zone: ZoneInfo, day: date, minutes: int) -> int:
    """Moment (µs UTC) at which clocks show ``minutes`` since the midnight that begins ``day``; 1440 is the next one.

    A time that the clocks skip is the moment at which they jump; one that they show twice is its first showing. So a
    later time never means an earlier moment, and periods that touch neither overlap nor leave a gap.
    """
    shown = datetime.combine(day, time()) + timedelta(minutes=minutes)
    first = shown.replace(tzinfo=zone).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) != shown:
        first = _jump(zone, shown.replace(tzinfo=zone, fold=1).astimezone(UTC), first)
    return round((first - _EPOCH) / timedelta(microseconds=1))


def local_day(zone: ZoneInfo, at_us: int) -> date:
    """Date that the calendar on the wall shows."""
    return (_EPOCH + timedelta(microseconds=at_us)).astimezone(zone).date()


def local_hour(zone: ZoneInfo, at_us: int) -> int:
    """Number of the hour that clocks show, counted on from that of 1970; a multiple of 24 is the first of a day."""
    shown = (_EPOCH + timedelta(microseconds=at_us)).astimezone(zone).replace(tzinfo=UTC)
    return (shown - _EPOCH) // _HOUR


def _jump(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Moment between the two at which the clocks are put forward, to the second."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)

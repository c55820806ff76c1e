"""The days of a history and the moments in them at which every point is sampled."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

INTERVAL_MIN_S: Final = 10
INTERVAL_MAX_S: Final = 3600
"""The plants are exact for steps of up to an hour."""

_HOUR_S: Final = 3600
_UNITS_S: Final = {"s": 1, "m": 60, "h": _HOUR_S}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SpanError(ValueError):
    """Days or an interval that no history can have; the text says which ones can."""


@dataclass(frozen=True, slots=True)
class Span:
    """Whole local days from ``first`` to ``until`` (excluded), sampled every ``interval_s`` from midnight on."""

    first: date
    until: date
    interval_s: int
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if self.until <= self.first:
            msg = f"from {self.first} to {self.until} there is no day: the last day is the one before 'to'"
            raise SpanError(msg)

    @property
    def days(self) -> list[date]:
        """Every day."""
        return [self.first + timedelta(days=number) for number in range((self.until - self.first).days)]

    @property
    def lasts_s(self) -> float:
        """From the first moment to the end."""
        return (_midnight_us(self.until, self.zone) - _midnight_us(self.first, self.zone)) / 1e6

    def times_us(self, day: date) -> NDArray[np.int64]:
        """Moments of a day, µs UTC: in elapsed time, so that a day has 23 or 25 hours where the clocks change."""
        begin, end = (_midnight_us(each, self.zone) for each in (day, day + timedelta(days=1)))
        return np.arange(begin, end, self.interval_s * 1_000_000, dtype=np.int64)

    def moments(self, day: date) -> Iterator[datetime]:
        """The same moments as local time."""
        for at_us in self.times_us(day).tolist():
            yield (_EPOCH + timedelta(microseconds=at_us)).astimezone(self.zone)


def local_day(text: str) -> date:
    """The day of ``2025-01-31``; :class:`SpanError` when it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        msg = f"day '{text}': write it as 2025-01-31"
        raise SpanError(msg) from error


def interval_s(text: str) -> int:
    """Seconds of ``30s``, ``1m``, ``15m``, ``1h``; :class:`SpanError` unless they divide the hour."""
    match = re.fullmatch(r"([1-9]\d{0,3})([smh])", text)
    length_s = int(match[1]) * _UNITS_S[match[2]] if match else 0
    if not INTERVAL_MIN_S <= length_s <= INTERVAL_MAX_S or _HOUR_S % length_s:
        msg = f"interval '{text}': take one from 10s to 1h that divides the hour, as 1m or 15m"
        raise SpanError(msg)
    return length_s


def _midnight_us(day: date, zone: ZoneInfo) -> int:
    return (datetime.combine(day, time(), zone) - _EPOCH) // timedelta(microseconds=1)

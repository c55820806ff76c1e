"""The protocol's dates and times, and how a device's local time becomes UTC (ANSI/ASHRAE 135, clause 20.2.12/13).

A device's utc-offset is positive to the west, in minutes, and one hour less while its daylight-savings-status is
true (clause 12.11): UTC = local time + utc-offset - 60 min x daylight saving. A device without utc-offset is compared
with our own clock: the difference, rounded to a quarter of an hour, is its zone. What is left beyond
``CLOCK_TRUST_S`` is a clock that goes wrong: its times are kept as they are, and marked.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

CLOCK_TRUST_S: Final = 5.0
UNSPECIFIED: Final = 255
_YEARS_FROM: Final = 1900
_US: Final = 1_000_000
_MINUTE_US: Final = 60 * _US
_QUARTER_US: Final = 15 * _MINUTE_US
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def local_us(date: bytes, time: bytes) -> int | None:
    """µs since 1970 in local time; none where a part is unspecified or impossible."""
    if len(date) != 4 or len(time) != 4 or UNSPECIFIED in {*date[:3], *time}:
        return None
    year, month, day = _YEARS_FROM + date[0], date[1], date[2]
    hour, minute, second, hundredth = time
    if not (1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]):
        return None
    if hour > 23 or minute > 59 or second > 59 or hundredth > 99:
        return None
    seconds = calendar.timegm((year, month, day, hour, minute, second))
    return seconds * _US + hundredth * 10_000


def date_and_time(local: int) -> tuple[bytes, bytes]:
    """Date and time of the protocol, cut to hundredths of a second."""
    moment = _EPOCH + timedelta(microseconds=local)
    date = bytes([moment.year - _YEARS_FROM, moment.month, moment.day, moment.isoweekday()])
    return date, bytes([moment.hour, moment.minute, moment.second, moment.microsecond // 10_000])


@dataclass(frozen=True, slots=True)
class DeviceClock:
    """How a device's local time becomes UTC."""

    ahead_us: int
    """Local time less UTC."""
    is_right: bool = True
    """Whether it agrees with ours within ``CLOCK_TRUST_S``."""

    def utc(self, local: int) -> int:
        """µs UTC of µs local."""
        return local - self.ahead_us

    def local(self, utc: int) -> int:
        """µs local of µs UTC."""
        return utc + self.ahead_us


def clock_of(
    now_us: int, device_local_us: int | None, utc_offset_min: int | None, *, is_daylight_saving: bool
) -> DeviceClock | None:
    """Compare a device's clock with ours (``now_us``, UTC); none when it tells neither its offset nor its time."""
    if utc_offset_min is not None:
        ahead = -utc_offset_min * _MINUTE_US + (60 * _MINUTE_US if is_daylight_saving else 0)
    elif device_local_us is not None:
        ahead = round((device_local_us - now_us) / _QUARTER_US) * _QUARTER_US
    else:
        return None
    wrong_by = 0 if device_local_us is None else abs(device_local_us - now_us - ahead)
    return DeviceClock(ahead, wrong_by <= CLOCK_TRUST_S * _US)

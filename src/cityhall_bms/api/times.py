"""Times at the edge of the API: RFC 3339 outside, µs UTC inside."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final

from fastapi import Query
from pydantic import AwareDatetime, BeforeValidator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WRITTEN_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _written(value: object) -> object:
    """Refuse a bare number: it would be taken for seconds since 1970, and nobody means that."""
    if isinstance(value, date) or (isinstance(value, str) and WRITTEN_DAY.match(value)):
        return value
    msg = "write it as in 2026-11-21 or 2026-11-21T10:15:00+08:00"
    raise ValueError(msg)


Moment = Annotated[AwareDatetime, BeforeValidator(_written)]
"""A moment, written with its offset."""
WrittenDay = Annotated[date, BeforeValidator(_written)]
"""A day, written as one."""

FromTime = Annotated[
    Moment,
    Query(alias="from", description="Start, included; RFC 3339 with offset (send `+` as `%2B`, or use `Z`)."),
]
ToTime = Annotated[Moment, Query(alias="to", description="End, excluded; RFC 3339 with offset.")]

KnownAt = Annotated[
    Moment | None,
    Query(alias="as_known_at", description="The record as it was then: what was recorded later does not count."),
]


def to_us(time: datetime) -> int:
    """µs UTC of an aware time."""
    return (time - EPOCH) // timedelta(microseconds=1)


def to_rfc3339(time_us: int | None) -> str | None:
    """Text of a time in UTC with milliseconds, as in ``2026-11-21T10:15:00.250Z``."""
    if time_us is None:
        return None
    text = (EPOCH + timedelta(microseconds=time_us)).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")

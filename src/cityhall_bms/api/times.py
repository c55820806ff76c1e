"""Times at the edge of the API: RFC 3339 outside, µs UTC inside."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

FromTime = Annotated[
    AwareDatetime,
    Query(alias="from", description="Start, included; RFC 3339 with offset (send `+` as `%2B`, or use `Z`)."),
]
ToTime = Annotated[AwareDatetime, Query(alias="to", description="End, excluded; RFC 3339 with offset.")]

KnownAt = Annotated[
    AwareDatetime | None,
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

"""Times of the API are RFC 3339 outside and microseconds inside."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from fastapi import HTTPException
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.api import cursors
from cityhall_bms.api.times import to_rfc3339, to_us


def test_a_time_of_the_building_is_the_same_moment_in_utc() -> None:
    taipei = timezone(timedelta(hours=8))

    assert to_us(datetime(2026, 7, 1, 16, 0, tzinfo=taipei)) == 1_782_892_800_000_000
    assert to_rfc3339(1_782_892_800_250_999) == "2026-07-01T08:00:00.250Z"
    assert to_rfc3339(None) is None


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001 - hypothesis takes naive bounds
def test_microseconds_are_exact(naive: datetime) -> None:
    time = naive.replace(tzinfo=UTC)

    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=to_us(time)) == time


@pytest.mark.parametrize("place", ["", "TCH.B2.CN.CHC01.CHWS_T", "冰水"])
def test_a_cursor_gives_its_place_back(place: str) -> None:
    assert cursors.decode(cursors.encode(place)) == place


@pytest.mark.parametrize("cursor", ["%%%", "a", "////8w", "冰水"])
def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    with pytest.raises(HTTPException, match="not one of ours"):
        cursors.decode(cursor)

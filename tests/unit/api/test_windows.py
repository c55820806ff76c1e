"""Questions about history have bounds."""

import pytest
from fastapi import HTTPException

from cityhall_bms.api.points import HISTORY_ENDS_US, checked_window
from cityhall_bms.ports.history import Window

HOUR_US = 3_600_000_000


@pytest.mark.parametrize(
    ("start", "end"), [(HOUR_US, HOUR_US), (-1, HOUR_US), (0, HISTORY_ENDS_US + 1), (-(10**17), 10**17)]
)
def test_a_window_that_is_empty_or_leaves_the_calendar_is_refused(start: int, end: int) -> None:
    with pytest.raises(HTTPException) as refused:
        checked_window(start, end, "1mo")
    assert refused.value.status_code == 400


def test_a_window_may_fill_the_calendar() -> None:
    assert checked_window(0, HISTORY_ENDS_US, "1mo") == Window(0, HISTORY_ENDS_US)

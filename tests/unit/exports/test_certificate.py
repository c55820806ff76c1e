"""Gaps of the certificate: by cause, within the window, counted once."""

from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.gaps import Gap, GapCause
from cityhall_bms.exports.certificate import Missing, missing
from cityhall_bms.ports.history import Window

CAUSES = [GapCause.DEVICE_DOWN, GapCause.TIMEOUT]


def test_gaps_are_cut_to_the_window_and_what_overlaps_counts_once() -> None:
    gaps = [
        Gap("a", GapCause.DEVICE_DOWN, 0, 5, until=30),
        Gap("a", GapCause.DEVICE_DOWN, 20, 7, until=50),
        Gap("a", GapCause.TIMEOUT, 90, 2),
    ]
    assert missing(gaps, Window(10, 100)) == [Missing("device_down", 2, 40, 12), Missing("timeout", 1, 10, 2)]
    assert missing([], Window(10, 100)) == []


@given(
    st.lists(st.tuples(st.sampled_from(CAUSES), st.integers(-20, 120), st.integers(1, 60) | st.none()), max_size=20),
)
def test_covered_time_is_that_of_a_ruler(spans: list[tuple[GapCause, int, int | None]]) -> None:
    window = Window(0, 100)
    gaps = [
        Gap("a", cause, since, 1, until=None if length is None else since + length) for cause, since, length in spans
    ]
    found = {item.cause: item.us for item in missing(gaps, window)}
    for cause in {cause for cause, _, _ in spans}:
        ruler = {
            at
            for gap in gaps
            if gap.cause is cause
            for at in range(max(gap.since, 0), 100 if gap.until is None else min(gap.until, 100))
        }
        assert found[cause.value] == len(ruler)

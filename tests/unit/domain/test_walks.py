"""Walks of commissioning: whatever people do in whatever order, a signature stands only for what passed."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import Event, StoredEvent
from cityhall_bms.domain.walks import Walk, check_point, fold_walk, sign_off, walk_stream

EQUIPMENT, POINTS, PEOPLE = "TCH.B2.CN.CHC01", ("A", "B"), ("王小明", "李小華", "陳大文")
CHECKS = st.tuples(st.sampled_from(POINTS), st.booleans(), st.sampled_from(PEOPLE))
SIGNATURES = st.tuples(st.none(), st.none(), st.sampled_from(PEOPLE))


def after(walk: Walk, event: Event) -> Walk:
    entry = StoredEvent(
        walk.position + 1,
        0,
        walk_stream(EQUIPMENT),
        walk.version + 1,
        type(event).__name__,
        "",
        event.payload(),
        b"",
        b"",
    )
    return fold_walk(walk, entry)


@given(st.lists(CHECKS | SIGNATURES, max_size=12))
def test_a_signature_stands_only_while_every_point_passed_and_is_somebody_elses(
    steps: list[tuple[str | None, bool | None, str]],
) -> None:
    walk = Walk(EQUIPMENT)
    for point, passed, by in steps:
        with suppress(RefusedError):
            if point is None:
                walk = after(walk, sign_off(walk, POINTS, note="", by=by, at=1))
            else:
                walk = after(walk, check_point(walk, point, passed=bool(passed), note="x", seen=None, by=by, at=1))
        if walk.signature is not None:
            assert all(walk.checks[name].passed for name in POINTS)
            assert walk.signature.by not in {check.by for check in walk.checks.values()}


def test_a_failure_says_what_is_wrong() -> None:
    with pytest.raises(RefusedError, match="say what is wrong"):
        check_point(Walk(EQUIPMENT), "A", passed=False, note=" ", seen=7.1, by="王小明", at=1)

"""What a permit covers, and from when until when."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import GENESIS_HASH, Event, StoredEvent
from cityhall_bms.domain.permits import (
    LONGEST_S,
    Permit,
    PermitClosed,
    PermitOpened,
    Scope,
    close_permit,
    covering,
    fold_permit,
    open_permit,
)

HOUR_US = 3_600_000_000
T0 = 1_782_864_000_000_000
AHU = "TCH.05.W.AHU01"


def opened(**changes: Any) -> PermitOpened:
    fields: dict[str, Any] = {
        "permit": "2026-07-01-1", "kind": "works", "equipment": [AHU], "zones": [], "systems": [], "begin": T0,
        "until": T0 + HOUR_US, "reason": "更換濾網", "by": "王小明", "at": T0,
    }  # fmt: skip
    return PermitOpened(**(fields | changes))


def entry(version: int, event: Event) -> StoredEvent:
    return StoredEvent(
        version, T0, "permit/x", version, type(event).__name__, "王小明", event.payload(), GENESIS_HASH, GENESIS_HASH
    )


def permit(*events: Event) -> Permit:
    folded = None
    for version, event in enumerate(events, 1):
        folded = fold_permit(folded, entry(version, event))
    assert folded is not None
    return folded


@pytest.mark.parametrize(
    ("scope", "equipment", "system", "covered"),
    [
        (Scope(equipment=(AHU,)), AHU, "hvac", True),
        (Scope(equipment=(AHU,)), "TCH.05.W.AHU02", "hvac", False),
        (Scope(zones=("05",)), "TCH.05.E.VAV07", "hvac", True),
        (Scope(zones=("05",)), "TCH.06.E.VAV07", "hvac", False),
        (Scope(zones=("05.W",)), AHU, "hvac", True),
        (Scope(zones=("05.W",)), "TCH.05.E.AHU01", "hvac", False),
        (Scope(zones=("W",)), AHU, "hvac", False),
        (Scope(systems=("fire",)), "TCH.B1.CN.FACP01", "fire", True),
        (Scope(systems=("fire",)), AHU, "hvac", False),
        (Scope(zones=("05",), systems=("fire",)), "TCH.05.W.SD01", "fire", True),
        (Scope(zones=("05",), systems=("fire",)), AHU, "hvac", False),
        (Scope(zones=("05",), systems=("fire",)), "TCH.06.W.SD01", "fire", False),
        (Scope(equipment=(AHU,), zones=("B1",), systems=("fire",)), AHU, "hvac", True),
        (Scope(zones=("05",)), "", "", False),
        (Scope(), AHU, "hvac", False),
    ],
)
def test_a_scope_is_named_equipment_and_what_lies_in_its_zones_and_systems(
    scope: Scope, equipment: str, system: str, covered: bool
) -> None:
    assert scope.covers(equipment, system) is covered


def test_a_permit_holds_from_its_begin_until_before_its_end() -> None:
    it = permit(opened())
    assert [it.in_force(T0 + at) for at in (-1, 0, HOUR_US - 1, HOUR_US)] == [False, True, True, False]


def test_a_permit_that_was_closed_early_held_until_then() -> None:
    it = permit(opened(), PermitClosed("x", "李", T0 + 5, "完工"))
    assert (it.closed_by, it.comment, it.version) == ("李", "完工", 2)
    assert [it.in_force(T0 + at) for at in (4, 5)] == [True, False]


def test_a_permit_that_was_closed_before_it_began_never_held() -> None:
    it = permit(opened(begin=T0 + 10), PermitClosed("x", "李", T0 + 5))
    assert not any(it.in_force(T0 + at) for at in range(20))


def test_an_end_by_itself_is_recorded_late_and_held_until_its_time() -> None:
    it = permit(opened(), PermitClosed("x", "system", T0 + HOUR_US + 900))
    assert it.end == T0 + HOUR_US


def test_of_several_permits_the_one_that_was_opened_first_is_named() -> None:
    one, other = permit(opened(permit="b", at=T0 - 9)), permit(opened(permit="a", at=T0 - 3))
    assert covering([other, one], AHU, "hvac", T0) == one
    assert covering([other, one], AHU, "hvac", T0 + HOUR_US) is None


def test_what_cannot_follow_changes_nothing() -> None:
    assert fold_permit(None, entry(1, PermitClosed("x", "李", T0))) is None
    it = permit(opened(), PermitClosed("x", "李", T0 + 5))
    assert fold_permit(it, entry(3, PermitClosed("x", "王", T0 + 9))) == it
    assert fold_permit(it, entry(3, opened())) == it


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reason": " "}, "reason"),
        ({"equipment": []}, "scope"),
        ({"until": T0}, "ends after it begins"),
        ({"begin": T0 - 2 * HOUR_US, "until": T0 - HOUR_US}, "not in the past"),
        ({"until": T0 + round(LONGEST_S * 1e6) + 1}, "31 days"),
    ],
)
def test_a_permit_that_makes_no_sense_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        open_permit(opened(**changes))


def test_nothing_is_closed_twice() -> None:
    with pytest.raises(RefusedError, match="closed by 李"):
        close_permit(permit(opened(), PermitClosed("x", "李", T0)), at=T0, by="王")


@given(st.integers(-5, 15), st.integers(-5, 15), st.integers(1, 10))
def test_a_permit_holds_at_no_time_after_it_was_closed(at: int, closed_at: int, until: int) -> None:
    it = permit(opened(until=T0 + until), PermitClosed("x", "李", T0 + closed_at))
    assert it.in_force(T0 + at) == (0 <= at < min(until, closed_at))

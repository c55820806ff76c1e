"""What is handed over with a shift, and who may sign."""

from dataclasses import replace
from typing import Any

import pytest

from cityhall_bms.domain.alarms import Alarm, AlarmState
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import GENESIS_HASH, Event, StoredEvent
from cityhall_bms.domain.hand_overs import (
    SIGNED_WITHIN_S,
    HandOver,
    HandOverPrepared,
    HandOverSigned,
    fold_hand_over,
    lists_of,
    sign,
)
from cityhall_bms.domain.permits import Permit, PermitKind, Scope

T0 = 1_782_864_000_000_000
PERMIT = Permit("2026-07-01-1", PermitKind.WORKS, Scope(systems=("hvac",)), T0, T0 + 9, "更換濾網", "王小明", T0)


def alarm(name: str, base: AlarmState, **changes: Any) -> Alarm:
    return Alarm(name, base=base, version=3, **changes)


ALARMS = [
    alarm("new", AlarmState.UNACKNOWLEDGED),
    alarm("over", AlarmState.RETURNED_UNACKNOWLEDGED),
    alarm("latched", AlarmState.LATCHED_UNACKNOWLEDGED),
    alarm("seen", AlarmState.ACKNOWLEDGED),
    alarm("to reset", AlarmState.LATCHED_ACKNOWLEDGED),
    alarm("normal", AlarmState.NORMAL),
    alarm("put aside", AlarmState.NORMAL, shelved_until=T0 + 1),
    alarm("hidden", AlarmState.UNACKNOWLEDGED, suppressed_by="SUPPLY~X", shelved_until=T0 + 1),
    alarm("in repair", AlarmState.UNACKNOWLEDGED, out_of_service_by="李", suppressed_by="SUPPLY~X"),
]


def test_every_alarm_that_is_not_normal_is_in_one_list_by_what_is_shown_of_it() -> None:
    lists = lists_of(ALARMS, [PERMIT])
    assert {name.value: [item.alarm_id for item in items] for name, items in lists.alarms.items()} == {
        "unacknowledged": ["new", "over", "latched"],
        "open": ["seen", "to reset"],
        "shelved": ["put aside"],
        "suppressed": ["hidden"],
        "out_of_service": ["in repair"],
    }
    assert lists.counts == {
        "unacknowledged": 3, "open": 2, "shelved": 1, "suppressed": 1, "out_of_service": 1, "permits": 1,
    }  # fmt: skip


def test_the_digest_tells_lists_apart_by_what_stands_in_them() -> None:
    digest = lists_of(ALARMS, [PERMIT]).digest
    assert lists_of(list(ALARMS), [PERMIT]).digest == digest
    assert lists_of(ALARMS[1:], [PERMIT]).digest != digest
    assert lists_of([replace(ALARMS[0], version=4), *ALARMS[1:]], [PERMIT]).digest != digest
    assert lists_of(ALARMS, []).digest != digest


def entry(version: int, event: Event) -> StoredEvent:
    return StoredEvent(
        version, T0, "hand-over/x", version, type(event).__name__, "a", event.payload(), GENESIS_HASH, GENESIS_HASH
    )


def prepared() -> HandOver:
    event = HandOverPrepared("2026-07-01-1", "王小明", T0, "三號主機待料", 4711, {"open": 1}, "d" * 64)
    hand_over = fold_hand_over(None, entry(1, event))
    assert hand_over is not None
    return hand_over


def test_somebody_else_signs_once() -> None:
    hand_over = prepared()
    signed = fold_hand_over(hand_over, entry(2, sign(hand_over, at=T0 + 60, by="李小華", comment="收到")))
    assert signed is not None
    assert (signed.signed_by, signed.signed_at, signed.comment, signed.version) == ("李小華", T0 + 60, "收到", 2)
    with pytest.raises(RefusedError, match="was signed by 李小華"):
        sign(signed, at=T0 + 61, by="張")


def test_nobody_takes_a_shift_from_himself() -> None:
    with pytest.raises(RefusedError, match="somebody else"):
        sign(prepared(), at=T0, by=" 王小明 ")


def test_old_lists_are_not_signed() -> None:
    limit = T0 + round(SIGNED_WITHIN_S * 1e6)
    sign(prepared(), at=limit, by="李小華")
    with pytest.raises(RefusedError, match="older than 60 minutes"):
        sign(prepared(), at=limit + 1, by="李小華")


def test_what_cannot_follow_changes_nothing() -> None:
    assert fold_hand_over(None, entry(1, HandOverSigned("x", "李", T0))) is None
    unknown = StoredEvent(2, T0, "hand-over/x", 2, "FromTheFuture", "a", {}, GENESIS_HASH, GENESIS_HASH)
    assert fold_hand_over(prepared(), unknown) == prepared()

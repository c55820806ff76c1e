"""Values as present values, and priority arrays, against the standard and the library's encoder."""

import struct
from typing import Any

import pytest
from bacpypes3.basetypes import PriorityArray, PriorityValue
from bacpypes3.primitivedata import Double, Enumerated, Integer, Null, Real, Unsigned
from hypothesis import given
from hypothesis import strategies as st
from tests.support.bacnet_device import bacnet_point

from cityhall_bms.domain.errors import DeviceRefusedError
from cityhall_drivers.bacnet.codec import Item, item_of
from cityhall_drivers.bacnet.tags import TagError
from cityhall_drivers.bacnet.writing import present_value, slots_of


def item(address: str, scale: float = 1.0, offset: float = 0.0) -> Item:
    return item_of(bacnet_point(address, scale=scale, offset=offset))


def theirs(value: Any) -> bytes:
    return bytes(value.encode().encode().pduData)


@pytest.mark.parametrize(("address", "value", "expected"), [
    ("analog-output,1", 55.5, Real(55.5)),
    ("analog-value,1", -1.0, Real(-1.0)),
    ("binary-output,1", 1.0, Enumerated(1)),
    ("binary-value,1", 0.0, Enumerated(0)),
    ("multi-state-output,1", 3.0, Unsigned(3)),
    ("multi-state-value,1", 300.0, Unsigned(300)),
    ("integer-value,1", -129.0, Integer(-129)),
    ("integer-value,1", 127.0, Integer(127)),
    ("positive-integer-value,1", 70000.0, Unsigned(70000)),
    ("large-analog-value,1", 0.1, Double(0.1)),
])  # fmt: skip
def test_every_object_gets_the_type_of_its_present_value(address: str, value: float, expected: Any) -> None:
    assert present_value(item(address), value) == theirs(expected)


def test_scale_and_offset_are_undone() -> None:
    # Value = present value x 0.1 + 5; a multi-state object counts from 1, the point from 0.
    assert present_value(item("analog-value,1", 0.1, 5.0), 7.0) == theirs(Real(20.0))
    assert present_value(item("multi-state-value,1", 1.0, -1.0), 0.0) == theirs(Unsigned(1))


@pytest.mark.parametrize(("address", "value", "why"), [
    ("analog-input,1", 1.0, "never written"),
    ("binary-input,1", 1.0, "never written"),
    ("accumulator,1", 1.0, "never written"),
    ("loop,1", 1.0, "never written"),
    ("binary-output,1", 2.0, "no state"),
    ("binary-output,1", 0.5, "no state"),
    ("multi-state-output,1", 0.0, "no state"),
    ("multi-state-output,1", 1.5, "no state"),
    ("positive-integer-value,1", -1.0, "cannot hold"),
    ("integer-value,1", 3e9, "cannot hold"),
    ("analog-output,1", 1e39, "too large"),
    ("analog-output,1", float("nan"), "no number"),
    ("analog-output,1", float("inf"), "no number"),
])  # fmt: skip
def test_what_an_object_cannot_hold_is_refused_before_it_is_sent(address: str, value: float, why: str) -> None:
    with pytest.raises(DeviceRefusedError, match=why):
        present_value(item(address), value)


@given(st.integers(-(2**31), 2**31 - 1))
def test_integers_are_as_short_as_the_standard_wants_them(number: int) -> None:
    assert present_value(item("integer-value,1"), float(number)) == theirs(Integer(number))


@given(st.dictionaries(st.integers(1, 16), st.floats(-(2.0**100), 2.0**100, width=32)))
def test_slots_in_use_are_those_that_are_not_null(used: dict[int, float]) -> None:
    array = PriorityArray([
        PriorityValue(real=used[place]) if place in used else PriorityValue(null=()) for place in range(1, 17)
    ])  # fmt: skip
    assert slots_of(theirs(array), item("analog-value,1")) == used


def test_slots_are_in_the_points_unit() -> None:
    array = theirs(Null(())) * 7 + theirs(Unsigned(2)) + theirs(Null(())) * 8
    assert slots_of(array, item("multi-state-value,1", 1.0, -1.0)) == {8: 1.0}


@pytest.mark.parametrize("broken", [
    theirs(Null(())) * 15,
    theirs(Null(())) * 17,
    theirs(Null(())) * 15 + b"\x0e\x21\x01\x0f",
    theirs(Null(())) * 15 + struct.pack(">Bf", 0x44, float("nan")),
    b"\x44\x00",
])  # fmt: skip
def test_what_is_no_array_of_sixteen_numbers_is_refused(broken: bytes) -> None:
    with pytest.raises(TagError):
        slots_of(broken, item("analog-value,1"))

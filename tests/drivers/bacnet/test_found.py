"""What objects tell of themselves, against the library's encoder."""

from typing import Any

import pytest
from bacpypes3.basetypes import EngineeringUnits, PriorityValue
from bacpypes3.primitivedata import CharacterString, Real

from cityhall_drivers.bacnet.codec import OBJECT_TYPES, Object
from cityhall_drivers.bacnet.found import point_of, text_in, wanted_of

# Property numbers of clause 21.
ACTIVE, DESCRIPTION, INACTIVE, HIGHEST, LOWEST, NAME, PRIORITIES, STATES, UNIT = (
    4, 28, 46, 65, 69, 77, 87, 110, 117,
)  # fmt: skip


def written(*values: Any) -> bytes:
    return b"".join(bytes(value.encode().encode().pduData) for value in values)


def text(words: str) -> bytes:
    return written(CharacterString(words))


def test_an_analog_input_tells_its_unit_and_range() -> None:
    told = {
        NAME: text("AHU-1.SAT"), DESCRIPTION: text("送風溫度 / Supply air"),
        UNIT: written(EngineeringUnits("degrees-celsius")), LOWEST: written(Real(-10.0)), HIGHEST: written(Real(60.0)),
    }  # fmt: skip
    point = point_of(Object(0, 7), told)
    assert (point.address, point.text, point.kind) == ("analog-input,7", "送風溫度 / Supply air", "AI")
    assert (point.unit, point.low, point.high, point.writable) == ("°C", -10.0, 60.0, False)
    assert point.states == {}


@pytest.mark.parametrize(("kind", "measured", "commanded"), [
    ("analog-value", "AI", "SP"),
    ("binary-value", "DI", "DO"),
    ("multi-state-value", "MI", "MO"),
    ("analog-output", "AO", "AO"),
    ("binary-output", "DO", "DO"),
    ("multi-state-output", "MO", "MO"),
    ("analog-input", "AI", "AI"),
    ("accumulator", "CI", "CI"),
])  # fmt: skip
def test_what_has_a_priority_array_can_be_commanded(kind: str, measured: str, commanded: str) -> None:
    target = Object(OBJECT_TYPES[kind], 1)
    array = written(*[PriorityValue(null=())] * 16)
    assert point_of(target, {NAME: text("x")}).kind == measured
    point = point_of(target, {NAME: text("x"), PRIORITIES: array})
    assert (point.kind, point.writable) == (commanded, True)


def test_states_of_binary_objects_count_from_zero_and_of_multi_state_objects_from_one() -> None:
    assert point_of(Object(3, 1), {INACTIVE: text("停"), ACTIVE: text("運轉")}).states == {0: "停", 1: "運轉"}
    told = {STATES: text("off") + text("") + text("fast")}
    assert point_of(Object(13, 1), told).states == {1: "off", 3: "fast"}


def test_an_object_without_a_description_is_called_by_its_name() -> None:
    assert point_of(Object(0, 1), {NAME: text("AI 1"), DESCRIPTION: text("  ")}).text == "AI 1"


@pytest.mark.parametrize(("charset", "codec"), [(0, "utf-8"), (3, "utf-32-be"), (4, "utf-16-be"), (5, "latin-1")])
def test_texts_are_read_in_every_character_set_of_the_standard(charset: int, codec: str) -> None:
    words = "Zuluft" if codec == "latin-1" else "送風"
    data = bytes([charset]) + words.encode(codec)
    assert text_in({NAME: bytes([0x75, len(data)]) + data}, NAME) == words


def test_a_text_in_an_unknown_character_set_or_no_text_at_all_is_empty() -> None:
    assert text_in({NAME: b"\x73\x01\x20\x20"}, NAME) == ""  # JIS, which the standard took back
    assert text_in({NAME: b"\x70"}, NAME) == ""
    assert text_in({NAME: b"\x75"}, NAME) == ""
    assert text_in({NAME: written(Real(1.0))}, NAME) == ""
    assert text_in({}, NAME) == ""


def test_an_unknown_unit_is_no_unit() -> None:
    assert point_of(Object(0, 1), {UNIT: b"\x92\x7f\xff"}).unit == ""


def test_only_objects_with_a_value_are_asked() -> None:
    assert wanted_of(Object(8, 1)) == ()
    assert wanted_of(Object(20, 1)) == ()
    assert set(wanted_of(Object(0, 1))) == {NAME, DESCRIPTION, UNIT, LOWEST, HIGHEST, PRIORITIES}

"""The codec against the library's own encoder, and its decisions against the tables of the standard."""

import math

import pytest
from bacpypes3.basetypes import BinaryPV, StatusFlags
from bacpypes3.constructeddata import Any as AnyValue
from bacpypes3.primitivedata import Boolean, Double, Integer, Null, ObjectIdentifier, Real, Unsigned
from hypothesis import given
from hypothesis import strategies as st
from tests.support.bacnet_device import bacnet_point

from cityhall_bms.domain.quality import Quality
from cityhall_drivers.bacnet.codec import (
    NO_DATA,
    OBJECT_TYPES,
    PRESENT_VALUE,
    REFUSED,
    STATUS_FLAGS,
    Flags,
    MistakeError,
    Object,
    Remedy,
    Value,
    answer_of,
    flags_of,
    item_of,
    number_of,
    objects_per_request,
    parse_address,
    quality_of,
    remedy_for_abort,
    remedy_for_reject,
)


def sent(value: object) -> Value:
    (tag,) = AnyValue(value).tagList
    return Value(int(tag.tag_number), bytes(tag.tag_data), int(tag.tag_lvt))


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_real_is_the_number_that_the_library_encoded(value: float) -> None:
    assert number_of(sent(Real(value))) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_is_the_number_that_the_library_encoded(value: float) -> None:
    assert number_of(sent(Double(value))) == value


@given(st.integers(0, 2**32 - 1))
def test_an_unsigned_is_the_number_that_the_library_encoded(value: int) -> None:
    assert number_of(sent(Unsigned(value))) == value


@given(st.integers(-(2**31), 2**31 - 1))
def test_an_integer_is_the_number_that_the_library_encoded(value: int) -> None:
    assert number_of(sent(Integer(value))) == value


@pytest.mark.parametrize(
    ("value", "number"),
    [(Boolean(True), 1.0), (Boolean(False), 0.0), (BinaryPV("active"), 1.0), (BinaryPV("inactive"), 0.0)],
    ids=["true", "false", "active", "inactive"],
)
def test_a_state_is_a_number(value: object, number: float) -> None:
    assert number_of(sent(value)) == number


TEXT = Value(7, b"\x0021.5", 5)


def test_what_is_no_number_is_none() -> None:
    for value in (TEXT, sent(Real(math.nan)), sent(Real(math.inf)), sent(Null(()))):
        assert number_of(value) is None


@given(st.integers(0, 255), st.binary(max_size=12), st.integers(0, 255))
def test_any_bytes_are_a_finite_number_or_none(tag: int, data: bytes, length: int) -> None:
    number = number_of(Value(tag, data, length))
    assert number is None or math.isfinite(number)
    flags_of(data)


@given(st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()))
def test_flags_are_those_that_the_library_encoded(flags: tuple[bool, bool, bool, bool]) -> None:
    encoded = sent(StatusFlags([int(flag) for flag in flags]))
    assert flags_of(encoded.data) == Flags(*flags)


@pytest.mark.parametrize(
    ("flags", "quality"),
    [
        (Flags(), Quality.GOOD),
        (Flags(in_alarm=True), Quality.GOOD),
        (Flags(overridden=True), Quality.UNCERTAIN_OVERRIDDEN),
        (Flags(out_of_service=True), Quality.BAD_OUT_OF_SERVICE),
        (Flags(fault=True), Quality.BAD_DEVICE_FAULT),
        (Flags(fault=True, out_of_service=True), Quality.BAD_DEVICE_FAULT),
        (Flags(overridden=True, out_of_service=True), Quality.BAD_OUT_OF_SERVICE),
        (Flags(in_alarm=True, overridden=True), Quality.UNCERTAIN_OVERRIDDEN),
    ],
)
def test_flags_decide_the_quality(flags: Flags, quality: Quality) -> None:
    assert quality_of(flags) == quality


def test_present_value_and_flags_are_joined() -> None:
    value, faulty = sent(Real(2.5)), sent(StatusFlags([0, 1, 0, 0]))
    assert answer_of({PRESENT_VALUE: value, STATUS_FLAGS: faulty}) == (2.5, Quality.BAD_DEVICE_FAULT)
    assert answer_of({PRESENT_VALUE: value}) == (2.5, Quality.GOOD)
    assert answer_of({STATUS_FLAGS: faulty}) is REFUSED
    assert answer_of({PRESENT_VALUE: sent(Null(()))}) is NO_DATA
    for no_number in (None, TEXT):
        number, quality = answer_of({PRESENT_VALUE: no_number})
        assert math.isnan(number)
        assert quality == Quality.BAD_DECODE


@pytest.mark.parametrize("name", sorted(OBJECT_TYPES))
def test_object_types_have_the_numbers_of_the_standard(name: str) -> None:
    assert parse_address(f"{name},12") == tuple(ObjectIdentifier(f"{name},12"))


@pytest.mark.parametrize(
    ("apdu_max", "configured", "expected"),
    [(1476, 20, 20), (1476, 200, 64), (1024, 200, 44), (480, 200, 20), (206, 200, 8), (50, 200, 2), (10, 5, 1)],
)
def test_as_many_objects_are_asked_for_as_fit_in_an_answer(apdu_max: int, configured: int, expected: int) -> None:
    assert objects_per_request(apdu_max, configured) == expected


def test_only_what_is_about_size_or_service_can_be_helped() -> None:
    by_size = {reason for reason in range(256) if remedy_for_abort(reason) is Remedy.ASK_LESS}
    assert by_size == {1, 4, 9, 11}
    rejects = {reason: remedy_for_reject(reason) for reason in range(256)}
    assert {reason for reason, remedy in rejects.items() if remedy is Remedy.ASK_LESS} == {1, 7}
    assert {reason for reason, remedy in rejects.items() if remedy is Remedy.ASK_SINGLY} == {9}


@pytest.mark.parametrize(
    ("address", "encoding", "field", "message", "remedy"),
    [
        ("", {}, "address", "no BACnet object", "TYPE,INSTANCE"),
        ("analog-input", {}, "address", "no BACnet object", "analog-input,1"),
        ("analog-input,-1", {}, "address", "no BACnet object", "analog-input,1"),
        ("analogInput,1", {}, "address", "no BACnet object", "analog-input,1"),
        ("schedule,1", {}, "address", "unknown object type 'schedule'", "analog-input"),
        ("analog-input,4194303", {}, "address", "too large", "4194302"),
        ("analog-input,1", {"type": "float32"}, "type", "says its type itself", "empty"),
        ("analog-input,1", {"word_order": "CDAB"}, "word_order", "one byte order", "empty"),
        ("analog-input,1", {"scale": 0.0}, "scale", "hide the value", "other than 0"),
        ("analog-input,1", {"offset": math.inf}, "offset", "no number", "number"),
    ],
)
def test_a_mistake_of_a_point_names_its_column_and_remedy(
    address: str, encoding: dict[str, float], field: str, message: str, remedy: str
) -> None:
    with pytest.raises(MistakeError) as caught:
        item_of(bacnet_point(address, **encoding))
    assert caught.value.field == field
    assert message in caught.value.message
    assert remedy in caught.value.remedy


@given(st.text(max_size=20) | st.from_regex(r"(analog-value|binary-input|x),\d{1,8}", fullmatch=True))
def test_any_text_is_an_object_in_range_or_a_mistake(text: str) -> None:
    try:
        target = parse_address(text)
    except MistakeError:
        return
    name, _, instance = text.partition(",")
    assert target == Object(OBJECT_TYPES[name], int(instance))
    assert target.instance <= 4194302

"""Answers of ReadPropertyMultiple: our codec against the library's encoder and its decoder, and against damage."""

import math
import struct
from typing import Any

import numpy as np
import pytest
from bacpypes3.apdu import (
    APDU,
    ComplexAckPDU,
    ReadPropertyMultipleACK,
    ReadPropertyMultipleRequest,
    ReadPropertyRequest,
)
from bacpypes3.basetypes import (
    ErrorType,
    ReadAccessResult,
    ReadAccessResultElement,
    ReadAccessResultElementChoice,
    StatusFlags,
)
from bacpypes3.constructeddata import Any as AnyValue
from bacpypes3.pdu import PDU
from bacpypes3.primitivedata import (
    Boolean,
    CharacterString,
    Double,
    Enumerated,
    Integer,
    Null,
    ObjectIdentifier,
    Real,
    Unsigned,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.bacnet_answers import element, multiple, object_id, result

from cityhall_bms.domain.quality import Quality
from cityhall_drivers.bacnet import stack
from cityhall_drivers.bacnet.codec import Object
from cityhall_drivers.bacnet.plan import Group
from cityhall_drivers.bacnet.rpm import question, single, single_question, walk
from cityhall_drivers.bacnet.wire import FrameError

floats = st.floats(width=32)
values = st.one_of(
    floats.map(Real),
    st.floats().map(Double),
    st.integers(0, 2**32 - 1).map(Unsigned),
    st.integers(-(2**31), 2**31 - 1).map(Integer),
    st.integers(0, 70000).map(Enumerated),
    st.booleans().map(Boolean),
    st.just(Null(())),
    st.text("abc", max_size=6).map(CharacterString),
    st.just(ErrorType(errorClass="property", errorCode="unknownProperty")),
)
flags = st.one_of(st.lists(st.integers(0, 1), min_size=4, max_size=4).map(StatusFlags), st.none())
objects = st.builds(Object, st.sampled_from([0, 3, 13, 23, 46]), st.integers(0, 4_194_302))


@st.composite
def devices(draw: st.DrawFn) -> tuple[list[Object], dict[Object, tuple[Any, Any]], list[Object]]:
    """Objects asked for, what the device says of some of them, and in which order."""
    asked = draw(st.lists(objects, min_size=1, max_size=12, unique=True))
    order = draw(st.permutations(asked))
    left_out = draw(st.integers(0, min(1, len(asked) - 1)))
    said = {target: (draw(values), draw(flags)) for target in asked}
    return asked, said, list(order)[left_out:]


def acknowledged(said: dict[Object, tuple[Any, Any]], order: list[Object]) -> ReadPropertyMultipleACK:
    """The answer, in the library's words."""

    def one(property_id: str, value: Any) -> ReadAccessResultElement:
        is_error = isinstance(value, ErrorType)
        choice = {"propertyAccessError": value} if is_error else {"propertyValue": AnyValue(value)}
        made = ReadAccessResultElementChoice(**choice)
        return ReadAccessResultElement(propertyIdentifier=property_id, readResult=made)

    return ReadPropertyMultipleACK(
        listOfReadAccessResults=[
            ReadAccessResult(
                objectIdentifier=ObjectIdentifier(tuple(target)),
                listOfResults=[one("present-value", said[target][0])]
                + ([] if said[target][1] is None else [one("status-flags", said[target][1])]),
            )
            for target in order
        ],
    )


def octets(answer: ReadPropertyMultipleACK) -> bytes:
    return bytes(answer.encode().pduData)


@settings(deadline=None)
@given(devices(), st.data())
def test_answers_mean_what_the_library_takes_them_to_mean(device: Any, data: st.DataObject) -> None:
    asked, said, order = device
    group = Group(0, tuple(asked))
    for _ in range(2):  # the first is walked; the second may be decoded by what was learnt from the first
        sent = octets(acknowledged(said, order))
        value, quality = group.understood(sent)
        theirs = stack._answers(asked, ReadPropertyMultipleACK.decode(apdu_of(sent)))
        np.testing.assert_array_equal(value, [theirs[target][0] for target in asked])
        assert quality.tolist() == [theirs[target][1] for target in asked]
        for target in asked:  # the same kinds of values and flags, other contents
            was, were = said[target]
            if type(was) is Real:
                said[target] = Real(data.draw(floats)), were and StatusFlags(data.draw(flags.filter(bool)))


def apdu_of(data: bytes) -> APDU:
    """What the library hands to its decoder: an answer to question 1."""
    heard = APDU.decode(PDU(b"\x30\x01\x0e" + data))
    assert isinstance(heard, ComplexAckPDU)
    return heard


@given(st.lists(objects, min_size=1, max_size=30, unique=True))
def test_the_library_reads_our_questions_as_we_mean_them(asked: list[Object]) -> None:
    heard = APDU.decode(PDU(question(asked)))
    request = ReadPropertyMultipleRequest.decode(heard)
    specs = request.listOfReadAccessSpecs
    assert [tuple(map(int, spec.objectIdentifier)) for spec in specs] == [tuple(one) for one in asked]
    for spec in specs:
        assert [int(one.propertyIdentifier) for one in spec.listOfPropertyReferences] == [85, 111]
    assert heard.apduService == 14
    assert not heard.apduSA

    one = ReadPropertyRequest.decode(APDU.decode(PDU(single_question(asked[0], 85))))
    assert (tuple(map(int, one.objectIdentifier)), int(one.propertyIdentifier)) == (tuple(asked[0]), 85)


REALS = (Object(0, 1), Object(0, 2), Object(2, 7))


def of_reals(*numbers: float) -> bytes:
    return multiple(
        result(*target, b"\x44" + struct.pack(">f", number)) for target, number in zip(REALS, numbers, strict=True)
    )


@pytest.mark.parametrize("bit", range(8))
def test_a_damaged_answer_never_gives_a_value_to_another_object_and_means_the_same_by_what_was_learnt(bit: int) -> None:
    numbers = [1.0009765625, 20.1875, -300.53125]  # no bit apart from one another
    sound = of_reals(*numbers)
    for place in range(len(sound)):
        learnt, fresh = Group(0, REALS), Group(0, REALS)
        learnt.understood(sound)
        damaged = bytearray(sound)
        damaged[place] ^= 1 << bit
        try:
            value, quality = fresh.understood(bytes(damaged))
        except FrameError:
            with pytest.raises(FrameError):
                learnt.understood(bytes(damaged))
            continue
        # Whatever lies outside of the damaged object is as it was, or bad; nothing of it shows up elsewhere.
        for row, number in enumerate(numbers):
            if place // 23 != row:
                assert value[row] == number or math.isnan(value[row])
            else:
                assert value[row] not in {*numbers} - {number}
        again = learnt.understood(bytes(damaged))
        np.testing.assert_array_equal(value, again[0])
        np.testing.assert_array_equal(quality, again[1])


def test_status_flags_of_another_length_are_read_the_same_every_time() -> None:
    group = Group(0, (Object(0, 1),))
    for _ in range(2):
        value, quality = group.understood(result(0, 1, b"\x44\x41\xa8\x00\x00", b"\x83\x04\x40\x00"))
        assert (value.tolist(), quality.tolist()) == ([21.0], [Quality.BAD_DEVICE_FAULT])


@given(st.binary(max_size=80))
def test_no_bytes_make_the_walker_fail_in_another_way(data: bytes) -> None:
    try:
        walk(data)
    except FrameError:
        return


@given(st.integers(0, 68))
def test_a_cut_answer_is_none(length: int) -> None:
    group = Group(0, REALS)
    group.understood(of_reals(1.0, 2.0, 3.0))
    if length % 23:
        with pytest.raises(FrameError):
            group.understood(of_reals(1.0, 2.0, 3.0)[:length])


def test_objects_are_matched_by_their_names_though_a_device_answers_in_its_own_order() -> None:
    parts = [result(0, 2, b"\x44\x40\x00\x00\x00"), result(2, 7, b"\x91\x01"), result(0, 1, b"\x44\x3f\x80\x00\x00")]
    value, quality = Group(0, REALS).understood(multiple(parts))
    assert (value.tolist(), quality.tolist()) == ([1.0, 2.0, 1.0], [0, 0, 0])


def test_what_is_missing_refused_or_no_number_is_bad_and_the_others_count() -> None:
    asked = (Object(0, 1), Object(0, 2), Object(0, 3), Object(0, 4), Object(0, 5))
    said = [
        result(0, 1, b"\x44\x41\xa8\x00\x00", (2, 32)),
        result(0, 3, (1, 31)),
        result(0, 4, b"\x75\x03\x00ab"),
        result(0, 5, b"\x00"),
    ]
    group = Group(0, asked)
    for _ in range(2):
        value, quality = group.understood(multiple(said))
        assert value[0] == 21.0
        assert np.isnan(value[1:]).all()
        assert quality.tolist() == [
            Quality.GOOD, Quality.BAD_NO_DATA, Quality.BAD_REFUSED, Quality.BAD_DECODE, Quality.BAD_NO_DATA,
        ]  # fmt: skip


@pytest.mark.parametrize(
    "odd",
    [
        result(0, 9, b"\x44\0\0\0\0"),
        result(0, 1, b"\x44\0\0\0\0") + result(0, 1, b"\x44\0\0\0\0"),
        b"\x0c" + object_id(0, 1) + b"\x1e" + element(77, b"\x44\0\0\0\0") + b"\x1f",
        b"\x0c" + object_id(0, 1) + b"\x1e\x29\x55\x39\x01\x4e\x44\0\0\0\0\x4f\x1f",
    ],
    ids=["of an object not asked for", "of one object twice", "of another property", "of one element of an array"],
)
def test_an_answer_that_was_not_asked_for_is_left_to_the_library(odd: bytes) -> None:
    with pytest.raises(FrameError):
        Group(0, (Object(0, 1),)).understood(odd)


def test_a_single_property_is_taken_from_an_answer_about_itself_only() -> None:
    said = b"\x0c" + object_id(0, 1) + b"\x19\x55\x3e\x44\x41\xa8\x00\x00\x3f"
    told = single(said, Object(0, 1), 85)
    assert told is not None
    assert told.data == b"\x41\xa8\x00\x00"
    for target, property_id, data in (
        (Object(0, 2), 85, said),
        (Object(0, 1), 111, said),
        (Object(0, 1), 85, said[:-1]),
        (Object(0, 1), 85, said + b"\0"),
    ):
        with pytest.raises(FrameError):
            single(data, target, property_id)

"""Payloads of Sparkplug B: what every data type means, and that no bytes do harm."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.sparkplug import BOOL, DOUBLE, FLOAT, INT, LONG, STRING, M, message, payload

from cityhall_bms.domain.quality import Quality
from cityhall_drivers.mqtt.sparkplug_payload import Metric, Payload, decode, encode, value_of
from cityhall_drivers.mqtt.values import UndecodableError

INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64, FLOAT_, DOUBLE_, BOOLEAN, STRING_, DATE, TEXT, UUID, BYTES = (
    range(1, 17)
)


def read(metric: M) -> tuple[float, Quality]:
    (found,) = decode(payload(metric)).metrics
    value, quality = value_of(found, found.datatype)
    return value, Quality(quality)


@pytest.mark.parametrize(
    ("kind", "field", "raw", "value"),
    [
        (INT8, INT, 0xFF, -1.0),
        (INT8, INT, 0xFFFF_FFFF, -1.0),
        (INT8, INT, 127, 127.0),
        (INT16, INT, 0x8000, -32_768.0),
        (INT32, INT, 0x8000_0000, -2_147_483_648.0),
        (INT64, LONG, 2**64 - 5, -5.0),
        (UINT8, INT, 255, 255.0),
        (UINT16, INT, 65_535, 65_535.0),
        (UINT32, INT, 2**32 - 1, 2.0**32 - 1),
        (UINT32, LONG, 2**32 - 1, 2.0**32 - 1),
        (UINT64, LONG, 2**53, 2.0**53),
        (FLOAT_, FLOAT, 1.5, 1.5),
        (DOUBLE_, DOUBLE, -2.25, -2.25),
        (BOOLEAN, BOOL, 1, 1.0),
        (BOOLEAN, BOOL, 0, 0.0),
        (DATE, LONG, 1_782_864_000_500, 1_782_864_000.5),
        (STRING_, STRING, "21.5", 21.5),
        (TEXT, STRING, "ON", 1.0),
    ],
)
def test_a_value_is_what_its_type_says(kind: int, field: tuple[int, int], raw: object, value: float) -> None:
    assert read(M("m", raw, field, kind)) == (value, Quality.GOOD)


@pytest.mark.parametrize(
    ("kind", "field", "raw"),
    [
        (INT8, INT, 0x1FF),
        (UINT8, INT, 256),
        (UINT16, LONG, 65_536),
        (BOOLEAN, INT, 1),
        (FLOAT_, INT, 1),
        (DOUBLE_, DOUBLE, math.nan),
        (DOUBLE_, DOUBLE, math.inf),
        (STRING_, STRING, "open"),
        (UUID, STRING, "12"),
        (0, INT, 12),
        (99, INT, 12),
        (INT32, STRING, "12"),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_no_number(kind: int, field: tuple[int, int], raw: object) -> None:
    value, quality = read(M("m", raw, field, kind))
    assert math.isnan(value)
    assert quality is Quality.BAD_DECODE


def test_a_null_is_no_data_and_a_missing_value_no_number() -> None:
    assert read(M("m", None, null=True))[1] is Quality.BAD_NO_DATA
    assert read(M("m", None))[1] is Quality.BAD_DECODE


@pytest.mark.parametrize(
    ("code", "quality"),
    [(192, Quality.GOOD), (0, Quality.BAD), (500, Quality.UNCERTAIN_STALE), (64, Quality.UNCERTAIN)],
)
def test_the_quality_of_a_metric_is_heard(code: int, quality: Quality) -> None:
    value, found = read(M("m", 1.0, quality=code))
    assert found is quality
    assert math.isnan(value) == (quality is Quality.BAD)


def test_a_metric_without_a_time_has_that_of_its_message() -> None:
    found = decode(payload(M("a", 1.0), M("b", 2.0, at_ms=7), seq=9, at_ms=5))
    assert [metric.at_ms for metric in found.metrics] == [5, 7]
    assert found.sequence == 9


def test_fields_that_nobody_here_needs_are_stepped_over() -> None:
    data_set = message((17, 2, message((1, 0, 3))))
    body = message((1, 2, "table")) + data_set
    found = decode(message((2, 2, body)) + message((4, 2, "uuid"), (5, 2, b"\x01")))
    assert [(metric.name, metric.field) for metric in found.metrics] == [("table", "")]


def test_a_message_without_a_sequence_has_none() -> None:
    assert decode(payload()).sequence is None
    assert decode(b"") == Payload(0, None, ())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    try:
        found = decode(data)
    except UndecodableError:
        return
    for metric in found.metrics:
        value, quality = value_of(metric, metric.datatype)
        assert math.isfinite(value) or quality >= 0x80


NUMBERS = {
    "int_value": st.integers(0, 2**32 - 1),
    "long_value": st.integers(0, 2**64 - 1),
    "float_value": st.floats(width=32, allow_nan=False),
    "double_value": st.floats(allow_nan=False),
    "boolean_value": st.booleans(),
    "string_value": st.text(max_size=10),
}
METRICS = st.sampled_from(list(NUMBERS)).flatmap(
    lambda field: st.builds(
        Metric,
        name=st.text(max_size=10),
        alias=st.none() | st.integers(0, 2**64 - 1),
        datatype=st.integers(0, 34),
        at_ms=st.integers(1, 2**63),
        field=st.just(field),
        value=NUMBERS[field],
        historical=st.booleans(),
        quality=st.sampled_from([Quality.GOOD, Quality.BAD, Quality.UNCERTAIN_STALE]),
    )
)


@given(st.builds(Payload, st.integers(0, 2**63), st.none() | st.integers(0, 255), st.lists(METRICS).map(tuple)))
def test_what_is_written_is_read(given_payload: Payload) -> None:
    assert decode(encode(given_payload)) == given_payload


@given(st.integers(-(2**15), 2**15 - 1))
def test_signed_numbers_are_read_whether_a_sender_extends_their_sign_or_not(number: int) -> None:
    for raw in (number & 0xFFFF, number & 0xFFFF_FFFF):
        assert read(M("m", raw, INT, INT16)) == (float(number), Quality.GOOD)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_floats_keep_their_bits(number: float) -> None:
    value, _ = read(M("m", number, FLOAT, FLOAT_))
    assert struct.pack("<f", value) == struct.pack("<f", number)

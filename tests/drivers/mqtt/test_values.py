"""Numbers, times and addresses: what is not plainly one is none."""

import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.quality import Quality
from cityhall_drivers.mqtt.addresses import AddressError, JsonAddress, MetricAddress, json_address, metric_address
from cityhall_drivers.mqtt.values import (
    MISSING,
    PAYLOAD_MAX,
    UndecodableError,
    at_path,
    bare_number,
    document,
    number,
    time_us,
)

MIDSUMMER_US = 1_782_864_000_000_000


@pytest.mark.parametrize(
    ("text", "value"),
    [("21.5", 21.5), (" -3 \n", -3.0), ("+.5e3", 500.0), ("TRUE", 1.0), ("off", 0.0), ("On", 1.0), ("false", 0.0)],
)
def test_plain_numbers_and_switch_words_are_values(text: str, value: float) -> None:
    assert bare_number(text.encode()) == (value, Quality.GOOD)


@pytest.mark.parametrize(
    "text", ["", "21,5", "21.5 C", "nan", "inf", "1e999", "0x10", "1_000", "open", "null", "{}", "٣", "1" * 65]
)
def test_anything_else_is_none(text: str) -> None:
    value, quality = bare_number(text.encode())
    assert math.isnan(value)
    assert quality == Quality.BAD_DECODE


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_that_is_written_is_read(value: float) -> None:
    assert bare_number(repr(value).encode()) == (value, Quality.GOOD)
    assert number(document(json.dumps(value).encode())) == (value, Quality.GOOD)


@given(st.binary(max_size=100))
def test_any_bytes_are_a_finite_number_or_refused(data: bytes) -> None:
    value, quality = bare_number(data)
    assert math.isfinite(value) == (quality == Quality.GOOD)
    with contextlib.suppress(UndecodableError):
        document(data)


def test_a_payload_that_is_too_long_is_not_looked_into() -> None:
    with pytest.raises(UndecodableError):
        document(b" " * PAYLOAD_MAX + b"1")


@given(st.integers(), st.lists(st.text(min_size=1, max_size=3) | st.integers(0, 3), max_size=6))
def test_a_way_leads_to_what_stands_at_its_end(leaf: int, way: list[str | int]) -> None:
    tree: object = leaf
    for step in reversed(way):
        tree = {step: tree, step * 2: None} if isinstance(step, str) else [*range(step), tree]
    path = [str(step) for step in way]

    assert at_path(tree, path) == leaf
    assert at_path(tree, [*path, "0"]) is MISSING


def test_a_way_goes_through_keys_and_indices() -> None:
    tree = {"em:0": {"phases": [{"kW": 1}, {"kW": 2}]}, "0": 5}
    assert at_path(tree, ("em:0", "phases", "1", "kW")) == 2
    assert at_path(tree, ("0",)) == 5
    assert at_path(tree, ("em:0", "phases", "2")) is MISSING
    assert at_path(tree, ("em:0", "phases", "-1")) is MISSING
    assert at_path(tree, ()) is tree


@pytest.mark.parametrize(
    ("value", "unit", "at"),
    [
        (1_782_864_000, "s", MIDSUMMER_US),
        (1_782_864_000.5, "s", MIDSUMMER_US + 500_000),
        (1_782_864_000_000, "ms", MIDSUMMER_US),
        (MIDSUMMER_US, "us", MIDSUMMER_US),
        ("2026-07-01T08:00:00+08:00", "iso", MIDSUMMER_US),
        ("2026-07-01T00:00:00Z", "iso", MIDSUMMER_US),
        ("2026-07-01T08:00:00", "iso", None),
        ("yesterday", "iso", None),
        (1_782_864_000, "iso", None),
        (True, "s", None),
        ("1782864000", "s", None),
        (0, "s", None),
        (-5, "s", None),
        (1_782_864_000_000, "s", None),
        (MISSING, "s", None),
        (None, "ms", None),
    ],
)
def test_a_time_is_one_of_its_unit_or_none(value: object, unit: str, at: int | None) -> None:
    assert time_us(value, unit) == at


def test_addresses_say_where_a_value_is() -> None:
    assert json_address("a/b#c.0.d", None) == JsonAddress("a/b", ("c", "0", "d"))
    assert json_address("tele/{topic}/X", "plug") == JsonAddress("tele/plug/X")
    assert metric_address("G/E#Power/Active", None) == MetricAddress("G", "E", "", "Power/Active")
    assert metric_address("{topic}/M#x", "G/E") == MetricAddress("G", "E", "M", "x")


@pytest.mark.parametrize("text", ["", "#x", "a#", "a#b..c", "a/+/b", "a/#", " a", "a\0b", "{topic}#x"])
def test_what_is_no_topic_is_no_address(text: str) -> None:
    with pytest.raises(AddressError):
        json_address(text, None)


@pytest.mark.parametrize("text", ["G/E", "G/E#", "G#x", "G/E/D/F#x", "G//D#x", "G/+#x"])
def test_what_names_no_metric_is_no_address(text: str) -> None:
    with pytest.raises(AddressError):
        metric_address(text, None)

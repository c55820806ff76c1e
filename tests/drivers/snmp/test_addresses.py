"""Addresses, values and requests without a network."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.opcua_server import bound
from tests.support.snmp_agent import snmp_point

from cityhall_bms.domain.quality import Quality
from cityhall_drivers.snmp.addresses import AddressError, address_of, oid_of
from cityhall_drivers.snmp.codec import Kind, Value, number
from cityhall_drivers.snmp.mib import OBJECTS
from cityhall_drivers.snmp.plan import SnmpPlan
from cityhall_drivers.snmp.troubles import in_words

PART = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(
    ("name", "oid"),
    [
        # RFC 1628: upsMIB is mib-2 33, its objects are upsMIB 1.
        ("upsBatteryStatus.0", "1.3.6.1.2.1.33.1.2.1.0"),
        ("upsEstimatedChargeRemaining.0", "1.3.6.1.2.1.33.1.2.4.0"),
        ("upsInputVoltage.2", "1.3.6.1.2.1.33.1.3.3.1.3.2"),
        ("upsOutputPercentLoad.1", "1.3.6.1.2.1.33.1.4.4.1.5.1"),
        ("upsTestResultsSummary.0", "1.3.6.1.2.1.33.1.7.3.0"),
        # RFC 2863
        ("ifOperStatus.3", "1.3.6.1.2.1.2.2.1.8.3"),
        ("ifHCInOctets.10101", "1.3.6.1.2.1.31.1.1.1.6.10101"),
        ("ifHighSpeed.1", "1.3.6.1.2.1.31.1.1.1.15.1"),
        # RFC 2790
        ("hrProcessorLoad.196608", "1.3.6.1.2.1.25.3.3.1.2.196608"),
        ("hrStorageUsed.31", "1.3.6.1.2.1.25.2.3.1.6.31"),
        # RFC 3418
        ("sysUpTime.0", "1.3.6.1.2.1.1.3.0"),
    ],
)
def test_a_name_is_the_number_of_its_standard(name: str, oid: str) -> None:
    number_ = tuple(int(part) for part in oid.split("."))
    assert oid_of(name) == oid_of(oid) == oid_of(f".{oid}") == number_
    assert address_of(number_) == name


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "neither"),
        ("1", "neither"),
        ("1.3.x", "neither"),
        ("1..3", "neither"),
        ("1.3.6.1.2.1.1.3.0 ", "neither"),
        ("upsBatteryStaus.0", "did you mean upsBatteryStatus"),
        ("somethingElse.1", "write its number"),
        ("upsBatteryStatus", r"write upsBatteryStatus\.0"),
        ("upsBatteryStatus.1", r"write upsBatteryStatus\.0"),
        ("ifOperStatus", r"like ifOperStatus\.1"),
        ("3.1.1", "no object identifier"),
        ("1.40.1", "no object identifier"),
        ("1.3.4294967296", "no object identifier"),
        (".".join(["1"] * 129), "no object identifier"),
    ],
)
def test_what_names_no_instance_is_no_address(address: str, words: str) -> None:
    with pytest.raises(AddressError, match=words):
        oid_of(address)


@given(st.lists(PART, min_size=1, max_size=20))
def test_any_instance_has_an_address_that_means_it(rest: list[int]) -> None:
    oid = (1, 3, 6, 1, *rest)
    assert oid_of(address_of(oid)) == oid


@given(st.sampled_from(sorted(OBJECTS)), PART)
def test_every_name_means_its_object(name: str, row: int) -> None:
    one = OBJECTS[name]
    instance = 0 if one.scalar else row
    if one.scalar or row:
        assert oid_of(f"{name}.{instance}") == (*one.oid, instance)


@pytest.mark.parametrize(
    ("kind", "content", "value", "quality"),
    [
        (Kind.INTEGER, -5, -5.0, Quality.GOOD),
        (Kind.INTEGER, 2**64 - 1, 2.0**64, Quality.GOOD),
        (Kind.TICKS, 150, 1.5, Quality.GOOD),
        (Kind.TEXT, b" 23.5\0", 23.5, Quality.GOOD),
        (Kind.TEXT, b"-1e3", -1000.0, Quality.GOOD),
        (Kind.TEXT, b"23.5 C", None, Quality.BAD_DECODE),
        (Kind.TEXT, b"", None, Quality.BAD_DECODE),
        (Kind.TEXT, b"\xff1", None, Quality.BAD_DECODE),
        (Kind.TEXT, b"nan", None, Quality.BAD_DECODE),
        (Kind.TEXT, b"1e999", None, Quality.BAD_DECODE),
        (Kind.OTHER, "10.0.0.1", None, Quality.BAD_DECODE),
        (Kind.MISSING, 0, None, Quality.BAD_REFUSED),
    ],
)
def test_a_value_is_a_number_or_says_why_not(
    kind: Kind, content: int | bytes | str, value: float | None, quality: Quality
) -> None:
    found, graded = number(Value((1, 3), kind, content))
    assert graded == quality
    assert found == value if value is not None else math.isnan(found)


@given(st.integers(1, 40), st.integers(1, 10), st.sets(st.integers(1, 40)))
def test_every_point_is_asked_for_exactly_once(count: int, per_request: int, troubled: set[int]) -> None:
    plan = SnmpPlan(bound([snmp_point(f"ifOperStatus.{row}") for row in range(1, count + 1)]), per_request)
    alone = [(1, 3, 6, 1, 2, 1, 2, 2, 1, 8, row) for row in troubled]
    groups = plan.groups(per_request, alone)

    assert sorted(place for group in groups for place in group) == list(range(count))
    assert all(0 < len(group) <= per_request for group in groups)
    assert all(len(group) == 1 for group in groups if {place + 1 for place in group} & troubled)
    if not troubled:
        assert len(groups) == plan.requests


def test_what_was_not_answered_is_a_time_out() -> None:
    plan = SnmpPlan(bound([snmp_point(f"ifOperStatus.{row}", scale=2.0, offset=1.0) for row in (1, 2)]), 10)
    readings = plan.readings({1: (3.0, Quality.GOOD)}, 5)
    assert readings.quality.tolist() == [Quality.BAD_TIMEOUT, Quality.GOOD]
    assert readings.value[1] == 7.0
    assert math.isnan(readings.value[0])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unsupportedSecurityLevel", "does not offer this user"),
        ("unknownContextName", "check 'context'"),
        ("notInTimeWindow", "count of restarts"),
        ("unknownEngineID", "engine id"),
        ("badResponse", "not one to our question"),
        ("requestTimedOut", "no answer within 2 s"),
        ("somethingNew", "somethingNew"),
    ],
)
def test_troubles_are_told_in_words(name: str, words: str) -> None:
    assert words in in_words(name, 2.0)

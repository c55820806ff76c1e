"""Statuses, values and addresses, against the library's own table of the standard's codes."""

import math
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from asyncua import ua
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.quality import Quality
from cityhall_drivers.opcua.codec import QUALITY_BY_CODE, decode, node_id_mistake, overflowed, quality_of

EXPECTED = {
    "GoodLocalOverride": Quality.UNCERTAIN_OVERRIDDEN,
    "UncertainNoCommunicationLastUsableValue": Quality.UNCERTAIN_STALE,
    "UncertainLastUsableValue": Quality.UNCERTAIN_STALE,
    "UncertainSubstituteValue": Quality.UNCERTAIN_ESTIMATED,
    "UncertainInitialValue": Quality.UNCERTAIN_ESTIMATED,
    "UncertainSensorNotAccurate": Quality.UNCERTAIN_DEVICE_ALARM,
    "UncertainEngineeringUnitsExceeded": Quality.UNCERTAIN_DEVICE_ALARM,
    "UncertainSubNormal": Quality.UNCERTAIN_DEVICE_ALARM,
    "BadCommunicationError": Quality.BAD_DEVICE_LOST,
    "BadDecodingError": Quality.BAD_DECODE,
    "BadTimeout": Quality.BAD_TIMEOUT,
    "BadUserAccessDenied": Quality.BAD_REFUSED,
    "BadNoCommunication": Quality.BAD_DEVICE_LOST,
    "BadWaitingForInitialData": Quality.BAD_NO_DATA,
    "BadNodeIdInvalid": Quality.BAD_REFUSED,
    "BadNodeIdUnknown": Quality.BAD_REFUSED,
    "BadAttributeIdInvalid": Quality.BAD_REFUSED,
    "BadNotReadable": Quality.BAD_REFUSED,
    "BadOutOfRange": Quality.BAD_RANGE,
    "BadNotSupported": Quality.BAD_REFUSED,
    "BadConfigurationError": Quality.BAD_REFUSED,
    "BadNotConnected": Quality.BAD_DEVICE_LOST,
    "BadDeviceFailure": Quality.BAD_DEVICE_FAULT,
    "BadSensorFailure": Quality.BAD_DEVICE_FAULT,
    "BadOutOfService": Quality.BAD_OUT_OF_SERVICE,
    "BadNoData": Quality.BAD_NO_DATA,
    "BadDataUnavailable": Quality.BAD_NO_DATA,
}


def value(raw: object, status: int | None = 0, source: datetime | None = None, server: datetime | None = None) -> Any:
    """Give a data value that is not the library's."""
    return SimpleNamespace(
        Value=SimpleNamespace(Value=raw),
        StatusCode=None if status is None else SimpleNamespace(value=status),
        SourceTimestamp=source,
        ServerTimestamp=server,
    )


def test_every_code_that_says_more_than_its_severity_is_the_standards() -> None:
    assert {getattr(ua.StatusCodes, name): quality for name, quality in EXPECTED.items()} == QUALITY_BY_CODE


@given(st.integers(0, 2**32 - 1))
def test_every_status_keeps_its_severity(status: int) -> None:
    severity = {0: "good", 1: "uncertain"}.get(status >> 30, "bad")
    overridden = status & 0xFFFF0000 == ua.StatusCodes.GoodLocalOverride

    assert quality_of(status).severity == ("uncertain" if overridden else severity)


@given(st.sampled_from(sorted(QUALITY_BY_CODE)), st.integers(0, 0xFFFF))
def test_info_bits_do_not_change_the_quality(code: int, info: int) -> None:
    assert quality_of(code | info) is QUALITY_BY_CODE[code]


@pytest.mark.parametrize(
    ("status", "expected"), [(0x480, True), (0x40900480, True), (0x80, False), (0x400, False), (0, False)]
)
def test_the_overflow_bit_counts_only_with_its_info_type(status: int, expected: bool) -> None:
    assert overflowed(status) is expected
    assert decode([value(1.0, status), value(2.0)]).overflows == int(expected)


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        (True, 1.0),
        (False, 0.0),
        (-3, -3.0),
        (2**40, 2.0**40),
        (1.25, 1.25),
        (datetime(2026, 7, 1, tzinfo=UTC), 1_782_864_000.0),
        (datetime(2026, 7, 1, tzinfo=UTC).replace(tzinfo=None), 1_782_864_000.0),
    ],
)
def test_scalars_and_times_become_numbers(raw: object, number: float) -> None:
    columns = decode([value(raw)])

    assert (columns.value.tolist(), columns.quality.tolist()) == ([number], [Quality.GOOD])


@pytest.mark.parametrize("raw", [None, "12", [1.0], b"1", math.nan, math.inf, object()])
def test_what_is_no_number_is_not_decoded(raw: object) -> None:
    columns = decode([value(raw)])

    assert np.isnan(columns.value).all()
    assert columns.quality.tolist() == [Quality.BAD_DECODE]


def test_a_bad_value_is_not_a_number_whatever_it_holds() -> None:
    columns = decode([value(12.0, ua.StatusCodes.BadOutOfService), value(12.0, None)])

    assert np.isnan(columns.value[0])
    assert columns.quality.tolist() == [Quality.BAD_OUT_OF_SERVICE, Quality.GOOD]
    assert columns.value[1] == 12.0


def test_the_sources_time_goes_before_the_servers_and_the_standards_zero_is_none() -> None:
    source = datetime(2026, 7, 1, 2, 13, 0, 123_457, tzinfo=UTC)
    server = source + timedelta(seconds=1)
    zero = datetime(1601, 1, 1, tzinfo=UTC)

    columns = decode([value(1, 0, source, server), value(1, 0, None, server), value(1), value(1, 0, zero)])

    microseconds = 1_782_871_980_123_457
    assert columns.source_at.tolist() == [microseconds, microseconds + 1_000_000, 0, 0]


@pytest.mark.parametrize(
    "address",
    [
        "i=85",
        "ns=2;i=4294967295",
        "ns=2;s=TCH.01.N.ELV01.CarPos",
        "ns=3;s=a;b=c d",
        "s=語",
        "ns=1;g=72962B91-FA75-4ae6-8d28-b404dc7daf63",
        "ns=1;b=M/RbKBsRVkePCePcx24oRA==",
    ],
)
def test_a_node_id_is_accepted_and_the_library_reads_it_too(address: str) -> None:
    assert node_id_mistake(address) is None
    ua.NodeId.from_string(address)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "it is not ns=N;s=TEXT"),
        ("TCH.01.N.ELV01.CarPos", "it is not ns=N;s=TEXT"),
        ("ns=2;CarPos", "it is not"),
        ("ns=x;s=a", "it is not"),
        ("ns=2;s=", "it is not"),
        ("nsu=urn:x;s=a", "it is not"),
        ("ns=70000;s=a", "namespace is greater"),
        ("ns=2;i=12a", "after i="),
        ("ns=2;i=4294967296", "after i="),
        ("ns=2;i=٣", "after i="),
        ("ns=1;g=72962B91", "no GUID"),
        ("ns=1;b=***", "no base64"),
    ],
)
def test_what_is_no_node_id_is_told_why(address: str, words: str) -> None:
    assert words in (node_id_mistake(address) or "")

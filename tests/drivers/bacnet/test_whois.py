"""Who-Is and I-Am against the library's encoder and the standard's examples."""

from typing import Any

import pytest
from bacpypes3.apdu import IAmRequest, WhoIsRequest
from bacpypes3.primitivedata import ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.errors import DriverConfigError
from cityhall_drivers.bacnet.whois import Search, i_am_of, parse_where, question_of
from cityhall_drivers.bacnet.wire import Station

HERE = Station("192.168.1.20", 47808)
INSTANCE_MAX = 4_194_302


@pytest.mark.parametrize(("where", "expected"), [
    ("192.168.1.0/24", Search("192.168.1.255", 47808, is_broadcast=True)),
    ("192.168.1.77/25", Search("192.168.1.127", 47808, is_broadcast=True)),
    ("192.168.1.255:47809", Search("192.168.1.255", 47809, is_broadcast=True)),
    ("127.0.0.1:47808", Search("127.0.0.1", 47808, is_broadcast=False)),
    ("192.168.1.20", Search("192.168.1.20", 47808, is_broadcast=False)),
    ("10.0.0.0/8 instances 1000-1999", Search("10.255.255.255", 47808, True, 1000, 1999)),
    ("192.168.1.20 network 20", Search("192.168.1.20", 47808, False, 0, INSTANCE_MAX, 20)),
    (
        "192.168.1.0/24 instances 1-9 network 5 via bbmd 10.0.0.1:47810",
        Search("192.168.1.255", 47808, True, 1, 9, 5, ("10.0.0.1", 47810)),
    ),
    ("  192.168.1.0/24   via bbmd 10.0.0.1 ", Search("192.168.1.255", 47808, True, bbmd=("10.0.0.1", 47808))),
])  # fmt: skip
def test_where_to_look_is_read(where: str, expected: Search) -> None:
    assert parse_where(where) == expected


@pytest.mark.parametrize("where", [
    "", "gateway", "192.168.1.300", "192.168.1.0/33", "192.168.1.0/31", "192.168.1.20:0", "192.168.1.20:70000",
    "192.168.1.20:x", "192.168.1.0/24 instances 9-1", "192.168.1.0/24 instances 1-4194303",
    "192.168.1.0/24 network 0", "192.168.1.0/24 network 65535", "192.168.1.0/24 via bbmd nobody",
    "192.168.1.0/24 via 10.0.0.1", "192.168.1.0/24 units 1-9",
])  # fmt: skip
def test_what_cannot_be_understood_is_refused_with_what_to_write(where: str) -> None:
    with pytest.raises(DriverConfigError, match=r"write 192\.168\.1\.0/24"):
        parse_where(where)


@pytest.mark.parametrize(("where", "expected"), [
    # Annex J.2.10 and J.2.11, clause 6.2: one device on this network.
    ("192.168.1.20", "81 0a 00 08 01 00 10 08"),
    # A broadcast for every network: DNET 0xffff, no DADR, hop count 255.
    ("192.168.1.0/24", "81 0b 00 0c 01 20 ff ff 00 ff 10 08"),
    ("192.168.1.0/24 network 20", "81 0b 00 0c 01 20 00 14 00 ff 10 08"),
    ("192.168.1.20 network 20", "81 0a 00 0c 01 20 00 14 00 ff 10 08"),
    # Distribute-Broadcast-To-Network (annex J.2.9).
    ("192.168.1.0/24 via bbmd 10.0.0.1", "81 09 00 0c 01 20 ff ff 00 ff 10 08"),
    # Clause 16.10.1: limits in context 0 and 1.
    ("192.168.1.20 instances 3-1000", "81 0a 00 0d 01 00 10 08 09 03 1a 03 e8"),
])  # fmt: skip
def test_the_question_is_that_of_the_standard(where: str, expected: str) -> None:
    assert question_of(parse_where(where)) == bytes.fromhex(expected)


@given(st.integers(0, INSTANCE_MAX), st.integers(0, INSTANCE_MAX))
def test_limits_are_written_as_the_library_writes_them(one: int, other: int) -> None:
    low, high = sorted((one, other))
    question = question_of(Search("192.168.1.20", 47808, False, low, high))
    limits = {} if (low, high) == (0, INSTANCE_MAX) else {
        "deviceInstanceRangeLowLimit": low, "deviceInstanceRangeHighLimit": high,
    }  # fmt: skip
    assert question[6:] == pdu(WhoIsRequest(**limits))


def pdu(apdu: Any) -> bytes:
    return bytes(apdu.encode().encode().pduData)


@given(st.integers(0, INSTANCE_MAX), st.sampled_from([50, 128, 206, 480, 1024, 1476]), st.integers(0, 65_535))
def test_an_i_am_is_read_as_the_library_writes_it(instance: int, apdu_max: int, vendor: int) -> None:
    told = i_am_of(
        HERE,
        pdu(
            IAmRequest(
                iAmDeviceIdentifier=ObjectIdentifier(("device", instance)),
                maxAPDULengthAccepted=apdu_max,
                segmentationSupported="noSegmentation",
                vendorID=vendor,
            )
        ),
    )
    assert told is not None
    assert (told.station, told.instance, told.apdu_max) == (HERE, instance, apdu_max)


@pytest.mark.parametrize("apdu", [
    "", "10", "10 08", "10 00", "10 00 c4 02 00 00 01", "10 00 c4 00 00 00 01 22 01 e0 91 03 21 63",
    "20 00 c4 02 00 00 01 22 01 e0 91 03 21 63", "10 00 c4 02 00 00 01 22 01",
])  # fmt: skip
def test_what_is_no_i_am_of_a_device_is_none(apdu: str) -> None:
    assert i_am_of(HERE, bytes.fromhex(apdu)) is None


@given(st.binary(max_size=30))
def test_any_bytes_are_an_i_am_or_none(data: bytes) -> None:
    told = i_am_of(HERE, b"\x10\x00" + data)
    assert told is None or 0 <= told.instance <= INSTANCE_MAX + 1

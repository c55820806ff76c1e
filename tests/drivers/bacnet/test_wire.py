"""Frames against the library's encoder and decoder, and against bytes of any kind."""

import struct
from typing import Any

import numpy as np
import pytest
from bacpypes3.apdu import (
    APDU,
    ConfirmedCOVNotificationRequest,
    IAmRequest,
    SimpleAckPDU,
    SubscribeCOVRequest,
    UnconfirmedCOVNotificationRequest,
)
from bacpypes3.basetypes import PropertyValue, StatusFlags
from bacpypes3.constructeddata import Any as AnyValue
from bacpypes3.ipv4.bvll import (
    LPDU,
    ForwardedNPDU,
    OriginalBroadcastNPDU,
    OriginalUnicastNPDU,
    RegisterForeignDevice,
    Result,
)
from bacpypes3.npdu import NPDU
from bacpypes3.pdu import PDU, IPv4Address, RemoteStation
from bacpypes3.primitivedata import ObjectIdentifier, Real
from hypothesis import given
from hypothesis import strategies as st
from tests.support.bacnet_answers import object_id
from tests.support.raw_bacnet import unsigned

from cityhall_drivers.bacnet.codec import Object, answer_of
from cityhall_drivers.bacnet.cov_wire import Glance, cancellation, notification_of, subscription
from cityhall_drivers.bacnet.refusals import ErrorAnswerError, TurnedDownError
from cityhall_drivers.bacnet.wire import (
    FrameError,
    Station,
    answered_invoke,
    bvll,
    confirmed,
    datagram,
    i_am_instance,
    open_datagram,
    register_foreign,
    reply_of,
    result_code,
    simple_ack,
    with_invoke,
)

PEER = ("192.168.1.20", 47808)
macs = st.binary(min_size=1, max_size=7)
networks = st.integers(1, 65534)
instances = st.integers(0, 4_194_302)
objects = st.builds(Object, st.integers(0, 1023), instances)
apdus = st.binary(min_size=1, max_size=60)


def opened(frame: bytes) -> tuple[Any, NPDU]:
    """What the library finds in a frame of ours."""
    lpdu: Any = LPDU.decode(PDU(frame))
    made = OriginalUnicastNPDU.decode(lpdu)
    return lpdu, NPDU.decode(made)


@given(apdus, st.booleans())
def test_a_frame_to_a_device_at_its_address_is_read_by_the_library(apdu: bytes, expects_reply: bool) -> None:
    _, npdu = opened(datagram(Station(*PEER), apdu, expects_reply=expects_reply))
    assert bytes(npdu.pduData) == apdu
    assert npdu.npduDADR is None
    assert bool(npdu.pduExpectingReply) is expects_reply


@given(apdus, networks, macs)
def test_a_frame_to_a_device_behind_a_router_names_it(apdu: bytes, network: int, mac: bytes) -> None:
    _, npdu = opened(datagram(Station(*PEER, network, mac), apdu, expects_reply=True))
    assert bytes(npdu.pduData) == apdu
    assert (npdu.npduDADR.addrNet, npdu.npduDADR.addrAddr) == (network, mac)
    assert npdu.npduHopCount == 255


@given(apdus, st.one_of(st.none(), st.tuples(networks, macs)), st.booleans())
def test_frames_of_the_library_are_read_with_the_station_that_speaks(
    apdu: bytes, behind: tuple[int, bytes] | None, is_broadcast: bool
) -> None:
    npdu = NPDU(apdu)
    npdu.npduVersion, npdu.npduControl = 1, 0
    if behind is not None:
        npdu.npduSADR = RemoteStation(*behind)
    kind = OriginalBroadcastNPDU if is_broadcast else OriginalUnicastNPDU
    frame = bytes(kind(npdu.encode().pduData).encode().pduData)
    network, mac = behind or (0, b"")
    assert open_datagram(frame, PEER) == (Station(*PEER, network, mac), apdu)


def test_a_forwarded_broadcast_comes_from_the_device_that_the_bbmd_names() -> None:
    made = ForwardedNPDU(IPv4Address("10.1.2.3:47809"), b"\x01\x00\x10\x08")
    frame = bytes(made.encode().pduData)
    assert open_datagram(frame, PEER) == (Station("10.1.2.3", 47809), b"\x10\x08")


def test_a_registration_as_foreign_device_is_read_by_the_library_and_its_result_by_us() -> None:
    made = RegisterForeignDevice.decode(LPDU.decode(PDU(register_foreign(300))))
    assert made.bvlciTimeToLive == 300
    assert result_code(bvll(bytes(Result(0x30).encode().pduData))[1]) == 0x30


@given(st.binary(max_size=40))
def test_bytes_of_any_kind_are_a_frame_or_none(data: bytes) -> None:
    for tried in (data, b"\x81\x0a" + (len(data) + 4).to_bytes(2, "big") + data):
        try:
            _, apdu = open_datagram(tried, PEER)
        except FrameError:
            continue
        assert apdu


@given(st.binary(min_size=1, max_size=40))
def test_an_apdu_of_any_kind_is_a_notification_or_none(apdu: bytes) -> None:
    for tried in (apdu, b"\x10\x02" + apdu, b"\x00\x05\x01\x01" + apdu):
        i_am_instance(tried)
        answered_invoke(tried)
        try:
            notification_of(tried)
        except FrameError:
            continue


@pytest.mark.parametrize(
    ("apdu", "error"),
    [
        (b"\x50\x07\x0e\x91\x01\x91\x1f", "unknown-object"),
        (b"\x71\x07\x04", "abort: segmentation-not-supported"),
        (b"\x60\x07\x09", "reject: unrecognized-service"),
    ],
    ids=["error", "abort", "reject"],
)
def test_refusals_are_understood(apdu: bytes, error: str) -> None:
    assert answered_invoke(apdu) == 7
    with pytest.raises((ErrorAnswerError, TurnedDownError), match=error):
        reply_of(apdu, 14)


def encoded(made: Any) -> bytes:
    """The library's octets of an APDU, head and data."""
    return bytes(made.encode().encode().pduData)


def test_an_abort_of_the_devices_own_question_answers_none_of_ours() -> None:
    assert answered_invoke(b"\x70\x07\x04") is None
    assert answered_invoke(b"\x71\x07\x04") == 7
    assert answered_invoke(b"\x40\x07\x00\x01") is None, "nor does a segment's acknowledgement"


@pytest.mark.parametrize(
    "apdu",
    [
        b"\x30\x07\x0c\x00",
        b"\x38\x07\x00\x01\x0e\x00",
        b"\x20\x07\x0e\x00",
        b"\x50\x07\x0e\x91\x02",
        b"\x71\x07\x04\x00",
    ],
    ids=["another service", "a segment", "a yes with data", "half an error", "an abort with data"],
)
def test_what_is_no_whole_answer_is_refused(apdu: bytes) -> None:
    with pytest.raises(FrameError):
        reply_of(apdu, 14)


@given(st.integers(0, 255), st.binary(max_size=20))
def test_only_the_number_of_a_question_changes(invoke: int, data: bytes) -> None:
    heard = APDU.decode(PDU(with_invoke(confirmed(14, data), invoke)))
    assert (heard.apduInvokeID, heard.apduService, bytes(heard.pduData)) == (invoke, 14, data)
    assert heard.apduMaxResp == 5


@given(instances, objects, st.integers(60, 3600), st.booleans())
def test_subscriptions_are_read_by_the_library(
    process: int, target: Object, lifetime_s: int, is_confirmed: bool
) -> None:
    made = SubscribeCOVRequest.decode(
        APDU.decode(PDU(subscription(process, target, lifetime_s, is_confirmed=is_confirmed)))
    )
    assert int(made.subscriberProcessIdentifier) == process
    assert tuple(map(int, made.monitoredObjectIdentifier)) == tuple(target)
    assert (int(made.lifetime), bool(made.issueConfirmedNotifications)) == (lifetime_s, is_confirmed)
    gone = SubscribeCOVRequest.decode(APDU.decode(PDU(cancellation(process, target))))
    assert (gone.lifetime, gone.issueConfirmedNotifications) == (None, None)


@given(
    st.integers(0, 300),
    instances,
    objects,
    st.floats(width=32),
    st.binary(min_size=1, max_size=1),
    st.integers(0, 2**17),
)
def test_what_is_seen_at_a_glance_is_what_walking_finds(
    process: int, instance: int, target: Object, number: float, flags: bytes, left_s: int
) -> None:
    device = Object(8, instance)
    listed = b"\x4e\x09\x55\x2e\x44" + struct.pack(">f", number) + b"\x2f\x09\x6f\x2e\x82\x04" + flags + b"\x2f\x4f"
    named = b"\x1c" + object_id(*device) + b"\x2c" + object_id(*target)
    apdu = b"\x10\x02" + unsigned(0, process) + named + unsigned(3, left_s) + listed
    glance = Glance(process, device, [target])
    seen, told = glance.read(apdu), notification_of(apdu)
    assert seen is not None
    assert told is not None
    np.testing.assert_array_equal(seen[2], answer_of(told.values))
    assert seen[:2] == (told.invoke, told.object)
    for place in range(len(apdu)):
        damaged = bytearray(apdu)
        damaged[place] ^= 0x08
        again = glance.read(bytes(damaged))
        if again is not None:  # then it means the same by walking
            walked = notification_of(bytes(damaged))
            assert walked is not None
            assert (walked.process, walked.device, walked.object) == (process, device, again[1])
            np.testing.assert_array_equal(again[2], answer_of(walked.values))
    for other in (
        Glance(process + 1, device, [target]),
        Glance(process, device, []),
        Glance(process, target, [target]),
    ):
        assert other.read(apdu) is None or target == device


@given(instances, objects, st.floats(width=32, allow_nan=False), st.booleans(), st.integers(0, 100_000))
def test_notifications_of_the_library_are_read_by_us(
    process: int, target: Object, number: float, is_confirmed: bool, left_s: int
) -> None:
    kind = ConfirmedCOVNotificationRequest if is_confirmed else UnconfirmedCOVNotificationRequest
    made = kind(
        subscriberProcessIdentifier=process,
        initiatingDeviceIdentifier=ObjectIdentifier(("device", 1001)),
        monitoredObjectIdentifier=ObjectIdentifier(tuple(target)),
        timeRemaining=left_s,
        listOfValues=[
            PropertyValue(propertyIdentifier="presentValue", value=AnyValue(Real(number)), priority=8),
            PropertyValue(propertyIdentifier="statusFlags", value=AnyValue(StatusFlags([0, 1, 0, 0]))),
        ],
    )
    head = b"\x02\x75\x09\x01" if is_confirmed else b"\x10\x02"
    apdu = head + bytes(made.encode().pduData)
    told = notification_of(apdu)
    assert told is not None
    assert (told.invoke, told.process) == (9 if is_confirmed else None, process)
    assert (told.device, told.object) == (Object(8, 1001), target)
    value, flags = told.values[85], told.values[111]
    assert value is not None
    assert (value.tag, value.data) == (4, struct.pack(">f", number))
    assert flags is not None
    assert flags.data == b"\x04\x40"


def test_i_am_and_a_simple_yes() -> None:
    said = IAmRequest(
        iAmDeviceIdentifier=("device", 77),
        maxAPDULengthAccepted=480,
        segmentationSupported="noSegmentation",
        vendorID=1,
    )
    assert i_am_instance(encoded(said)) == 77
    assert i_am_instance(b"\x10\x02\xc4\x02\x00\x00\x4d") is None
    yes = APDU.decode(PDU(simple_ack(9, 1)))
    assert isinstance(yes, SimpleAckPDU)
    assert (yes.apduInvokeID, yes.apduService) == (9, 1)

"""Our decoder against the library's own encoder and decoder: equal, or refused; never something else."""

import math
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary
from hypothesis import example, given
from hypothesis import strategies as st

from cityhall_bms.domain.quality import Quality
from cityhall_drivers.opcua.codec import Columns, decode
from cityhall_drivers.opcua.values import EPOCH_US, UnexpectedBytesError
from cityhall_drivers.opcua.wire import (
    PUBLISH_REQUEST,
    READ_REQUEST,
    REPUBLISH_REQUEST,
    publish_parameters,
    publish_response,
    read_parameters,
    read_response,
    republish_parameters,
    republish_response,
    request_header,
)

AT = datetime(2026, 7, 1, 2, 13, 0, 250_000, tzinfo=UTC)
AT_US = int(AT.timestamp() * 1_000_000)
RANGES = {
    ua.VariantType.SByte: (-(2**7), 2**7 - 1),
    ua.VariantType.Byte: (0, 2**8 - 1),
    ua.VariantType.Int16: (-(2**15), 2**15 - 1),
    ua.VariantType.UInt16: (0, 2**16 - 1),
    ua.VariantType.Int32: (-(2**31), 2**31 - 1),
    ua.VariantType.UInt32: (0, 2**32 - 1),
    ua.VariantType.Int64: (-(2**63), 2**63 - 1),
    ua.VariantType.UInt64: (0, 2**64 - 1),
}
TIMES = st.integers(0, 16_000_000_000_000_000).map(
    lambda us: datetime(1690, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
) | st.just(datetime(1601, 1, 1, tzinfo=UTC))
VARIANTS = st.one_of(
    [st.integers(*limits).map(lambda n, kind=kind: ua.Variant(n, kind)) for kind, limits in RANGES.items()]
    + [
        st.booleans().map(lambda b: ua.Variant(b, ua.VariantType.Boolean)),
        st.floats(width=32).map(lambda f: ua.Variant(f, ua.VariantType.Float)),
        st.floats().map(lambda f: ua.Variant(f, ua.VariantType.Double)),
        TIMES.map(lambda t: ua.Variant(t, ua.VariantType.DateTime)),
        st.just(ua.Variant(None, ua.VariantType.Null)),
    ]
)
CODES = st.sampled_from([0, 0x480, 0x00960000, 0x408F0000, 0x40000000, 0x80310000, 0x808C0480, 0x80000000])


@st.composite
def values(draw: st.DrawFn, variants: st.SearchStrategy[ua.Variant] = VARIANTS) -> ua.DataValue:
    """A data value with any of its parts left out."""
    one = ua.DataValue(
        draw(variants),
        SourceTimestamp=draw(st.none() | TIMES),
        ServerTimestamp=draw(st.none() | TIMES),
    )
    one.StatusCode = draw(st.none() | CODES.map(ua.StatusCode))
    return one


def answer(items: Sequence[ua.DataValue]) -> bytes:
    response = ua.ReadResponse()
    response.Results = list(items)
    return bytes(struct_to_binary(response))


def published(
    items: Sequence[tuple[int, ua.DataValue]], *, sequence: int = 7, kept: Sequence[int] = (), keep_alive: bool = False
) -> bytes:
    response = ua.PublishResponse()
    response.Parameters.SubscriptionId = 4
    response.Parameters.AvailableSequenceNumbers = list(kept)
    response.Parameters.MoreNotifications = True
    response.Parameters.NotificationMessage.SequenceNumber = sequence
    if not keep_alive:
        changes = ua.DataChangeNotification()
        changes.MonitoredItems = [ua.MonitoredItemNotification(handle, value) for handle, value in items]
        response.Parameters.NotificationMessage.NotificationData = [changes]
    return bytes(struct_to_binary(response))


def by_library(body: bytes) -> Columns:
    return decode(struct_from_binary(ua.ReadResponse, Buffer(body)).Results)


def same(one: Columns, other: Columns) -> bool:
    return (
        np.array_equal(one.value, other.value, equal_nan=True)
        and one.quality.tolist() == other.quality.tolist()
        and one.source_at.tolist() == other.source_at.tolist()
        and one.overflows == other.overflows
    )


@given(st.lists(values(), max_size=12))
def test_every_scalar_of_every_mask_and_status_is_decoded_as_by_the_library(items: list[ua.DataValue]) -> None:
    body = answer(items)
    assert same(read_response(body, len(items)), by_library(body))


@given(st.integers(1, 40), values())
def test_values_of_one_layout_are_decoded_as_by_the_library(count: int, item: ua.DataValue) -> None:
    body = answer([item] * count)
    assert same(read_response(body, count), by_library(body))


@given(st.lists(values(), min_size=1, max_size=4), st.data())
@example([ua.DataValue(ua.Variant(1.5, ua.VariantType.Double))], None)
def test_torn_and_altered_answers_are_refused_or_understood_as_by_the_library(
    items: list[ua.DataValue], data: st.DataObject | None
) -> None:
    body = bytearray(answer(items))
    if data is not None:
        for _ in range(data.draw(st.integers(1, 3))):
            body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
        del body[data.draw(st.integers(len(body) // 2, len(body))) :]
    try:
        ours = read_response(bytes(body), len(items))
    except UnexpectedBytesError:
        return
    there = struct_from_binary(ua.ReadResponse, Buffer(bytes(body))).Results
    assert has_picoseconds(there) or same(ours, decode(there))


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), values()), max_size=8), st.lists(st.integers(1, 99), max_size=3))
def test_pushed_changes_are_decoded_as_by_the_library(items: list[tuple[int, ua.DataValue]], kept: list[int]) -> None:
    got = publish_response(published(items, kept=kept))

    assert (got.sequence, got.is_keep_alive) == (7, False)
    assert got.handles.tolist() == [handle for handle, _ in items]
    there = struct_from_binary(ua.PublishResponse, Buffer(published(items))).Parameters.NotificationMessage
    assert same(got.columns, decode(item.Value for item in there.NotificationData[0].MonitoredItems))


@given(st.lists(st.tuples(st.integers(0, 9), values()), min_size=1, max_size=3), st.data())
def test_torn_and_altered_changes_are_refused_or_understood_as_by_the_library(
    items: list[tuple[int, ua.DataValue]], data: st.DataObject
) -> None:
    body = bytearray(published(items))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    del body[data.draw(st.integers(len(body) // 2, len(body))) :]
    try:
        ours = publish_response(bytes(body))
    except UnexpectedBytesError:
        return
    there = struct_from_binary(ua.PublishResponse, Buffer(bytes(body))).Parameters
    notifications = there.NotificationMessage.NotificationData or []
    changes = notifications[0].MonitoredItems if notifications else []
    assert ours.sequence == there.NotificationMessage.SequenceNumber
    assert ours.handles.tolist() == [item.ClientHandle for item in changes or []]
    items_there = [item.Value for item in changes or []]
    assert has_picoseconds(items_there) or same(ours.columns, decode(items_there))


def test_a_message_without_notifications_is_a_keep_alive() -> None:
    got = publish_response(published([], keep_alive=True, sequence=9))
    assert (got.is_keep_alive, got.sequence, len(got.handles)) == (True, 9, 0)


@pytest.mark.parametrize(
    "variant",
    [
        ua.Variant("text", ua.VariantType.String),
        ua.Variant([1.0, 2.0], ua.VariantType.Double),
        ua.Variant(b"raw", ua.VariantType.ByteString),
        ua.Variant(ua.LocalizedText("text"), ua.VariantType.LocalizedText),
        ua.Variant(datetime(9999, 12, 31, tzinfo=UTC), ua.VariantType.DateTime),
    ],
    ids=lambda variant: variant.VariantType.name,
)
def test_what_is_no_plain_number_is_left_to_the_library(variant: ua.Variant) -> None:
    with pytest.raises(UnexpectedBytesError):
        read_response(answer([ua.DataValue(ua.Variant(1.0)), ua.DataValue(variant)]), 2)


def test_picoseconds_stand_behind_the_time_that_they_belong_to() -> None:
    # OPC 10000-6, clause 5.2.2.17, table 21. The library (asyncua 2.1) has them behind both times.
    at = struct.pack("<q", (AT_US + EPOCH_US) * 10)
    both = b"\x3d\x06" + struct.pack("<i", 7) + at + b"\x0f\x27" + at + b"\xff\xff"
    source = b"\x15\x06" + struct.pack("<i", 8) + at + b"\x01\x00"
    server = b"\x29\x06" + struct.pack("<i", 9) + at + b"\x02\x00"
    for parts in ([both], [both, both], [both, source, server, both]):
        body = answer([])[:-8] + struct.pack("<i", len(parts)) + b"".join(parts) + b"\x00\x00\x00\x00"
        got = read_response(body, len(parts))
        assert got.value.tolist() == [float(part[2]) for part in parts]
        assert got.source_at.tolist() == [AT_US] * len(parts)


def has_picoseconds(items: Sequence[ua.DataValue]) -> bool:
    """Whether the library reads their times in an order of its own."""
    return any(item.SourcePicoseconds is not None or item.ServerPicoseconds is not None for item in items)


def test_a_time_that_is_not_exact_as_a_number_is_left_to_the_library_and_never_is_a_number() -> None:
    never, early = datetime(1601, 1, 1, tzinfo=UTC), datetime(1650, 1, 1, tzinfo=UTC)
    body = answer([ua.DataValue(ua.Variant(never, ua.VariantType.DateTime))])
    assert read_response(body, 1).value.tolist() == [-11_644_473_600.0]
    with pytest.raises(UnexpectedBytesError):
        read_response(answer([ua.DataValue(ua.Variant(early, ua.VariantType.DateTime))]), 1)


@pytest.mark.parametrize("wrong_by", [-1, 1])
def test_a_notification_of_another_length_than_it_says_is_left_to_the_library(wrong_by: int) -> None:
    body = bytearray(published([(3, ua.DataValue(ua.Variant(1.5)))]))
    # The extension object: type i=811, a binary body, its length (OPC 10000-6, clause 5.2.2.15).
    at = body.index(b"\x01\x00" + (811).to_bytes(2, "little") + b"\x01") + 5
    body[at] += wrong_by
    with pytest.raises(UnexpectedBytesError):
        publish_response(bytes(body))


def test_a_failed_service_and_another_number_of_values_are_left_to_the_library() -> None:
    body = answer([ua.DataValue(ua.Variant(1.0))])
    failed = ua.ReadResponse()
    failed.ResponseHeader.ServiceResult = ua.StatusCode(ua.StatusCodes.BadTooManyOperations)
    for wrong, count in ((body, 2), (bytes(struct_to_binary(failed)), 0), (body + b"\x00", 1)):
        with pytest.raises(UnexpectedBytesError):
            read_response(wrong, count)


def test_a_value_is_what_the_standard_says_it_is() -> None:
    # OPC 10000-6, clause 5.2.2.17: mask, then variant (Double = 11), status, source time in 100 ns since 1601.
    value = b"\x07\x0b" + np.float64(42.5).tobytes() + (0x40930000).to_bytes(4, "little")
    value += ((AT_US + 11_644_473_600_000_000) * 10).to_bytes(8, "little")
    head = b"\x01\x00\x7a\x02" + bytes(8) + bytes(4) + bytes(4) + b"\x00" + b"\xff" * 4 + b"\x00\x00\x00"
    got = read_response(head + b"\x01\x00\x00\x00" + value + b"\xff" * 4, 1)
    assert (got.value.tolist(), got.source_at.tolist()) == ([42.5], [AT_US])
    assert got.quality.tolist() == [Quality.UNCERTAIN_DEVICE_ALARM]


def test_a_read_is_asked_as_by_the_library() -> None:
    nodes = [ua.ReadValueId(NodeId=ua.NodeId.from_string(one), AttributeId=ua.AttributeIds.Value) for one in NODES]
    request = ua.ReadRequest()
    request.RequestHeader = header()
    request.Parameters = ua.ReadParameters(0, ua.TimestampsToReturn.Neither, nodes)
    ours = READ_REQUEST + request_header(TOKEN, AT_US, 17, 2000)
    ours += read_parameters([bytes(struct_to_binary(node)) for node in nodes])
    assert ours == bytes(struct_to_binary(request))


def test_a_message_that_is_sent_again_is_decoded_and_an_empty_one_told() -> None:
    response = ua.RepublishResponse()
    response.NotificationMessage.SequenceNumber = 6
    assert republish_response(bytes(struct_to_binary(response))).is_keep_alive
    changes = ua.DataChangeNotification()
    changes.MonitoredItems = [ua.MonitoredItemNotification(3, ua.DataValue(ua.Variant(1.5)))]
    response.NotificationMessage.NotificationData = [changes]
    body = bytes(struct_to_binary(response))
    got = republish_response(body)
    assert (got.sequence, got.handles.tolist(), got.columns.value.tolist()) == (6, [3], [1.5])
    for torn in (body[:-1], body + b"\x00"):
        with pytest.raises(UnexpectedBytesError):
            republish_response(torn)


def test_changes_without_a_length_are_decoded_as_panels_send_them() -> None:
    # Reported of WinCC Comfort panels (UA-.NETStandard, issue 2866) and SINUMERIK controls (UA-AnsiC-Legacy, issue 86).
    items = [(3, ua.DataValue(ua.Variant(1.5))), (4, ua.DataValue(ua.Variant(True)))]
    body = published(items)
    where = body.index(b"\x01\x00\x2b\x03\x01") + 5
    untold = body[:where] + b"\xff\xff\xff\xff" + body[where + 4 :]
    got = publish_response(untold)
    assert (got.handles.tolist(), got.columns.value.tolist()) == ([3, 4], [1.5, 1.0])
    assert got.subscription == publish_response(body).subscription == 4
    for torn in (untold[:-1], untold + b"\x00", body[:where] + b"\xfe\xff\xff\xff" + body[where + 4 :]):
        with pytest.raises(UnexpectedBytesError):
            publish_response(torn)


def test_a_republish_is_asked_as_by_the_library() -> None:
    request = ua.RepublishRequest()
    request.RequestHeader = header()
    request.Parameters.SubscriptionId, request.Parameters.RetransmitSequenceNumber = 4, 6
    ours = REPUBLISH_REQUEST + request_header(TOKEN, AT_US, 17, 2000) + republish_parameters(4, 6)
    assert ours == bytes(struct_to_binary(request))


def test_a_publish_is_asked_as_by_the_library() -> None:
    request = ua.PublishRequest()
    request.RequestHeader = header()
    request.Parameters.SubscriptionAcknowledgements = [ua.SubscriptionAcknowledgement(4, n) for n in (7, 8)]
    ours = PUBLISH_REQUEST + request_header(TOKEN, AT_US, 17, 2000) + publish_parameters([(4, 7), (4, 8)])
    assert ours == bytes(struct_to_binary(request))


NODES = ("ns=2;s=TCH.01.N.ELV01.CarPos", "i=2259", "ns=3;i=70000", "ns=1;b=AQI=")
TOKEN = b"\x02\x01\x00" + (77).to_bytes(4, "little")


def header() -> Any:
    one = ua.RequestHeader()
    one.AuthenticationToken = ua.NodeId(77, 1, ua.NodeIdType.Numeric)
    one.Timestamp, one.RequestHandle, one.TimeoutHint = AT, 17, 2000
    return one


def test_not_a_number_is_bad_and_nothing_else_is_said_of_it() -> None:
    got = read_response(answer([ua.DataValue(ua.Variant(math.nan, ua.VariantType.Double))]), 1)
    assert math.isnan(got.value[0])
    assert got.quality.tolist() == [Quality.BAD_DECODE]

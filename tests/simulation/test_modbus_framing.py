"""Modbus frames, byte by byte: what the two framings find in a stream, and what they send."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_simulators.faces.modbus_framing import MbapFraming, NotModbusError, Request, RtuFraming, crc16

READ_TWO = bytes.fromhex("04 00 64 00 02")
REQUESTS = [
    Request(unit_id, pdu)
    for unit_id, pdu in (
        (1, READ_TWO),
        (17, bytes.fromhex("03 00 6B 00 03")),
        (2, bytes.fromhex("05 00 01 FF 00")),
        (9, bytes.fromhex("0F 00 13 00 0A 02 CD 01")),
        (247, bytes.fromhex("10 00 01 00 02 04 00 0A 01 02")),
    )
]


def rtu(request: Request) -> bytes:
    body = bytes((request.unit_id,)) + request.pdu
    return body + crc16(body)


@pytest.mark.parametrize(("body", "checksum"), [
    # The first is the check value of CRC-16/MODBUS, the others are examples of makers' manuals.
    (b"123456789", "37 4B"),
    (bytes.fromhex("01 03 00 00 00 01"), "84 0A"),
    (bytes.fromhex("11 03 00 6B 00 03"), "76 87"),
    (bytes.fromhex("01 04 02 FF FF"), "B8 80"),
])  # fmt: skip
def test_the_checksum_is_that_of_the_serial_line_low_byte_first(body: bytes, checksum: str) -> None:
    assert crc16(body) == bytes.fromhex(checksum)


@given(cuts=st.lists(st.integers(0, 80), max_size=12))
def test_a_serial_stream_means_the_same_however_the_network_cuts_it(cuts: list[int]) -> None:
    stream = b"".join(rtu(request) for request in REQUESTS)
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    framing = RtuFraming()
    found = [r for a, b in pairwise(places) for r in framing.feed(stream[a:b], 0.0)]
    assert found == REQUESTS


@given(flipped=st.integers(0, 63))
def test_a_frame_with_one_wrong_bit_is_not_heard_and_the_next_segment_is(flipped: int) -> None:
    good = rtu(REQUESTS[0])
    bad = bytearray(good)
    bad[flipped // 8] ^= 1 << flipped % 8
    framing = RtuFraming()
    assert framing.feed(bytes(bad), 0.0) == []
    # A flipped function code may make the frame seem unfinished: silence on the line ends it.
    assert framing.feed(good, 1.0) == [REQUESTS[0]]


def test_half_a_frame_is_forgotten_after_silence() -> None:
    good = rtu(REQUESTS[1])
    framing = RtuFraming()
    assert framing.feed(good[:5], 0.0) == []
    assert framing.feed(good, 1.0) == [REQUESTS[1]]


def test_a_function_that_nobody_knows_is_heard_when_its_checksum_is_right() -> None:
    unknown = Request(3, bytes.fromhex("2B 0E 01 00"))
    assert RtuFraming().feed(rtu(unknown), 0.0) == [unknown]


def test_a_serial_answer_ends_with_its_checksum() -> None:
    # Unit 1 answers a read of one input register with 0xFFFF.
    assert RtuFraming().pack(Request(1, READ_TWO), bytes.fromhex("04 02 FF FF")) == bytes.fromhex(
        "01 04 02 FF FF B8 80"
    )


def test_a_tcp_answer_carries_the_transaction_of_its_request() -> None:
    framing = MbapFraming()
    [request] = framing.feed(bytes.fromhex("15 01 00 00 00 06 11") + READ_TWO, 0.0)
    assert request == Request(0x11, READ_TWO, 0x1501)
    assert framing.pack(request, bytes.fromhex("84 02")) == bytes.fromhex("15 01 00 00 00 03 11 84 02")


@pytest.mark.parametrize("header", ["00 01 00 01 00 06 01", "00 01 00 00 00 01 01", "00 01 00 00 01 00 01"])
def test_what_is_no_tcp_header_ends_the_conversation(header: str) -> None:
    with pytest.raises(NotModbusError):
        MbapFraming().feed(bytes.fromhex(header), 0.0)

"""Frames and their envelopes: examples of the standards, any segmentation, and no mutation that passes unseen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU

from cityhall_drivers.modbus import wire

UNITS = st.integers(0, 247)
DATA = st.binary(min_size=2, max_size=250).filter(lambda data: len(data) % 2 == 0)


def answer(data: bytes, function: int = 3) -> bytes:
    return bytes((function, len(data))) + data


def test_the_question_of_the_standard_is_made_byte_for_byte() -> None:
    # Modbus Application Protocol V1.1b3, clause 6.3: read holding registers 108 to 110.
    assert wire.read_question(3, 107, 3) == bytes.fromhex("03 006B 0003")


def test_the_answer_of_the_standard_gives_its_data() -> None:
    question = wire.read_question(3, 107, 3)
    assert wire.data_of(question, bytes.fromhex("03 06 022B 0000 0064"), 6) == bytes.fromhex("022B 0000 0064")


def test_an_exception_says_its_code() -> None:
    with pytest.raises(wire.ExceptionAnswerError) as refused:
        wire.data_of(wire.read_question(1, 0x04A1, 1), bytes.fromhex("81 02"), 1)
    assert refused.value.code == 2


@pytest.mark.parametrize("pdu", ["04 02 0001", "03 04 0001", "03 02 000100", "03 02", "83 02 00"])
def test_an_answer_to_another_question_is_nonsense(pdu: str) -> None:
    with pytest.raises(wire.NonsenseError):
        wire.data_of(wire.read_question(3, 0, 1), bytes.fromhex(pdu), 2)


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), UNITS, DATA), min_size=1, max_size=5), st.data())
def test_frames_are_found_however_the_stream_is_cut(frames: list[tuple[int, int, bytes]], data: st.DataObject) -> None:
    stream = b"".join(wire.tcp_frame(transaction, unit, answer(payload)) for transaction, unit, payload in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    buffer, found = bytearray(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        buffer += stream[start:end]
        found += list(wire.split_tcp(buffer))
    assert found == [(transaction, unit, answer(payload)) for transaction, unit, payload in frames]
    assert not buffer


@given(st.integers(0, 0xFFFF), st.integers(1, 247), DATA)
def test_pymodbus_reads_our_frames(transaction: int, unit: int, data: bytes) -> None:
    decoder = DecodePDU(is_server=False)
    _, device, told, pdu = FramerSocket(decoder).decode(wire.tcp_frame(transaction, unit, answer(data)))
    assert (device, told, pdu) == (unit, transaction, answer(data))
    _, device, _, pdu = FramerRTU(decoder).decode(wire.rtu_frame(unit, answer(data)))
    assert (device, pdu) == (unit, answer(data))


@pytest.mark.parametrize("head", ["0001 0001 0003 01 03", "0001 0000 0001 01", "0001 0000 00FF 01 03"])
def test_what_is_no_frame_is_said_to_be_none(head: str) -> None:
    with pytest.raises(wire.NonsenseError):
        list(wire.split_tcp(bytearray.fromhex(head)))


def test_the_checksum_is_that_of_the_serial_line_standard() -> None:
    # Modbus over Serial Line V1.02, clause 6.2.2: 02 07 gives 41 12, low byte first.
    assert wire.rtu_frame(2, b"\x07")[2:] == bytes.fromhex("41 12")


@given(UNITS, DATA, st.data())
def test_a_serial_answer_with_a_flipped_bit_is_never_taken(unit: int, data: bytes, draw: st.DataObject) -> None:
    frame = bytearray(wire.rtu_frame(unit, answer(data)))
    place = draw.draw(st.integers(0, 8 * len(frame) - 1))
    frame[place // 8] ^= 1 << (place % 8)
    assert wire.rtu_answer(frame, unit, wire.read_question(3, 0, len(data) // 2)) is None


@given(UNITS, DATA, st.binary(max_size=40), st.binary(max_size=40))
def test_a_serial_answer_is_found_among_noise_when_its_last_byte_has_come(
    unit: int, data: bytes, before: bytes, behind: bytes
) -> None:
    question, frame = wire.read_question(3, 0, len(data) // 2), wire.rtu_frame(unit, answer(data))
    assert wire.rtu_answer(bytearray(before + frame[:-1]), unit, question) is None
    assert wire.rtu_answer(bytearray(before + frame + behind), unit, question) == answer(data)


@given(UNITS, st.sampled_from([1, 2, 3, 4]), st.integers(1, 125), DATA)
def test_of_another_unit_function_or_length_no_serial_answer_is_taken(
    unit: int, function: int, count: int, data: bytes
) -> None:
    frame = bytearray(wire.rtu_frame(unit, answer(data)))
    asked = wire.read_question(function, 0, count)
    fits = function == 3 and 2 * count == len(data)
    assert wire.rtu_answer(frame, unit, asked) == (answer(data) if fits else None)
    assert wire.rtu_answer(frame, unit ^ 1, asked) is None


@pytest.mark.parametrize(
    ("question", "pdu"),
    [
        ("03 0001 0001", "83 02"),
        ("01 0000 000B", "01 02 FF07"),
        ("05 00AC FF00", "05 00AC FF00"),
        ("06 0001 0003", "06 0001 0003"),
        ("10 0001 0002 04 000A 0102", "10 0001 0002"),
        ("16 0004 00F2 0025", "16 0004 00F2 0025"),
    ],
)
def test_the_serial_answer_to_every_function_is_known_by_its_length(question: str, pdu: str) -> None:
    heard = bytearray(b"\x00" + wire.rtu_frame(1, bytes.fromhex(pdu)))
    assert wire.rtu_answer(heard, 1, bytes.fromhex(question)) == bytes.fromhex(pdu)
    assert wire.rtu_answer(heard[:-1], 1, bytes.fromhex(question)) is None


def test_an_identification_of_the_standard_is_read_also_from_a_serial_line() -> None:
    # Clause 6.21: a company, a product code, a revision.
    objects = [(0, b"Company identification"), (1, b"Product code XX"), (2, b"V2.11")]
    body = b"".join(bytes((number, len(text))) + text for number, text in objects)
    pdu = bytes((43, 14, 1, 1, 0, 0, 3)) + body
    frame = wire.rtu_frame(1, pdu)
    question = wire.identification_question(0)
    assert all(wire.rtu_answer(bytearray(frame[:size]), 1, question) is None for size in range(len(frame)))
    assert wire.rtu_answer(bytearray(frame), 1, question) == pdu
    assert wire.identification_of(pdu) == {number: text.decode() for number, text in objects}
    with pytest.raises(wire.NonsenseError):
        wire.identification_of(pdu[:-1])


@given(st.binary(max_size=300))
def test_any_bytes_are_frames_or_nonsense_and_nothing_else(noise: bytes) -> None:
    wire.rtu_answer(bytearray(noise), 1, wire.identification_question(0))
    try:
        list(wire.split_tcp(bytearray(noise)))
    except wire.NonsenseError:
        return

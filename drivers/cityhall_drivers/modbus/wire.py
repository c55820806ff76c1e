"""Modbus as bytes: questions, answers, and the two envelopes they travel in. Pure; knows no socket.

Sources: Modbus Application Protocol V1.1b3 (PDU), Modbus Messaging on TCP/IP V1.0b (MBAP), Modbus over Serial Line
V1.02 (RTU). A PDU is a function code and its data; an envelope names the unit and guards the whole.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

PDU_MAX: Final = 253
EXCEPTION_BIT: Final = 0x80
READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT = 1, 2, 3, 4
WRITE_COIL, WRITE_REGISTER, WRITE_REGISTERS, MASK_WRITE = 5, 6, 16, 22
READ_IDENTIFICATION: Final = 43
IDENTIFICATION_TYPE: Final = 14
READS: Final = frozenset({READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT})
TCP_ENVELOPE: Final = 7
RTU_ENVELOPE: Final = 3
"""Bytes that an envelope adds to a PDU: the MBAP header; unit and checksum."""

_MBAP: Final = struct.Struct(">HHHB")
_LENGTH_AT: Final = 4
_FIXED_ANSWERS: Final = {WRITE_COIL: 5, WRITE_REGISTER: 5, WRITE_REGISTERS: 5, MASK_WRITE: 7}
"""Length of the PDU that answers a write: it repeats the question's address and value or quantity."""


class NonsenseError(Exception):
    """An answer that does not belong to the question, or bytes that are no frame at all."""


class ExceptionAnswerError(Exception):
    """The unit answered with an exception code (clause 7)."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


class Frame(NamedTuple):
    """One message without its envelope; ``transaction`` is 0 where the envelope has none."""

    transaction: int
    unit: int
    pdu: bytes


def read_question(function: int, start: int, count: int) -> bytes:
    """PDU that asks for ``count`` bits or registers from ``start``."""
    return struct.pack(">BHH", function, start, count)


def read_size(question: bytes) -> int:
    """Bytes of data that a correct answer to a read has."""
    count = int.from_bytes(question[3:5], "big")
    return (count + 7) // 8 if question[0] <= READ_DISCRETE else 2 * count


def identification_question(first: int) -> bytes:
    """PDU that asks for the basic device identification from object ``first`` (clause 6.21)."""
    return bytes((READ_IDENTIFICATION, IDENTIFICATION_TYPE, 1, first))


def data_of(question: bytes, answer: bytes, byte_count: int) -> bytes:
    """Data of an answer to a read, of exactly ``byte_count`` bytes.

    :class:`ExceptionAnswerError` or :class:`NonsenseError` for anything else.
    """
    if answer[0] == question[0] and len(answer) == 2 + byte_count and answer[1] == byte_count:
        return answer[2:]
    check_function(question, answer)
    msg = f"{len(answer) - 2} bytes of data where {byte_count} were asked for"
    raise NonsenseError(msg)


def check_function(question: bytes, answer: bytes) -> None:
    """Refuse an answer that is an exception, or of another function."""
    if answer[0] == question[0]:
        return
    if answer[0] == question[0] | EXCEPTION_BIT and len(answer) == 2:
        raise ExceptionAnswerError(answer[1])
    msg = f"function {answer[0]} answered to function {question[0]}"
    raise NonsenseError(msg)


def tcp_frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    """A PDU in its MBAP envelope."""
    return _MBAP.pack(transaction, 0, len(pdu) + 1, unit) + pdu


def split_tcp(buffer: bytearray) -> Iterator[Frame]:
    """Take every whole frame off the front of a buffer; :class:`NonsenseError` when what stands there is none."""
    while len(buffer) >= _MBAP.size:
        transaction, protocol, length, unit = _MBAP.unpack_from(buffer)
        if protocol != 0 or not 2 <= length <= PDU_MAX + 1:
            msg = f"no Modbus frame: protocol {protocol}, length {length}"
            raise NonsenseError(msg)
        end = _LENGTH_AT + 2 + length
        if len(buffer) < end:
            return
        yield Frame(transaction, unit, bytes(buffer[_MBAP.size : end]))
        del buffer[:end]


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_CRC: Final = _crc_table()


def crc16(data: bytes | bytearray) -> int:
    """Checksum of an RTU frame (Modbus over Serial Line, clause 6.2.2)."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC[(crc ^ byte) & 0xFF]
    return crc


def rtu_frame(unit: int, pdu: bytes) -> bytes:
    """A PDU with its unit and checksum."""
    body = bytes((unit,)) + pdu
    return body + crc16(body).to_bytes(2, "little")


def rtu_answer(heard: bytearray, unit: int, question: bytes) -> bytes | None:
    """PDU that answers a question, wherever in what was heard it begins; none while it is not there as a whole.

    Unit, function, length and checksum must be right. All else is passed over: noise, echoes, answers to others.
    """
    for function in (question[0], question[0] | EXCEPTION_BIT):
        head = bytes((unit, function))
        place = heard.find(head)
        while place >= 0:
            size = _answer_size(question, heard[place + 1 : place + 1 + PDU_MAX])
            end = place + 1 + size
            if (
                size
                and len(heard) >= end + 2
                and crc16(heard[place:end]) == int.from_bytes(heard[end : end + 2], "little")
            ):
                return bytes(heard[place + 1 : end])
            place = heard.find(head, place + 1)
    return None


def _answer_size(question: bytes, start: bytearray) -> int:
    """Bytes of the PDU that answers a question, as far as its first bytes tell; 0 for too few, or none."""
    if start[0] & EXCEPTION_BIT:
        return 2
    if start[0] in READS:
        wanted = read_size(question)
        return 2 + wanted if start[1:2] == bytes((wanted,)) else 0
    return _FIXED_ANSWERS.get(start[0]) or _identification_size(start)


def _identification_size(start: bytearray) -> int:
    """Bytes of an identification: its objects say theirs one by one."""
    place = 7
    if len(start) < place:
        return 0
    for _ in range(start[6]):
        if len(start) < place + 2:
            return 0
        place += 2 + start[place + 1]
    return place


def identification_of(answer: bytes) -> dict[int, str]:
    """Objects of a device identification, by their number: 0 vendor, 1 product code, 2 revision.

    :class:`NonsenseError` for a broken one.
    """
    found: dict[int, str] = {}
    place = 7
    for _ in range(answer[6] if len(answer) > 6 else 0):
        head = answer[place : place + 2]
        text = answer[place + 2 : place + 2 + head[1]] if len(head) == 2 else b""
        if len(head) != 2 or len(text) != head[1]:
            msg = "a device identification that ends inside an object"
            raise NonsenseError(msg)
        found[head[0]] = text.decode("utf-8", "replace")
        place += 2 + len(text)
    return found

"""Sparkplug B messages written byte by byte from the published definition. It shares no code with the driver."""

import struct
from dataclasses import dataclass
from typing import Any

VARINT, EIGHT, LENGTH, FOUR = 0, 1, 2, 5
"""Wire types of protobuf."""

Field = tuple[int, int, Any]


def varint(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def message(*fields: Field) -> bytes:
    """A protobuf message of (number, wire type, value)."""
    out = b""
    for number, wire, value in fields:
        out += varint(number << 3 | wire)
        if wire == VARINT:
            out += varint(int(value))
        elif wire == LENGTH:
            data = value.encode() if isinstance(value, str) else value
            out += varint(len(data)) + data
        else:
            out += struct.pack("<d" if wire == EIGHT else "<f", value)
    return out


INT, LONG, FLOAT, DOUBLE, BOOL, STRING = (10, VARINT), (11, VARINT), (12, FOUR), (13, EIGHT), (14, VARINT), (15, LENGTH)
"""Value fields of a metric: number in the definition, and wire type."""


@dataclass(frozen=True)
class M:
    """One metric: ``kind`` is the number of its data type, ``field`` where its value goes."""

    name: str | None = None
    value: Any = None
    field: tuple[int, int] = DOUBLE
    kind: int | None = 10
    alias: int | None = None
    at_ms: int | None = None
    historical: bool = False
    null: bool = False
    quality: int | None = None

    def encode(self) -> bytes:
        fields: list[Field] = []
        if self.name is not None:
            fields.append((1, LENGTH, self.name))
        if self.alias is not None:
            fields.append((2, VARINT, self.alias))
        if self.at_ms is not None:
            fields.append((3, VARINT, self.at_ms))
        if self.kind is not None:
            fields.append((4, VARINT, self.kind))
        if self.historical:
            fields.append((5, VARINT, 1))
        if self.null:
            fields.append((7, VARINT, 1))
        if self.quality is not None:
            value = message((1, VARINT, 3), (3, VARINT, self.quality))
            fields.append((9, LENGTH, message((1, LENGTH, "Quality"), (2, LENGTH, value))))
        if self.value is not None:
            fields.append((*self.field, self.value))
        return message(*fields)


def payload(*metrics: M, seq: int | None = None, at_ms: int = 1_782_864_000_000) -> bytes:
    fields: list[Field] = [(1, VARINT, at_ms), *((2, LENGTH, metric.encode()) for metric in metrics)]
    return message(*fields, *([(3, VARINT, seq)] if seq is not None else []))


def bd_seq(number: int) -> M:
    return M("bdSeq", number, LONG, 8)

"""Arrays of data values (OPC 10000-6, clause 5.2.2.17) as columns, without an object per value. Pure.

Only what plants send all day is understood: scalars that are numbers, booleans or times. Everything else is refused
with :class:`UnexpectedBytesError`, and the caller lets the library decode it. Values of one layout are one numpy call;
of a mixture every value costs one step of a walk from value to value.
"""

import functools
import struct
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cityhall_drivers.opcua.codec import Columns, columns_of

EPOCH_US: Final = 11_644_473_600_000_000
"""Microseconds between 1601, where the standard's time begins, and 1970."""
NOTHING: Final = (b"\xff\xff\xff\xff", b"\x00\x00\x00\x00")
"""An array that is null or empty."""
_TICKS_MIN: Final = 27_000_000_000_000_000
_TICKS_MAX: Final = 200_000_000_000_000_000
"""1686 to 2234, when microseconds since 1970 are exact as float64; other times are nobody's, 1601 itself is *never*."""
_NULL, _BOOLEAN, _DATE_TIME = 0, 1, 13
_NUMBERS: Final = {
    _BOOLEAN: "u1",
    2: "i1",
    3: "u1",
    4: "<i2",
    5: "<u2",
    6: "<i4",
    7: "<u4",
    8: "<i8",
    9: "<u8",
    10: "<f4",
    11: "<f8",
    _DATE_TIME: "<i8",
}
"""Bytes of variant types (OPC 10000-6, table 1): Boolean, SByte, Byte, Int16, ... Float, Double, DateTime."""
_VALUE, _STATUS, _SOURCE_TIME, _SERVER_TIME, _SOURCE_PICOSECONDS, _SERVER_PICOSECONDS = 1, 2, 4, 8, 16, 32
_MASK_MAX: Final = 63


class UnexpectedBytesError(Exception):
    """Bytes that the fast decoder does not claim to understand."""


def data_values(body: bytes, start: int, count: int, lead: int) -> tuple[NDArray[np.uint32], Columns, int]:
    """``count`` data values from ``start``, each behind ``lead`` (0 or 4) bytes of client handle.

    Gives the handles, the values, and where they end.
    """
    if not 0 < count <= len(body):
        count = none_is_empty(count)
    numbers, status = np.full(count, np.nan), np.zeros(count, np.uint32)
    times, handles = np.zeros(count, np.int64), np.zeros(count, np.uint32)
    place = start
    for rows, records, end in _groups(body, start, count, lead):
        place = max(place, end)
        names = records.dtype.names or ()
        if lead:
            handles[rows] = records["handle"]
        if "number" in names:
            numbers[rows] = _number(records)
        if "status" in names:
            status[rows] = records["status"]
        if "source" in names:
            times[rows] = np.maximum(_microseconds(records["source"]), 0)
        elif "server" in names:
            times[rows] = np.maximum(_microseconds(records["server"]), 0)
    return handles, columns_of(numbers, status, times), place


def none_is_empty(length: int) -> int:
    """Length of an array that is not longer than its message: a null array has none."""
    if length in {0, -1}:
        return 0
    msg = "an array longer than its message"
    raise UnexpectedBytesError(msg)


def unpack(form: str, body: bytes, place: int) -> tuple[Any, ...]:
    """Numbers at a place; :class:`UnexpectedBytesError` behind the end."""
    try:
        return struct.unpack_from(form, body, place)
    except struct.error as error:
        msg = "the message ends early"
        raise UnexpectedBytesError(msg) from error


def _groups(body: bytes, start: int, count: int, lead: int) -> Iterator[tuple[Any, NDArray[Any], int]]:
    """Values of equal layout: their rows, their fields, and where the last of them ends."""
    if not count:
        return
    try:
        layout = _layout(lead, *_kind(body, start + lead))
        end = start + layout.itemsize * count
        if end <= len(body) and _is_uniform(body, start + lead, end, layout.itemsize, count):
            yield slice(None), np.frombuffer(body, layout, count, start), end
            return
        groups = _walk(body, start, count, lead)
    except IndexError as error:
        msg = "the message ends early"
        raise UnexpectedBytesError(msg) from error
    octets = np.frombuffer(body, np.uint8)
    for layout, rows, places in groups:
        if places[-1] + layout.itemsize > len(body):
            msg = "the message ends early"
            raise UnexpectedBytesError(msg)
        records = octets[np.array(places, np.intp)[:, None] + np.arange(layout.itemsize)].view(layout)[:, 0]
        yield np.array(rows, np.intp), records, places[-1] + layout.itemsize


def _walk(body: bytes, place: int, count: int, lead: int) -> list[tuple[np.dtype[Any], list[int], list[int]]]:
    """Layouts, each with its rows and their places. ``IndexError`` behind the end."""
    groups: dict[int, tuple[np.dtype[Any], int, list[int], list[int]]] = {}
    for row in range(count):
        mask = body[place + lead]
        kind = mask << 8 | (body[place + lead + 1] if mask & _VALUE else _NULL)
        group = groups.get(kind)
        if group is None:
            layout = _layout(lead, mask, kind & 0xFF)
            group = groups[kind] = (layout, layout.itemsize, [], [])
        group[2].append(row)
        group[3].append(place)
        place += group[1]
    return [(layout, rows, places) for layout, _, rows, places in groups.values()]


def _kind(body: bytes, place: int) -> tuple[int, int]:
    """Encoding mask and variant type of the data value here."""
    mask = body[place]
    return mask, body[place + 1] if mask & _VALUE else _NULL


def _is_uniform(body: bytes, first: int, end: int, size: int, count: int) -> bool:
    """Whether every ``size`` bytes there are the mask and the type of the first."""
    masks = body[first:end:size]
    if masks != masks[:1] * count:
        return False
    kinds = body[first + 1 : end : size]
    return not masks[0] & _VALUE or kinds == kinds[:1] * count


@functools.cache
def _layout(lead: int, mask: int, variant: int) -> np.dtype[Any]:
    """Fields of a data value of this encoding mask and variant type."""
    known = variant == _NULL or variant in _NUMBERS
    if mask > _MASK_MAX or not known:
        msg = f"a data value of mask 0x{mask:02X} and variant 0x{variant:02X}"
        raise UnexpectedBytesError(msg)
    fields = [("handle", "<u4")] if lead else []
    fields.append(("mask", "u1"))
    if mask & _VALUE:
        fields.append(("variant", "u1"))
        fields += [("number", _NUMBERS[variant])] if variant != _NULL else []
    if mask & _STATUS:
        fields.append(("status", "<u4"))
    if mask & _SOURCE_TIME:
        fields.append(("source", "<i8"))
    # Less than a microsecond: some servers (node-opcua) send it with every value, and nobody needs it.
    if mask & _SOURCE_PICOSECONDS:
        fields.append(("source_picoseconds", "<u2"))
    if mask & _SERVER_TIME:
        fields.append(("server", "<i8"))
    if mask & _SERVER_PICOSECONDS:
        fields.append(("server_picoseconds", "<u2"))
    return np.dtype(fields)


def _number(records: NDArray[Any]) -> NDArray[np.float64]:
    """Numbers; booleans as 0 and 1, times as seconds since 1970."""
    raw = records["number"]
    variant = records["variant"][0]
    if variant == _BOOLEAN:
        raw = raw != 0
    elif variant == _DATE_TIME:
        if ((raw < _TICKS_MIN) & (raw != 0)).any():
            msg = "a time before all others"
            raise UnexpectedBytesError(msg)
        return _microseconds(raw) / 1e6
    with np.errstate(invalid="ignore"):  # a signalling NaN is a NaN
        return np.asarray(raw, np.float64)


def _microseconds(ticks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Time in µs since 1970 of hundreds of nanoseconds since 1601."""
    if (ticks > _TICKS_MAX).any():
        msg = "a time behind all others"
        raise UnexpectedBytesError(msg)
    return ticks // 10 - EPOCH_US

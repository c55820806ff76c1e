"""Raw scans of one device as they are kept: many behind each other, a few bytes each, and every one exactly as it came.

Form: ``u8 version = 1``, then, deflated (RFC 1950): ``u32 scans | i64 time[scans] | u32 length[scans]``, little-endian,
and the bytes of all scans, those of one length together (the length that comes first, first). A table of one row per
scan is written column by column: the n-th byte of every scan stands beside the n-th byte of the next. Scans of one read
plan differ in few places, so a register costs a quarter of what it costs scan by scan. Times are differences.
"""

import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

VERSION: Final = b"\x01"
SMALL: Final = zlib.Z_DEFAULT_COMPRESSION
QUICKLY: Final = zlib.Z_BEST_SPEED
"""For rows that are packed again with others within the hour: a third of the work."""
UNPACKED_BYTES_MAX: Final = 256 * 2**20
_COUNT: Final = struct.Struct("<I")
_HEAD_BYTES: Final = 12
"""Of one scan: its time and its length."""

RawScan = tuple[int, bytes]
"""Time of a scan (µs UTC), and what the device sent."""


class RawPackingError(ValueError):
    """Bytes that are no packed scans."""


def pack(scans: Sequence[RawScan], level: int = SMALL) -> bytes:
    """Scans in the order of ``scans``, deflated :data:`SMALL` or :data:`QUICKLY`."""
    times = np.array([at for at, _ in scans], "<i8")
    lengths = np.array([len(data) for _, data in scans], "<u4")
    head = _columns(np.diff(times, prepend=np.int64(0)).astype("<i8").view(np.uint8).reshape(-1, 8))
    body = [
        _columns(
            np.frombuffer(b"".join(data for _, data in scans if len(data) == length), np.uint8).reshape(-1, length)
        )
        for length in _in_order(lengths)
        if length
    ]
    return VERSION + zlib.compress(b"".join((_COUNT.pack(len(scans)), head, lengths.tobytes(), *body)), level)


def unpack(packed: bytes) -> list[RawScan]:
    """What :func:`pack` was given; :class:`RawPackingError` for anything else."""
    data = _inflated(packed)
    if len(data) < _COUNT.size:
        msg = "packed scans end before their number"
        raise RawPackingError(msg)
    (count,) = _COUNT.unpack_from(data)
    place = _COUNT.size + _HEAD_BYTES * count
    if len(data) < place:
        msg = f"{len(data)} bytes cannot hold {count} scans"
        raise RawPackingError(msg)
    lengths = np.frombuffer(data, "<u4", count, _COUNT.size + 8 * count)
    if place + int(lengths.sum(dtype=np.int64)) != len(data):
        msg = "lengths of packed scans do not add up"
        raise RawPackingError(msg)
    times = np.cumsum(_rows(data, _COUNT.size, count, 8).view("<i8").reshape(-1)).tolist()
    found: list[bytes] = [b""] * count
    for length in _in_order(lengths):
        members = np.flatnonzero(lengths == length)
        rows = _rows(data, place, len(members), length).tobytes()
        for number, member in enumerate(members.tolist()):
            found[member] = rows[number * length : (number + 1) * length]
        place += length * len(members)
    return list(zip(times, found, strict=True))


def repack(parts: Iterable[bytes]) -> bytes:
    """Join what was packed in parts, in order of time."""
    return pack(sorted(scan for part in parts for scan in unpack(part)))


def _inflated(packed: bytes) -> bytes:
    if packed[:1] != VERSION:
        msg = "packed scans of an unknown version"
        raise RawPackingError(msg)
    inflate = zlib.decompressobj()
    try:
        data = inflate.decompress(packed[1:], UNPACKED_BYTES_MAX)
    except zlib.error as error:
        msg = f"packed scans cannot be inflated: {error}"
        raise RawPackingError(msg) from error
    if not inflate.eof or inflate.unused_data:
        msg = "packed scans that end too early or too late"
        raise RawPackingError(msg)
    return data


def _in_order(lengths: NDArray[np.uint32]) -> list[int]:
    """Each length once, the one that comes first first."""
    return list(dict.fromkeys(lengths.tolist()))


def _columns(rows: NDArray[np.uint8]) -> bytes:
    return rows.T.tobytes()


def _rows(data: bytes, place: int, count: int, width: int) -> NDArray[np.uint8]:
    columns = np.frombuffer(data, np.uint8, count * width, place).reshape(width, count)
    return np.ascontiguousarray(columns.T)

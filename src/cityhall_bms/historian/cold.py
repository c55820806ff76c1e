"""The cold form of old samples: columns of one day, byte by byte beside each other, deflated.

Form: ``u8 version = 1 | u32 rows``, then one zlib stream (RFC 1950) of the columns, little-endian. Of every column
first the lowest byte of all rows, then the next, so that what hardly changes stands together; times are differences to
the row before. Nothing is rounded: what comes out is what went in, to the last bit (docs/adr/0071-cold-form.md).
"""

import struct
import zlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

VERSION: Final = 1
ROWS_MAX: Final = 50_000_000
_HEAD: Final = struct.Struct("<BI")


class ColdFormatError(ValueError):
    """Bytes that are no columns of a version we know, or not the columns asked for."""


def pack_times(at: NDArray[np.int64], recorded_at: NDArray[np.int64]) -> bytes:
    """Times of scans, µs UTC; ``recorded_at`` is kept as its distance from ``at``."""
    return _pack(_steps(at), recorded_at - at)


def unpack_times(data: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What :func:`pack_times` was given."""
    steps, lag = _unpack(data, "<i8", "<i8")
    at: NDArray[np.int64] = np.cumsum(steps)
    return at, at + lag


def pack_values(value: NDArray[np.float64], quality: NDArray[np.uint8]) -> bytes:
    """Values of one point, in the order of the scans of its set."""
    return _pack(value, quality)


def unpack_values(data: bytes) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """What :func:`pack_values` was given."""
    value, quality = _unpack(data, "<f8", "u1")
    return value, quality


def pack_samples(
    at: NDArray[np.int64], recorded_at: NDArray[np.int64], value: NDArray[np.float64], quality: NDArray[np.uint8]
) -> bytes:
    """Samples of one point that came in chance selections, and so have times of their own."""
    return _pack(_steps(at), recorded_at - at, value, quality)


def unpack_samples(
    data: bytes,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.uint8]]:
    """What :func:`pack_samples` was given."""
    steps, lag, value, quality = _unpack(data, "<i8", "<i8", "<f8", "u1")
    at: NDArray[np.int64] = np.cumsum(steps)
    return at, at + lag, value, quality


def _steps(at: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.diff(at, prepend=np.int64(0))


def _pack(*columns: NDArray[Any]) -> bytes:
    planes = b"".join(_planes(column) for column in columns)
    return _HEAD.pack(VERSION, len(columns[0])) + zlib.compress(planes)


def _planes(column: NDArray[Any]) -> bytes:
    little = np.ascontiguousarray(column, column.dtype.newbyteorder("<"))
    return little.view(np.uint8).reshape(len(little), little.itemsize).T.tobytes()


def _unpack(data: bytes, *kinds: str) -> list[NDArray[Any]]:
    if len(data) < _HEAD.size:
        msg = "cold columns end inside their head"
        raise ColdFormatError(msg)
    version, rows = _HEAD.unpack_from(data)
    if version != VERSION or rows > ROWS_MAX:
        msg = f"cold columns of version {version} with {rows} rows; this version reads {VERSION}"
        raise ColdFormatError(msg)
    sizes = [np.dtype(kind).itemsize for kind in kinds]
    planes = _inflated(data, rows * sum(sizes))
    columns: list[NDArray[Any]] = []
    place = 0
    for kind, size in zip(kinds, sizes, strict=True):
        part = np.frombuffer(planes, np.uint8, rows * size, place).reshape(size, rows)
        columns.append(np.ascontiguousarray(part.T).reshape(-1).view(kind))
        place += rows * size
    return columns


def _inflated(data: bytes, size: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        planes = stream.decompress(data[_HEAD.size :], size + 1)
    except zlib.error as error:
        msg = f"cold columns that cannot be inflated: {error}"
        raise ColdFormatError(msg) from error
    if len(planes) != size or not stream.eof or stream.unused_data:
        msg = f"cold columns of {len(planes)} bytes, expected {size}"
        raise ColdFormatError(msg)
    return planes

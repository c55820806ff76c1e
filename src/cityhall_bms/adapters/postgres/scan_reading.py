"""Reads whole scans of any shape by binary COPY: some ten times as fast as taking them apart in the database.

Only rows that are as the historian writes them can be read so; for anything else the caller must ask the slow way.
"""

import asyncio
from typing import Any, Final

import asyncpg
import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.postgres.history_copy import EPOCH_2000_US, SIGNATURE, TRAILER, array_type, windows
from cityhall_bms.historian.columns import Samples

TIMES_BYTES: Final = 26
"""Field count and two times, each with its length: what comes before the points."""
ARRAY_HEAD_BYTES: Final = 20
POINT_BYTES: Final = 8
VALUE_BYTES: Final = 12
ABSENT: Final = -1


class OddRowError(Exception):
    """A row that the historian would not have written so."""


async def fetch_whole_scans(connection: asyncpg.Connection, query: str, *arguments: object) -> Samples:
    """Samples of a query that gives observed_at, recorded_at, points, values and quality (or NULL) of scans.

    :class:`OddRowError` when the arrays of a row do not fit each other.
    """
    chunks: list[bytes] = []

    async def keep(chunk: bytes) -> None:
        chunks.append(chunk)

    await connection.copy_from_query(query.rstrip(";"), *arguments, output=keep, format="binary")
    return await asyncio.to_thread(decode_scans, b"".join(chunks))


def decode_scans(data: bytes) -> Samples:
    """Samples of a binary COPY, scan after scan of each shape."""
    starts, lengths = _rows(data)
    raw = np.frombuffer(data, np.uint8)
    parts: list[Samples] = []
    for shape in np.unique(lengths, axis=0).tolist():
        chosen = starts[(lengths == shape).all(axis=1)]
        parts.append(_samples(raw, chosen, *shape))
    return Samples.join(parts)


def _rows(data: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where every row begins, and the lengths of its points, values and quality."""
    starts: list[int] = []
    lengths: list[tuple[int, int, int]] = []
    place, end = len(SIGNATURE), len(data) - len(TRAILER)
    number = int.from_bytes
    while place < end:
        field = place + TIMES_BYTES
        points = number(data[field : field + 4], "big", signed=True)
        if points < 0:
            raise OddRowError
        field += 4 + points
        values = number(data[field : field + 4], "big", signed=True)
        field += 4 + values
        quality = number(data[field : field + 4], "big", signed=True)
        starts.append(place)
        lengths.append((points, values, quality))
        place = field + 4 + max(quality, 0)
    return np.array(starts, np.int64), np.array(lengths, np.int64).reshape(-1, 3)


def _samples(raw: NDArray[np.uint8], starts: NDArray[np.int64], points: int, values: int, quality: int) -> Samples:
    count = (points - ARRAY_HEAD_BYTES) // POINT_BYTES
    fitting = points == ARRAY_HEAD_BYTES + count * POINT_BYTES and values == ARRAY_HEAD_BYTES + count * VALUE_BYTES
    if count < 1 or not fitting or quality not in {ABSENT, count}:
        raise OddRowError
    row = _row_type(count, marked=quality != ABSENT)
    rows = windows(raw, starts, row.itemsize).view(row)[:, 0]
    for array in (rows["points"], rows["values"]):
        plain = (array["dimensions"] == 1) & (array["nulls"] == 0) & (array["count"] == count) & (array["lower"] == 1)
        if not plain.all():
            raise OddRowError
    marks = rows["quality"]["value"] if quality != ABSENT else np.zeros((len(rows), count), np.uint8)
    return Samples(
        rows["points"]["items"]["value"].astype(np.uint32).ravel(),
        np.repeat(rows["observed_at"]["value"].astype(np.int64) + EPOCH_2000_US, count),
        np.repeat(rows["recorded_at"]["value"].astype(np.int64) + EPOCH_2000_US, count),
        rows["values"]["items"]["value"].astype(np.float64).ravel(),
        marks.ravel(),
    )


def _row_type(count: int, *, marked: bool) -> np.dtype[Any]:
    time = [("bytes", ">i4"), ("value", ">i8")]
    return np.dtype(
        [
            ("fields", ">i2"),
            ("observed_at", time),
            ("recorded_at", time),
            ("points", array_type("i4", count)),
            ("values", array_type("f8", count)),
            ("quality", [("bytes", ">i4"), ("value", "u1", (count,))] if marked else [("bytes", ">i4")]),
        ]
    )

"""The newest sample of every point, as the table keeps it: whole arrays, which no query takes apart."""

from typing import Any, Final

import asyncpg
import numpy as np

from cityhall_bms.adapters.postgres.history_copy import SIGNATURE, TRAILER, array_type
from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.latest import NEVER, POINTS_PER_BLOCK

QUERY: Final = "SELECT block, observed_at, recorded_at, value, quality FROM latest ORDER BY block"
COLUMNS: Final = (("observed_at", "i8"), ("recorded_at", "i8"), ("value", "f8"), ("quality", "i2"))
ROW: Final[np.dtype[Any]] = np.dtype(
    [
        ("fields", ">i2"),
        ("block", [("bytes", ">i4"), ("value", ">i4")]),
        *((name, array_type(element, POINTS_PER_BLOCK)) for name, element in COLUMNS),
    ]
)


async def fetch_newest(connection: asyncpg.Connection) -> Samples:
    """Newest sample of every point that has one, by point."""
    chunks: list[bytes] = []

    async def keep(chunk: bytes) -> None:
        chunks.append(chunk)

    await connection.copy_from_query(QUERY, output=keep, format="binary")
    data = b"".join(chunks)
    rows = np.frombuffer(data, ROW, (len(data) - len(SIGNATURE) - len(TRAILER)) // ROW.itemsize, len(SIGNATURE))
    columns = [rows[name]["items"]["value"].reshape(-1) for name, _ in COLUMNS]
    known = np.flatnonzero(columns[0] > NEVER)
    point = np.repeat(rows["block"]["value"].astype(np.int64) * POINTS_PER_BLOCK, POINTS_PER_BLOCK)[known]
    at, recorded_at, value, quality = (column[known] for column in columns)
    return Samples(
        (point + known % POINTS_PER_BLOCK).astype(np.uint32),
        at.astype(np.int64),
        recorded_at.astype(np.int64),
        value.astype(np.float64),
        quality.astype(np.uint8),
    )

"""Samples of some points, slice by slice of time: the one place where exports read them.

A slice is one moment of the database. With a fixed ``known_at`` all slices together are one moment too, because nothing
that is stored later counts as recorded by then (:meth:`~cityhall_bms.ports.exports.ExportStore.begin`).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final, Self

import asyncpg
import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.csv_cells import guarded
from cityhall_bms.adapters.export_files.lines import REASONS, SEVERITIES
from cityhall_bms.adapters.postgres import export_cold as cold
from cityhall_bms.adapters.postgres.connection import connect
from cityhall_bms.adapters.postgres.history_copy import EPOCH_2000_US, fetch_columns, moment
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.historian.intervals import EPOCH, HOUR_US, MINUTE_US
from cityhall_bms.ports.exports import ExportQuery, PointCounts, Rows
from cityhall_bms.ports.history import Window

QUERIES: Final = load("history_export.sql")
SLICE_FIRST_US: Final = 10 * MINUTE_US
SLICE_MIN_US: Final = 1_000_000
SLICE_MAX_US: Final = 24 * HOUR_US
SLICE_ROWS: Final = 200_000
"""About what one query should give: the database sorts it in memory, and the first bytes come soon."""

Sink = Callable[[bytes], Awaitable[None]]


def _statement(last: str, *, texts: bool) -> str:
    """A statement over the samples of a slice, with or without the texts of a line."""
    parts = {
        "{texts}": QUERIES["times"] if texts else "",
        "{cells}": QUERIES["wanted_cells" if texts else "wanted_points"],
        "{ours}": "c.times, w.head, w.tail," if texts else "",
    }
    statement = QUERIES["slice"]
    for name, text in parts.items():
        statement = statement.replace(name, text)
    return f"{statement}\n{QUERIES[last].rstrip(';')}"


LINES: Final = _statement("as_lines", texts=True)
COLUMNS: Final = _statement("as_columns", texts=False)
COUNTS: Final = _statement("counts", texts=False)
COUNTS_STANDING: Final = _statement("counts_standing", texts=False)
AS_IT_IS: Final[dict[str, Any]] = {"format": "csv", "delimiter": "\x1f", "quote": "\x1e", "timeout": None}
"""COPY of one column whose text needs no quoting: none of ours contains these characters or a line break."""


GRADES: Final = [f"{word},{why}," for word, why in zip(SEVERITIES, REASONS, strict=True)]
"""Quality, its reason and the coverage that a sample does not have, as they end a line."""


class SliceReader:
    """Reads slices over one connection; ``async with SliceReader.open(dsn, query) as reader``."""

    def __init__(self, connection: asyncpg.Connection, query: ExportQuery, sets: Mapping[int, int]) -> None:
        self._connection = connection
        self._query = query
        self._ids = [point.number for point in query.points]
        self._sets, self._members = list(sets), list(sets.values())
        self._heads = [_safe(f"{guarded(point.name)},") for point in query.points]
        self._tails = [_safe(f",{guarded(point.unit)},") for point in query.points]
        self._known_at = moment(query.known_at)

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str, query: ExportQuery) -> AsyncIterator[Self]:
        """Reader with a connection of its own."""
        connection = await connect(dsn, command_timeout_s=None)
        try:
            await connection.execute(QUERIES["cold_sample"])
            await connection.execute(QUERIES["prepare"].replace("$1", _quoted(query.time_zone)))
            found = await connection.fetch(QUERIES["sets"], [point.number for point in query.points])
            yield cls(connection, query, {row["set_id"]: row["points"] for row in found})
            await connection.close()
        finally:
            connection.terminate()

    @asynccontextmanager
    async def slice(self, window: Window) -> AsyncIterator[None]:
        """One moment of the database, in which everything asked about a slice is asked."""
        async with self._connection.transaction(isolation="repeatable_read"):
            await cold.into_temp(self._connection, window, self._ids, self._query.known_at)
            yield

    async def lines(self, window: Window, sink: Sink) -> int:
        """Give the lines of a slice, which end with LF; and how many there were."""
        arguments = (*self._arguments(window), self._heads, self._tails, GRADES)
        status: str = await self._connection.copy_from_query(LINES, *arguments, output=sink, **AS_IT_IS)
        return int(status.rpartition(" ")[2])

    async def rows(self, window: Window) -> Rows:
        """Rows of a slice as columns."""
        at, place, value, quality = await fetch_columns(
            self._connection, COLUMNS, *self._arguments(window), types=("i8", "i4", "f8", "i2")
        )
        known = np.where(quality < 128, value, np.nan)
        return Rows(at + EPOCH_2000_US, place.astype(np.int64) - 1, known, quality.astype(np.uint8))

    async def counts(self, window: Window, rows: int | None = None) -> NDArray[np.int64]:
        """Good, uncertain and bad samples of a slice, a row per point; ``rows`` is how many it gave, if known."""
        table = await self._counts(COUNTS, window) if rows is not None else None
        # Of as many samples as rows none was recorded again.
        return table if table is not None and table.sum() == rows else await self._counts(COUNTS_STANDING, window)

    async def _counts(self, statement: str, window: Window) -> NDArray[np.int64]:
        table = np.zeros((len(self._ids), 3), np.int64)
        for place, *numbers in await self._connection.fetch(statement, *self._arguments(window)):
            table[place - 1] = numbers
        return table

    async def expected(self, window: Window) -> int:
        """How many rows a window gives at most."""
        hot: int = await self._connection.fetchval(
            QUERIES["expected"], moment(window.start), moment(window.end), self._ids, self._sets, self._members
        )
        return hot + await cold.expected(self._connection, window, self._ids)

    async def seen_again(self, window: Window) -> int | None:
        """Time of the first scan in a window; none when there is none."""
        seen = await self._connection.fetchval(
            QUERIES["seen_again"], moment(window.start), moment(window.end), self._ids, self._sets
        )
        packed = await cold.seen_again(self._connection, window, self._ids)
        hot = None if seen is None else (seen - EPOCH) // timedelta(microseconds=1)
        return min((at for at in (hot, packed) if at is not None), default=None)

    def _arguments(self, window: Window) -> tuple[object, ...]:
        return moment(window.start), moment(window.end), self._ids, self._sets, self._known_at


async def paced(reader: SliceReader, window: Window) -> AsyncIterator[Window]:
    """Slices of a window that give a bounded number of rows each; what lies between them gives none."""
    begin, length = window.start, SLICE_FIRST_US
    while begin < window.end:
        part = Window(begin, min(begin + length, window.end))
        rows = await reader.expected(part)
        if rows > 2 * SLICE_ROWS and length > SLICE_MIN_US:
            length = max(length * SLICE_ROWS // rows, SLICE_MIN_US)
            continue
        if rows:
            yield part
            begin = part.end
        else:
            seen = await reader.seen_again(Window(part.end, window.end)) if part.end < window.end else None
            begin = window.end if seen is None else seen
        if rows < SLICE_ROWS // 2:
            length = min(length * 2, SLICE_MAX_US)


def counted(table: NDArray[np.int64]) -> list[PointCounts]:
    """Counts of every point, of a table of good, uncertain and bad ones."""
    return [PointCounts(*row) for row in table.tolist()]


def _safe(cell: str) -> str:
    """Text without the two characters that would have COPY quote a line."""
    return cell.replace("\x1f", " ").replace("\x1e", " ").replace("\0", " ")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

"""History as CSV that is sent while it is made, and what the makers of other files read."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.export_files.lines import heading, long_lines
from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.export_slices import SliceReader, counted, paced
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.domain.errors import CityHallError, HistoryUnavailableError
from cityhall_bms.exports.query import file_name
from cityhall_bms.exports.recording import ExportRecorder
from cityhall_bms.historian.intervals import MINUTE_US, interval_edges, length_us
from cityhall_bms.historian.rollups import interval_quality
from cityhall_bms.ports.exports import Export, ExportQuery, FileFacts, PointCounts, Rows
from cityhall_bms.ports.history import Window

CHUNKS_WAITING_MAX: Final = 8
ROWS_PER_PIECE: Final = 50_000
LEFT: Final = "the reader left before the end"

Chunk = bytes | CityHallError | None
"""A part of the file, the error that ends it, or its proper end."""
Sink = Callable[[bytes], Awaitable[None]]
Slice = tuple[int, int, list[PointCounts]]
"""End of a slice that is written, its rows, and what the samples of each point are."""


class ExportReader:
    """Reads what exports consist of: lines of CSV that the database makes, or rows as columns."""

    def __init__(self, dsn: str, history: PostgresHistory) -> None:
        self._dsn = dsn
        self._history = history

    async def lines(self, query: ExportQuery, begin: int, sink: Sink) -> AsyncGenerator[Slice, None]:
        """Put the lines from ``begin`` into the sink; after each slice its end, its rows and what they are."""
        if query.interval:
            zone = ZoneInfo(query.time_zone)
            async for end, rows in self.rows(query, begin):
                await sink(long_lines(rows, query.points, zone))
                yield end, len(rows), count_rows(rows, len(query.points))
            return

        async def with_crlf(chunk: bytes) -> None:
            # COPY ends lines with LF; no cell of ours contains one.
            await sink(chunk.replace(b"\n", b"\r\n"))

        with translated(HistoryUnavailableError):
            async with SliceReader.open(self._dsn, query) as reader:
                async for part in paced(reader, Window(begin, query.window.end)):
                    async with reader.slice(part):
                        count = await reader.lines(part, with_crlf)
                        counts = await reader.counts(part, count)
                    yield part.end, count, counted(counts)

    async def rows(self, query: ExportQuery, begin: int) -> AsyncGenerator[tuple[int, Rows], None]:
        """Rows from ``begin``, by slices; each with its end."""
        if query.interval:
            async for piece in self._intervals(query, begin):
                yield piece
            return
        with translated(HistoryUnavailableError):
            async with SliceReader.open(self._dsn, query) as reader:
                async for part in paced(reader, Window(begin, query.window.end)):
                    async with reader.slice(part):
                        rows = await reader.rows(part)
                    yield part.end, rows

    async def counts(self, query: ExportQuery, end: int) -> list[PointCounts]:
        """What the rows before ``end``, the end of a slice, are."""
        counts = [PointCounts()] * len(query.points)
        if query.interval:
            async for done, rows in self.rows(query, query.window.start):
                if done > end:
                    break
                counts = added(counts, count_rows(rows, len(counts)))
            return counts
        with translated(HistoryUnavailableError):
            async with SliceReader.open(self._dsn, query) as reader:
                async for part in paced(reader, Window(query.window.start, end)):
                    async with reader.slice(part):
                        counts = added(counts, counted(await reader.counts(part)))
        return counts

    async def _intervals(self, query: ExportQuery, begin: int) -> AsyncGenerator[tuple[int, Rows], None]:
        edges = interval_edges(query.window, query.interval, ZoneInfo(query.time_zone))
        # Of an export that goes on, ``begin`` is one of the edges, or the window's end.
        edges = edges[edges >= begin] if begin > query.window.start else edges
        step = max(ROWS_PER_PIECE // len(query.points), 1)
        for first in range(0, len(edges) - 1, step):
            window = Window(int(edges[first]), int(edges[min(first + step, len(edges) - 1)]))
            yield window.end, await self._figures(query, window)

    async def _figures(self, query: ExportQuery, window: Window) -> Rows:
        """Rows of some intervals: for each interval all points."""
        how = (query.interval, query.aggregation, query.time_zone, query.known_at)
        numbers = [point.number for point in query.points]
        length = length_us(query.interval)
        if length is None or length >= MINUTE_US:
            table = await self._history.queries.intervals_of(numbers, window, *how)
            return interleaved(table.at, table.value, table.coverage)
        columns = [await self._history.intervals(number, window, *how) for number in numbers]
        shares = [column.coverage for column in columns if column.coverage is not None]
        return interleaved(columns[0].at, np.stack([column.value for column in columns]), np.stack(shares))


def interleaved(at: NDArray[np.int64], value: NDArray[np.float64], coverage: NDArray[np.float64]) -> Rows:
    """Figures of points (rows) and intervals (columns) as rows of an export."""
    points = len(value)
    flat = value.T.reshape(-1)
    place = np.tile(np.arange(points), len(at))
    return Rows(np.repeat(at, points), place, flat, interval_quality(flat), coverage.T.reshape(-1))


def count_rows(rows: Rows, points: int) -> list[PointCounts]:
    """What rows are, for every point."""
    severity = np.minimum(rows.quality // 64, 2)
    table = np.bincount(rows.place * 3 + severity, minlength=3 * points).reshape(points, 3)
    return counted(table)


def added(counts: list[PointCounts], more: list[PointCounts]) -> list[PointCounts]:
    """Sum of two counts of the same points."""
    return [
        PointCounts(one.good + two.good, one.uncertain + two.uncertain, one.bad + two.bad)
        for one, two in zip(counts, more, strict=True)
    ]


class PostgresExporter:
    """Exports that are sent while they are made. Each has a connection of its own."""

    def __init__(self, reader: ExportReader, recorder: ExportRecorder) -> None:
        self._reader = reader
        self._recorder = recorder

    async def csv(self, export: Export) -> AsyncIterator[bytes]:
        """Chunks of the file, ordered by time and then as the points were named.

        ``HistoryUnavailableError`` and ``RefusedError`` come before the first chunk where the cause is there by then.
        The export is entered before the first chunk, and recorded with its manifest after the last.
        """
        await self._recorder.store.begin(export)
        waiting: asyncio.Queue[Chunk] = asyncio.Queue(CHUNKS_WAITING_MAX)
        async with asyncio.TaskGroup() as tasks:
            making = tasks.create_task(self._make(export, waiting))
            try:
                while isinstance(chunk := await waiting.get(), bytes):
                    yield chunk
                error = chunk
            except GeneratorExit:
                # The reader has gone; a task group would wrap this, and closing would then raise.
                error = None
            finally:
                making.cancel()
        if error is not None:
            raise error

    async def _make(self, export: Export, waiting: "asyncio.Queue[Chunk]") -> None:
        sink = _Sink(waiting, heading(export.query.language))
        ended = False
        try:
            await self._recorder.store.started(export.id)
            counts, rows = [PointCounts()] * len(export.query.points), 0
            async for _, count, more in self._reader.lines(export.query, export.query.window.start, sink):
                rows, counts = rows + count, added(counts, more)
            await sink.finish()
            name = file_name(export.id, export.query)
            file = FileFacts(name, rows, sink.bytes, sink.digest.hexdigest(), {})
            await self._recorder.finish(export, file, counts)
            ended = True
            await waiting.put(None)
        except CityHallError as error:
            ended = True
            await self._failed(export, str(error))
            await waiting.put(error)
        finally:
            if not ended:
                await self._failed(export, LEFT)

    async def _failed(self, export: Export, reason: str) -> None:
        try:
            await self._recorder.fail(export, reason)
        except CityHallError:
            # The database is away: that is why it failed, and the reader hears of it.
            return


class _Sink:
    """Where the parts of the file go; the heading goes with the first one, so that errors come before it."""

    def __init__(self, waiting: "asyncio.Queue[Chunk]", head: bytes) -> None:
        self._waiting = waiting
        self._head = head
        self.bytes = 0
        self.digest = hashlib.sha256()

    async def __call__(self, chunk: bytes) -> None:
        """Take a part."""
        head, self._head = self._head, b""
        chunk = head + chunk
        self.bytes += len(chunk)
        self.digest.update(chunk)
        await self._waiting.put(chunk)

    async def finish(self) -> None:
        """Nothing follows."""
        if self._head:
            await self(b"")

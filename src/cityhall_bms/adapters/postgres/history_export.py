"""History as CSV: made by the database, passed through in constant memory (`docs/reference/history.md`)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import asyncpg

from cityhall_bms.adapters.csv_cells import BOM, guarded, number, plain
from cityhall_bms.adapters.postgres.connection import connect, translated
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.history_copy import moment
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import CityHallError, HistoryUnavailableError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.historian.intervals import EPOCH, HOUR_US, MINUTE_US, interval_edges
from cityhall_bms.ports.history import Aggregation, ExportRequest, Series, Window

QUERIES: Final = load("history_export.sql")
CHUNKS_WAITING_MAX: Final = 8
SLICE_FIRST_US: Final = 10 * MINUTE_US
SLICE_MIN_US: Final = 10 * 1_000_000
SLICE_MAX_US: Final = 24 * HOUR_US
SLICE_BYTES: Final = 8_000_000
"""About what one query should give: the database sorts it in memory, and the first bytes come soon."""
ROWS_PER_PIECE: Final = 50_000

HEADINGS: Final = {
    "zh": "時間（當地）,時間（UTC）,民國日期,點位,數值,單位,品質,品質原因,涵蓋率（%）",
    "en": "Local time,UTC time,ROC date,Point,Value,Unit,Quality,Quality reason,Coverage (%)",
}
REASONS: Final = [
    (Quality(code).reason or "") if code in Quality.__members__.values() else f"code_{code}" for code in range(256)
]

Chunk = bytes | CityHallError | None
"""A part of the file, the error that ends it, or its proper end."""


class PostgresExporter:
    """Exports of one history. Every export has a connection of its own, and sees one moment of the database."""

    def __init__(self, dsn: str, history: PostgresHistory) -> None:
        self._dsn = dsn
        self._history = history

    async def csv(self, request: ExportRequest) -> AsyncIterator[bytes]:
        """Chunks of the file, ordered by time and then as the points were named.

        ``HistoryUnavailableError`` and ``RefusedError`` come before the first chunk where the cause is there by then.
        """
        waiting: asyncio.Queue[Chunk] = asyncio.Queue(CHUNKS_WAITING_MAX)
        async with asyncio.TaskGroup() as tasks:
            making = tasks.create_task(self._make(request, waiting))
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

    async def _make(self, request: ExportRequest, waiting: "asyncio.Queue[Chunk]") -> None:
        sink = _Sink(waiting, BOM + (HEADINGS[request.language] + "\r\n").encode())
        try:
            with translated(HistoryUnavailableError):
                await (self._intervals(request, sink) if request.interval else self._samples(request, sink))
            await sink.finish()
        except CityHallError as error:
            await waiting.put(error)

    async def _samples(self, request: ExportRequest, sink: "_Sink") -> None:
        connection = await connect(self._dsn, command_timeout_s=None)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await connection.execute(QUERIES["time_zone"], request.time_zone)
                await _copy_slices(connection, request, sink)
            await connection.close()
        finally:
            connection.terminate()

    async def _intervals(self, request: ExportRequest, sink: "_Sink") -> None:
        zone = ZoneInfo(request.time_zone)
        edges = interval_edges(request.window, request.interval, zone).tolist()
        step = max(ROWS_PER_PIECE // max(len(request.points), 1), 1)
        cells = [(guarded(name), guarded(unit)) for _, name, unit in request.points]
        for begin in range(0, len(edges) - 1, step):
            window = Window(edges[begin], edges[min(begin + step, len(edges) - 1)])
            columns = [
                await self._history.intervals(point, window, request.interval, Aggregation.MEAN, request.time_zone)
                for point, _, _ in request.points
            ]
            if columns:
                await sink(interval_lines(columns, cells, zone).encode())


class _Sink:
    """Where the parts of the file go; the heading goes with the first one, so that errors come before it."""

    def __init__(self, waiting: "asyncio.Queue[Chunk]", heading: bytes) -> None:
        self._waiting = waiting
        self._heading = heading
        self.bytes = 0

    async def __call__(self, chunk: bytes) -> None:
        self.bytes += len(chunk)
        heading, self._heading = self._heading, b""
        await self._waiting.put(heading + chunk)

    async def copied(self, chunk: bytes) -> None:
        """Take lines of COPY, which end with LF; no cell of ours contains one."""
        await self(chunk.replace(b"\n", b"\r\n"))

    async def finish(self) -> None:
        """Nothing follows."""
        if self._heading:
            await self(b"")
        await self._waiting.put(None)


async def _copy_slices(connection: asyncpg.Connection, request: ExportRequest, sink: _Sink) -> None:
    ids = [point for point, _, _ in request.points]
    names, units = [plain(name) for _, name, _ in request.points], [plain(unit) for _, _, unit in request.points]
    sets = await connection.fetchval(QUERIES["sets"], ids)
    begin, length = request.window.start, SLICE_FIRST_US
    while begin < request.window.end:
        end = min(begin + length, request.window.end)
        before = sink.bytes
        arguments = (moment(begin), moment(end), ids, names, units, sets, REASONS)
        query = QUERIES["slice"].rstrip(";")
        await connection.copy_from_query(query, *arguments, output=sink.copied, format="csv", timeout=None)
        given = sink.bytes - before
        begin, length = end, next_slice_us(length, given)
        if not given:
            seen = await connection.fetchval(QUERIES["seen_again"], moment(end), moment(request.window.end), ids, sets)
            if seen is None:
                return
            begin = (seen - EPOCH) // timedelta(microseconds=1)


def next_slice_us(length_us: int, given: int) -> int:
    """Length of the next slice, after one of this length gave so many bytes."""
    if given > 2 * SLICE_BYTES:
        return max(length_us // 2, SLICE_MIN_US)
    return min(length_us * 2, SLICE_MAX_US) if given < SLICE_BYTES // 2 else length_us


def interval_lines(columns: Sequence[Series], cells: Sequence[tuple[str, str]], zone: ZoneInfo) -> str:
    """Lines of intervals: for each interval all points. All series have the same intervals."""
    values = [column.value.tolist() for column in columns]
    shares = [[] if column.coverage is None else column.coverage.tolist() for column in columns]
    lines: list[str] = []
    for row, at in enumerate(columns[0].at.tolist()):
        time = time_cells(at, zone)
        for place, (name, unit) in enumerate(cells):
            value = values[place][row]
            quality = "bad,no_data" if value != value else "good,"  # noqa: PLR0124 - NaN is not itself
            lines.append(f"{time},{name},{number(value)},{unit},{quality},{100 * shares[place][row]:.1f}\r\n")
    return "".join(lines)


def time_cells(at: int, zone: ZoneInfo) -> str:
    """Local time with offset, UTC, and the date of the Republic: three cells, as the database writes them."""
    utc = EPOCH + timedelta(microseconds=at)
    local = utc.astimezone(zone)
    return f"{_iso(local)},{_iso(utc.astimezone(UTC)).removesuffix('+00:00')}Z,{local.year - 1911}{local:-%m-%d}"


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="microseconds")

"""The gap ledger in PostgreSQL: written inside the historian's transaction, read page by page."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

import asyncpg

from cityhall_bms.adapters.csv_cells import BOM, guarded
from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.domain.errors import HistoryUnavailableError, RefusedError
from cityhall_bms.domain.gaps import Gap, GapCause
from cityhall_bms.historian.intervals import EPOCH
from cityhall_bms.ports.gap_ledger import GapExport, GapFilter, GapPage

QUERIES: Final = load("gaps.sql")
ROWS_PER_PIECE: Final = 1000
NUMBER_MAX: Final = 2**63 - 1
HEADINGS: Final = {
    "zh": "設備,點位,原因,開始（當地）,開始（UTC）,結束（當地）,結束（UTC）,時間長度（秒）,錯失輪詢數",
    "en": "Device,Points,Cause,Begin (local),Begin (UTC),End (local),End (UTC),Seconds,Polls missed",
}
CAUSES: Final[Mapping[str, Mapping[GapCause, str]]] = {
    "zh": {
        GapCause.DEVICE_DOWN: "設備離線",
        GapCause.TIMEOUT: "逾時",
        GapCause.REFUSED: "設備拒絕",
        GapCause.DECODE: "無法解碼",
        GapCause.OVERLOAD: "過載",
        GapCause.MAINTENANCE: "維護中",
        GapCause.CLOCK: "時鐘跳動",
        GapCause.LOG_LOSS: "紀錄遺失",
        GapCause.SERVICE_STOPPED: "服務停止",
    },
    "en": {cause: cause.value.replace("_", " ") for cause in GapCause},
}


async def write_gaps(
    connection: asyncpg.Connection, batches: Sequence[SampleBatch], known: Mapping[tuple[str, int], int]
) -> None:
    """Store what new batches report; ``known`` are the collector lives that history has heard of before."""
    for run in dict.fromkeys((batch.source, batch.epoch) for batch in batches):
        if run not in known:
            await connection.execute(QUERIES["end_former_life"], *run)
    rows = [
        (
            batch.source,
            gap.device,
            gap.cause.value,
            gap.since,
            list(gap.points),
            gap.until,
            gap.polls,
            batch.epoch,
            batch.recorded_at,
        )
        for batch in batches
        for gap in batch.gaps
    ]
    if rows:
        await connection.executemany(QUERIES["store"], rows)


class PostgresGapLedger:
    """Table ``gap``."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def page(self, which: GapFilter, limit: int, cursor: str | None) -> GapPage:
        """Some gaps, the newest first."""
        place = _place(cursor)
        devices = ["", which.point_device]
        with translated(HistoryUnavailableError):
            rows = await self._pool.fetch(
                QUERIES["page"],
                which.device,
                which.cause.value if which.cause else None,
                which.point,
                devices,
                which.start,
                which.end,
                which.open_only,
                *place,
                limit + 1,
            )
        more = len(rows) > limit
        found = rows[:limit]
        return GapPage([_gap(row) for row in found], _cursor(found[-1]) if more else None)

    async def csv(self, request: GapExport) -> AsyncIterator[bytes]:
        """Chunks of the file, the newest gap first; one moment of the ledger per thousand rows."""
        page = await self.page(request.which, ROWS_PER_PIECE, None)
        yield BOM + f"{HEADINGS[request.language]}\r\n".encode()
        while True:
            yield "".join(_line(gap, request) for gap in page.gaps).encode()
            if page.next_cursor is None:
                return
            page = await self.page(request.which, ROWS_PER_PIECE, page.next_cursor)


def _line(gap: Gap, request: GapExport) -> str:
    zone = ZoneInfo(request.time_zone)
    times = [time for at in (gap.since, gap.until) for time in _times(at, zone)]
    lasted = "" if gap.until is None else f"{(gap.until - gap.since) / 1e6:.3f}"
    points = " ".join(request.names.get(number, f"#{number}") for number in gap.points)
    cells = [gap.device, points, CAUSES[request.language][gap.cause], *times, lasted, str(gap.polls)]
    return ",".join(guarded(cell) for cell in cells) + "\r\n"


def _times(at: int | None, zone: ZoneInfo) -> tuple[str, str]:
    if at is None:
        return "", ""
    utc = EPOCH + timedelta(microseconds=at)
    local = utc.astimezone(zone).isoformat(timespec="milliseconds")
    return local, utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _gap(row: asyncpg.Record) -> Gap:
    return Gap(row["device"], GapCause(row["cause"]), row["since"], row["polls"], tuple(row["point_ids"]), row["until"])


def _cursor(row: asyncpg.Record) -> str:
    return json.dumps([row["since"], row["source"], row["device"], row["cause"], row["points_key"]])


def _place(cursor: str | None) -> tuple[object, ...]:
    if cursor is None:
        return (None,) * 5
    try:
        since, source, device, cause, points_key = json.loads(cursor)
        place = int(since), str(source), str(device), str(cause), int(points_key)
    except (ValueError, TypeError, OverflowError, RecursionError):
        place = None
    if place is None or not _fits(*place):
        msg = "the cursor is not one of ours: take `next` of the page before, unchanged"
        raise RefusedError(msg)
    return place


def _fits(since: int, source: str, device: str, cause: str, points_key: int) -> bool:
    """Whether the columns can hold it: a cursor that somebody made up may be anything."""
    return max(abs(since), abs(points_key)) <= NUMBER_MAX and "\0" not in source + device + cause

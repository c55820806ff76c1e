"""Counters in PostgreSQL, as people ask about them."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

import asyncpg

from cityhall_bms.adapters.csv_cells import BOM, guarded, number
from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.consumption import ConsumptionReader
from cityhall_bms.adapters.postgres.counters import step_of
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.counters import RestatedWhy
from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.historian.intervals import EPOCH, interval_edges
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.counters import (
    Consumption,
    CounterStep,
    Estimate,
    Restatement,
    RestatementExport,
    RestatementFilter,
    ToldFigures,
)
from cityhall_bms.ports.history import Window

QUERIES: Final = load("counters.sql")
RESTATEMENTS: Final = load("restatements.sql")
ROWS_PER_PIECE: Final = 1_000
HEADINGS: Final = {
    "zh": (
        "更正時間（當地）,更正時間（UTC）,原因,點位,單位,區間,區間開始（當地）,區間開始（UTC）,"
        "原筆數,新筆數,原涵蓋率（%）,新涵蓋率（%）,原平均,新平均,原增量,新增量"
    ),
    "en": (
        "Restated at (local),Restated at (UTC),Reason,Point,Unit,Interval,Interval begin (local),Interval begin (UTC),"
        "Old count,New count,Old coverage (%),New coverage (%),Old mean,New mean,Old delta,New delta"
    ),
}
REASONS: Final = {
    "zh": {
        RestatedWhy.LATE_DATA: "資料晚到",
        RestatedWhy.REDECODE: "重新解碼",
        RestatedWhy.DECISION: "人員決定",
        RestatedWhy.SETTLED: "後續讀值證實",
    },
    "en": {
        RestatedWhy.LATE_DATA: "late data",
        RestatedWhy.REDECODE: "decoded again",
        RestatedWhy.DECISION: "decision",
        RestatedWhy.SETTLED: "settled by what followed",
    },
}


class PostgresCounterView:
    """See :class:`~cityhall_bms.ports.counters.CounterView`; ``time_zone`` is that of the daily rollup."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock, time_zone: str) -> None:
        self._pool = pool
        self._clock = clock
        self._home = ZoneInfo(time_zone)

    async def steps(self, point: int, window: Window, limit: int) -> Sequence[CounterStep]:
        """Steps of one counter in a window, oldest first."""
        with translated(HistoryUnavailableError):
            rows = await self._pool.fetch(QUERIES["steps_of"], point, window.start, window.end, limit)
        return [_step(row) for row in rows]

    async def waiting(self, limit: int, point: int | None = None) -> Sequence[CounterStep]:
        """Steps in quarantine, newest first."""
        with translated(HistoryUnavailableError):
            rows = await self._pool.fetch(QUERIES["waiting"], point, limit)
        return [_step(row) for row in rows]

    async def consumption(
        self, point: int, window: Window, interval: str, estimate: Estimate, time_zone: str
    ) -> Consumption:
        """What was counted per interval, in one moment of the database."""
        zone = ZoneInfo(time_zone)
        edges = interval_edges(window, interval, zone)
        with translated(HistoryUnavailableError):
            async with (
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                reader = ConsumptionReader(connection, point, self._home, self._clock.now())
                return await reader.read(edges, zone, estimate)

    async def restatements(self, which: RestatementFilter, limit: int, before: int | None) -> Sequence[Restatement]:
        """Figures that changed, newest first."""
        with translated(HistoryUnavailableError):
            rows = await self._pool.fetch(RESTATEMENTS["page"], which.point, which.start, which.end, before, limit)
        return [_restatement(row) for row in rows]

    async def restatements_csv(self, request: RestatementExport) -> AsyncIterator[bytes]:
        """Chunks of the file; one moment of the record per thousand rows."""
        rows = await self.restatements(request.which, ROWS_PER_PIECE, None)
        yield BOM + f"{HEADINGS[request.language]}\r\n".encode()
        while rows:
            yield "".join(_line(row, request) for row in rows).encode()
            rows = await self.restatements(request.which, ROWS_PER_PIECE, rows[-1].id)


def _line(row: Restatement, request: RestatementExport) -> str:
    zone = ZoneInfo(request.time_zone)
    restated, begun = _times(row.restated_at, zone), _times(row.begin, zone)
    name = request.names.get(row.point, f"#{row.point}")
    cells = [
        *restated,
        REASONS[request.language][row.why],
        name,
        request.units.get(row.point, ""),
        row.level,
        *begun,
        *(str(side.count) for side in (row.old, row.new)),
        *(f"{100 * side.coverage:.2f}" for side in (row.old, row.new)),
    ]
    figures = [row.old.mean, row.new.mean, row.old.delta, row.new.delta]
    # Numbers may begin with a minus sign: they are no formula.
    texts = [guarded(cell) for cell in cells] + ["" if figure is None else number(figure) for figure in figures]
    return ",".join(texts) + "\r\n"


def _times(at: int, zone: ZoneInfo) -> tuple[str, str]:
    utc = EPOCH + timedelta(microseconds=at)
    local = utc.astimezone(zone).isoformat(timespec="milliseconds")
    return local, utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _step(row: asyncpg.Record) -> CounterStep:
    step = step_of(row)
    return CounterStep(
        row["point_id"], step.before, step.at, step.kind, step.state, step.from_value, step.to_value, step.counted
    )


def _restatement(row: asyncpg.Record) -> Restatement:
    length = row["bucket_end"] - row["bucket"]
    old, new = (
        ToldFigures(row[f"{side}_count"], row[f"{side}_good_us"] / length, row[f"{side}_mean"], row[f"{side}_delta"])
        for side in ("old", "new")
    )
    return Restatement(
        row["id"], row["restated_at"], RestatedWhy(row["why"]), row["level"], row["bucket"], row["bucket_end"],
        row["point_id"], old, new,
    )  # fmt: skip

"""Exports over a history of a test: queries, whole files, tables of what is in them."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.histories import HOUR, T0
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.export_desk import ExportOffice
from cityhall_bms.adapters.export_files.making import ExportMaker
from cityhall_bms.adapters.export_parts import Database, ExportParts
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.signing import Signer
from cityhall_bms.ports.exports import Export, ExportFormat, ExportKind, ExportPoint, ExportQuery
from cityhall_bms.ports.history import Aggregation, Window

POINTS = [
    ExportPoint(1, "AHU01.SAT", "°C", "ahu01"),
    ExportPoint(2, "AHU01.FAN", "", "ahu01"),
    ExportPoint(3, "TX, 1", "=kW", "tx"),
]
CONTEXT = {"site_fingerprint": "f" * 64, "rules": {"sat_high": 3}, "tariffs": {}}


def query(
    interval: str = "",
    language: str = "en",
    *,
    hours: int = 2,
    points: Sequence[ExportPoint] = POINTS,
    window: Window | None = None,
    known_at: int | None = None,
    form: ExportFormat = ExportFormat.CSV_LONG,
    time_zone: str = "Asia/Taipei",
    aggregation: Aggregation = Aggregation.MEAN,
) -> ExportQuery:
    window = window or Window(T0, T0 + hours * HOUR)
    known = window.end if known_at is None else known_at
    return ExportQuery("TCH", points, window, known, time_zone, interval, aggregation, form, language)


@dataclass
class ExportRig:
    """What a test of exports needs."""

    history: PostgresHistory
    events: PostgresEventLog
    parts: ExportParts
    office: ExportOffice
    maker: ExportMaker
    signer: Signer
    clock: ManualClock
    folder: Path

    def new(self, asked: ExportQuery, kind: ExportKind = ExportKind.JOB) -> Export:
        return self.office.new(asked, kind, "auditor")

    async def streamed(self, asked: ExportQuery) -> bytes:
        export = self.new(asked, ExportKind.STREAM)
        return b"".join([chunk async for chunk in self.parts.exporter.csv(export)])

    async def last(self) -> Export:
        """The newest export, with its manifest."""
        [newest] = await self.office.page(1, None)
        return await self.office.get(newest.id)

    async def made(self, asked: ExportQuery) -> Path:
        """File of a job."""
        export = self.new(asked)
        await self.office.ask(export)
        return await self.maker.make(export)


@asynccontextmanager
async def exports_on(
    url: str, folder: Path, clock: ManualClock | None = None, time_zone: str = "Asia/Taipei"
) -> AsyncIterator[ExportRig]:
    """Exports on a database with the present schema."""
    clock = clock or ManualClock(T0 + 1_000 * 24 * HOUR)
    pool = await open_pool(url)
    signer = Signer.load_or_create(folder / "keys")
    files = folder / "exports"
    files.mkdir(exist_ok=True)
    try:
        async with PostgresEventLog(url, clock) as events, PostgresHistory.open(url, clock, time_zone) as history:
            parts = ExportParts.on(Database(url, pool, history), events, signer, clock)
            office = ExportOffice(parts.store, files, clock, CONTEXT)
            yield ExportRig(history, events, parts, office, parts.maker(files, 0), signer, clock, files)
    finally:
        pool.terminate()


def table(data: bytes) -> list[list[str]]:
    """Cells of a CSV that keeps the conventions."""
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\n") == data.count(b"\r\n")
    assert data.endswith(b"\r\n")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))


def manifest_of(export: Export) -> dict[str, Any]:
    import json

    assert export.manifest is not None
    found: dict[str, Any] = json.loads(export.manifest)
    return found

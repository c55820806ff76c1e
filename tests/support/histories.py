"""A history on a database, and batches to put into it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import numpy as np
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.domain.batch import Readings, SampleBatch
from cityhall_bms.ports.telemetry_log import LoggedBatch

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
T0 = 1_782_864_000_000_000
"""2026-07-01 00:00 UTC, where a manual clock starts."""

Row = tuple[int, int, float, int]
"""Point, time, value, quality."""


@asynccontextmanager
async def history_on(
    url: str, clock: ManualClock | None = None, time_zone: str = "Asia/Taipei"
) -> AsyncIterator[PostgresHistory]:
    """History on a database with the present schema."""
    async with PostgresHistory.open(url, clock or ManualClock(), time_zone) as history:
        yield history


def readings(rows: Sequence[Row]) -> Readings:
    return Readings(
        np.array([row[0] for row in rows], np.uint32),
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.float64),
        np.array([row[3] for row in rows], np.uint8),
    )


def logged(
    sequence: int, rows: Sequence[Row], *, source: str = "c1", epoch: int = 1, recorded_at: int | None = None
) -> LoggedBatch:
    """Batch of one set of readings, at the log position that is its sequence."""
    recorded_at = max((row[1] for row in rows), default=T0) if recorded_at is None else recorded_at
    scans = [readings(rows)] if rows else []
    return LoggedBatch(sequence, SampleBatch.gather(source, epoch, sequence, recorded_at, scans))


def scan(sequence: int, at: int, values: Sequence[float], quality: int = 0, first_point: int = 1) -> LoggedBatch:
    """Batch of one scan of neighbouring points."""
    rows = [(first_point + number, at, value, quality) for number, value in enumerate(values)]
    return logged(sequence, rows)

"""What devices sent, in table ``raw_scan``: written with the samples, packed hour by hour, deleted after some days."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import asyncpg

from cityhall_bms.adapters.postgres.history_copy import moment
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.batch import RawRecord, SampleBatch
from cityhall_bms.historian.intervals import EPOCH, HOUR_US, MINUTE_US, floor_to
from cityhall_bms.historian.raw_packing import QUICKLY, RawScan, pack, repack, unpack
from cityhall_bms.ports.history import Window

QUERIES: Final = load("raw_scans.sql")
COLUMNS: Final = ("hour", "device", "packed", "data")
DAYS_DEFAULT: Final = 7
DAY_US: Final = 24 * HOUR_US
AHEAD_MAX_US: Final = HOUR_US
"""Scans that claim to be from further ahead come from a broken clock; they would outlive all others."""
SETTLED_US: Final = 10 * MINUTE_US
"""How long after its end an hour waits for batches that are on their way."""
DEVICES_PER_PASS: Final = 32


async def write_raws(connection: asyncpg.Connection, batches: Sequence[SampleBatch], now: int, days: int) -> None:
    """Add what new batches bring, in their transaction; not what would be deleted at once."""
    oldest = oldest_kept(now, days)
    groups: dict[tuple[int, str], list[RawScan]] = defaultdict(list)
    for batch in batches:
        for record in batch.raws:
            if days and oldest <= record.observed_at < now + AHEAD_MAX_US:
                groups[_key(record)].append((record.observed_at, record.data))
    if groups:
        rows = [(moment(hour), device, False, pack(scans, QUICKLY)) for (hour, device), scans in groups.items()]
        await connection.copy_records_to_table("raw_scan", records=rows, columns=COLUMNS)


def oldest_kept(now: int, days: int) -> int:
    """Begin of the oldest hour that is kept."""
    return floor_to(now - days * DAY_US, HOUR_US)


async def tidy(connection: asyncpg.Connection, now: int, days: int) -> bool:
    """Delete what is too old, and pack some devices of an hour that is over; false when nothing is left to pack."""
    async with connection.transaction():
        await connection.execute(QUERIES["forget"], moment(oldest_kept(now, days) if days else now + DAY_US))
        loose = await connection.fetch(QUERIES["loose_hours"], moment(now - HOUR_US - SETTLED_US), DEVICES_PER_PASS)
        if not loose:
            return False
        hour, devices = loose[0]["hour"], [row["device"] for row in loose]
        parts: dict[str, list[bytes]] = defaultdict(list)
        for row in await connection.fetch(QUERIES["take"], hour, devices):
            parts[row["device"]].append(row["data"])
        rows = [(hour, device, True, repack(packed)) for device, packed in parts.items()]
        await connection.copy_records_to_table("raw_scan", records=rows, columns=COLUMNS)
    return True


async def hours_of(connection: asyncpg.Connection, device: str, window: Window) -> list[Window]:
    """Hours in which the device sent something that is kept, cut at the window."""
    begin, end = moment(floor_to(window.start, HOUR_US)), moment(window.end)
    starts = [_us(row["hour"]) for row in await connection.fetch(QUERIES["hours"], device, begin, end)]
    return [Window(max(start, window.start), min(start + HOUR_US, window.end)) for start in starts]


async def scans_of(connection: asyncpg.Connection, device: str, window: Window) -> list[RawScan]:
    """What the device sent in a window that lies in one hour, in order of time."""
    rows = await connection.fetch(QUERIES["of_hour"], device, moment(floor_to(window.start, HOUR_US)))
    scans = sorted(scan for row in rows for scan in unpack(row["data"]))
    return [scan for scan in scans if window.start <= scan[0] < window.end]


def _key(record: RawRecord) -> tuple[int, str]:
    return floor_to(record.observed_at, HOUR_US), record.device


def _us(time: datetime) -> int:
    return (time - EPOCH) // timedelta(microseconds=1)

"""Checks the event log: every position, every hash, every signed day."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date
from typing import Final

import asyncpg

from cityhall_bms.adapters.postgres.record_heads import sealed_gaps, sealed_raws
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.adapters.seal_files import Copy
from cityhall_bms.adapters.signing import verify
from cityhall_bms.domain.errors import SignatureError
from cityhall_bms.domain.events import GENESIS_HASH, chain_hash
from cityhall_bms.domain.integrity import SEAL_STREAM, DaySealed
from cityhall_bms.domain.verification import Checked, Fault, Part, Wrong

QUERIES: Final = load("verify.sql")
RAWS: Final = load("raw_scans.sql")
EVENTS_AT_ONCE: Final = 5000

Progress = Callable[[int, int], None]
"""Hears how much of how much is done."""


async def check_events(
    connection: asyncpg.Connection, since: int | None, until: int | None, progress: Progress
) -> Checked:
    """Recompute the chain, from the last event before ``since`` to the last one before ``until`` (µs UTC)."""
    before, previous = await _head(connection, since) if since is not None else (0, GENESIS_HASH)
    end, _ = await _head(connection, until)
    position = before
    async for row in _events(connection, before, end):
        columns = (row["recorded_at"], row["stream"], row["version"], row["type"], row["actor"], row["payload"])
        wrong = None
        if row["position"] != position + 1:
            wrong = Wrong.EVENT_MISSING
        elif row["prev_hash"] != previous:
            wrong = Wrong.EVENT_CHAIN
        elif row["hash"] != chain_hash(previous, row["position"], *columns):
            wrong = Wrong.EVENT_CHANGED
        if wrong is not None:
            return Checked(Part.EVENTS, position - before, Fault(Part.EVENTS, wrong, str(position + 1)))
        position, previous = row["position"], row["hash"]
        if position % EVENTS_AT_ONCE == 0:
            progress(position - before, end - before)
    fault = Fault(Part.EVENTS, Wrong.EVENT_MISSING, str(position + 1)) if position != end else None
    return Checked(Part.EVENTS, position - before, fault)


async def _head(connection: asyncpg.Connection, time: int | None) -> tuple[int, bytes]:
    if time is None:
        row = await connection.fetchrow(QUERIES["last_event"])
    else:
        row = await connection.fetchrow(QUERIES["last_event_before"], time)
    return (row["position"], row["hash"]) if row else (0, GENESIS_HASH)


async def _events(connection: asyncpg.Connection, after: int, end: int) -> AsyncIterator[asyncpg.Record]:
    while rows := await connection.fetch(QUERIES["events"], after, end, EVENTS_AT_ONCE):
        for row in rows:
            yield row
        after = rows[-1]["position"]


async def signed_days(connection: asyncpg.Connection) -> tuple[list[DaySealed], Fault | None]:
    """Days that were signed, in order, and the first that is not one."""
    days: list[DaySealed] = []
    for row in await connection.fetch(QUERIES["signed_days"], SEAL_STREAM):
        try:
            days.append(DaySealed(**json.loads(row["payload"])))
        except (TypeError, ValueError):
            return days, Fault(Part.DAYS, Wrong.DAY_UNREADABLE, str(row["position"]))
    return days, None


async def check_days(
    connection: asyncpg.Connection, keys: Mapping[str, str], copies: Mapping[str, Copy], progress: Progress
) -> Checked:
    """Compare every signed day with its signature, with the record, and with its copy."""
    days, unreadable = await signed_days(connection)
    for done, day in enumerate(days):
        wrong = _signature(day, keys) or await _heads(connection, day)
        wrong = wrong or await _gaps(connection, day) or await _raws(connection, day)
        if wrong is None and day.day in copies and copies[day.day].seal != day:
            wrong = Wrong.DAY_OTHER
        if wrong is not None:
            return Checked(Part.DAYS, done, Fault(Part.DAYS, wrong, day.day))
        progress(done + 1, len(days))
    gone = sorted(copies.keys() - {day.day for day in days})
    fault = Fault(Part.DAYS, Wrong.DAY_GONE, gone[0]) if gone else unreadable
    return Checked(Part.DAYS, len(days), fault)


def _signature(day: DaySealed, keys: Mapping[str, str]) -> Wrong | None:
    if day.key not in keys:
        return Wrong.DAY_KEY
    try:
        verify(keys[day.key], day.statement(), bytes.fromhex(day.signature))
    except (SignatureError, ValueError, TypeError):
        return Wrong.DAY_SIGNATURE
    return None


async def _heads(connection: asyncpg.Connection, day: DaySealed) -> Wrong | None:
    head = await connection.fetchval(QUERIES["hash_of_event"], day.position) if day.position else GENESIS_HASH
    if head is None or head.hex() != day.hash:
        return Wrong.DAY_EVENT_HEAD
    for source, (number, digest) in day.chains.items():
        seal = await connection.fetchval(QUERIES["hash_of_seal"], source, number)
        if seal is None or seal.hex() != digest:
            return Wrong.DAY_CHAIN_HEAD
    return None


async def _gaps(connection: asyncpg.Connection, day: DaySealed) -> Wrong | None:
    found = await sealed_gaps(connection, date.fromisoformat(day.day))
    return Wrong.DAY_GAPS if day.gaps and day.gaps != [found.number, found.digest.hex()] else None


async def _raws(connection: asyncpg.Connection, day: DaySealed) -> Wrong | None:
    """Hours before the oldest one that is left were let go of: what devices sent is kept for days, not for ever."""
    oldest = await connection.fetchval(RAWS["oldest"])
    if not day.raws or oldest is None:
        return None
    found = await sealed_raws(connection, date.fromisoformat(day.day))
    kept = {hour: digest for hour, digest in day.raws.items() if int(hour) >= oldest}
    return Wrong.DAY_RAWS if found != kept else None

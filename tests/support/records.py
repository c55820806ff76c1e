"""A whole record for tests of its integrity: events, signed days, and a history with everything that can happen."""

import random
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg
from tests.support.histories import HOUR, MINUTE, SECOND, T0, history_on, readings
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.postgres import raw_scans
from cityhall_bms.adapters.postgres.counter_record import PostgresCounterRecord
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.record_heads import PostgresRecordHeads
from cityhall_bms.adapters.seal_files import SealFiles
from cityhall_bms.adapters.signing import Signer, key_ring
from cityhall_bms.domain.batch import RawRecord, Readings, SampleBatch
from cityhall_bms.domain.events import CollectorStarted, DeviceLost
from cityhall_bms.domain.gaps import Gap, GapCause
from cityhall_bms.historian.counter_teller import STREAM as RESTATEMENTS
from cityhall_bms.historian.day_sealing import DaySealer
from cityhall_bms.ports.event_log import Append
from cityhall_bms.ports.telemetry_log import LoggedBatch

DAY = 24 * HOUR
TAIPEI = ZoneInfo("Asia/Taipei")
BEGIN = T0 + 2 * HOUR


def made_up_batches(seed: int, count: int) -> list[LoggedBatch]:
    """Batches of two collectors: whole polls, pushed values, bad ones, late ones, repeated ones, equal times."""
    chance = random.Random(seed)
    at = BEGIN
    batches: list[SampleBatch] = []
    for number in range(1, count + 1):
        at += chance.choice((SECOND, 20 * SECOND, 3 * MINUTE))
        source = chance.choice(("c1", "c1", "c2"))
        scans = [_poll(chance, at)]
        if chance.random() < 0.4:
            scans.append(_pushed(chance, at - chance.choice((1, MINUTE, 7 * HOUR))))
        recorded_at = at + chance.choice((0, 0, 17))
        batches.append(SampleBatch.gather(source, 1, number, recorded_at, scans if chance.random() < 0.95 else []))
        if chance.random() < 0.3:
            twin = SampleBatch.gather("c3", 1, number, recorded_at, [_pushed(chance, at)])
            batches.append(twin)
    sequences: dict[str, int] = {}
    for place, batch in enumerate(batches):
        sequences[batch.source] = sequences.get(batch.source, 0) + 1
        batches[place] = replace(batch, sequence=sequences[batch.source])
    late = [batches.pop(chance.randrange(len(batches))) for _ in range(2)]
    batches += late + [chance.choice(batches) for _ in range(3)]
    # A day and a half later, so that what came before is summed up to its days.
    last = SampleBatch.gather("c1", 2, 1, T0 + 40 * HOUR, [_poll(chance, T0 + 40 * HOUR)])
    batches.append(replace(last, gaps=(Gap("d1", GapCause.TIMEOUT, BEGIN, 3, (2, 4), BEGIN + MINUTE),)))
    return [LoggedBatch(position + 1, batch) for position, batch in enumerate(batches)]


def _poll(chance: random.Random, at: int) -> Readings:
    """Points in another order than that of their numbers, now and then one of them bad."""
    points = [4, 2, 3, 9, 1] if chance.random() < 0.7 else [20, 21, 22]
    bad = chance.random() < 0.2
    rows = [(point, at, chance.choice((1.5, -0.0, 20.25, float(point))), 0) for point in points]
    if bad:
        rows[1] = (rows[1][0], at, float("nan"), 0x83)
    return readings(rows)


def _pushed(chance: random.Random, at: int) -> Readings:
    chosen = chance.sample(range(30, 36), chance.choice((1, 3)))
    return replace(readings([(point, at, chance.random(), chance.choice((0, 64))) for point in chosen]), partial=True)


async def store(url: str, batches: list[LoggedBatch], chance: random.Random) -> None:
    """Store in transactions of chance size, some by a second historian, with a correction at the end."""
    clock = ManualClock(T0 + 2 * DAY)
    async with history_on(url, clock) as first, history_on(url, clock) as second:
        place = 0
        while place < len(batches):
            size = chance.choice((1, 2, 5))
            await chance.choice((first, first, second)).store(batches[place : place + size])
            place += size
        corrected = readings([(2, BEGIN + SECOND, 99.0, 0), (4, BEGIN + SECOND, 98.0, 0)])
        await first._writer.restate([corrected], T0 + 2 * DAY + chance.randrange(1_000))
        while await first.recompute():
            pass


async def keep_what_was_sent(url: str) -> None:
    """Packed raw scans of two devices in two hours."""
    connection = await asyncpg.connect(url)
    records = [
        RawRecord(device, BEGIN + hour * HOUR + number, bytes([number, hour]) * 4)
        for device in ("d1", "d2")
        for hour in range(2)
        for number in range(3)
    ]
    batch = SampleBatch.gather("c1", 2, 2, BEGIN, [], raws=records)
    await raw_scans.write_raws(connection, [batch], BEGIN + HOUR, 7)
    while await raw_scans.tidy(connection, BEGIN + 8 * HOUR, 7):
        pass
    await connection.close()


async def signed_record(url: str, folder: Path, seed: int = 1, batches: int = 25) -> None:
    """Fill a new database with a record of three days, signed with the key in ``folder/keys``; copies in ``seals``."""
    await store(url, made_up_batches(seed, batches), random.Random(seed))
    await keep_what_was_sent(url)
    clock = ManualClock(T0)
    pool = await asyncpg.create_pool(url, min_size=0, max_size=2)
    try:
        async with PostgresEventLog(url, clock) as events:
            signer = Signer.load_or_create(folder / "keys")
            copies = SealFiles(folder / "seals", key_ring(folder / "keys"))
            heads = PostgresRecordHeads(pool)
            sealer = DaySealer(heads, signer, copies, events, clock, site="TCH", zone=TAIPEI)
            for day in range(3):
                await events.append([Append("c", [CollectorStarted("c1", clock.now())], "test")])
                await events.append([Append("d", [DeviceLost("冰水主機", "逾時", clock.now())], "王小明")])
                clock.jump(DAY / 1e6)
                if day != 1:
                    await sealer.seal_due()
            await events.append([Append("c", [CollectorStarted("c1", clock.now())], "test")])
            restated = await PostgresCounterRecord(pool).untold(0)
            await events.append([Append(RESTATEMENTS, restated, "historian")])
    finally:
        pool.terminate()

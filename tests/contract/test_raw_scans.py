"""What devices sent, on a real database: stored with its batch, packed after its hour, gone after its days."""

import asyncio

import asyncpg
from tests.support.histories import HOUR, MINUTE, SECOND, T0, history_on
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.postgres import raw_scans
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.domain.batch import RawRecord, SampleBatch
from cityhall_bms.historian.raw_packing import RawScan
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.telemetry_log import LoggedBatch

ALWAYS = Window(T0 - 100 * HOUR, T0 + 1000 * HOUR)


def sent(sequence: int, *records: RawRecord) -> LoggedBatch:
    return LoggedBatch(sequence, SampleBatch.gather("c1", 1, sequence, T0 + sequence * SECOND, [], raws=records))


def scan(device: str, at: int) -> RawRecord:
    return RawRecord(device, at, f"{device} {at}".encode())


async def kept(url: str, device: str, window: Window = ALWAYS) -> list[RawScan]:
    connection = await asyncpg.connect(url)
    try:
        hours = await raw_scans.hours_of(connection, device, window)
        return [found for hour in hours for found in await raw_scans.scans_of(connection, device, hour)]
    finally:
        await connection.close()


async def tidy(store: PostgresHistory) -> None:
    while await store.tidy():
        pass


async def rows(url: str) -> tuple[int, int]:
    """How many rows there are, and how many of them are packed."""
    connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow("SELECT count(*), count(*) FILTER (WHERE packed) FROM raw_scan")
        assert row is not None
        return row[0], row[1]
    finally:
        await connection.close()


async def test_scans_are_stored_once_with_their_batch_and_found_by_device_and_time(database_url: str) -> None:
    batches = [sent(n, scan("em-1", T0 + n * MINUTE), scan("ups-1", T0 + n * MINUTE)) for n in range(10)]
    async with history_on(database_url, ManualClock(T0 + HOUR)) as store:
        await store.store(batches[:6])
        await store.store(batches)
        await store.store([batches[3]])
    expected = [(T0 + n * MINUTE, f"em-1 {T0 + n * MINUTE}".encode()) for n in range(10)]
    assert await kept(database_url, "em-1") == expected
    assert await kept(database_url, "em-1", Window(T0 + 2 * MINUTE, T0 + 4 * MINUTE)) == expected[2:4]
    assert await kept(database_url, "nobody") == []


async def test_an_hour_that_is_over_is_packed_and_says_what_it_said_before(database_url: str) -> None:
    clock = ManualClock(T0 + 121 * MINUTE)
    devices = [f"d{number}" for number in range(40)]
    async with history_on(database_url, clock) as store:
        for sequence in range(4):
            await store.store([sent(sequence, *(scan(device, T0 + sequence * 40 * MINUTE) for device in devices))])
        before = {device: await kept(database_url, device) for device in devices}
        await tidy(store)
        assert await rows(database_url) == (120, 40), "one hour of forty devices is over; two more scans stand alone"
        late = scan("d7", T0 + 7 * MINUTE)
        await store.store([sent(9, late)])
        await clock.advance(2 * 3600)
        await tidy(store)
    assert await rows(database_url) == (120, 120)
    for device in devices:
        expected = sorted([*before[device], (late.observed_at, late.data)]) if device == "d7" else before[device]
        assert await kept(database_url, device) == expected


async def test_scans_are_let_go_after_their_days_and_not_kept_at_all_with_none(postgres_url: str) -> None:
    clock = ManualClock(T0 + HOUR)
    async with PostgresHistory.open(postgres_url, clock, "Asia/Taipei", raw_days=2) as store:
        await store.store([sent(1, scan("em-1", T0), scan("em-1", T0 - 49 * HOUR), scan("em-1", T0 + 90 * HOUR))])
        assert [at for at, _ in await kept(postgres_url, "em-1")] == [T0], "nothing too old, nothing of a broken clock"
        await clock.advance(48 * 3600)
        await tidy(store)
    assert await rows(postgres_url) == (0, 0)

    async with PostgresHistory.open(postgres_url, clock, "Asia/Taipei", raw_days=0) as store:
        await store.store([sent(2, scan("em-1", clock.now()))])
    assert await rows(postgres_url) == (0, 0)


async def test_two_that_pack_at_once_lose_and_double_nothing(postgres_url: str) -> None:
    clock = ManualClock(T0 + 3 * HOUR)
    devices = [f"d{number}" for number in range(70)]
    async with history_on(postgres_url, clock) as store, history_on(postgres_url, clock) as other:
        for sequence in range(2):
            await store.store([sent(sequence, *(scan(device, T0 + sequence * MINUTE) for device in devices))])
        await asyncio.gather(tidy(store), tidy(other))
    assert await rows(postgres_url) == (70, 70)
    assert [at for at, _ in await kept(postgres_url, "d69")] == [T0, T0 + MINUTE]

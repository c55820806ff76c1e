"""The gap ledger on a real database: stored with its batch, exactly once, and asked in every way."""

import csv
import io
from collections.abc import Sequence
from random import Random

import pytest
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.gaps import PostgresGapLedger
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.gaps import Gap, GapCause
from cityhall_bms.ports.gap_ledger import GapExport, GapFilter
from cityhall_bms.ports.telemetry_log import LoggedBatch

T0 = 1_782_864_000_000_000
SECOND = 1_000_000
EVERYTHING = GapFilter()


class Record:
    """A history and its ledger, and a collector that writes into it."""

    def __init__(self, history: PostgresHistory, ledger: PostgresGapLedger) -> None:
        self.history, self.ledger = history, ledger
        self.position = 0
        self.stored: list[LoggedBatch] = []

    async def report(self, *gaps: Gap, epoch: int = T0, sequence: int | None = None, source: str = "c1") -> None:
        number = self.position if sequence is None else sequence
        self.position += 1
        batch = SampleBatch.gather(source, epoch, number, T0 + self.position * SECOND, [], gaps=gaps)
        self.stored.append(LoggedBatch(self.position, batch))
        await self.history.store([self.stored[-1]])

    async def gaps(self, which: GapFilter = EVERYTHING) -> Sequence[Gap]:
        return (await self.ledger.page(which, 1000, None)).gaps


@pytest.fixture
async def record(database_url: str):  # noqa: ANN201
    pool = await open_pool(database_url)
    try:
        async with PostgresHistory.open(database_url, ManualClock(), "Asia/Taipei") as history:
            yield Record(history, PostgresGapLedger(pool))
    finally:
        pool.terminate()


def down(since_s: int, polls: int = 0, until_s: int | None = None, device: str = "em-1") -> Gap:
    until = None if until_s is None else T0 + until_s * SECOND
    return Gap(device, GapCause.DEVICE_DOWN, T0 + since_s * SECOND, polls, (), until)


async def test_a_gap_is_open_until_its_last_report_closes_it(record: Record) -> None:
    await record.report(down(10))
    assert await record.gaps() == [down(10)]
    await record.report(down(10, 6))
    await record.report(down(10, 9, until_s=100))
    assert await record.gaps() == [down(10, 9, until_s=100)]


async def test_a_batch_that_is_delivered_again_or_late_changes_nothing(record: Record) -> None:
    await record.report(down(10))
    await record.report(down(10, 9, until_s=100))
    for logged in [record.stored[0], record.stored[1], record.stored[0]]:
        await record.history.store([LoggedBatch(record.position + 1, logged.batch)])
    assert await record.gaps() == [down(10, 9, until_s=100)]


async def test_a_gap_ends_also_when_the_clock_was_set_back_meanwhile(record: Record) -> None:
    record.position = 3600
    await record.report(down(10))
    record.position = 0
    await record.report(down(10, 9, until_s=100), sequence=3601)
    assert await record.gaps() == [down(10, 9, until_s=100)]


async def test_what_a_collector_left_open_ends_with_its_life(record: Record) -> None:
    await record.report(down(1))  # reported at T0 + 1 s
    await record.report(source="c2", epoch=T0)
    await record.report(down(1, device="ahu-1"), source="c2", epoch=T0, sequence=2)
    stopped = Gap("", GapCause.SERVICE_STOPPED, T0 + 3 * SECOND, 0, (), T0 + 60 * SECOND)
    await record.report(stopped, epoch=T0 + 60 * SECOND, sequence=0)
    found = await record.gaps()
    assert stopped in found
    assert down(1, until_s=1) in found
    assert down(1, device="ahu-1") in found  # another collector goes on


async def test_pain_20_gaps_have_a_cause_and_are_found_by_device_point_cause_and_time(record: Record) -> None:
    refused = Gap("em-1", GapCause.REFUSED, T0 + 50 * SECOND, 4, (7,), T0 + 60 * SECOND)
    other = Gap("ahu-1", GapCause.TIMEOUT, T0 + 70 * SECOND, 1, (9,), T0 + 71 * SECOND)
    clock = Gap("", GapCause.CLOCK, T0 + 80 * SECOND, 0, (), T0 + 90 * SECOND)
    await record.report(down(10, 1, until_s=20), refused, other, clock, down(95))
    newest_first = [down(95), clock, other, refused, down(10, 1, until_s=20)]
    assert await record.gaps() == newest_first
    assert await record.gaps(GapFilter(device="ahu-1")) == [other]
    assert await record.gaps(GapFilter(cause=GapCause.DEVICE_DOWN)) == [down(95), down(10, 1, until_s=20)]
    # A point is meant by its own gaps, its device's, and those of the whole collector.
    assert await record.gaps(GapFilter(point=7, point_device="em-1")) == [
        down(95), clock, refused, down(10, 1, until_s=20)
    ]  # fmt: skip
    assert await record.gaps(GapFilter(start=T0 + 55 * SECOND, end=T0 + 75 * SECOND)) == [other, refused]
    assert await record.gaps(GapFilter(open_only=True)) == [down(95)]


async def test_pages_follow_each_other_without_loss_or_repetition(record: Record) -> None:
    gaps = [Gap(f"d{number % 3}", GapCause.TIMEOUT, T0 + number // 4, 1, (number,), T0 + 10) for number in range(25)]
    await record.report(*gaps)
    found, cursor = [], None
    while True:
        page = await record.ledger.page(EVERYTHING, 4, cursor)
        found += page.gaps
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    assert sorted(gap.points for gap in found) == [(number,) for number in range(25)]


async def test_a_gap_of_all_points_of_a_large_controller_is_stored_as_any_other(record: Record) -> None:
    many = tuple(int(number) for number in Random(1).sample(range(1, 2**31), 20_000))
    gaps = [Gap("em-1", GapCause.OVERLOAD, T0, number, many) for number in (3, 5)]
    for gap in gaps:
        await record.report(gap)
    assert await record.gaps() == [gaps[1]]
    await record.report(down(20), down(30))
    page = await record.ledger.page(EVERYTHING, 2, None)
    assert page.next_cursor is not None
    assert (await record.ledger.page(EVERYTHING, 2, page.next_cursor)).gaps == [gaps[1]]


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "[]",
        f'[{2**63}, "c1", "d", "timeout", 0]',
        '[1e999, "c1", "d", "timeout", 0]',
        '[0, "c\\u0000", "d", "timeout", 0]',
        f'[0, "c1", "d", "timeout", {2**63}]',
        "[" * 10_000,
    ],
)
async def test_a_cursor_that_somebody_made_up_is_refused(record: Record, cursor: str) -> None:
    with pytest.raises(RefusedError, match="cursor"):
        await record.ledger.page(EVERYTHING, 4, cursor)


async def test_pain_20_batches_that_the_log_lost_are_gaps_with_the_time_of_their_neighbours(record: Record) -> None:
    await record.report(sequence=0)
    await record.report(sequence=5)
    missing = await record.history.gap_due(2**62)
    assert missing is not None
    await record.history.gap_reported(missing)
    (lost,) = await record.gaps()
    assert (lost.cause, lost.polls, lost.until) == (GapCause.LOG_LOSS, 4, T0 + 2 * SECOND)


async def test_the_file_is_as_the_house_writes_csv(record: Record) -> None:
    await record.report(down(0, 3, until_s=90), Gap("=cmd", GapCause.REFUSED, T0 + SECOND, 1, (7, 8)))
    names = {7: "TCH.01.E.AHU01.SAT"}
    chunks = [chunk async for chunk in record.ledger.csv(GapExport(EVERYTHING, names, "Asia/Taipei"))]
    text = b"".join(chunks)
    assert text.startswith("\ufeff設備,點位,原因,".encode())
    assert text.endswith(b"\r\n")
    rows = list(csv.reader(io.StringIO(text.decode("utf-8-sig"))))
    assert rows[2] == [
        "em-1", "", "設備離線", "2026-07-01T08:00:00.000+08:00", "2026-07-01T00:00:00.000Z",
        "2026-07-01T08:01:30.000+08:00", "2026-07-01T00:01:30.000Z", "90.000", "3",
    ]  # fmt: skip
    assert rows[1][:3] == ["'=cmd", "TCH.01.E.AHU01.SAT #8", "設備拒絕"]
    assert rows[1][5:8] == ["", "", ""]

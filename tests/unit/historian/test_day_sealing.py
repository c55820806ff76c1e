"""Every local day is signed once when it is over; days of an outage are signed afterwards, each with its own head."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.seal_files import SealFiles, read_copies
from cityhall_bms.adapters.signing import Signer, key_ring, verify
from cityhall_bms.domain.events import GENESIS_HASH, CollectorStarted
from cityhall_bms.domain.integrity import SEAL_STREAM, ChainHead, DaySealed, GapsSeal, digest_of_raws
from cityhall_bms.historian.day_sealing import DAYS_BACK_MAX, DaySealer, due
from cityhall_bms.ports.event_log import Append

TAIPEI = ZoneInfo("Asia/Taipei")
HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
NOON_JULY_1 = 1_782_878_400_000_000
"""2026-07-01 12:00 in Taipei (UTC+8)."""


class Heads:
    """Heads of a log in memory, and of a chain that grows by hand."""

    def __init__(self, events: MemoryEventLog) -> None:
        self._events = events
        self.number = 0

    async def first_event_at(self) -> int | None:
        entries = await self._events.read(limit=1)
        return entries[0].recorded_at if entries else None

    async def last_event_before(self, time: int) -> tuple[int, bytes]:
        before = [entry for entry in await self._events.read(limit=10_000) if entry.recorded_at < time]
        return (before[-1].position, before[-1].hash) if before else (0, GENESIS_HASH)

    async def chains(self) -> Mapping[str, ChainHead]:
        return {"c1": ChainHead(self.number, bytes([self.number]) * 32)} if self.number else {}

    async def seal_gaps(self, day: date) -> GapsSeal:
        return GapsSeal.of([("c1", "chiller-1", "timeout", 0, [], day.day, 3)])

    async def seal_raws(self, day: date) -> dict[str, list[Any]]:
        return {str(day.day): digest_of_raws([("chiller-1", bytes(32))])}


class House:
    """A log with one event a day at noon, and a sealer."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(NOON_JULY_1)
        self.events = MemoryEventLog(self.clock)
        self.heads = Heads(self.events)
        self.folder = folder
        self.signer = Signer.load_or_create(folder / "keys")
        self.sealer = self.another()

    def another(self) -> DaySealer:
        copies = SealFiles(self.folder / "seals", key_ring(self.folder / "keys"))
        return DaySealer(self.heads, self.signer, copies, self.events, self.clock, site="TCH", zone=TAIPEI)

    async def something_happens(self) -> None:
        await self.events.append([Append("a", [CollectorStarted("c1", self.clock.now())], "test")])

    async def seals(self) -> list[DaySealed]:
        found = [entry.event() for entry in await self.events.read(limit=10_000, stream=SEAL_STREAM)]
        return [seal for seal in found if isinstance(seal, DaySealed)]


async def test_a_day_is_signed_a_minute_after_it_is_over_and_once(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.something_happens()
    house.heads.number = 3

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(house.sealer.run())
        await house.clock.advance(12 * HOUR_S + 59)
        assert await house.seals() == []
        await house.clock.advance(2)
        assert [seal.day for seal in await house.seals()] == ["2026-07-01"]
        await house.clock.advance(20 * HOUR_S)
        running.cancel()

    (seal,) = await house.seals()
    head = (await house.events.read(limit=1))[0]
    assert (seal.site, seal.position, seal.hash) == ("TCH", head.position, head.hash.hex())
    assert seal.chains == {"c1": [3, "03" * 32]}
    assert seal.batches == 3
    verify(house.signer.public_pem, seal.statement(), bytes.fromhex(seal.signature))


async def test_days_of_an_outage_are_signed_afterwards_each_as_it_ended(tmp_path: Path) -> None:
    house = House(tmp_path)
    for _ in range(3):
        await house.something_happens()
        house.clock.jump(DAY_S)
    house.clock.jump(2 * DAY_S)

    await house.sealer.seal_due()
    await house.another().seal_due()

    assert [(seal.day, seal.position) for seal in await house.seals()] == [
        ("2026-07-01", 1),
        ("2026-07-02", 2),
        ("2026-07-03", 3),
        ("2026-07-04", 3),
        ("2026-07-05", 3),
    ]


async def test_of_two_historians_one_seals(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.something_happens()
    house.clock.jump(3 * DAY_S)
    other = house.another()
    await asyncio.gather(house.sealer.seal_due(), other.seal_due(), house.another().seal_due())

    assert [seal.day for seal in await house.seals()] == ["2026-07-01", "2026-07-02", "2026-07-03"]


async def test_an_outage_of_the_log_delays_a_seal(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.something_happens()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(house.sealer.run())
        await house.clock.advance(60)
        house.events.available = False
        await house.clock.advance(DAY_S)
        house.events.available = True
        await house.clock.advance(60)
        running.cancel()

    assert [seal.day for seal in await house.seals()] == ["2026-07-01"]


async def test_a_file_that_was_not_written_is_written_later_and_says_what_the_log_says(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.something_happens()
    house.clock.jump(2 * DAY_S)
    await house.sealer.seal_due()
    (tmp_path / "seals" / "2026-07-01.json").unlink()

    await house.another().seal_due()

    copies = read_copies(tmp_path / "seals")
    assert [copies[seal.day].seal for seal in await house.seals()] == await house.seals()
    assert {copy.public_pem for copy in copies.values()} == {house.signer.public_pem}


def test_days_before_the_first_event_and_long_ago_have_no_seal() -> None:
    days = [day.isoformat() for day in due(NOON_JULY_1, date(2026, 6, 29), {"2026-06-30"}, TAIPEI)]

    assert days == ["2026-06-29"]
    assert len(list(due(NOON_JULY_1, date(2000, 1, 1), set(), TAIPEI))) == DAYS_BACK_MAX


def test_days_sealed_in_the_future_of_a_clock_that_was_wrong_do_not_stop_the_rest() -> None:
    assert next(due(NOON_JULY_1, date(2026, 6, 30), {"2099-01-01"}, TAIPEI)).isoformat() == "2026-06-30"


def test_a_day_that_was_signed_before_gaps_were_is_signed_as_ever() -> None:
    old = DaySealed(site="TCH", day="2026-07-01", position=1, hash="aa", chains={}, batches=0, sealed_at=2, key="k")
    assert b"gaps" not in old.statement()
    assert replace(old, gaps=[0, "bb"]).statement() != replace(old, gaps=[0, "cc"]).statement()

"""A wrong word order that was stored for hours is put right for the past too, from what the device really sent."""

import json
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg
import numpy as np
import pytest
from tests.support.batches import readings
from tests.support.manual_clock import ManualClock
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms import bootstrap, history_jobs, site_reading
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.collector.second_reading import CollectorsReading
from cityhall_bms.domain.batch import RawRecord, SampleBatch
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.historian.intervals import local_time_us
from cityhall_bms.ports.driver import BoundPoint
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.telemetry_log import LoggedBatch
from cityhall_bms.settings import DatabaseSettings, Settings
from cityhall_drivers.modbus import DRIVER

SECOND = 1_000_000
HOUR = 3_600 * SECOND
T0 = 1_709_251_200_000_000
"""2024-03-01 00:00 UTC, 08:00 in Taipei."""
SCANS = 270
STEP = 10 * SECOND
WINDOW = Window(T0, T0 + HOUR)
TEMPERATURE, FLOW = "TCH.B2.CN.CHC01.CHWS_T", "TCH.B2.CN.CHC01.CHW_Flow"
WRONG, RIGHT = 'word_order = "ABCD"', 'word_order = "CDAB"'


def true_value(number: int) -> float:
    """A chiller's water that becomes half a degree warmer and colder from scan to scan; float32 holds it exactly."""
    return 7.0 + 0.5 * (number % 4)


def sent(number: int) -> bytes:
    """Registers 100 and 101 with the low word first, register 1 with a flow, coil 0 set: frames as the driver keeps."""
    high, low = struct.unpack(">HH", struct.pack(">f", true_value(number)))
    return (
        struct.pack(">BHHHHH", 4, 100, 2, 4, low, high)
        + struct.pack(">BHHHh", 4, 1, 1, 2, 240)
        + struct.pack(">BHHHB", 1, 0, 1, 1, 1)
    )


class Building:
    """A small site on a database, and a collector that believed what its folder said."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = write_site(folder)
        self.settings = Settings(database=DatabaseSettings(url=url))
        self.clock = ManualClock(T0 + 2 * HOUR)
        self.url = url
        self._profile = folder / "profiles" / "chiller.toml"

    async def apply(self, word_order: str) -> None:
        text = self._profile.read_text(encoding="utf-8").replace("input:{equipment}", "input:1")
        self._profile.write_text(text.replace(WRONG, word_order).replace(RIGHT, word_order), encoding="utf-8")
        await bootstrap.prepare(self.folder, self.settings, self.clock)

    @asynccontextmanager
    async def history(self) -> AsyncIterator[PostgresHistory]:
        async with PostgresHistory.open(self.url, self.clock, "Asia/Taipei") as history:
            yield history

    async def collect(self, history: PostgresHistory, numbers: Sequence[int]) -> None:
        """Store what the collector made of these scans, with what was sent."""
        ids = await self.ids()
        site = site_reading.read_site(self.folder)
        points = [BoundPoint(ids[point.name], point) for point in site.points_of("chiller-1")]
        reading = CollectorsReading(DRIVER(), points, site, ids, T0)
        logged = []
        for number in numbers:
            at = T0 + number * STEP
            scan = reading.read(sent(number), at)
            banded = np.isin(scan.point, [bound.point_id for bound in points if bound.point.deadband > 0])
            stored = scan.pick(~banded | reading.moved(scan))
            batch = SampleBatch.gather("c1", 1, number, at, [stored], raws=[RawRecord("chiller-1", at, sent(number))])
            logged.append(LoggedBatch(number + 1, batch))
        await history.store(logged)

    async def end_the_hour(self, history: PostgresHistory) -> None:
        """Somebody else is measured later, which closes the hour."""
        at = T0 + HOUR + 60 * SECOND
        await history.store([LoggedBatch(5000, SampleBatch.gather("c2", 1, 0, at, [readings(9999, 1, at)]))])

    async def ids(self) -> dict[str, int]:
        return {row["name"]: row["point_id"] for row in await self.rows("SELECT name, point_id FROM point")}

    async def redecode(self, *, dry_run: bool = False, window: Window = WINDOW, device: str = "chiller-1") -> str:
        asked = history_jobs.RedecodeRequest(
            device, iso(window.start), iso(window.end), "word order was ABCD", "王小明", dry_run
        )
        return await history_jobs.carry_out(history_jobs.plan_redecode(self.folder, asked), self.settings, self.clock)

    async def rows(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    async def count(self, table: str) -> int:
        return int((await self.rows(f"SELECT count(*) FROM {table}"))[0][0])  # noqa: S608 - names of ours

    async def restatements(self) -> list[asyncpg.Record]:
        return await self.rows("SELECT * FROM event WHERE type = 'SamplesRestated' ORDER BY position")


def iso(at: int) -> str:
    seconds = at // SECOND - T0 // SECOND
    return f"2024-03-01T{8 + seconds // 3600:02}:{seconds % 3600 // 60:02}:{seconds % 60:02}"


@pytest.fixture
async def building(tmp_path: Path, database_url: str) -> Building:
    found = Building(tmp_path, database_url)
    await found.apply(WRONG)
    return found


async def series(history: PostgresHistory, point: int, window: Window = WINDOW) -> list[tuple[int, float]]:
    found = await history.samples(point, window, 10_000)
    return list(zip(found.at.tolist(), found.value.tolist(), strict=True))


TRUE = [(T0 + number * STEP, true_value(number)) for number in range(SCANS)]


async def test_pain_06_a_wrong_word_order_that_was_stored_for_hours_is_corrected_for_the_past_too(
    building: Building,
) -> None:
    async with building.history() as history:
        await building.collect(history, range(SCANS))
        await building.end_the_hour(history)
        ids = await building.ids()
        everything = Window(T0, T0 + 2 * HOUR)
        before = await series(history, ids[TEMPERATURE], everything)
        others = {name: await series(history, ids[name], everything) for name in ids if name != TEMPERATURE}
        assert all(value < 1e-30 for _, value in before), "plausible, and wrong"

        await building.apply(RIGHT)
        scans, dirty = await building.count("scan"), await building.count("rollup_dirty")
        told = await building.redecode(dry_run=True, window=everything)
        assert "input:100 float32 ABCD -> input:100 float32 CDAB" in told
        assert f"would be restated: {SCANS} 筆 samples, 1 點 points" in told
        assert (await building.count("scan"), await building.count("rollup_dirty")) == (scans, dirty)
        assert await series(history, ids[TEMPERATURE], everything) == before
        assert await building.restatements() == []

        told = await building.redecode(window=everything)
        assert f"restated: {SCANS} 筆 samples, 1 點 points" in told
        assert await series(history, ids[TEMPERATURE], everything) == TRUE
        for name, samples in others.items():
            assert await series(history, ids[name], everything) == samples, "what was right is not touched"
        assert await building.count("rollup_dirty") == 0
        hour = await history.intervals(ids[TEMPERATURE], WINDOW, "1h", Aggregation.MEAN, "Asia/Taipei")
        held_s = [10] * (SCANS - 1) + [900]
        mean = sum(value * held for (_, value), held in zip(TRUE, held_s, strict=True)) / sum(held_s)
        assert hour.value.tolist() == [pytest.approx(mean)]
        highest = await history.intervals(ids[TEMPERATURE], WINDOW, "1m", Aggregation.MAX, "Asia/Taipei")
        assert set(highest.value[:45].tolist()) == {8.5}
        latest = await history.latest()
        newest = dict(zip(latest.point.tolist(), latest.value.tolist(), strict=True))
        assert newest[ids[TEMPERATURE]] == TRUE[-1][1]
        again = await building.rows("SELECT count(*) FROM sample WHERE point_id = $1", ids[TEMPERATURE])
        assert again[0][0] == SCANS + len(before), "the wrong ones stay in the table"


async def test_the_event_says_what_was_restated_how_and_why_and_a_second_run_changes_nothing(
    building: Building,
) -> None:
    async with building.history() as history:
        await building.collect(history, range(SCANS))
        await building.apply(RIGHT)
        await building.redecode()
        scans = await building.count("scan")
        told = await building.redecode()
    assert "restated: 0 筆 samples, 0 點 points" in told
    assert await building.count("scan") == scans
    (event,) = await building.restatements()
    assert (event["stream"], event["actor"]) == ("restatement/chiller-1", "王小明")
    assert json.loads(event["payload"]) == {
        "device": "chiller-1",
        "points": [TEMPERATURE],
        "first": WINDOW.start,
        "until": WINDOW.end,
        "changed": SCANS,
        "encodings": {TEMPERATURE: ["input:100 float32 ABCD", "input:100 float32 CDAB"]},
        "reason": "word order was ABCD",
    }


async def test_only_the_time_that_was_named_is_corrected(building: Building) -> None:
    async with building.history() as history:
        await building.collect(history, range(SCANS))
        await building.apply(RIGHT)
        begin, end = T0 + 20 * STEP, T0 + 30 * STEP
        await building.redecode(window=Window(begin, end))
        found = await series(history, (await building.ids())[TEMPERATURE], Window(T0, T0 + 2 * HOUR))
    assert [sample for sample in found if begin <= sample[0] < end] == TRUE[20:30]
    assert all(value < 1e-30 for at, value in found if not begin <= at < end)


async def test_a_historian_that_is_at_work_goes_on_with_the_corrected_past(building: Building) -> None:
    building.clock = ManualClock(T0 + 100 * STEP + SECOND)
    async with building.history() as history:
        await building.collect(history, range(100))
        await building.apply(RIGHT)
        await building.redecode()
        await building.clock.advance(180 * 10)
        await building.collect(history, range(100, SCANS))
        await building.clock.advance(HOUR / 1e6)
        await history.store([LoggedBatch(1000, SampleBatch.gather("c2", 1, 0, building.clock.now(), []))])
        while await history.recompute():
            pass
        point = (await building.ids())[TEMPERATURE]
        found = dict(await series(history, point))
        assert all(found[at] == value for at, value in TRUE if at in found)
        mean = await history.intervals(point, Window(T0, T0 + 100 * STEP), "1m", Aggregation.MAX, "Asia/Taipei")
        assert set(mean.value[:-1].tolist()) == {8.5}


async def test_bytes_that_no_driver_knows_are_counted_and_the_others_corrected(building: Building) -> None:
    async with building.history() as history:
        await building.collect(history, range(10))
        strange = RawRecord("chiller-1", T0 + 5 * STEP + 1, b"\xffnonsense")
        await history.store([LoggedBatch(50, SampleBatch.gather("c1", 1, 10, T0 + HOUR, [], raws=[strange]))])
        await building.apply(RIGHT)
        told = await building.redecode()
        assert "10 次掃描 scans, 1 次無法解讀 unreadable" in told
        assert await series(history, (await building.ids())[TEMPERATURE]) == TRUE[:10]


async def test_a_correction_stands_also_when_it_is_made_on_a_clock_that_was_set_back(building: Building) -> None:
    async with building.history() as history:
        await building.collect(history, range(10))
        await building.apply(RIGHT)
        building.clock = ManualClock(T0 - 5 * HOUR)
        await building.redecode()
        assert await series(history, (await building.ids())[TEMPERATURE]) == TRUE[:10]


async def test_corrected_values_are_graded_as_the_collector_would_have_graded_them(building: Building) -> None:
    async with building.history() as history:
        await building.collect(history, range(10))
        profile = building.folder / "profiles" / "chiller.toml"
        text = profile.read_text(encoding="utf-8").replace("high = 40.0", "high = 8.2")
        profile.write_text(text, encoding="utf-8")
        await building.apply(RIGHT)
        await building.redecode()
        found = await history.samples((await building.ids())[TEMPERATURE], WINDOW, 100)
    expected = [Quality.BAD_RANGE if true_value(number) > 8.2 else Quality.GOOD for number in range(10)]
    assert found.quality.tolist() == expected


async def test_what_cannot_be_done_is_refused_with_words(building: Building, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RefusedError, match="there is no device 'nobody'; there are ahu-1, chiller-1"):
        await building.redecode(device="nobody")
    with pytest.raises(RefusedError, match="is not later than --from 2024-03-01T09:00:00"):
        await building.redecode(window=Window(WINDOW.end, WINDOW.start))
    assert "nothing that was sent is kept of that time" in await building.redecode(dry_run=True)
    points = building.folder / "points.csv"
    known = points.read_text(encoding="utf-8")
    points.write_text(known + known.splitlines()[-1].replace("SAT", "RAT").replace("input:7", "input:9") + "\n")
    with pytest.raises(RefusedError, match="never in service"):
        await building.redecode()
    monkeypatch.setattr(history_jobs, "find_factories", lambda: {"modbus": CheckingFactory()})
    with pytest.raises(RefusedError, match="keeps nothing that could be decoded again"):
        await building.redecode()


def test_times_are_the_buildings_unless_they_say_otherwise() -> None:
    zone = ZoneInfo("Asia/Taipei")
    assert local_time_us("2024-03-01T08:00", zone) == T0
    assert local_time_us("2024-03-01", zone) == T0 - 8 * HOUR
    assert local_time_us("2024-03-01T00:00Z", zone) == T0
    assert local_time_us("2024-03-01T01:00+01:00", zone) == T0
    with pytest.raises(RefusedError, match="is no time"):
        local_time_us("yesterday", zone)

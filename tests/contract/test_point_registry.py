"""What every point registry promises, asked of each of them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from cityhall_bms.adapters.memory import MemoryEventLog, MemoryPointRegistry
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.registry import PostgresPointRegistry
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.events import SiteApplied
from cityhall_bms.domain.site import Device, Encoding, Point, PointKind, Site, Text
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.read_models import PointRegistry

NAME = Text("名", "name")


def point(name: str, line: int = 0, low: float = 0.0) -> Point:
    return Point(name, NAME, "E", "R", PointKind.AI, "°C", "d1", "input:7", Encoding(), low, 60.0, 1.0, line=line)


def site(*points: Point, devices: tuple[str, ...] = ("d1",), folder: str = "") -> Site:
    described = {name: Device(name, NAME, "modbus", {"host": "h", "units": (1, 2)}, folder=folder) for name in devices}
    return Site("TCH", NAME, "Asia/Taipei", True, (), (), {}, described, {point.name: point for point in points})


async def applied(log: EventLog) -> list[SiteApplied]:
    entries = [entry.event() for entry in await log.read(stream="site")]
    return [entry for entry in entries if isinstance(entry, SiteApplied)]


class PointRegistryContract:
    """Tests for any registry; a subclass gives ``log`` and ``registry``."""

    async def test_points_are_numbered_from_one_in_the_order_of_the_site(self, registry: PointRegistry) -> None:
        assert await registry.ids() == {}

        assert await registry.apply(site(point("z"), point("a"), point("甲")), "cli") == {"z": 1, "a": 2, "甲": 3}
        assert await registry.ids() == {"z": 1, "a": 2, "甲": 3}

    async def test_a_number_is_permanent_and_never_used_again(self, registry: PointRegistry) -> None:
        await registry.apply(site(point("a"), point("b"), point("c")), "cli")
        await registry.apply(site(point("a")), "cli")

        ids = await registry.apply(site(point("new"), point("b"), point("newer"), point("a")), "cli")

        assert ids == {"a": 1, "b": 2, "c": 3, "new": 4, "newer": 5}

    async def test_the_event_says_what_differs(self, log: EventLog, registry: PointRegistry) -> None:
        await registry.apply(site(point("a"), point("b"), point("c"), devices=("d1", "d2")), "cli")
        await registry.apply(site(point("b"), point("c", low=1.0), point("d"), devices=("d1", "d3")), "王小明")

        first, second = await applied(log)
        assert (first.points_added, first.points_changed, first.points_removed) == (["a", "b", "c"], [], [])
        assert first.devices == ["d1", "d2"]
        assert (second.points_added, second.points_changed, second.points_removed) == (["d"], ["c"], ["a"])
        assert second.devices == ["d2", "d3"]
        assert (await log.read(stream="site"))[1].actor == "王小明"

    async def test_an_unchanged_site_is_not_applied_again(self, log: EventLog, registry: PointRegistry) -> None:
        await registry.apply(site(point("a"), point("b")), "cli")
        await registry.apply(site(point("b", line=7), point("a", line=9), folder="/elsewhere"), "cli")

        assert len(await applied(log)) == 1

    async def test_a_change_of_the_site_itself_is_applied(self, log: EventLog, registry: PointRegistry) -> None:
        await registry.apply(site(point("a")), "cli")
        await registry.apply(replace(site(point("a")), time_zone="Asia/Tokyo"), "cli")

        _, second = await applied(log)
        assert (second.points_added, second.points_changed, second.devices) == ([], [], [])


class TestMemoryPointRegistry(PointRegistryContract):
    @pytest.fixture
    def log(self) -> MemoryEventLog:
        return MemoryEventLog(SystemClock())

    @pytest.fixture
    def registry(self, log: MemoryEventLog) -> MemoryPointRegistry:
        return MemoryPointRegistry(log)


class TestPostgresPointRegistry(PointRegistryContract):
    """On plain PostgreSQL and on TimescaleDB."""

    @pytest.fixture
    async def log(self, database_url: str) -> AsyncIterator[PostgresEventLog]:
        async with PostgresEventLog(database_url, SystemClock()) as log:
            yield log

    @pytest.fixture
    async def pool(self, database_url: str) -> AsyncIterator[asyncpg.Pool]:
        pool = await open_pool(database_url)
        yield pool
        pool.terminate()

    @pytest.fixture
    def registry(self, pool: asyncpg.Pool, log: PostgresEventLog) -> PostgresPointRegistry:
        return PostgresPointRegistry(pool, log)

    async def test_processes_that_apply_at_once_agree(
        self, log: EventLog, pool: asyncpg.Pool, registry: PointRegistry
    ) -> None:
        names = [f"p{number:03}" for number in range(100)]
        described = site(*(point(name) for name in names))
        others = [PostgresPointRegistry(pool, log) for _ in range(4)]

        results = await asyncio.gather(*(each.apply(described, "cli") for each in (registry, *others)))

        assert all(result == {name: number for number, name in enumerate(names, 1)} for result in results)
        assert len(await applied(log)) == 1

    async def test_a_crash_after_the_event_is_healed_by_the_next_start(
        self, log: EventLog, pool: asyncpg.Pool, registry: PointRegistry
    ) -> None:
        await registry.apply(site(point("a")), "cli")
        await pool.execute("DELETE FROM point; DELETE FROM site_device")

        assert await registry.apply(site(point("a")), "cli") == {"a": 1}
        assert len(await applied(log)) == 1

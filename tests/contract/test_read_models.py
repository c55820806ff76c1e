"""What every alarm view and device view promises, asked of each of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest
from tests.support.alarm_events import RAISED_US, of_alarm, raised

from cityhall_bms.adapters.memory import MemoryAlarmView, MemoryDeviceView, MemoryEventLog
from cityhall_bms.adapters.postgres.alarms_view import PostgresAlarmView
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.devices_view import PostgresDeviceView
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.projections import PROJECTIONS
from cityhall_bms.adapters.postgres.projector import Projector
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.alarms import (
    Alarm,
    AlarmAcknowledged,
    AlarmReset,
    AlarmReturned,
    AlarmShelved,
    AlarmState,
    alarm_id,
)
from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError
from cityhall_bms.domain.events import DeviceLost, DeviceRestored
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.read_models import AlarmFilter, AlarmTransition, AlarmView, DeviceState, DeviceView

ALL = AlarmFilter("all")
CaughtUp = Callable[[], Awaitable[None]]


async def subjects(view: AlarmView, which: AlarmFilter = ALL) -> list[str]:
    page = await view.page(which, 100, None)
    return [alarm.alarm_id.removeprefix("hi~") for alarm in page.alarms]


async def first(transitions: AsyncIterator[AlarmTransition], count: int) -> list[AlarmTransition]:
    async with asyncio.timeout(20):
        return [await anext(transitions) for _ in range(count)]


async def write_every_kind(log: EventLog) -> None:
    """Seven alarms in seven states."""
    acked = AlarmAcknowledged(RAISED_US + 5, "王小明", "看到了")
    await log.append(
        [
            of_alarm("normal", raised(), acked, AlarmReturned(RAISED_US + 9)),
            of_alarm("acked", raised(priority=1), acked),
            of_alarm("old", raised(priority=2)),
            of_alarm("new", raised(priority=2, observed_at=RAISED_US + 60, system="lift", equipment="TCH.RF.N.ELV01")),
            of_alarm("low", raised(priority=4)),
            of_alarm("returned", raised(priority=3), AlarmReturned(RAISED_US + 9)),
            of_alarm("shelved", raised(priority=2), AlarmShelved(RAISED_US + 3, "李", RAISED_US + 100, "換感測器")),
        ]
    )


@asynccontextmanager
async def running(projector: Projector) -> AsyncIterator[None]:
    """Run a projector, which must not end by itself."""
    task = asyncio.create_task(projector.run())
    yield
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def append_until_stored(log: EventLog, append: Append) -> None:
    while True:
        try:
            await log.append([append])
        except EventLogUnavailableError:
            await asyncio.sleep(0.02)
        except ConcurrencyError:
            return
        else:
            return


async def cut_every_connection(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()


class ReadModelContract:
    """Tests for any views; a subclass gives ``log``, ``alarms``, ``devices`` and a way to wait until they follow."""

    async def test_without_events_there_is_nothing(self, alarms: AlarmView, devices: DeviceView) -> None:
        page = await alarms.page(AlarmFilter(), 10, None)

        assert (list(page.alarms), page.next_cursor, page.position) == ([], None, 0)
        assert await alarms.get("hi~x") is None
        assert await alarms.transitions(0, 10) == []
        assert await devices.states() == {}

    async def test_an_alarm_is_the_fold_of_its_stream(
        self, log: EventLog, alarms: AlarmView, caught_up: CaughtUp
    ) -> None:
        await log.append([of_alarm("x", raised(latching=True))])
        await log.append([of_alarm("y", raised())])
        await log.append([of_alarm("x", AlarmReturned(RAISED_US + 7), AlarmAcknowledged(RAISED_US + 8, "王小明"))])
        await caught_up()

        assert await alarms.get("hi~x") == Alarm(
            alarm_id="hi~x",
            rule="hi",
            rule_version=1,
            subject="TCH.05F.W.AHU01.SAT",
            equipment="TCH.05F.W.AHU01",
            system="hvac",
            priority=3,
            text_zh="送風溫度過高",
            text_en="Supply air too warm",
            latching=True,
            base=AlarmState.LATCHED_ACKNOWLEDGED,
            occurrence=1,
            value=31.5,
            limit=30.0,
            unit="°C",
            raised_by="rules",
            raised_at=RAISED_US,
            returned_at=RAISED_US + 7,
            acknowledged_at=RAISED_US + 8,
            acknowledged_by="王小明",
            version=3,
            position=4,
        )
        assert (await alarms.page(ALL, 10, None)).position == 4

    async def test_what_waits_for_the_operator_comes_first_then_by_priority_then_the_newest(
        self, log: EventLog, alarms: AlarmView, caught_up: CaughtUp
    ) -> None:
        await write_every_kind(log)
        await caught_up()

        assert await subjects(alarms) == ["new", "old", "returned", "low", "acked", "shelved", "normal"]

    @pytest.mark.parametrize(
        ("which", "expected"),
        [
            (AlarmFilter(), {"new", "old", "returned", "low", "acked", "shelved"}),
            (AlarmFilter("active"), {"new", "old", "low", "acked", "shelved"}),
            (AlarmFilter("unacknowledged"), {"new", "old", "returned", "low"}),
            (AlarmFilter("shelved"), {"shelved"}),
            (AlarmFilter("SHLVD"), {"shelved"}),
            (AlarmFilter("NORM"), {"normal"}),
            (AlarmFilter("RTNUN"), {"returned"}),
            (AlarmFilter("all", system="lift"), {"new"}),
            (AlarmFilter("all", priority=1), {"acked"}),
            (AlarmFilter("all", equipment="TCH.RF.N.ELV01"), {"new"}),
            (AlarmFilter("open", "hvac", 2, "TCH.05F.W.AHU01"), {"old", "shelved"}),
        ],
    )
    async def test_a_filter_selects(
        self, log: EventLog, alarms: AlarmView, caught_up: CaughtUp, which: AlarmFilter, expected: set[str]
    ) -> None:
        await write_every_kind(log)
        await caught_up()

        assert set(await subjects(alarms, which)) == expected

    async def test_pages_give_every_alarm_once_though_others_come_in_between(
        self, log: EventLog, alarms: AlarmView, caught_up: CaughtUp
    ) -> None:
        names = [f"甲{number:02}" for number in range(25)]
        await log.append([of_alarm(name, raised(priority=1 + number % 4)) for number, name in enumerate(names)])
        await caught_up()
        seen: list[str] = []
        cursor: str | None = None
        while True:
            page = await alarms.page(ALL, 4, cursor)
            seen += [alarm.alarm_id.removeprefix("hi~") for alarm in page.alarms]
            cursor = page.next_cursor
            if cursor is None:
                break
            await log.append([of_alarm(f"later{len(seen)}", raised(priority=1, observed_at=RAISED_US + 1))])
            await caught_up()

        assert [name for name in seen if name in names] == sorted(names, key=lambda name: (names.index(name) % 4, name))
        assert len(seen) == 25

    @pytest.mark.parametrize("cursor", ["", "x", "!!!", "甲", "bnVsbA", "WzEsMl0", "W3RydWUsMSwxLCJcdTAwMDAiXQ"])
    async def test_a_foreign_cursor_is_refused(self, alarms: AlarmView, cursor: str) -> None:
        with pytest.raises(ValueError, match="cursor"):
            await alarms.page(ALL, 10, cursor)

    async def test_an_unknown_state_is_refused(self, alarms: AlarmView) -> None:
        with pytest.raises(ValueError, match="loud"):
            await alarms.page(AlarmFilter("loud"), 10, None)

    async def test_transitions_show_the_alarm_as_it_stood_then(
        self, log: EventLog, alarms: AlarmView, caught_up: CaughtUp
    ) -> None:
        await log.append([of_alarm("x", raised()), of_alarm("y", raised())])
        await log.append([of_alarm("x", AlarmAcknowledged(RAISED_US + 8, "王小明"), AlarmReturned(RAISED_US + 9))])
        await caught_up()

        everything = await alarms.transitions(0, 10)
        of_x = await alarms.newest_transitions_of("hi~x", 2)

        assert [(item.position, item.type, item.alarm.alarm_id) for item in everything] == [
            (1, "AlarmRaised", "hi~x"),
            (2, "AlarmRaised", "hi~y"),
            (3, "AlarmAcknowledged", "hi~x"),
            (4, "AlarmReturned", "hi~x"),
        ]
        assert [item.alarm.state for item in of_x] == [AlarmState.ACKNOWLEDGED, AlarmState.NORMAL]
        assert [item.alarm.version for item in of_x] == [2, 3]
        assert await alarms.transitions(0, 1) == everything[:1]
        for transition in (*everything, *of_x):
            same = [item for item in everything if item.alarm.alarm_id == transition.alarm.alarm_id]
            earlier = [item.alarm for item in same if item.position < transition.position]
            assert transition.before == (earlier[-1] if earlier else None)
        assert everything[0].actor == "rules"

    async def test_following_goes_on_after_a_position_and_waits_for_more(
        self, log: EventLog, alarms: AlarmView
    ) -> None:
        await log.append([of_alarm("x", raised()), Append("rule/x", [DeviceLost("d", "r", 1)], "s")])
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(first(alarms.follow(1), 3))
            for number in range(3):
                await log.append([of_alarm(f"new{number}", raised())])

        assert [item.position for item in waiting.result()] == [3, 4, 5]
        assert (await first(alarms.follow(0), 1))[0].alarm.alarm_id == "hi~x"

    async def test_shelves_are_due_when_their_time_is_over(
        self, log: EventLog, alarms: AlarmView, caught_up: CaughtUp
    ) -> None:
        await log.append(
            [
                of_alarm(name, raised(), AlarmShelved(RAISED_US, "李", RAISED_US + after_us, "換感測器"))
                for name, after_us in (("c", 30), ("a", 20), ("b", 10))
            ]
        )
        await caught_up()

        assert await alarms.shelves_due(RAISED_US + 9) == []
        assert [alarm.alarm_id for alarm in await alarms.shelves_due(RAISED_US + 20)] == ["hi~b", "hi~a"]

    async def test_an_entry_that_cannot_follow_does_not_stop_the_others(
        self, log: EventLog, alarms: AlarmView, caught_up: CaughtUp
    ) -> None:
        await log.append([of_alarm("x", raised(), AlarmReset(RAISED_US, "王")), of_alarm("y", raised())])
        await caught_up()

        x = await alarms.get(alarm_id("hi", "x"))
        assert x is not None
        assert (x.base, x.version) == (AlarmState.UNACKNOWLEDGED, 2)
        assert await alarms.get("hi~y") is not None

    async def test_a_device_is_what_was_said_last(
        self, log: EventLog, devices: DeviceView, caught_up: CaughtUp
    ) -> None:
        await log.append(
            [
                Append("device/a", [DeviceRestored("a", 5, 0.0), DeviceLost("a", "沒有回應", 9)], "collector"),
                Append("device/b", [DeviceLost("b", "refused", 6)], "collector"),
            ]
        )
        await log.append([Append("device/b", [DeviceRestored("b", 8, 2e-6)], "collector")])
        await caught_up()

        assert await devices.states() == {
            "a": DeviceState("a", "offline", 9, "沒有回應"),
            "b": DeviceState("b", "online", 8, ""),
        }


class TestMemoryReadModels(ReadModelContract):
    @pytest.fixture
    def log(self) -> MemoryEventLog:
        return MemoryEventLog(SystemClock())

    @pytest.fixture
    def alarms(self, log: MemoryEventLog) -> MemoryAlarmView:
        return MemoryAlarmView(log)

    @pytest.fixture
    def devices(self, log: MemoryEventLog) -> MemoryDeviceView:
        return MemoryDeviceView(log)

    @pytest.fixture
    def caught_up(self) -> CaughtUp:
        async def already() -> None:
            pass

        return already


class TestPostgresReadModels(ReadModelContract):
    """With a projector running beside, on plain PostgreSQL and on TimescaleDB."""

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
    async def projector(self, log: PostgresEventLog, pool: asyncpg.Pool) -> AsyncIterator[Projector]:
        projector = Projector(log, pool, PROJECTIONS, SystemClock())
        async with running(projector):
            yield projector

    @pytest.fixture
    def alarms(self, log: PostgresEventLog, pool: asyncpg.Pool, projector: Projector) -> PostgresAlarmView:
        return PostgresAlarmView(pool, log.listener)

    @pytest.fixture
    def devices(self, pool: asyncpg.Pool, projector: Projector) -> PostgresDeviceView:
        return PostgresDeviceView(pool)

    @pytest.fixture
    def caught_up(self, log: PostgresEventLog, pool: asyncpg.Pool) -> CaughtUp:
        async def caught_up() -> None:
            end = await log.end()
            async with asyncio.timeout(20):
                while (await pool.fetchval("SELECT min(position) FROM projection_checkpoint") or 0) < end:  # noqa: ASYNC110 - polls
                    await asyncio.sleep(0.005)

        return caught_up

    async def test_a_projection_that_was_set_back_catches_up(
        self, log: EventLog, pool: asyncpg.Pool, projector: Projector, alarms: AlarmView, caught_up: CaughtUp
    ) -> None:
        await log.append([of_alarm("x", raised())])
        await caught_up()
        await pool.execute("DELETE FROM projection_checkpoint; DELETE FROM alarm; DELETE FROM alarm_transition")
        await pool.execute("INSERT INTO projection_checkpoint VALUES ('alarms', 0), ('devices', 1)")

        await log.append([of_alarm("y", raised())])
        await caught_up()

        assert sorted(await subjects(alarms)) == ["x", "y"]

    async def test_two_projectors_and_cut_connections_apply_every_event_once(
        self,
        log: EventLog,
        pool: asyncpg.Pool,
        projector: Projector,
        alarms: AlarmView,
        caught_up: CaughtUp,
        database_url: str,
    ) -> None:
        second = Projector(log, pool, PROJECTIONS, SystemClock())
        async with running(second):
            for number in range(60):
                await append_until_stored(log, of_alarm(str(number), raised(), expected_version=0))
                if number % 20 == 10:
                    await cut_every_connection(database_url)
            await caught_up()

        assert [item.position for item in await alarms.transitions(0, 100)] == list(range(1, 61))

"""Alarms that hide others, live: one append for a cause and what it hides, and the same events however often it dies."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.dying_log import DyingLog, KilledError
from tests.support.manual_clock import ManualClock
from tests.support.powered_building import NOW, building, full
from tests.support.rule_trial import rule
from tests.support.until import until

from cityhall_bms.adapters.alarm_fold import fold_into, is_of_alarm
from cityhall_bms.adapters.memory import MemoryAlarmView, MemoryEventLog
from cityhall_bms.adapters.memory_telemetry import MemoryTelemetryLog
from cityhall_bms.adapters.site_files.suppression import shipped_rows
from cityhall_bms.domain.alarm_book import AlarmBook
from cityhall_bms.domain.alarm_stream import ALARM_STREAMS, identity_of
from cityhall_bms.domain.alarms import Alarm, AlarmRaised, AlarmTakenOutOfService, stream_of
from cityhall_bms.domain.batch import Readings, SampleBatch
from cityhall_bms.domain.live import LiveTable
from cityhall_bms.domain.permits import PERMIT_STREAMS, Permit, PermitClosed, PermitOpened, fold_permit, permit_stream
from cityhall_bms.domain.suppression import Suppression
from cityhall_bms.domain.topology import Topology
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.read_models import AlarmPage
from cityhall_bms.rules.binding import bind
from cityhall_bms.rules.decisions import decided
from cityhall_bms.rules.engine import Columns, Engine
from cityhall_bms.rules.played import changes
from cityhall_bms.rules.runner import RulesRunner

POWER = ["Building_Electrical_Meter", "Switchgear"]
RULES = (
    rule(id="E01-LOSS", equipment_class=POWER, condition="A < 10 °C", deadband="1 K", on_delay_s=2, priority=1),
    rule(id="HOT", equipment_class="any", condition="A > 30 °C", on_delay_s=1, off_delay_s=1, priority=3,
         step=[{"priority": 1, "condition": "A > 60 °C"}]),
    rule(id="TRIP", equipment_class="any", each=["B"], condition="POINT > 0.5 °C", priority=2, latching=True),
)  # fmt: skip
SITE = building()
IDS = {name: number for number, name in enumerate(SITE.points, start=1)}
BINDING = bind(RULES, SITE, IDS)
ROWS = [replace(table.row(), hold_s=min(table.hold_s, 6.0)) for table in shipped_rows()]
SUPPRESSION = Suppression(ROWS, Topology.of(SITE))
S = 1_000_000

Scan = tuple[float, dict[str, tuple[float, float]]]
"""Seconds since the scan before, and points A and B of some equipment."""
Told = tuple[str, int, str, dict[str, object]]


class LateView(MemoryAlarmView):
    """A view that is some events of alarms behind the log, as a projection may be."""

    behind = 0

    async def everything(self) -> AlarmPage:
        entries = await self._log.read(0, await self._log.end())
        entries = entries[: max(len(entries) - self.behind, 0)]
        alarms: dict[str, Alarm] = {}
        for entry in entries:
            if is_of_alarm(entry):
                alarms[identity_of(entry.stream)] = fold_into(alarms, entry)
        return AlarmPage(list(alarms.values()), None, len(entries))


class Hall:
    """Both logs around an engine that lives and dies."""

    def __init__(self, permits: Sequence[PermitOpened] = ()) -> None:
        self.clock = ManualClock(NOW)
        self.events = MemoryEventLog(self.clock)
        self.view = LateView(self.events)
        self.telemetry = MemoryTelemetryLog(self.clock)
        self.permits = permits
        self.sequence, self.second = 0, 0.0

    async def open_permits(self) -> None:
        await self.events.append([Append(permit_stream(item.permit), [item], "李") for item in self.permits])

    async def publish(self, scan: Scan) -> None:
        wait_s, values = scan
        self.second += wait_s
        at = NOW + round(self.second * S)
        rows = [(IDS[f"{full(short)}.{role}"], value)
                for short, pair in values.items() for role, value in zip("AB", pair, strict=True)]  # fmt: skip
        points, numbers = zip(*rows, strict=True)
        count = len(points)
        readings = Readings(
            np.array(points, np.uint32), np.full(count, at), np.array(numbers, float), np.zeros(count, np.uint8)
        )
        self.sequence += 1
        await self.telemetry.publish(SampleBatch.gather("c", 1, self.sequence, at, [readings]))

    def runner(self, events: EventLog | None = None) -> RulesRunner:
        log = events or self.events
        return RulesRunner(BINDING, SUPPRESSION, self.telemetry, log, self.view, self.clock)

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[Callable[..., Awaitable[None]]]:
        """One engine that lives; what it gives publishes scans a second apart and waits until they are dealt with."""
        runner = self.runner()

        async def watch(*scans: dict[str, tuple[float, float]]) -> None:
            for scan in scans:
                await self.publish((1.0, scan))
                await until(lambda: runner.position == self.sequence)

        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(runner.run())
            yield watch
            running.cancel()

    async def catch_up(self) -> None:
        runner = self.runner()
        end = await self.telemetry.end()
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(runner.run())
            await until(lambda: runner.position == end)
            await self.clock.advance(0.0)
            running.cancel()

    async def until_death(self, calls: int, *, after: bool) -> None:
        runner = self.runner(DyingLog(self.events, calls, after=after, error=KilledError))
        end = await self.telemetry.end()
        running = asyncio.ensure_future(runner.run())
        while not running.done() and runner.position < end:  # noqa: ASYNC110 - every turn of the loop may be the last
            await asyncio.sleep(0)
        running.cancel()
        with contextlib.suppress(KilledError):
            await asyncio.gather(running, return_exceptions=True)

    async def told(self) -> list[Told]:
        entries = await self.events.read(0, 100_000, ALARM_STREAMS)
        return [(entry.stream, entry.version, entry.type, entry.payload) for entry in entries]


def short(told: Sequence[Told]) -> list[str]:
    return [f"{stream.removeprefix(ALARM_STREAMS).replace('TCH.', '')} {kind}" for stream, _, kind, _ in told]


CALM = dict.fromkeys(("HVM01", "LVP01", "CHC01", "AHU01", "AHU02", "FZN01"), (20.0, 0.0))


async def test_pain_28_a_lost_supply_rings_once_and_not_for_everything_that_it_stops() -> None:
    hall = Hall()
    dead = {**CALM, "HVM01": (0.0, 0.0)}
    stopped = {**dead, "LVP01": (0.0, 0.0), "CHC01": (20.0, 1.0), "AHU01": (20.0, 1.0), "AHU02": (20.0, 1.0)}
    for scan in [CALM, dead, dead, dead, dead, stopped, stopped, stopped, stopped]:
        await hall.publish((1.0, scan))
    await hall.catch_up()

    assert short(await hall.told()) == [
        "E01-LOSS~B2.CS.HVM01 AlarmRaised",
        "TRIP~B2.CN.CHC01.B AlarmSuppressed", "TRIP~B2.CN.CHC01.B AlarmRaised",
        "TRIP~05.W.AHU01.B AlarmSuppressed", "TRIP~05.W.AHU01.B AlarmRaised",
        # This one has another supply: it tripped for a reason of its own.
        "TRIP~05.E.AHU02.B AlarmRaised",
        # Priority 1 is hidden by no cause.
        "E01-LOSS~B2.CS.LVP01 AlarmRaised",
    ]  # fmt: skip


async def test_what_stood_downstream_is_hidden_with_its_cause_and_rings_again_when_it_outlasts_it() -> None:
    hall = Hall()
    hot = {**CALM, "AHU01": (40.0, 0.0)}
    dead = {**hot, "HVM01": (0.0, 0.0)}
    for scan in [CALM, hot, hot, hot, dead, dead, dead, dead, *[hot] * 12]:
        await hall.publish((1.0, scan))
    await hall.catch_up()

    told = await hall.told()
    assert short(told) == [
        "HOT~05.W.AHU01 AlarmRaised",
        "E01-LOSS~B2.CS.HVM01 AlarmRaised",
        "HOT~05.W.AHU01 AlarmSuppressed",
        "E01-LOSS~B2.CS.HVM01 AlarmReturned",
        "HOT~05.W.AHU01 AlarmUnsuppressed",
    ]
    entries = await hall.events.read(0, 100, ALARM_STREAMS)
    assert entries[1].recorded_at == entries[2].recorded_at
    assert (await hall.view.get(f"HOT~{full('AHU01')}")).state == "UNACK"  # type: ignore[union-attr]


async def test_an_alarm_that_becomes_worse_is_the_same_alarm_and_says_so() -> None:
    hall = Hall()
    for value in (20.0, 40.0, 40.0, 70.0, 70.0, 70.0, 40.0, 40.0, 20.0, 20.0):
        await hall.publish((1.0, {**CALM, "AHU02": (value, 0.0)}))
    await hall.catch_up()

    told = await hall.told()
    assert [(kind, payload.get("priority")) for _, _, kind, payload in told] == [
        ("AlarmRaised", 3), ("AlarmPriorityChanged", 1), ("AlarmPriorityChanged", 3), ("AlarmReturned", None),
    ]  # fmt: skip


async def test_a_permit_that_is_opened_and_closed_meanwhile_hides_its_zone_and_gives_it_back() -> None:
    hall = Hall()
    hot = {**CALM, "AHU01": (40.0, 0.0)}
    async with hall.watched() as watch:
        await watch(CALM, hot, hot, hot)
        opened = PermitOpened("permit-1", "works", [], ["05.W"], [], NOW, NOW + 900 * S, "換管", "李", NOW)
        await hall.events.append([Append(permit_stream("permit-1"), [opened], "李")])
        await watch(hot, hot)
        closed = PermitClosed("permit-1", "李", NOW + round(hall.second * S))
        await hall.events.append([Append(permit_stream("permit-1"), [closed], "李")])
        await watch(hot, hot)

    assert [kind for _, _, kind, _ in await hall.told()] == ["AlarmRaised", "AlarmSuppressed", "AlarmUnsuppressed"]


async def test_a_cause_that_is_taken_out_of_service_hides_nothing_any_more() -> None:
    hall = Hall()
    dead = {**CALM, "HVM01": (0.0, 0.0), "AHU01": (40.0, 0.0)}
    name = f"E01-LOSS~{full('HVM01')}"
    async with hall.watched() as watch:
        await watch(*[dead] * 6)
        assert short(await hall.told())[-1] == "HOT~05.W.AHU01 AlarmSuppressed"
        out = AlarmTakenOutOfService(NOW, "李", "17", NOW + 900 * S, "電驛檢修")
        await hall.events.append([Append(stream_of(name), [out], "李")])
        await watch(dead, dead)

    assert short(await hall.told())[-1] == "HOT~05.W.AHU01 AlarmUnsuppressed"


async def test_while_the_event_log_is_away_the_engine_goes_on_by_what_it_knows() -> None:
    hall = Hall()
    hot = {**CALM, "AHU01": (40.0, 0.0)}
    async with hall.watched() as watch:
        await watch(CALM, CALM)
        hall.events.available = False
        await watch(CALM, CALM, CALM)
        hall.events.available = True
        await watch(*[hot] * 3)

    assert short(await hall.told()) == ["HOT~05.W.AHU01 AlarmRaised"]


async def test_what_a_device_raised_itself_is_hidden_when_the_engine_looks() -> None:
    hall = Hall()
    window = PermitOpened("permit-1", "test", [full("AHU01")], [], [], NOW, NOW + 900 * S, "測試", "李", NOW)
    await hall.events.append([Append(permit_stream("permit-1"), [window], "李")])
    notice = AlarmRaised(
        "DEVICE", 1, f"{full('AHU01')}.A", full("AHU01"), "hvac", 1, "自報", "Own", False, 1, NOW + 2 * S
    )
    async with hall.watched() as watch:
        await watch(CALM, CALM)
        await hall.events.append([Append(stream_of(f"DEVICE~{notice.subject}"), [notice], "notices")])
        await watch(CALM, CALM)

    assert [kind for _, _, kind, _ in await hall.told()] == ["AlarmRaised", "AlarmSuppressed"]


SHORTS = ["HVM01", "LVP01", "CHC01", "CHC02", "AHU01", "AHU02", "FZN01", "UPS01"]
PAIRS = st.tuples(st.sampled_from([0.0, 20.0, 20.0, 40.0, 70.0]), st.sampled_from([0.0, 0.0, 1.0]))
HISTORIES = st.lists(
    st.tuples(
        st.sampled_from([0.5, 1.0, 1.0, 3.0, 8.0]),
        st.dictionaries(st.sampled_from(SHORTS), PAIRS, min_size=1, max_size=5),
    ),
    min_size=1,
    max_size=30,
)
PERMITS = st.lists(
    st.builds(
        lambda number, kind, zone, begin, lasts: PermitOpened(
            f"permit-{number}", kind, [], [zone], [], NOW + begin * S, NOW + (begin + lasts) * S, "換管", "李", NOW
        ),
        st.integers(1, 3),
        st.sampled_from(["works", "drill", "test"]),
        st.sampled_from(["05", "05.W", "B2.CN"]),
        st.integers(0, 40),
        st.integers(3, 40),
    ),
    max_size=3,
    unique_by=lambda item: item.permit,
)
Death = tuple[int, bool, int]
"""At which append, after it or before, and how many events the view was behind when that engine began."""
DEATHS = st.lists(st.tuples(st.integers(1, 6), st.booleans(), st.integers(0, 9)), max_size=6)


async def live(history: Sequence[Scan], permits: Sequence[PermitOpened]) -> list[Told]:
    """Scan by scan, as it happens, with one engine."""
    hall = Hall(permits)
    await hall.open_permits()
    runner = hall.runner()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(runner.run())
        for scan in history:
            await hall.publish(scan)
            await until(lambda: runner.position == hall.sequence)
        running.cancel()
    return await hall.told()


async def replayed(history: Sequence[Scan], permits: Sequence[PermitOpened], deaths: Sequence[Death]) -> list[Told]:
    """All of it from the telemetry log, by engines that die on the way and begin with what the log then holds."""
    hall = Hall(permits)
    await hall.open_permits()
    for scan in history:
        await hall.publish(scan)
    for calls, after, behind in deaths:
        hall.view.behind = behind
        await hall.until_death(calls, after=after)
    await hall.catch_up()
    return await hall.told()


async def backtested(history: Sequence[Scan], permits: Sequence[PermitOpened]) -> list[Told]:
    """No log of events at all: the engine, and the steps of the book that a backtest takes."""
    hall = Hall(permits)
    await hall.open_permits()
    for scan in history:
        await hall.publish(scan)
    book, engine = AlarmBook(SUPPRESSION), Engine(BINDING)
    for permit in await permits_of(hall):
        book.put_permit(permit)
    table = LiveTable({int(point): 0.0 for point in BINDING.point_ids})
    state, told = engine.start(), []
    reader = await hall.telemetry.reader(after=0)
    for logged in await reader.fetch(len(history), 0.0):
        table.apply(logged.batch)
        ids = BINDING.point_ids
        columns = Columns(table.value[ids], table.quality[ids], table.observed_at[ids])
        step = engine.step(state, logged.batch.recorded_at, columns)
        state = step.state
        for change in changes(book, state.at, decided(book, step.proposals, logged.position)):
            name, event = change.after.alarm_id, change.event
            told.append((stream_of(name), change.after.version, type(event).__name__, event.payload()))
    return told


async def permits_of(hall: Hall) -> list[Permit]:
    entries = await hall.events.read(0, 100, PERMIT_STREAMS)
    return [permit for entry in entries if (permit := fold_permit(None, entry)) is not None]


@given(history=HISTORIES, permits=PERMITS, deaths=DEATHS)
@settings(max_examples=100, deadline=None)
def test_live_replayed_after_any_deaths_and_backtested_are_the_same_event_for_event(
    history: list[Scan], permits: list[PermitOpened], deaths: list[Death]
) -> None:
    async def all_three() -> tuple[list[Told], list[Told], list[Told]]:
        return (
            await live(history, permits),
            await replayed(history, permits, deaths),
            await backtested(history, permits),
        )

    first, second, third = asyncio.run(all_three())

    assert second == first
    assert third == first

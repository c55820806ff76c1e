"""The rules engine on the real event log: alarms and checkpoints in one transaction, on both databases."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio
from tests.support.rule_trial import UNIT
from tests.support.rule_world import World

from cityhall_bms.adapters.postgres.alarms_view import AlarmsProjection, PostgresAlarmView
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.projector import Projector
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.alarm_stream import ALARM_STREAMS
from cityhall_bms.domain.alarms import AlarmState
from cityhall_bms.domain.suppression import Relation, Row, Suppression, Which
from cityhall_bms.ports.read_models import AlarmTransition

TRIP = f"TRIP~{UNIT}.Trip"


@pytest_asyncio.fixture(loop_scope="function")
async def log(database_url: str) -> AsyncIterator[PostgresEventLog]:
    async with PostgresEventLog(database_url, SystemClock()) as opened:
        yield opened


async def test_the_life_of_an_alarm_over_three_engines_and_an_operator(log: PostgresEventLog) -> None:
    world = World(events=log)
    await world.publish(0, 20.0)
    await world.publish(1, 20.0, trip=1.0)
    await world.catch_up(world.runner())
    assert await world.told() == [f"{TRIP} AlarmRaised"]

    await world.desk.acknowledge(TRIP, by="王小明", comment="現場查看中")
    for second in range(2, 40):
        await world.publish(second, -1.0, trip=1.0)
    await world.catch_up(world.runner())
    assert len(await world.told()) == 2

    await world.publish(40, -1.0, trip=0.0)
    runner = world.runner()
    await world.catch_up(runner)
    assert await world.told() == [f"{TRIP} AlarmRaised", f"{TRIP} AlarmAcknowledged", f"{TRIP} AlarmReturned"]
    assert (await world.desk.reset(TRIP, by="王小明")).state is AlarmState.NORMAL
    checkpoint = await log.checkpoint("rules")
    assert checkpoint is not None
    assert checkpoint.position == runner.position == 41


async def test_a_cause_and_what_it_hides_are_one_transaction_and_no_reader_of_the_feed_hears_a_ring(
    log: PostgresEventLog, database_url: str
) -> None:
    row = Row("R", hides=Which(rules=frozenset({"HOT"})), cause=Which(rules=frozenset({"TRIP"})),
              relations=(Relation.SAME_EQUIPMENT,))  # fmt: skip
    world = World(events=log, suppression=Suppression([row]))
    hot = f"HOT~{UNIT}.T"
    for second in range(8):
        await world.publish(second, 40.0)
    await world.catch_up(world.runner())
    await world.publish(8, 40.0, trip=1.0)
    await world.catch_up(world.runner())
    for second in range(9, 13):
        await world.publish(second, 20.0, trip=1.0)
    for second in range(13, 20):
        await world.publish(second, 40.0, trip=1.0)
    await world.catch_up(world.runner())

    raised, tripped, suppressed, *rest = await world.alarm_events()
    assert [f"{entry.stream.removeprefix(ALARM_STREAMS)} {entry.type}" for entry in (raised, tripped, suppressed)] == [
        f"{hot} AlarmRaised", f"{TRIP} AlarmRaised", f"{hot} AlarmSuppressed",
    ]  # fmt: skip
    assert tripped.recorded_at == suppressed.recorded_at
    assert [entry.type for entry in rest] == ["AlarmReturned", "AlarmRaised"]

    pool = await open_pool(database_url)
    try:
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            following = tasks.create_task(Projector(log, pool, [AlarmsProjection()], SystemClock()).run())
            view = PostgresAlarmView(pool, log.listener)
            seen = [transition async for transition in first(view.follow(0), 5)]
            following.cancel()
    finally:
        pool.terminate()
    assert [(item.alarm.alarm_id, item.alarm.state) for item in seen] == [
        (hot, "UNACK"), (TRIP, "UNACK"), (hot, "DSUPR"), (hot, "DSUPR"), (hot, "DSUPR"),
    ]  # fmt: skip


async def first(transitions: AsyncIterator[AlarmTransition], count: int) -> AsyncIterator[AlarmTransition]:
    async for transition in transitions:
        yield transition
        count -= 1
        if not count:
            return

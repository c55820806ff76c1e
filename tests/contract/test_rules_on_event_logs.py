"""The rules engine on the real event log: alarms and checkpoints in one transaction, on both databases."""

from collections.abc import AsyncIterator

import pytest_asyncio
from tests.support.rule_trial import UNIT
from tests.support.rule_world import World

from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.alarms import AlarmState

TRIP = f"TRIP~{UNIT}.Trip"


@pytest_asyncio.fixture(loop_scope="function")
async def log(database_url: str) -> AsyncIterator[PostgresEventLog]:
    await migrate(database_url)
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

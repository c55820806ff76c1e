"""The stream of values when its surroundings begin anew: before the first snapshot, and after the log was lost."""

import asyncio

from tests.support.api_rig import CHILLER, ApiRig, eventually, read_events

from cityhall_bms.domain.quality import Quality

SUPPLY = f"{CHILLER}.CHWS_T"
STREAM = f"/api/v1/points/stream?names={SUPPLY}"


async def waiting_readers(rig: ApiRig, count: int) -> None:
    """Return when so many readers wait for what comes next."""
    await eventually(lambda: len(rig.services.live.tail._changed._waiters) == count)


async def test_a_reader_that_comes_before_the_first_snapshot_is_served_when_it_is_there(rig: ApiRig) -> None:
    now = rig.services.clock.now()
    await rig.measure(now, {SUPPLY: (7.0, Quality.GOOD)})
    rig.services.live.started.clear()
    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(read_events(rig.client, STREAM, 2))
        await asyncio.sleep(0.1)
        assert not listening.done()
        rig.services.live.tail.restart(rig.services.live.tail.end)
        rig.services.live.started.set()
        value = 7.0
        while not listening.done():
            value += 1.0
            await rig.measure(now + round(value), {SUPPLY: (value, Quality.GOOD)})

    snapshot, values = listening.result()
    assert (snapshot["event"], values["event"]) == ("snapshot", "values")


async def test_a_reader_gets_a_new_snapshot_when_the_log_has_begun_anew(rig: ApiRig) -> None:
    now = rig.services.clock.now()
    await rig.measure(now, {SUPPLY: (7.0, Quality.GOOD)})
    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(read_events(rig.client, STREAM, 3))
        await waiting_readers(rig, 1)
        rig.services.live.tail.restart(0)
        await waiting_readers(rig, 1)
        await rig.measure(now + 1, {SUPPLY: (8.0, Quality.GOOD)})

    first, anew, values = listening.result()
    assert [event["event"] for event in (first, anew, values)] == ["snapshot", "snapshot", "values"]
    assert anew["id"] == "0"
    assert values["data"]["v"] == [8.0]

"""Commands over devices that lie, fall silent or go back by themselves, and over ends of the process."""

import asyncio

import pytest
from tests.support.command_rig import AHU, AUTOMATION, CHILLER, EVSE, FCU, CommandRig, Life
from tests.support.rig import quiet_collector

from cityhall_bms.domain.commanding.control import CommandState, PointControl
from cityhall_bms.domain.commanding.events import CommandAttempted
from cityhall_bms.domain.commanding.failure_alarm import alarm_of
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.ports.commands import CommandWish

SAT, CHWS, ZONE, LIMIT = f"{AHU}.SAT_SP", f"{CHILLER}.CHWS_SP", f"{FCU}.ZoneSP", f"{EVSE}.LimitA"
FREE = f"{EVSE}.Free"
"""A point without priorities, without a range and without anything to go back to."""


@pytest.fixture(autouse=True)
def no_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet_collector(monkeypatch)


@pytest.fixture
def rig() -> CommandRig:
    return CommandRig()


async def alarms(rig: CommandRig, name: str) -> list[str]:
    return [entry.type for entry in await rig.events.read(0, 100, f"alarm/{alarm_of(name)}")]


# Devices that do not behave


async def test_a_device_that_lies_fails_the_command_and_operators_are_told(rig: CommandRig) -> None:
    async with rig.running():
        rig.set(CHWS, 7.0)
        rig.panel(CHWS).lie = True
        failed = await rig.command(CHWS, 8.0)
        assert failed.state is CommandState.ATTEMPTED, "it may yet take the value"
        await rig.clock.advance(15.0)
        failed = await rig.office.get(failed.command)
        assert (failed.state, failed.code, failed.held) == (CommandState.FAILED, "differs", 7.0)
        assert await alarms(rig, CHWS) == ["AlarmRaised"]
        assert rig.writes(CHWS) == [(8.0, 8)], "no second try"
        rig.panel(CHWS).lie = False
        assert (await rig.command(CHWS, 9.0)).state is CommandState.DONE
        assert await alarms(rig, CHWS) == ["AlarmRaised", "AlarmReturned"]


async def test_a_device_that_says_nothing_is_asked_what_it_holds_and_not_written_again(rig: CommandRig) -> None:
    async with rig.running():
        rig.panel(CHWS).deaf = True
        done = await rig.command(CHWS, 8.0)
        assert (done.state, done.held) == (CommandState.DONE, 8.0)
        rig.panel(CHWS).lie = True
        await rig.clock.advance(10.0)
        lost = await rig.command(CHWS, 9.0)
        await rig.clock.advance(20.0)
        lost = await rig.office.get(lost.command)
        assert (lost.state, lost.code) == (CommandState.FAILED, "differs")
        assert "no answer to the write" in lost.result
    assert rig.writes(CHWS) == [(8.0, 8), (9.0, 8)]


async def test_a_device_that_is_not_there_fails_the_command_unwritten(rig: CommandRig) -> None:
    async with rig.running():
        rig.panel(CHWS).fault = "refuses"
        await rig.clock.advance(20.0)
        selection = await rig.office.request(CommandWish(FREE, 1.0, 12, "測試"), AUTOMATION)
        await rig.clock.advance(2.0)
        failed = await rig.office.get(selection.command)
        assert (failed.state, failed.code) == (CommandState.FAILED, "silent")
        assert await alarms(rig, FREE) == ["AlarmRaised"]
    assert not rig.writes(FREE)


async def test_a_device_that_refuses_is_quoted(rig: CommandRig) -> None:
    async with rig.running():
        rig.panel(CHWS).refuses = "exception 3: it does not take this value"
        failed = await rig.command(CHWS, 8.0)
        assert (failed.code, failed.result) == ("device-refused", "exception 3: it does not take this value")


async def test_a_device_that_goes_back_by_itself_is_told_of(rig: CommandRig) -> None:
    async with rig.running():
        done = await rig.command(CHWS, 8.0)
        rig.set(CHWS, 7.0)
        await rig.clock.advance(10.0)
        reverted = await rig.office.get(done.command)
        assert (reverted.state, reverted.held) == (CommandState.REVERTED, 7.0)
        assert await alarms(rig, CHWS) == ["AlarmRaised"]
        await rig.clock.advance(60.0)
    assert rig.writes(CHWS) == [(8.0, 8)]


async def test_somebody_who_changes_it_much_later_is_no_failure(rig: CommandRig) -> None:
    async with rig.running():
        done = await rig.command(CHWS, 8.0)
        await rig.clock.advance(61.0)
        rig.set(CHWS, 7.0)
        await rig.clock.advance(60.0)
        assert (await rig.office.get(done.command)).state is CommandState.DONE


async def test_automation_leaves_a_point_alone_that_failed_for_longer_each_time(rig: CommandRig) -> None:
    async with rig.running():
        rig.panel(CHWS).refuses = "no"
        tries = 0
        for _ in range(600):
            try:
                await rig.office.request(CommandWish(CHWS, 8.0, 12, "需量"), AUTOMATION)
                tries += 1
            except RefusedError:
                pass
            await rig.clock.advance(1.0)
    assert tries == 4, "at 0, 60, 180 and 420 s"


# Ends of the process


async def test_what_was_requested_while_no_collector_ran_is_carried_out_if_it_is_fresh(rig: CommandRig) -> None:
    fresh = await rig.office.request(CommandWish(LIMIT, 16.0, 12, "需量"), AUTOMATION)
    async with rig.running():
        assert (await rig.office.get(fresh.command)).state is CommandState.DONE
    await rig.clock.advance(10.0)
    stale = await rig.office.request(CommandWish(LIMIT, 20.0, 12, "需量"), AUTOMATION)
    await rig.clock.advance(60.0)
    async with rig.running():
        late = await rig.office.get(stale.command)
        assert (late.state, late.code) == (CommandState.FAILED, "expired")
    assert rig.writes(LIMIT) == [(16.0, 12)]


@pytest.mark.parametrize(("arrived", "state"), [(True, CommandState.DONE), (False, CommandState.FAILED)])
async def test_after_an_interruption_the_device_is_asked_and_never_written_again(
    rig: CommandRig, arrived: bool, state: CommandState
) -> None:
    rig.set(LIMIT, 32.0)
    async with rig.running():
        device = rig.panel(LIMIT)
        device.fault = "hangs"
        asked = await rig.office.request(CommandWish(LIMIT, 16.0, 12, "需量"), AUTOMATION)
        control = await rig.view.control(LIMIT)
        await rig.life.record.announce(control, attempted(rig, asked.command))
    if arrived:
        rig.set(LIMIT, 16.0)
    rig.panel(LIMIT).fault = ""
    async with rig.running():
        await rig.clock.advance(40.0)
        found = await rig.office.get(asked.command)
    assert found.state is state
    assert not rig.writes(LIMIT)


def attempted(rig: CommandRig, command: str) -> CommandAttempted:
    return CommandAttempted(command, "collector-1", rig.life.collector.publisher.epoch, 16.0, 32.0, rig.clock.now())


async def test_what_happened_is_told_when_the_log_is_back(rig: CommandRig) -> None:
    async with rig.running():
        rig.panel(CHWS).lie = True
        rig.set(CHWS, 7.0)
        asked = await rig.command(CHWS, 8.0)
        rig.events.available = False
        await rig.clock.advance(120.0)
        rig.events.available = True
        await rig.clock.advance(10.0)
        assert (await rig.office.get(asked.command)).state is CommandState.FAILED
    assert rig.writes(CHWS) == [(8.0, 8)]


async def test_of_two_collectors_one_writes(rig: CommandRig) -> None:
    other = Life(rig, "collector-2")
    async with rig.running(), asyncio.TaskGroup() as tasks:
        loops = [tasks.create_task(loop) for loop in (other.collector.run(), other.commander.run())]
        await rig.clock.advance(20.0)
        for value in (8.0, 9.0, 10.0, 11.0):
            assert (await rig.command(CHWS, value)).state is CommandState.DONE
            await rig.clock.advance(10.0)
        for loop in loops:
            loop.cancel()
    assert rig.writes(CHWS) == [(8.0, 8), (9.0, 8), (10.0, 8), (11.0, 8)]


async def test_a_service_that_stood_still_before_the_write_does_not_write(rig: CommandRig) -> None:
    async with rig.running():
        record, clock = rig.life.record, rig.clock
        announce = record.announce

        async def slowly(control: PointControl, attempted: CommandAttempted) -> PointControl:
            known = await announce(control, attempted)
            await clock.sleep(6.0)
            return known

        record.announce = slowly  # type: ignore[method-assign]
        asked = await rig.office.request(CommandWish(CHWS, 8.0, 12, "需量"), AUTOMATION)
        await rig.clock.advance(10.0)
        failed = await rig.office.get(asked.command)
    assert (failed.state, failed.code) == (CommandState.FAILED, "stalled")
    assert not rig.writes(CHWS)

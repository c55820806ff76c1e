"""A command from the wish to the proof, over a collector with devices that behave."""

import pytest
from tests.support.command_rig import AHU, AUTOMATION, CHILLER, EVSE, FCU, LI, PUMP, TOWER, WANG, CommandRig
from tests.support.rig import quiet_collector

from cityhall_bms.domain.commanding.control import CommandState
from cityhall_bms.domain.errors import NotFoundError, RefusedError
from cityhall_bms.domain.permits import Permit, PermitKind, Scope
from cityhall_bms.ports.access import Requester, Role
from cityhall_bms.ports.commands import BulkItem, CommandWish

SAT, CHWS, ZONE, LIMIT = f"{AHU}.SAT_SP", f"{CHILLER}.CHWS_SP", f"{FCU}.ZoneSP", f"{EVSE}.LimitA"
FREE = f"{EVSE}.Free"
"""A point without priorities, without a range and without anything to go back to."""


@pytest.fixture(autouse=True)
def no_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet_collector(monkeypatch)


@pytest.fixture
def rig() -> CommandRig:
    return CommandRig()


# The way that works


@pytest.mark.parametrize("name", [SAT, CHWS], ids=["with priorities", "without"])
async def test_a_command_is_selected_confirmed_written_once_and_read_back(rig: CommandRig, name: str) -> None:
    rig.set(name, 11.0)
    async with rig.running():
        done = await rig.command(name, 12.0)
    assert (done.state, done.held, done.old, done.by) == (CommandState.DONE, 12.0, 11.0, "王小明")
    assert rig.writes(name) == [(12.0, 8)]
    assert await rig.story(name) == [
        "CommandSelected", "CommandRequested", "CommandAttempted", "CommandWritten", "CommandConfirmed",
    ]  # fmt: skip
    slot = (await rig.view.control(name)).slots[8]
    assert (slot.value, slot.by, slot.reason) == (12.0, "王小明", "測試")


async def test_automation_asks_in_one_step_at_a_priority_of_its_own(rig: CommandRig) -> None:
    async with rig.running():
        asked = await rig.office.request(CommandWish(LIMIT, 16.0, 12, "需量"), AUTOMATION)
        await rig.clock.advance(0.5)
        assert (await rig.office.get(asked.command)).state is CommandState.DONE
        with pytest.raises(RefusedError, match="operators' own"):
            await rig.office.request(CommandWish(SAT, 14.0, 8, "需量"), AUTOMATION)
        with pytest.raises(RefusedError, match="people select"):
            await rig.office.request(CommandWish(SAT, 14.0, 12, "需量"), WANG)


async def test_a_selection_ends_by_itself_and_is_confirmed_by_nobody_else(rig: CommandRig) -> None:
    async with rig.running():
        selection = await rig.office.select(CommandWish(CHWS, 8.0, 8, "測試"), WANG)
        name = selection.command.command
        with pytest.raises(RefusedError, match="is under way"):
            await rig.office.select(CommandWish(CHWS, 9.0, 8, "測試"), LI)
        with pytest.raises(RefusedError, match="who alone confirms"):
            await rig.office.confirm(name, selection.token, LI)
        with pytest.raises(RefusedError, match="token"):
            await rig.office.confirm(name, "another", WANG)
        await rig.clock.advance(30.0)
        with pytest.raises(RefusedError, match="time is over"):
            await rig.office.confirm(name, selection.token, WANG)
        assert (await rig.command(CHWS, 9.0, LI)).state is CommandState.DONE
    assert rig.writes(CHWS) == [(9.0, 8)]


async def test_a_selection_can_be_let_go_of(rig: CommandRig) -> None:
    async with rig.running():
        selection = await rig.office.select(CommandWish(CHWS, 8.0, 8, "測試"), WANG)
        cancelled = await rig.office.cancel(selection.command.command, WANG)
        assert cancelled.state is CommandState.CANCELLED
        with pytest.raises(RefusedError, match="has ended"):
            await rig.office.confirm(selection.command.command, selection.token, WANG)
        with pytest.raises(NotFoundError):
            await rig.office.cancel(f"{CHWS}-99", WANG)
    assert not rig.writes(CHWS)


# Limits and second persons


async def test_a_value_out_of_its_limits_is_refused_and_the_refusal_is_kept(rig: CommandRig) -> None:
    async with rig.running():
        with pytest.raises(RefusedError, match="5–12 °C"):
            await rig.office.select(CommandWish(CHWS, 4.0, 8, "測試"), WANG)
    assert await rig.story(CHWS) == ["CommandRefused"]


async def test_the_same_refusal_again_and_again_is_kept_once(rig: CommandRig) -> None:
    async with rig.running():
        for who in (WANG, WANG, WANG, LI, LI):
            with pytest.raises(RefusedError, match="5–12 °C"):
                await rig.office.select(CommandWish(CHWS, 4.0, 8, "測試"), who)
        assert await rig.story(CHWS) == ["CommandRefused", "CommandRefused"], "once for each of them"
        await rig.clock.advance(10.0)
        with pytest.raises(RefusedError):
            await rig.office.select(CommandWish(CHWS, 4.0, 8, "測試"), LI)
        assert len(await rig.story(CHWS)) == 3


async def test_beyond_the_energy_rule_a_second_person_agrees(rig: CommandRig) -> None:
    async with rig.running():
        proposed = await rig.command(ZONE, 24.0)
        assert proposed.state is CommandState.PROPOSED
        assert not rig.writes(ZONE)
        with pytest.raises(RefusedError, match="second person"):
            await rig.office.approve(proposed.command, WANG)
        await rig.office.approve(proposed.command, LI)
        await rig.clock.advance(0.5)
        done = await rig.office.get(proposed.command)
        assert (done.state, done.approved_by) == (CommandState.DONE, "李小華")
        await rig.clock.advance(10.0)
        late = await rig.command(ZONE, 30.0)
        await rig.clock.advance(900.0)
        with pytest.raises(RefusedError, match="time is over"):
            await rig.office.approve(late.command, LI)
        with pytest.raises(RefusedError, match="22–30"):
            await rig.office.select(CommandWish(ZONE, 31.0, 8, "測試"), WANG)


async def test_viewers_and_auditors_do_not_command(rig: CommandRig) -> None:
    async with rig.running():
        for role in (Role.VIEWER, Role.AUDITOR):
            with pytest.raises(RefusedError, match="does not command"):
                await rig.office.select(CommandWish(CHWS, 8.0, 8, "測試"), Requester("林", role))


async def test_whose_role_is_taken_before_the_write_commands_nothing_any_more(rig: CommandRig) -> None:
    async with rig.running():
        proposed = await rig.command(ZONE, 24.0)
        # The collector looks for itself: the desk had no reason yet to say no.
        await rig.office.approve(proposed.command, LI)
        rig.authority.taken.add(LI.name)
        await rig.clock.advance(0.5)
        refused = await rig.office.get(proposed.command)
        assert (refused.state, refused.code) == (CommandState.REFUSED, "authority")
    assert not rig.writes(ZONE)


async def test_a_point_is_written_once_in_five_seconds(rig: CommandRig) -> None:
    async with rig.running():
        await rig.command(CHWS, 8.0)
        with pytest.raises(RefusedError, match="written just now"):
            await rig.command(CHWS, 9.0)
        await rig.clock.advance(5.0)
        assert (await rig.command(CHWS, 9.0)).state is CommandState.DONE


# The plant


async def test_what_is_switched_to_local_or_unknown_is_not_commanded(rig: CommandRig) -> None:
    async with rig.running():
        rig.set(f"{CHILLER}.LocRem", 0.0)
        await rig.clock.advance(10.0)
        with pytest.raises(RefusedError, match="switched to local"):
            await rig.command(CHWS, 8.0)
        rig.panel(CHWS).quality = 0x80
        await rig.clock.advance(10.0)
        with pytest.raises(RefusedError, match="is not known"):
            await rig.command(CHWS, 8.0)


async def test_a_chiller_starts_with_water_flowing_and_a_tower_running_only(rig: CommandRig) -> None:
    start = f"{CHILLER}.EnableCmd"
    async with rig.running():
        await rig.clock.advance(1_800.0)
        with pytest.raises(RefusedError) as refused:
            await rig.command(start, 1.0)
        for name in ("CHILLER-CHW", "CHILLER-CW", "CHILLER-TOWER"):
            assert name in str(refused.value)
        for name in (f"{CHILLER}.CHW_Flow", f"{CHILLER}.CDW_Flow"):
            rig.set(name, 200.0)
        rig.set(f"{TOWER}.RunSts", 1.0)
        await rig.clock.advance(10.0)
        assert (await rig.command(start, 1.0)).state is CommandState.DONE


async def test_a_machine_rests_and_runs_for_its_minimum_time(rig: CommandRig) -> None:
    start = f"{AHU}.StartCmd"
    async with rig.running():
        refused = await rig.command(start, 1.0)
        assert (refused.state, refused.code) == (CommandState.REFUSED, "minimum-time")
        await rig.clock.advance(300.0)
        assert (await rig.command(start, 1.0)).state is CommandState.DONE
        rig.set(f"{AHU}.RunSts", 1.0)
        await rig.clock.advance(60.0)
        assert (await rig.command(start, 0.0)).code == "minimum-time"
        await rig.clock.advance(600.0)
        assert (await rig.command(start, 0.0)).state is CommandState.DONE
    assert rig.writes(start) == [(1.0, 8), (0.0, 8)]


async def test_the_valve_opens_with_the_fan_running_and_no_fan_starts_in_smoke(rig: CommandRig) -> None:
    async with rig.running():
        await rig.clock.advance(600.0)
        with pytest.raises(RefusedError, match="FAN-BEFORE-VALVE"):
            await rig.command(f"{AHU}.CCV_Cmd", 50.0)
        rig.set(f"{AHU}.DuctSmoke", 1.0)
        await rig.clock.advance(10.0)
        with pytest.raises(RefusedError, match="SMOKE"):
            await rig.command(f"{AHU}.StartCmd", 1.0)


async def test_a_pump_outlasts_its_chiller(rig: CommandRig) -> None:
    stop = f"{PUMP}.StartCmd"
    for name in (f"{CHILLER}.RunSts", f"{PUMP}.RunSts"):
        rig.set(name, 1.0)
    async with rig.running():
        await rig.clock.advance(600.0)
        with pytest.raises(RefusedError, match="PUMP-AFTER-CHILLER"):
            await rig.command(stop, 0.0)
        rig.set(f"{CHILLER}.RunSts", 0.0)
        await rig.clock.advance(60.0)
        refused = await rig.command(stop, 0.0)
        assert refused.code == "interlock:PUMP-AFTER-CHILLER", "it stopped a minute ago only"
        await rig.clock.advance(180.0)
        assert (await rig.command(stop, 0.0)).state is CommandState.DONE


async def test_where_somebody_works_only_a_person_who_names_the_permit_commands(rig: CommandRig) -> None:
    now = rig.clock.now()
    scope = Scope(equipment=(CHILLER,))
    works = Permit("2026-07-01-1", PermitKind.WORKS, scope, now, now + 10**12, "換軸封", "陳", now)
    rig.permits.permits.append(works)
    async with rig.running():
        with pytest.raises(RefusedError, match="somebody works here"):
            await rig.office.select(CommandWish(CHWS, 8.0, 8, "測試"), WANG)
        with pytest.raises(RefusedError, match="somebody works here"):
            await rig.office.request(CommandWish(CHWS, 8.0, 12, "需量", works.permit), AUTOMATION)
        await rig.office.select(CommandWish(CHWS, 8.0, 8, "測試", works.permit), WANG)


# Priorities


async def test_a_lower_priority_waits_below_and_takes_over_when_the_higher_is_given_up(rig: CommandRig) -> None:
    async with rig.running():
        await rig.command(CHWS, 8.0)
        await rig.clock.advance(10.0)
        asked = await rig.office.request(CommandWish(CHWS, 10.0, 12, "需量"), AUTOMATION)
        await rig.clock.advance(1.0)
        below = await rig.office.get(asked.command)
        assert (below.state, below.in_effect, below.held) == (CommandState.DONE, False, 8.0)
        assert rig.writes(CHWS) == [(8.0, 8)]
        await rig.clock.advance(10.0)
        assert (await rig.command(CHWS, None)).state is CommandState.DONE
        assert rig.held(CHWS) == 10.0
        await rig.clock.advance(10.0)
        await rig.office.request(CommandWish(CHWS, None, 12, "需量"), AUTOMATION)
        await rig.clock.advance(1.0)
        assert rig.held(CHWS) == 7.0, "what the site says that it goes back to"
        assert not (await rig.view.control(CHWS)).slots


async def test_a_device_with_priorities_is_given_them_and_null(rig: CommandRig) -> None:
    async with rig.running():
        await rig.command(SAT, 14.0)
        await rig.clock.advance(10.0)
        await rig.office.request(CommandWish(SAT, 16.0, 12, "需量"), AUTOMATION)
        await rig.clock.advance(10.0)
        given_up = await rig.command(SAT, None)
        assert (given_up.state, given_up.held, given_up.holder) == (CommandState.DONE, 16.0, 12)
    assert rig.writes(SAT) == [(14.0, 8), (16.0, 12), (None, 8)]


async def test_below_somebody_elses_priority_it_is_done_and_not_in_effect(rig: CommandRig) -> None:
    panel, number = rig.panel(SAT), rig.ids[SAT]
    panel.arrays[number], panel.held[number] = {5: 12.0}, 12.0
    async with rig.running():
        below = await rig.command(SAT, 16.0)
        assert (below.state, below.in_effect, below.holder, below.held) == (CommandState.DONE, False, 5, 12.0)
        await rig.clock.advance(60.0)
        assert (await rig.office.get(below.command)).state is CommandState.DONE, "it never held, so it did not go back"


async def test_what_has_nothing_to_go_back_to_is_not_given_up(rig: CommandRig) -> None:
    async with rig.running():
        await rig.command(FREE, 3.0)
        await rig.clock.advance(10.0)
        refused = await rig.command(FREE, None)
        assert (refused.state, refused.code) == (CommandState.REFUSED, "no-fallback")
        assert rig.held(FREE) == 3.0
        never = await rig.command(LIMIT, None)
        assert never.code == "nothing-held"


async def test_a_manual_override_ends_after_four_hours_unless_it_is_extended(rig: CommandRig) -> None:
    async with rig.running():
        await rig.command(CHWS, 8.0)
        await rig.command(SAT, 14.0)
        await rig.clock.advance(3 * 3_600.0)
        await rig.office.extend(SAT, 4 * 3_600.0, "檢修未完", LI)
        with pytest.raises(RefusedError, match="24 h"):
            await rig.office.extend(SAT, 25 * 3_600.0, "太久", LI)
        await rig.clock.advance(3_601.0)
        await rig.keeper.expire_due()
        await rig.clock.advance(1.0)
        assert (rig.held(CHWS), rig.held(SAT)) == (7.0, 14.0)
        assert (await rig.story(CHWS))[-5:] == [
            "OverrideExpired", "CommandRequested", "CommandAttempted", "CommandWritten", "CommandRelinquished",
        ]  # fmt: skip
        await rig.clock.advance(3 * 3_600.0)
        await rig.keeper.expire_due()
        await rig.clock.advance(1.0)
        assert not await rig.view.held(8)


async def test_an_override_that_cannot_be_given_up_is_kept_and_said_to_be_over(rig: CommandRig) -> None:
    async with rig.running():
        await rig.command(FREE, 3.0)
        await rig.clock.advance(4 * 3_600.0 + 1.0)
        for _ in range(5):
            await rig.keeper.expire_due()
            await rig.clock.advance(120.0)
        [held] = await rig.view.held(8)
        assert (held.slot.expired, held.slot.until) == (True, None)
        assert (await rig.story(FREE)).count("CommandRequested") == 2, "asked once, not again and again"


# Many at once


async def test_one_thing_at_many_points_needs_a_second_person(rig: CommandRig) -> None:
    async with rig.running():
        items = [BulkItem(CHWS, 9.0), BulkItem(SAT, 16.0)]
        bulk = await rig.bulks.propose(items, 8, "需量緊迫", WANG)
        with pytest.raises(RefusedError, match="second person"):
            await rig.bulks.approve(bulk.bulk, WANG)
        assert not rig.writes(CHWS)
        rig.set(f"{AHU}.LocRem", 0.0)
        await rig.clock.advance(10.0)
        approved = await rig.bulks.approve(bulk.bulk, LI)
        assert list(approved.refused or {}) == [SAT]
        await rig.clock.advance(1.0)
        [name] = approved.commands
        done = await rig.office.get(name)
        assert (done.state, done.approved_by, done.bulk) == (CommandState.DONE, "李小華", bulk.bulk)
        with pytest.raises(RefusedError, match="already"):
            await rig.bulks.approve(bulk.bulk, LI)
        with pytest.raises(RefusedError, match="1 to 50"):
            await rig.bulks.propose([BulkItem(f"P{n}", 1.0) for n in range(51)], 8, "全部", WANG)

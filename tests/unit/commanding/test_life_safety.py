"""Life safety is never written: at the domain, at the desk, and in the collector, whatever is asked in whatever order."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.command_rig import AUTOMATION, LI, PANEL, WANG, CommandRig, plant_site
from tests.support.fake_driver import TEXT
from tests.support.rig import quiet_collector

from cityhall_bms.domain.commanding.control import CommandState, command_stream
from cityhall_bms.domain.commanding.events import CommandRequested
from cityhall_bms.domain.commands import READ_ONLY_CLASSES, READ_ONLY_SYSTEMS, CommandTarget
from cityhall_bms.domain.errors import CityHallError, ReadOnlyPointError
from cityhall_bms.domain.site import Encoding, Equipment, Point, PointKind, System
from cityhall_bms.ports.access import Requester, Role
from cityhall_bms.ports.commands import BulkItem, CommandWish
from cityhall_bms.ports.event_log import Append

POINTS = sorted(plant_site().points)
ON_THE_PANEL = [name for name in POINTS if name.startswith(PANEL)]
CLASSES = ["Air_Handling_Unit", "Elevator", "Access_Reader", "x:Smoke_Exhaust_Fan", *sorted(READ_ONLY_CLASSES)]
WHO = [WANG, LI, AUTOMATION, Requester("admin", Role.ADMIN)]

values = st.one_of(st.none(), st.sampled_from([0.0, 1.0, 8.0, 26.0]))
names = st.one_of(st.sampled_from(ON_THE_PANEL), st.sampled_from(POINTS))
priorities = st.sampled_from([1, 8, 12, 16])
people = st.sampled_from(WHO)
acts = st.one_of(
    st.tuples(st.just("select"), names, values, priorities, people),
    st.tuples(st.just("request"), names, values, priorities, people),
    st.tuples(st.just("bulk"), names, values, priorities, people),
    st.tuples(st.just("approve"), names, people),
    st.tuples(st.just("cancel"), names, people),
    st.tuples(st.just("extend"), names, people),
    st.tuples(st.just("expire"), names),
    st.tuples(st.just("forge"), names, values, priorities),
    st.tuples(st.just("wait"), st.sampled_from([1.0, 6.0, 31.0])),
)


@pytest.fixture(autouse=True)
def no_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet_collector(monkeypatch)


@given(
    system=st.sampled_from(list(System)), brick_class=st.sampled_from(CLASSES), kind=st.sampled_from(list(PointKind))
)
def test_no_target_can_be_made_of_what_is_read_only(system: System, brick_class: str, kind: PointKind) -> None:
    equipment = Equipment("TCH.B1.CN.X01", brick_class, system, TEXT)
    point = Point(
        "TCH.B1.CN.X01.P", TEXT, equipment.name, "P", kind, "", "d", "a", Encoding(), None, None, 1.0
    )  # fmt: skip
    read_only = system in READ_ONLY_SYSTEMS or brick_class in READ_ONLY_CLASSES
    measured = kind in {PointKind.AI, PointKind.DI, PointKind.MI, PointKind.CI}
    if read_only or measured:
        with pytest.raises(ReadOnlyPointError):
            CommandTarget(1, point, equipment)
    else:
        assert CommandTarget(1, point, equipment).point is point


async def act(rig: CommandRig, what: str, name: str, *rest: object) -> None:
    office, now = rig.office, rig.clock.now()
    match what, rest:
        case "select", (value, priority, who):
            selection = await office.select(CommandWish(name, value, priority, "測試"), who)  # type: ignore[arg-type]
            await office.confirm(selection.command.command, selection.token, who)  # type: ignore[arg-type]
        case "request", (value, priority, who):
            await office.request(CommandWish(name, value, priority, "測試"), who)  # type: ignore[arg-type]
        case "bulk", (value, priority, who):
            bulk = await rig.bulks.propose([BulkItem(name, value)], priority, "測試", who)  # type: ignore[arg-type]
            await rig.bulks.approve(bulk.bulk, LI)
        case "approve", (who,):
            await office.approve(f"{name}-1", who)  # type: ignore[arg-type]
        case "cancel", (who,):
            await office.cancel(f"{name}-1", who)  # type: ignore[arg-type]
        case "extend", (who,):
            await office.extend(name, 3_600.0, "測試", who)  # type: ignore[arg-type]
        case "expire", ():
            await office.expire(name)
        case "forge", (value, priority):
            version = (await rig.view.control(name)).version
            forged = CommandRequested(
                f"{name}-{version + 1}", name, value, priority, "偽造", "x", "operator", "", "", now + 10**9, now
            )  # type: ignore[arg-type]
            await rig.events.append([Append(command_stream(name), [forged], "x", version)])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(acts, max_size=12))
def test_no_sequence_of_acts_writes_to_the_fire_panel(sequence: list[tuple[object, ...]]) -> None:
    async def play() -> None:
        rig = CommandRig()
        async with rig.running():
            for what, *rest in sequence:
                if what == "wait":
                    await rig.clock.advance(float(rest[0]))  # type: ignore[arg-type]
                    continue
                with suppress(CityHallError):
                    await act(rig, str(what), *rest)  # type: ignore[arg-type]
            await rig.clock.advance(70.0)
            for name in ON_THE_PANEL:
                control = await rig.view.control(name)
                assert control.last is None or control.last.state is CommandState.REFUSED
                assert not control.slots
                assert "CommandAttempted" not in await rig.story(name)
        assert not rig.panel("fire-modbus").writes

    asyncio.run(play())

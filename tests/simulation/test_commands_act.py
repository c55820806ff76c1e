"""Commands move the simulated city hall over Modbus, BACnet and OPC UA, and never what keeps people safe."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.support.city_hall import CityHall, running_city_hall
from tests.support.commanded_site import CommandedSite, commanded
from tests.support.until import until

from cityhall_bms.adapters.installed_drivers import find_factories
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.commanding.control import CommandState, command_stream
from cityhall_bms.domain.commanding.events import CommandRequested
from cityhall_bms.domain.commands import READ_ONLY_CLASSES, READ_ONLY_SYSTEMS
from cityhall_bms.ports.event_log import Append

pytestmark = pytest.mark.asyncio(loop_scope="module")
CHWS, LIMIT = "TCH.B2.CN.CHC01.CHWS_SP", "TCH.B1.N.EVSE01.LimitA"
SAT, SIGN = "TCH.01.E.AHU01.SAT_SP", "TCH.B1.N.PMS01.FullSign"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CityHall]:
    async with running_city_hall(tmp_path_factory.mktemp("hall")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bms(hall: CityHall) -> AsyncIterator[CommandedSite]:
    async with commanded(load_site(hall.site_dir, find_factories())) as running:
        await until(lambda: all(running.known(name) for name in (CHWS, LIMIT, SAT, SIGN)), 30.0, 0.05)
        yield running


async def truth(hall: CityHall, name: str) -> float:
    return (await asyncio.to_thread(hall.truth))[name]


@pytest.mark.parametrize(("name", "value"), [(CHWS, 9.5), (SAT, 15.5), (SIGN, 1.0)], ids=["Modbus", "BACnet", "OPC UA"])
async def test_a_command_acts_and_is_proved(bms: CommandedSite, hall: CityHall, name: str, value: float) -> None:
    done = await bms.command(name, value)
    assert (done.state, done.result) == (CommandState.DONE, "")
    assert done.held == pytest.approx(value, abs=0.05)
    assert await truth(hall, name) == pytest.approx(value, abs=0.05)


async def test_what_is_given_up_goes_back(bms: CommandedSite, hall: CityHall) -> None:
    assert (await bms.command(LIMIT, 16.0)).state is CommandState.DONE
    assert await truth(hall, LIMIT) == 16.0
    await asyncio.sleep(5.0)
    given_up = await bms.command(LIMIT, None)
    assert (given_up.state, given_up.held) == (CommandState.DONE, 32.0)
    damper = "TCH.01.E.AHU01.OAD_Cmd"
    assert (await bms.command(damper, 77.0)).holder == 8
    await asyncio.sleep(5.0)
    released = await bms.command(damper, None)
    assert (released.state, released.holder) == (CommandState.DONE, None)


async def test_nothing_of_life_safety_is_written_even_if_the_log_asks_for_it(bms: CommandedSite) -> None:
    """As if a bug, or somebody at the database, had put requests into the log: every point of every such machine."""
    site = bms.site
    names = [
        point.name
        for point in site.points.values()
        for machine in [site.equipment[point.equipment]]
        if machine.system in READ_ONLY_SYSTEMS or machine.brick_class in READ_ONLY_CLASSES
    ]
    assert len(names) > 50
    at = SystemClock().now()
    forged = [
        CommandRequested(f"{name}-1", name, 1.0, 8, "偽造", "x", "operator", "", "", at + 60_000_000, at)
        for name in names
    ]
    await bms.events.append([Append(command_stream(event.point), [event], "x") for event in forged])
    ended = [await bms.ended(event.command) for event in forged]
    assert {(one.state, one.code) for one in ended} == {(CommandState.REFUSED, "read-only")}
    entries = await bms.events.read(0, 100_000, "command/")
    attempted = {entry.payload["command"] for entry in entries if entry.type == "CommandAttempted"}
    assert not attempted & {event.command for event in forged}

"""The real Modbus driver under a commander, and devices that lie, keep silent, refuse, or go back by themselves."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from tests.support.charger_site import (
    LIMIT,
    LIMIT_REGISTER,
    charger_server,
    deaf,
    lying,
    refusing,
    taking,
    write_charger_site,
    writes,
)
from tests.support.commanded_site import CommandedSite, commanded
from tests.support.modbus_server import ModbusServer
from tests.support.until import until

from cityhall_bms.adapters.installed_drivers import find_factories
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.domain.commanding.control import CommandState
from cityhall_bms.domain.commanding.failure_alarm import alarm_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
BETWEEN_WRITES_S = 1.1


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ModbusServer]:
    running = charger_server()
    await running.start()
    yield running
    await running.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bms(server: ModbusServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CommandedSite]:
    folder = write_charger_site(tmp_path_factory.mktemp("chargers") / "site", server.port)
    async with commanded(load_site(folder, find_factories())) as running:
        await until(lambda: running.known(LIMIT), 20.0, 0.05)
        yield running


async def alarms(bms: CommandedSite) -> list[str]:
    return [entry.type for entry in await bms.events.read(0, 100, f"alarm/{alarm_of(LIMIT)}")]


@pytest.mark.parametrize(
    ("habit", "code", "said"),
    [
        (lying, "device-refused", "was accepted"),
        (deaf, "differs", "no answer to the write"),
        (refusing, "device-refused", "exception 3"),
    ],
    ids=["lies", "is silent", "refuses"],
)
async def test_it_fails_with_the_reason_and_is_written_once(
    bms: CommandedSite,
    server: ModbusServer,
    habit: Callable[..., bytes | None],
    code: str,
    said: str,
) -> None:
    before, server.habits[1] = len(writes(server)), habit
    failed = await bms.command(LIMIT, 10.0)
    assert (failed.state, failed.code) == (CommandState.FAILED, code)
    assert said in failed.result
    assert len(writes(server)) == before + 1
    assert (await alarms(bms))[-1] == "AlarmRaised"
    server.habits[1] = taking(lambda: None)
    await until(lambda: bms.known(LIMIT), 20.0, 0.05)
    await bms.pause(BETWEEN_WRITES_S)
    assert (await bms.command(LIMIT, 32.0)).state is CommandState.DONE
    assert (await alarms(bms))[-1] == "AlarmReturned"
    await bms.pause(BETWEEN_WRITES_S)


async def test_one_that_goes_back_by_itself_is_told_of(bms: CommandedSite, server: ModbusServer) -> None:
    done = await bms.command(LIMIT, 12.0)
    assert done.state is CommandState.DONE
    before = len(writes(server))
    server.registers[1, 3][LIMIT_REGISTER] = 32
    reverted = await bms.in_state(done.command, CommandState.REVERTED)
    assert reverted.held == 32.0
    assert (await alarms(bms))[-1] == "AlarmRaised"
    assert len(writes(server)) == before, "nobody writes it again"

"""A command from the wish to the proof, over a collector with devices that behave, and with some that do not."""

import pytest
from tests.support.command_rig import AHU, AUTOMATION, CHILLER, EVSE, FCU, LI, PANEL, WANG, CommandRig
from tests.support.rig import quiet_collector

from cityhall_bms.domain.commanding.control import CommandState
from cityhall_bms.domain.errors import NotFoundError, ReadOnlyPointError, RefusedError
from cityhall_bms.ports.authority import Requester, Role
from cityhall_bms.ports.commands import CommandWish

SAT, SETPOINT = f"{AHU}.SAT_SP", f"{CHILLER}.CHWS_SP"


@pytest.fixture(autouse=True)
def no_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet_collector(monkeypatch)


@pytest.fixture
def rig() -> CommandRig:
    return CommandRig()


@pytest.mark.parametrize("name", [SAT, SETPOINT])
async def test_a_command_is_selected_confirmed_written_once_and_read_back(rig: CommandRig, name: str) -> None:
    rig.set(name, 11.0)
    async with rig.running():
        value = 12.0
        done = await rig.command(name, value)
    assert (done.state, done.held, done.old, done.by) == (CommandState.DONE, 12.0, 11.0, "王小明")
    assert rig.writes(name) == [(value, 8)]
    assert await rig.story(name) == [
        "CommandSelected", "CommandRequested", "CommandAttempted", "CommandWritten", "CommandConfirmed",
    ]  # fmt: skip

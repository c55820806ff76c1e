"""``kill -9`` of a collector in the middle of a command: written once at the most, and said how it went."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from tests.support.charger_site import LIMIT, RESET, charger_server, taking, write_charger_site, writes
from tests.support.command_rig import AUTOMATION, Permits
from tests.support.modbus_server import ModbusServer
from tests.support.stated_roles import StatedRoles

from cityhall_bms import bootstrap
from cityhall_bms.adapters.embedded import EmbeddedNats, EmbeddedPostgres
from cityhall_bms.adapters.postgres.commands_view import PostgresCommandView
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.commanding.examining import Examiner, Grounds
from cityhall_bms.commanding.office import CommandOffice, Procedure
from cityhall_bms.commanding.streams import PointStreams
from cityhall_bms.domain.commanding.control import Command, CommandState, command_stream
from cityhall_bms.domain.commanding.events import CommandRequested
from cityhall_bms.ports.commands import CommandWish
from cityhall_bms.ports.event_log import Append
from cityhall_bms.settings import Settings, child_environment, load_settings
from cityhall_bms.site_reading import read_site

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]
END_WITHIN_S = 60.0


@dataclass
class Killable:
    """A collector that can be killed and started again, and the desk."""

    folder: Path
    settings: Settings
    server: ModbusServer
    events: PostgresEventLog
    office: CommandOffice
    lives: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        command = [sys.executable, "-m", "cityhall_bms", "work", str(self.folder), "--roles", "collector"]
        environment = child_environment(self.settings)
        with (self.folder.parent / "collector.log").open("ab") as log:
            self.lives.append(subprocess.Popen(command, stdout=log, stderr=log, env=environment))

    def kill(self) -> None:
        self.lives[-1].kill()

    async def request(self, value: float) -> Command:
        return await self.office.request(CommandWish(LIMIT, value, 12, "需量"), AUTOMATION)

    async def ended(self, command: str) -> Command:
        async with asyncio.timeout(END_WITHIN_S):
            while True:
                found = await self.office.get(command)
                if found.ended_at is not None:
                    return found
                await asyncio.sleep(0.05)


@asynccontextmanager
async def killable(tmp_path: Path) -> AsyncIterator[Killable]:
    clock, server = SystemClock(), charger_server()
    await server.start()
    folder = write_charger_site(tmp_path / "site", server.port)
    async with EmbeddedPostgres(tmp_path / "data", clock) as postgres, EmbeddedNats(tmp_path / "data", clock) as nats:
        settings = load_settings(data_dir=tmp_path / "data", database={"url": postgres.dsn}, nats={"url": nats.url})
        await bootstrap.prepare(folder, settings, clock)
        pool = await open_pool(postgres.dsn)
        async with PostgresEventLog(postgres.dsn, clock) as events:
            site, view = read_site(folder), PostgresCommandView(pool, events)
            ids = {name: number for number, name in enumerate(site.points, 1)}
            examiner = Examiner(Grounds(site, ids, Permits(), StatedRoles(), clock))
            tokens, procedure = count(), Procedure(site.commanding.times, clock)
            streams = PointStreams(view, events)
            office = CommandOffice(examiner, streams, view, procedure, lambda: f"token {next(tokens)}")
            running = Killable(folder, settings, server, events, office)
            try:
                yield running
            finally:
                for life in running.lives:
                    life.kill()
                    life.wait()
                pool.terminate()
                await server.stop()


async def test_a_command_survives_kill_9_between_request_write_and_read_back_and_is_written_once(
    tmp_path: Path,
) -> None:
    async with killable(tmp_path) as bms:
        # Requested while the collector is dead, and carried out by its next life.
        bms.start()
        assert (await bms.ended((await bms.request(30.0)).command)).state is CommandState.DONE
        bms.kill()
        await asyncio.sleep(1.1)
        waiting = await bms.request(28.0)
        bms.start()
        assert (await bms.ended(waiting.command)).state is CommandState.DONE
        assert writes(bms.server) == [(1, 6, 30), (1, 6, 28)]

        # Killed by the very write, which arrived and was not answered.
        bms.server.habits[1] = taking(bms.kill, answers=False)
        await asyncio.sleep(1.1)
        arrived = await bms.request(16.0)
        await asyncio.to_thread(bms.lives[-1].wait)
        assert (await bms.office.get(arrived.command)).state is CommandState.ATTEMPTED
        bms.server.habits[1] = taking(lambda: None)
        bms.start()
        found = await bms.ended(arrived.command)
        assert (found.state, found.held) == (CommandState.DONE, 16.0)

        # Killed by the write, which the device forgot.
        bms.server.habits[1] = taking(lambda: _forget(bms), answers=False)
        await asyncio.sleep(1.1)
        forgotten = await bms.request(10.0)
        await asyncio.to_thread(bms.lives[-1].wait)
        bms.server.habits[1] = taking(lambda: None)
        bms.start()
        failed = await bms.ended(forgotten.command)
        assert (failed.state, failed.code, failed.held) == (CommandState.FAILED, "differs", 16.0)
        assert "interrupted" in failed.result
        assert writes(bms.server) == [(1, 6, 30), (1, 6, 28), (1, 6, 16), (1, 6, 10)], "each once"

        # What nobody may command, though the log asks for it.
        at = SystemClock().now()
        forged = CommandRequested(f"{RESET}-1", RESET, 1.0, 8, "偽造", "x", "operator", "", "", at + 60_000_000, at)
        await bms.events.append([Append(command_stream(RESET), [forged], "x")])
        refused = await bms.ended(forged.command)
        assert (refused.state, refused.code) == (CommandState.REFUSED, "read-only")
        assert all(unit == 1 for unit, _, _ in writes(bms.server)), "the fire panel saw reads only"
        assert any(one.unit == 2 for one in bms.server.requests)


def _forget(bms: Killable) -> None:
    bms.server.registers[1, 3][0] = 16
    bms.kill()

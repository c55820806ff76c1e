"""The service on servers that the settings name, split over two processes as on two machines."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.city_hall import CityHall, running_city_hall
from tests.support.service_token import token_headers

from cityhall_bms.adapters.embedded import EmbeddedNats, EmbeddedPostgres
from cityhall_bms.adapters.postgres.connection import connect
from cityhall_bms.adapters.system_clock import SystemClock

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

READY_WITHIN_S = 60.0
STOP_WITHIN_S = 10.0
WORKER = "cityhall_bms work"
EMBEDDED = ("postgres", "nats")
COMMAND = Path(sys.executable).with_name("cityhall-bms")
CONFIG = """\
data_dir = "{folder}/data"

[database]
url = "{database}"

[nats]
url = "{nats}"

[api]
port = {port}
"""


@dataclass(frozen=True)
class Servers:
    """Addresses of servers that are none of the service's business to start."""

    database: str
    nats: str


@dataclass(frozen=True)
class Machine:
    """One ``serve`` process with its own settings file and data folder."""

    name: str
    folder: Path
    process: asyncio.subprocess.Process

    @property
    def log(self) -> str:
        return f"--- {self.name}\n{(self.folder / 'log').read_text()[-3000:]}"


@asynccontextmanager
async def named_servers(folder: Path) -> AsyncIterator[Servers]:
    clock = SystemClock()
    async with EmbeddedPostgres(folder, clock) as postgres, EmbeddedNats(folder, clock) as nats:
        yield Servers(await database_of_an_ordinary_user(postgres), nats.url)


async def database_of_an_ordinary_user(postgres: EmbeddedPostgres) -> str:
    """Make what the page on production asks an administrator for: a role that owns its database and nothing else."""
    connection = await connect(postgres.dsn)
    try:
        await connection.execute("CREATE ROLE operator LOGIN")
        await connection.execute("CREATE DATABASE building OWNER operator")
    finally:
        await connection.close()
    return re.sub("//[^@]*@", "//operator@", postgres.dsn_of("building"))


def write_config(folder: Path, servers: Servers, port: int) -> Path:
    folder.mkdir()
    config = folder / "cityhall.toml"
    config.write_text(CONFIG.format(folder=folder, database=servers.database, nats=servers.nats, port=port))
    return config


async def serve(folder: Path, site: Path, roles: str, servers: Servers, port: int) -> Machine:
    config = write_config(folder, servers, port)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CITYHALL_")}
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            COMMAND, "serve", site, "--config", config, "--roles", roles, stdout=log, stderr=log, env=environment
        )
    return Machine(roles, folder, process)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def processes_that_name(*texts: str) -> list[str]:
    """Give the command lines of this machine that contain every text."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if all(text in line for text in texts):
            found.append(line)
    return found


async def answer(address: str, good: Any, machines: Sequence[Machine], headers: Mapping[str, str] | None = None) -> Any:
    """Ask until the answer is as wanted; fails at once when a machine has ended."""
    async with httpx.AsyncClient(headers=headers) as client, asyncio.timeout(READY_WITHIN_S):
        while True:
            ended = [machine.log for machine in machines if machine.process.returncode is not None]
            assert not ended, "\n".join(ended)
            try:
                response = await client.get(address)
                if response.status_code == 200 and good(response.json()):
                    return response.json()
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


def chiller_point(city_hall: CityHall) -> str:
    return next(name for name in city_hall.truth() if name.endswith("CHC01.CHWS_T"))


async def stop_all(machines: Sequence[Machine]) -> None:
    for machine in machines:
        if machine.process.returncode is None:
            machine.process.kill()
            await machine.process.wait()


async def test_collector_and_server_room_meet_in_named_servers_and_stop_when_asked(tmp_path: Path) -> None:
    machines: list[Machine] = []
    async with named_servers(tmp_path / "servers") as servers, running_city_hall(tmp_path) as city_hall:
        port, site = free_port(), city_hall.site_dir
        name = chiller_point(city_hall)
        address = f"http://127.0.0.1:{port}"
        try:
            machines.append(await serve(tmp_path / "plant", site, "collector", servers, free_port()))
            machines.append(await serve(tmp_path / "room", site, "historian,rules,api", servers, port))

            await answer(f"{address}/readyz", lambda status: status["status"] == "ok", machines)
            me = await token_headers(servers.database)
            point = await answer(
                f"{address}/api/v1/points/{name}", lambda item: item["present"]["quality"] == "good", machines, me
            )
            await answer(
                f"{address}/api/v1/points/{name}/samples?from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z",
                lambda samples: samples["v"] and samples["q"][-1] == "good",
                machines,
                me,
            )

            told = await answer(
                f"{address}/api/v1/devices/{point['device']}/diagnostics",
                lambda told: told["figures"]["online"],
                machines,
                me,
            )

            assert 0 < point["present"]["value"] < 40
            assert told["figures"]["scans"] > 0
            assert told["figures"]["driver.questions"] > 0
            workers = processes_that_name(WORKER, str(site))
            assert len(workers) == 2, workers
            assert not any((machine.folder / "data" / kind).exists() for machine in machines for kind in EMBEDDED)
            await stop_when_asked(machines)
            assert processes_that_name(WORKER, str(site)) == []
        finally:
            await stop_all(machines)


async def stop_when_asked(machines: Sequence[Machine]) -> None:
    for machine in machines:
        machine.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(STOP_WITHIN_S):
        for machine in machines:
            assert await machine.process.wait() == 0, machine.log

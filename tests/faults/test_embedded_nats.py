"""The embedded NATS server under kills: what it acknowledged stays, nothing stays running."""

import asyncio
import os
import re
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from nats.js.api import StreamConfig
from tests.support.processes import account_of, alive, effective_capabilities, listening_tcp_ports, needs_no_right
from tests.support.service_owner import service_owner
from tests.support.until import until

from cityhall_bms.adapters.embedded import EmbeddedNats, FolderInUseError
from cityhall_bms.adapters.embedded.nats import nats_server
from cityhall_bms.adapters.system_clock import SystemClock

pytestmark = pytest.mark.faults

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change accounts")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that every account can reach."""
    place = Path(tempfile.mkdtemp(prefix="cityhall-test-"))
    place.chmod(0o755)
    yield place / "data"
    shutil.rmtree(place)


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[Client]:
    async def quiet(_error: Exception) -> None:
        """A cut connection is what these tests are about."""

    client = await nats.connect(url, reconnect_time_wait=0.05, max_reconnect_attempts=-1, error_cb=quiet)
    try:
        yield client
    finally:
        await client.close()


async def keep(url: str, *texts: str) -> None:
    async with client_of(url) as client:
        log = client.jetstream()
        await log.add_stream(StreamConfig(name="KEPT", subjects=["kept"]))
        for text in texts:
            await log.publish("kept", text.encode())


async def kept(url: str) -> int:
    async with client_of(url) as client:
        return (await client.jetstream().stream_info("KEPT")).state.messages


async def test_what_was_acknowledged_is_there_at_the_second_start(folder: Path) -> None:
    async with EmbeddedNats(folder, SystemClock()) as service:
        await keep(service.url, "a", "b")
        pid = service.pid

    assert not alive(pid)
    async with EmbeddedNats(folder, SystemClock()) as service:
        assert await kept(service.url) == 2


async def test_a_killed_server_comes_back_and_its_clients_go_on_by_themselves(folder: Path) -> None:
    async with EmbeddedNats(folder, SystemClock()) as service, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(service.run())
        await keep(service.url, "a", "b")
        async with client_of(service.url) as client:
            killed = service.pid
            os.kill(killed, signal.SIGKILL)
            await until(lambda: service.restarts == 1, 30)
            await until(lambda: client.is_connected, 30)
            await client.jetstream().publish("kept", b"c")

        assert await kept(service.url) == 3
        running.cancel()


async def test_it_dies_with_a_killed_owner_and_the_next_owner_finds_the_messages(folder: Path) -> None:
    async with service_owner("nats", folder) as owner:
        await keep(owner.address, "a")
        await owner.kill()
        async with EmbeddedNats(folder, SystemClock()) as service:
            assert await kept(service.url) == 1
            assert not alive(owner.service_pid)


async def test_nothing_runs_after_the_owner_was_killed(folder: Path) -> None:
    async with service_owner("nats", folder) as owner:
        await owner.kill()
        await until(lambda: not alive(owner.service_pid))


async def test_a_second_owner_of_a_folder_is_refused_by_name_of_the_first(folder: Path) -> None:
    async with EmbeddedNats(folder, SystemClock()) as first:
        with pytest.raises(FolderInUseError, match=rf"in use by process {os.getpid()}\b"):
            await EmbeddedNats(folder, SystemClock()).start()

        await keep(first.url, "a")


async def test_nobody_gets_in_without_the_password_which_changes_at_every_start(folder: Path) -> None:
    async with EmbeddedNats(folder, SystemClock()) as service:
        first = service.url
        config = service.folder / "nats.conf"
        assert config.stat().st_mode & 0o777 == 0o600
        assert await first_answer_to_a_stranger(service) == "-ERR 'Authorization Violation'"
    assert not config.exists()
    async with EmbeddedNats(folder, SystemClock()) as service:
        assert service.url.split("@")[0] != first.split("@")[0]


async def first_answer_to_a_stranger(service: EmbeddedNats) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(service.url.rpartition(":")[2]))
    await reader.readline()
    writer.write(b'CONNECT {"user":"cityhall","pass":"guess","verbose":false}\r\nPING\r\n')
    answer = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return answer.decode().strip()


async def test_it_listens_on_one_port_of_loopback_and_flushes_every_message(folder: Path) -> None:
    async with EmbeddedNats(folder, SystemClock()) as service:
        port = int(service.url.rpartition(":")[2])
        assert listening_tcp_ports(service.pid) == {port}
        with socket.socket() as elsewhere:
            elsewhere.bind(("127.0.0.2", port))  # would be refused if the server listened on every address
        assert re.search(r"^\s+sync_interval: always$", (service.folder / "nats.conf").read_text(), re.MULTILINE)


@as_root
async def test_root_hands_it_to_an_account_without_any_right(folder: Path) -> None:
    async with EmbeddedNats(folder, SystemClock()) as service:
        assert account_of(service.pid) != 0
        # Implies: a right is given only where the program cannot be reached without it.
        assert needs_no_right(nats_server()) <= (effective_capabilities(service.pid) == 0)

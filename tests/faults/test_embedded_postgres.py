"""The embedded PostgreSQL under kills: what was committed stays, nothing stays running."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.support.processes import account_of, alive, effective_capabilities, listening_tcp_ports, needs_no_right
from tests.support.service_owner import service_owner
from tests.support.until import until

from cityhall_bms.adapters.embedded import EmbeddedPostgres, EmbeddedServiceError, FolderInUseError
from cityhall_bms.adapters.embedded.postgres import postgres_bin
from cityhall_bms.adapters.postgres.connection import OUTAGES, connect
from cityhall_bms.adapters.system_clock import SystemClock

pytestmark = pytest.mark.faults

WITHOUT_ROOT = (
    "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--securebits=+no_setuid_fixup", "--",
)  # fmt: skip
"""An ordinary account; it may only look through folders, because the test's Python may be in root's home."""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change accounts")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that every account can reach."""
    place = Path(tempfile.mkdtemp(prefix="cityhall-test-"))
    place.chmod(0o755)
    yield place / "data"
    shutil.rmtree(place)


async def ask(dsn: str, statement: str) -> Any:
    connection = await connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def until_it_answers(dsn: str) -> None:
    async with asyncio.timeout(30):
        while True:
            with suppress(*OUTAGES):
                await ask(dsn, "SELECT 1")
                return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A started service whose ``run`` is on."""
    async with EmbeddedPostgres(folder, SystemClock()) as service, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(service.run())
        yield service
        running.cancel()


async def test_what_was_committed_is_there_at_the_second_start(folder: Path) -> None:
    async with EmbeddedPostgres(folder, SystemClock()) as service:
        await ask(service.dsn, "CREATE TABLE kept AS SELECT 41 + 1 AS answer")
        pid = service.pid

    assert not alive(pid)
    async with EmbeddedPostgres(folder, SystemClock()) as service:
        assert await ask(service.dsn, "SELECT answer FROM kept") == 42


async def test_a_killed_postmaster_comes_back_with_all_that_was_committed(folder: Path) -> None:
    async with watched(folder) as service:
        await ask(service.dsn, "CREATE TABLE kept (number int)")
        for kills in (1, 2, 3):
            await ask(service.dsn, "INSERT INTO kept VALUES (1)")
            os.kill(service.pid, signal.SIGKILL)
            await until(lambda kills=kills: service.restarts == kills, 60)

        assert await ask(service.dsn, "SELECT count(*) FROM kept") == 3


async def test_a_killed_session_costs_no_restart_of_ours(folder: Path) -> None:
    async with watched(folder) as service:
        await ask(service.dsn, "CREATE TABLE kept AS SELECT 1 AS one")
        postmaster = service.pid
        connection = await connect(service.dsn)
        os.kill(connection.get_server_pid(), signal.SIGKILL)
        await until(connection.is_closed)
        await until_it_answers(service.dsn)

        assert await ask(service.dsn, "SELECT one FROM kept") == 1
        assert (service.pid, service.restarts) == (postmaster, 0)


async def test_it_dies_with_a_killed_owner_and_the_next_owner_finds_the_data(folder: Path) -> None:
    async with service_owner("postgres", folder) as owner:
        await ask(owner.address, "CREATE TABLE kept AS SELECT 1 AS one")
        await owner.kill()
        # At once, while the old server may still be ending.
        async with EmbeddedPostgres(folder, SystemClock()) as service:
            assert await ask(service.dsn, "SELECT one FROM kept") == 1
            assert not alive(owner.service_pid)


async def test_nothing_runs_after_the_owner_was_killed(folder: Path) -> None:
    async with service_owner("postgres", folder) as owner:
        session = await connect(owner.address)
        session_pid = session.get_server_pid()
        await owner.kill()
        await until(lambda: not alive(owner.service_pid) and not alive(session_pid))
        session.terminate()


async def test_a_second_owner_of_a_folder_is_refused_by_name_of_the_first(folder: Path) -> None:
    async with EmbeddedPostgres(folder, SystemClock()) as first:
        with pytest.raises(FolderInUseError, match=rf"in use by process {os.getpid()}\b"):
            await EmbeddedPostgres(folder, SystemClock()).start()

        assert await ask(first.dsn, "SELECT 1") == 1


async def test_it_is_reached_through_its_socket_only(folder: Path) -> None:
    async with EmbeddedPostgres(folder, SystemClock()) as service:
        assert listening_tcp_ports(service.pid) == set()
        assert service.socket_dir.stat().st_mode & 0o777 == 0o700
        assert await ask(service.dsn, "SHOW listen_addresses") == ""
    assert not service.socket_dir.exists()


async def test_what_is_confirmed_is_on_disk(folder: Path) -> None:
    async with EmbeddedPostgres(folder, SystemClock()) as service:
        names = ("fsync", "synchronous_commit", "full_page_writes")
        assert [await ask(service.dsn, f"SHOW {name}") for name in names] == ["on"] * 3


@as_root
async def test_root_hands_it_to_an_account_without_any_right(folder: Path) -> None:
    async with EmbeddedPostgres(folder, SystemClock()) as service:
        assert account_of(service.pid) != 0
        assert needs_no_right(postgres_bin()) <= (effective_capabilities(service.pid) == 0)


@as_root
async def test_root_may_keep_it_in_a_folder_that_only_root_can_enter(folder: Path) -> None:
    folder.parent.chmod(0o700)
    async with EmbeddedPostgres(folder, SystemClock()) as service:
        assert await ask(service.dsn, "SELECT 1") == 1
        assert effective_capabilities(service.pid).bit_count() == 1


@as_root
async def test_it_needs_no_root_and_root_can_take_over_and_give_back(folder: Path) -> None:
    os.chown(folder.parent, 65534, 65534)
    async with service_owner("postgres", folder, *WITHOUT_ROOT) as owner:
        assert owner.service_uid == 65534
        await ask(owner.address, "CREATE TABLE kept AS SELECT 1 AS one")
        await owner.kill()
        await until(lambda: not alive(owner.service_pid))
    async with EmbeddedPostgres(folder, SystemClock()) as service:
        assert await ask(service.dsn, "SELECT one FROM kept") == 1
    async with service_owner("postgres", folder, *WITHOUT_ROOT) as owner:
        assert await ask(owner.address, "SELECT one FROM kept") == 1


async def test_a_stale_pid_file_that_names_a_living_stranger_does_no_harm(folder: Path) -> None:
    async with EmbeddedPostgres(folder, SystemClock()) as service:
        pid_file = service.folder / "data" / "postmaster.pid"
        left_over = pid_file.read_text()
    stranger = await asyncio.create_subprocess_exec("sleep", "60", preexec_fn=_like_the_owner_of(service.folder))
    try:
        pid_file.write_text(left_over.replace(left_over.split("\n")[0], str(stranger.pid), 1))
        async with EmbeddedPostgres(folder, SystemClock()) as service:
            assert await ask(service.dsn, "SELECT 1") == 1
    finally:
        stranger.kill()
        await stranger.wait()


def _like_the_owner_of(folder: Path) -> Any:
    uid = folder.stat().st_uid
    return (lambda: os.setuid(uid)) if os.geteuid() == 0 else None


async def test_a_half_made_cluster_is_made_anew(folder: Path) -> None:
    half = folder / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    async with EmbeddedPostgres(folder, SystemClock()) as service:
        assert await ask(service.dsn, "SELECT 1") == 1
        assert not half.exists()


async def test_a_start_that_fails_shows_what_the_server_said_and_frees_the_folder(folder: Path) -> None:
    async with EmbeddedPostgres(folder, SystemClock()) as service:
        settings = service.folder / "data" / "postgresql.conf"
    good = settings.read_text()
    settings.write_text(good + "\nshared_bufers = 1GB\n")
    with pytest.raises(EmbeddedServiceError, match=r"(?s)embedded postgres ended.*shared_bufers"):
        await EmbeddedPostgres(folder, SystemClock()).start()

    settings.write_text(good)
    async with EmbeddedPostgres(folder, SystemClock()) as service:
        assert await ask(service.dsn, "SELECT 1") == 1


async def test_a_path_too_long_or_too_odd_for_a_socket_is_no_obstacle(folder: Path) -> None:
    odd = folder / ("很長的資料夾, " * 6)
    async with EmbeddedPostgres(odd, SystemClock()) as service:
        assert await ask(service.dsn, "SELECT 1") == 1
        assert len(str(service.socket_dir)) < 60
    assert not service.socket_dir.exists()


async def test_it_gives_up_when_it_cannot_be_brought_back(folder: Path) -> None:
    with pytest.RaisesGroup(
        pytest.RaisesExc(EmbeddedServiceError, match="died 9 times"), allow_unwrapped=True, flatten_subgroups=True
    ):
        async with asyncio.timeout(60), EmbeddedPostgres(folder, SystemClock()) as service:
            with (service.folder / "data" / "postgresql.conf").open("a") as settings:
                settings.write("\nshared_bufers = 1GB\n")
            os.kill(service.pid, signal.SIGKILL)
            await service.run()

"""Database servers for tests: one of each kind per test process, and an empty database per test.

A server belongs to the test process that first asked for it and dies with it, whatever happens to it. Its files are in
memory where there is room: a database is a thousand files, and making and deleting them on a disk took ten times as long
as most tests.
"""

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from cityhall_bms.adapters.embedded import EmbeddedPostgres
from cityhall_bms.adapters.postgres.connection import connect
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.system_clock import SystemClock

HERE = Path(__file__).parent
TIMESCALE_FOLDER = HERE.parents[1] / ".cache" / "timescale"
TIMESCALE_SETTINGS = """\
shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
timescaledb.max_background_workers = 0
"""
# Power is not cut in tests, and thousands of flushes cost minutes; a killed process loses nothing either way.
QUICK = "fsync = off\nfull_page_writes = off\nmax_wal_size = 256MB\n"
MEMORY = Path("/dev/shm")
ROOM_BYTES = 4 << 30
"""What must be free in memory: two servers in each of three test processes, with up to half a gigabyte each."""
NUMBERS = itertools.count(1)


class DatabaseServers:
    """The servers of one test process, started when first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._servers: dict[str, EmbeddedPostgres] = {}

    async def server(self, kind: str) -> EmbeddedPostgres:
        """Return the ``postgres`` or ``timescale`` server; skips the test (fails it in CI) without a TimescaleDB."""
        if kind not in self._servers:
            server = _new_server(kind, self._folder / kind)
            await server.start()
            await _make_templates(server, kind)
            self._servers[kind] = server
        return self._servers[kind]

    def empty_database(self, kind: str) -> AbstractAsyncContextManager[str]:
        """Yield the address of a new database with the present schema, which is dropped afterwards, in use or not."""
        return self._copied(kind, "migrated")

    def bare_database(self, kind: str) -> AbstractAsyncContextManager[str]:
        """Yield that of one without a schema, for tests of how it comes by one."""
        return self._copied(kind, "bare")

    @asynccontextmanager
    async def _copied(self, kind: str, template: str) -> AsyncIterator[str]:
        server = await self.server(kind)
        name = f"test_{next(NUMBERS)}"
        await _execute(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield server.dsn_of(name)
        finally:
            await _execute(server, f"DROP DATABASE {name} WITH (FORCE)")

    async def stop(self) -> None:
        for server in self._servers.values():
            await server.stop()


@asynccontextmanager
async def database_servers() -> AsyncIterator[DatabaseServers]:
    """Yield the servers of this process, in a short temporary folder; both are gone afterwards."""
    folder = _readable_folder()
    servers = DatabaseServers(folder)
    try:
        yield servers
    finally:
        await servers.stop()
        shutil.rmtree(folder)


async def _make_templates(server: EmbeddedPostgres, kind: str) -> None:
    """A database as PostgreSQL makes it, and one with our schema: what is made once need not be made per test."""
    await _execute(server, "CREATE DATABASE bare")
    if kind == "timescale":
        await _execute(server, "CREATE EXTENSION timescaledb", "bare")
    await _execute(server, "CREATE DATABASE migrated TEMPLATE bare")
    await migrate(server.dsn_of("migrated"))
    for name in ("bare", "migrated"):
        await _execute(server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")


def _readable_folder() -> Path:
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM_BYTES
    folder = Path(tempfile.mkdtemp(prefix="cityhall-test-", dir=MEMORY if roomy else None))
    folder.chmod(0o755)  # PostgreSQL runs under another account when we are root
    return folder


async def _execute(server: EmbeddedPostgres, statement: str, database: str = "postgres") -> None:
    connection = await connect(server.dsn_of(database))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _new_server(kind: str, folder: Path) -> EmbeddedPostgres:
    if kind == "postgres":
        return EmbeddedPostgres(folder, SystemClock(), settings=QUICK)
    return EmbeddedPostgres(folder, SystemClock(), programs=timescale_programs(), settings=QUICK + TIMESCALE_SETTINGS)


def timescale_programs() -> Path:
    """Return the programs of a PostgreSQL with TimescaleDB, fetched the first time."""
    fetched = subprocess.run(
        [str(HERE / "timescale" / "fetch.sh"), str(TIMESCALE_FOLDER)], capture_output=True, text=True, check=False
    )
    if fetched.returncode != 0:
        reason = f"no TimescaleDB: {fetched.stderr.strip()[-500:]}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return Path(fetched.stdout.splitlines()[-1])

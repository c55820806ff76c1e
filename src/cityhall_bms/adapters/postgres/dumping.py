"""Copies of a whole database: made and loaded by PostgreSQL's own programs."""

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from cityhall_bms.adapters.embedded.errors import EmbeddedServiceError
from cityhall_bms.adapters.embedded.postgres import postgres_bin
from cityhall_bms.adapters.postgres.connection import connect, translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import CityHallError, EventLogUnavailableError, RefusedError

QUERIES: Final = load("dumping.sql")
SERVICE: Final = "cityhall"
JOBS: Final = "2"
PLAIN: Final = ("--no-owner", "--no-privileges")
TABLE_DONE: Final = re.compile(rb"(dumping contents of table|processing data for table)")
OnTable = Callable[[int, int], None]
"""Hears how many tables of how many are begun."""


class DumpError(CityHallError):
    """A program of PostgreSQL failed; the text has its last words."""


async def dump(dsn: str, snapshot: str, folder: Path, on_table: OnTable, programs: Path | None = None) -> None:
    """Write everything that a snapshot sees into a new folder (``pg_dump`` in the directory format)."""
    count = await tables(dsn)
    arguments = ["--format=directory", f"--jobs={JOBS}", f"--snapshot={snapshot}", f"--file={folder}", *PLAIN]
    await _run("pg_dump", dsn, arguments, lambda done: on_table(min(done, count), count), programs)


async def restore(dsn: str, folder: Path, on_table: OnTable, programs: Path | None = None) -> None:
    """Load such a folder into an empty database; :class:`RefusedError` if it is not empty.

    Nothing is undone on a failure: whoever restores does so beside, and takes the database into use at the end.
    """
    count = await tables(dsn)
    if count:
        msg = f"the database is not empty (it has {count} tables): name an empty one"
        raise RefusedError(msg)
    timescale = (folder / "timescale").exists()
    if timescale:
        await _execute(dsn, "begin_timescale")
    total = int((folder / "tables").read_text(encoding="utf-8"))
    # TimescaleDB's own tables must be there before those that hang on them: one after the other.
    jobs = "1" if timescale else JOBS
    arguments = ["--format=directory", f"--jobs={jobs}", "--exit-on-error", *PLAIN, str(folder / "dump")]
    await _run("pg_restore", dsn, arguments, lambda done: on_table(min(done, total), total), programs)
    if timescale:
        await _execute(dsn, "end_timescale")


async def tables(dsn: str) -> int:
    """How many tables a database has of its own."""
    with translated(EventLogUnavailableError):
        connection = await connect(dsn)
        try:
            count: int = await connection.fetchval(QUERIES["tables"])
        finally:
            connection.terminate()
    return count


async def _execute(dsn: str, name: str) -> None:
    with translated(EventLogUnavailableError):
        connection = await connect(dsn, command_timeout_s=None)
        try:
            await connection.execute(QUERIES[name])
        except asyncpg.PostgresError as error:
            msg = f"TimescaleDB: {error}"
            raise DumpError(msg) from error
        finally:
            connection.terminate()


def find_program(name: str, programs: Path | None = None) -> Path:
    """A program of PostgreSQL: in the folder named, in the wheel, on the path; :class:`RefusedError` if nowhere."""
    try:
        found = (programs or postgres_bin()) / name
    except EmbeddedServiceError:
        found = Path(shutil.which(name) or name)
    if not found.is_file():
        msg = f"{name} is not installed: install cityhall-bms[embedded], or PostgreSQL's client programs"
        raise RefusedError(msg)
    return found


async def _run(
    name: str, dsn: str, arguments: Sequence[str], on_table: Callable[[int], None], programs: Path | None
) -> None:
    program = find_program(name, programs)
    async with _service(dsn) as environment:
        process = await asyncio.create_subprocess_exec(
            program,
            f"--dbname=service={SERVICE}",
            "--verbose",
            *arguments,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
        )
        try:
            last = await _follow(process, on_table)
            if await process.wait():
                msg = f"{name} failed: {last.decode(errors='replace').strip()}"
                raise DumpError(msg)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _follow(process: asyncio.subprocess.Process, on_table: Callable[[int], None]) -> bytes:
    """Count the tables in what the program says; gives its last words."""
    last, done = b"", 0
    assert process.stderr is not None  # noqa: S101 - asked for above
    async for line in process.stderr:
        if TABLE_DONE.search(line):
            done += 1
            on_table(done)
        last = line
    return last


@asynccontextmanager
async def _service(dsn: str) -> AsyncIterator[Mapping[str, str]]:
    """Environment in which the programs find the database: nothing secret is in their arguments."""
    with tempfile.TemporaryDirectory(prefix="cityhall-pg-") as name:
        file = Path(name) / "service.conf"
        file.touch(mode=0o600)
        lines = "".join(f"{key}={value}\n" for key, value in parts_of(dsn).items())
        file.write_text(f"[{SERVICE}]\n{lines}", encoding="utf-8")
        yield {"PATH": os.defpath, "PGSERVICEFILE": str(file), "LC_ALL": "C"}


def parts_of(dsn: str) -> dict[str, str]:
    """Keywords of libpq for an address; a socket's folder is its ``host``."""
    url = urlsplit(dsn)
    parts = {
        "host": url.hostname or "",
        "port": str(url.port or ""),
        "user": unquote(url.username or ""),
        "password": unquote(url.password or ""),
        "dbname": unquote(url.path.lstrip("/")),
    }
    parts |= {key: values[-1] for key, values in parse_qs(url.query).items()}
    return {key: value for key, value in parts.items() if value}

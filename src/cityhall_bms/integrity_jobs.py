"""``cityhall-bms verify``: checks the record beside the service, or alone; it changes nothing."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cityhall_bms import beside
from cityhall_bms.adapters.postgres.connection import connect, translated
from cityhall_bms.adapters.postgres.history_copy import TIME_MAX_US, TIME_MIN_US
from cityhall_bms.adapters.postgres.verify_chains import check_chains, check_sets
from cityhall_bms.adapters.postgres.verify_log import check_days, check_events, signed_days
from cityhall_bms.adapters.postgres.verify_samples import check_samples
from cityhall_bms.adapters.seal_files import Copy, read_copies
from cityhall_bms.adapters.signing import key_ring
from cityhall_bms.adapters.verify_text import PARTS, render
from cityhall_bms.domain.errors import CityHallError, HistoryUnavailableError, RefusedError
from cityhall_bms.domain.verification import Checked, Part
from cityhall_bms.historian.intervals import local_time_us
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.history import Window
from cityhall_bms.settings import Settings
from cityhall_bms.supervisor import until_stopped

UTC: Final = "UTC"
OnProgress = Callable[[Part, int, int], None]


class RecordWrongError(CityHallError):
    """The record is not what was recorded; the text says where."""


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """What to check. Times are ISO 8601, the building's if bare; empty = without bound.

    ``seals`` is a folder of copies of signed days, ``keys`` one of public keys beside those of the settings.
    """

    begin: str = ""
    end: str = ""
    seals: Path | None = None
    keys: Path | None = None


@dataclass(frozen=True, slots=True)
class VerifyJob:
    """A check of the record that the settings name; ``on_end`` hears what was found, for people."""

    settings: Settings
    asked: VerifyRequest
    on_progress: OnProgress
    on_end: Callable[[str], None]


async def verify_record(job: VerifyJob, clock: Clock) -> None:
    """Check until done, SIGTERM or Ctrl-C; :class:`RecordWrongError` when anything is wrong."""
    await until_stopped(_verify(job, clock))


async def _verify(job: VerifyJob, clock: Clock) -> None:
    copies = read_copies(job.asked.seals) if job.asked.seals else {}
    keys = dict(key_ring(job.settings.key_folder)) | (dict(key_ring(job.asked.keys)) if job.asked.keys else {})
    keys |= {copy.seal.key: copy.public_pem for copy in copies.values()}
    async with beside.database(job.settings, clock) as settings, _reading(settings.database.url) as connection:
        zone = ZoneInfo(await connection.fetchval("SELECT time_zone FROM rollup_state") or UTC)
        window = _window(job.asked, zone)
        found = await check_record(connection, window, keys, copies, job.on_progress)
    job.on_end(render(found, zone))
    if any(checked.fault for checked in found):
        msg = "紀錄有誤，見上 / the record is wrong, see above"
        raise RecordWrongError(msg)


async def check_record(
    connection: asyncpg.Connection,
    window: Window,
    keys: Mapping[str, str],
    copies: Mapping[str, Copy],
    on_progress: OnProgress = lambda _part, _done, _total: None,
) -> list[Checked]:
    """Check every part of the record, each to its first fault; those that go by time within a window (µs UTC)."""

    def told(part: Part) -> Callable[[int, int], None]:
        return lambda done, total: on_progress(part, done, total)

    since = window.start if window.start > TIME_MIN_US else None
    until = window.end if window.end < TIME_MAX_US else None
    numbers: dict[str, int] = {}
    if since is not None:
        before = [day for day in (await signed_days(connection))[0] if day.sealed_at < since]
        numbers = {source: head[0] for source, head in before[-1].chains.items()} if before else {}
    with translated(HistoryUnavailableError):
        return [
            await check_events(connection, since, until, told(Part.EVENTS)),
            await check_days(connection, keys, copies, told(Part.DAYS)),
            await check_chains(connection, numbers, told(Part.CHAINS)),
            await check_sets(connection, told(Part.SETS)),
            await check_samples(connection, window, told(Part.SAMPLES)),
        ]


@asynccontextmanager
async def _reading(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    with translated(HistoryUnavailableError):
        connection = await connect(dsn, command_timeout_s=None)
        try:
            await connection.execute("SET default_transaction_read_only = on")
            yield connection
        finally:
            connection.terminate()


def _window(asked: VerifyRequest, zone: ZoneInfo) -> Window:
    begin = local_time_us(asked.begin, zone) if asked.begin else TIME_MIN_US
    end = local_time_us(asked.end, zone) if asked.end else TIME_MAX_US
    if end <= begin:
        msg = f"--until {asked.end} is not later than --from {asked.begin}"
        raise RefusedError(msg)
    return Window(begin, end)


@contextmanager
def part_bars() -> Iterator[OnProgress]:
    """A bar on stderr for every part of the record; nothing where no person looks."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks = {part: bars.add_task(" ".join(words), total=None) for part, words in PARTS.items()}
        yield lambda part, done, total: bars.update(tasks[part], completed=done, total=total)

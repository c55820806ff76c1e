"""``cityhall-bms verify``: checks the record beside the service, or alone; it changes nothing."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

import asyncpg
from rich import progress as bar
from rich.console import Console

from cityhall_bms import beside
from cityhall_bms.adapters.postgres.connection import connect, translated
from cityhall_bms.adapters.postgres.history_copy import TIME_MAX_US, TIME_MIN_US
from cityhall_bms.adapters.postgres.verify_chains import check_chains, check_sets
from cityhall_bms.adapters.postgres.verify_figures import check_restatements
from cityhall_bms.adapters.postgres.verify_log import Progress, check_days, check_events, signed_days
from cityhall_bms.adapters.postgres.verify_rollups import check_rollups
from cityhall_bms.adapters.postgres.verify_samples import check_samples
from cityhall_bms.adapters.seal_files import Copy, read_copies
from cityhall_bms.adapters.signing import key_ring
from cityhall_bms.adapters.verify_text import PARTS, render
from cityhall_bms.domain.errors import CityHallError, HistoryUnavailableError, RefusedError
from cityhall_bms.domain.verification import Checked, Part
from cityhall_bms.historian.intervals import DAY_US, local_time_us
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.history import Window
from cityhall_bms.settings import RetentionSettings, Settings
from cityhall_bms.supervisor import until_stopped

UTC: Final = "UTC"
OnProgress = Callable[[Part, int, int], None]


class RecordWrongError(CityHallError):
    """The record is not what was recorded; the text says where."""


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """What to check. Times are ISO 8601, the building's if bare; empty = without bound.

    ``rollups`` asks for every figure instead of some; ``seals`` is a folder of copies of signed days, ``keys`` one of
    public keys beside those of the settings.
    """

    begin: str = ""
    end: str = ""
    rollups: bool = False
    seals: Path | None = None
    keys: Path | None = None


@dataclass(frozen=True, slots=True)
class VerifyJob:
    """A check of the record that the settings name; ``on_end`` hears what was found, for people."""

    settings: Settings
    asked: VerifyRequest
    on_progress: OnProgress
    on_end: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trusted:
    """Public keys by their ids, and copies of signed days by day."""

    keys: Mapping[str, str]
    copies: Mapping[str, Copy]


async def verify_record(job: VerifyJob, clock: Clock) -> None:
    """Check until done, SIGTERM or Ctrl-C; :class:`RecordWrongError` when anything is wrong."""
    await until_stopped(_verify(job, clock))


async def _verify(job: VerifyJob, clock: Clock) -> None:
    beside.require_database(job.settings)
    copies = read_copies(job.asked.seals) if job.asked.seals else {}
    keys = dict(key_ring(job.settings.key_folder)) | (dict(key_ring(job.asked.keys)) if job.asked.keys else {})
    keys |= {copy.seal.key: copy.public_pem for copy in copies.values()}
    async with beside.database(job.settings, clock) as settings, _reading(settings.database.url) as connection:
        if await connection.fetchval("SELECT to_regclass('batch_seal')") is None:
            msg = "this database holds no record that could be checked: start the service once, so that it is migrated"
            raise RefusedError(msg)
        zone = ZoneInfo(await connection.fetchval("SELECT time_zone FROM rollup_state") or UTC)
        window = _window(job.asked, zone)
        trusted = Trusted(keys, copies)
        found = await check_record(
            connection,
            window,
            trusted,
            job.on_progress,
            every_rollup=job.asked.rollups,
            kept_since=_kept_since(settings.retention, clock.now()),
        )
    job.on_end(render(found, zone))
    if any(checked.fault for checked in found):
        msg = "紀錄有誤，見上 / the record is wrong, see above"
        raise RecordWrongError(msg)


async def check_record(
    connection: asyncpg.Connection,
    window: Window,
    trusted: Trusted,
    on_progress: OnProgress = lambda _part, _done, _total: None,
    *,
    every_rollup: bool = False,
    parts: Collection[Part] = tuple(Part),
    kept_since: Mapping[str, int] = MappingProxyType({}),
) -> list[Checked]:
    """Check parts of the record, each to its first fault; those that go by time within a window (µs UTC).

    ``kept_since``: since when there must be rollups of a level.
    """
    since = window.start if window.start > TIME_MIN_US else None
    until = window.end if window.end < TIME_MAX_US else None

    def told(part: Part) -> Callable[[int, int], None]:
        return lambda done, total: on_progress(part, done, total)

    with translated(HistoryUnavailableError):
        numbers = await _sealed_before(connection, since) if since is not None else {}
        checks: dict[Part, Callable[[Progress], Awaitable[Checked]]] = {
            Part.EVENTS: lambda told: check_events(connection, since, until, told),
            Part.DAYS: lambda told: check_days(connection, trusted.keys, trusted.copies, told),
            Part.CHAINS: lambda told: check_chains(connection, numbers, told),
            Part.SETS: lambda told: check_sets(connection, told),
            Part.SAMPLES: lambda told: check_samples(connection, window, told),
            Part.ROLLUPS: lambda told: check_rollups(
                connection, window, told, every_hour=every_rollup, kept_since=kept_since
            ),
            Part.RESTATEMENTS: lambda told: check_restatements(connection, told),
        }
        return [await check(told(part)) for part, check in checks.items() if part in parts]


def _kept_since(retention: RetentionSettings, now: int) -> dict[str, int]:
    """Since when there must be rollups of a level; a day later than it is let go of, which is done by and by."""
    days = {"1m": retention.minutes_days, "15m": retention.quarters_days}
    return {level: (now // DAY_US - kept + 1) * DAY_US for level, kept in days.items() if kept}


async def _sealed_before(connection: asyncpg.Connection, time: int) -> dict[str, int]:
    """Number of the newest seal of every chain that was signed before a time."""
    days, _ = await signed_days(connection)
    before = [day for day in days if day.sealed_at < time]
    return {source: head[0] for source, head in before[-1].chains.items()} if before else {}


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
        bar.TextColumn("{task.description}"),
        bar.BarColumn(),
        bar.MofNCompleteColumn(),
        bar.TimeElapsedColumn(),
        bar.TimeRemainingColumn(),
    )
    with bar.Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks = {part: bars.add_task(" ".join(words), total=None) for part, words in PARTS.items()}
        yield lambda part, done, total: bars.update(tasks[part], completed=done, total=total)

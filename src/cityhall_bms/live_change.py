"""A changed site folder is taken into service while everything runs: SIGHUP, and the command that sends it."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import structlog

from cityhall_bms import bootstrap, site_reading
from cityhall_bms.adapters.embedded.child import Child
from cityhall_bms.adapters.embedded.folder_lock import holder_of
from cityhall_bms.adapters.embedded.postgres import EmbeddedPostgres
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.site_diff import STREAM, parts
from cityhall_bms.answering import answers
from cityhall_bms.domain.errors import CityHallError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.settings import Settings

APPLIED_WITHIN_S: Final = 60.0
ANSWERS_WITHIN_S: Final = 5.0
"""It answers again so soon after it took another site folder."""
POLL_S: Final = 0.2
EVENTS_PER_PAGE: Final = 1000
COLLECTOR: Final = "collector"

log = structlog.get_logger(__name__)


class NotAppliedError(CityHallError):
    """The running service did not take the site folder; the text says why."""


class Worker:
    """One worker process by its roles; ``child`` is the one that runs now."""

    def __init__(self, roles: Sequence[str]) -> None:
        self.roles = tuple(roles)
        self.child: Child | None = None
        self.wanted_end = False
        """Whether its end is our own doing: then it is started again without a word."""


def asked_by_signal() -> asyncio.Event:
    """Set at every SIGHUP from now on; one that comes while the service still starts would end it otherwise."""
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
    return asked


async def apply_when_asked(
    asked: asyncio.Event, folder: Path, settings: Settings, workers: Sequence[Worker], clock: Clock
) -> None:
    """Each time check the site folder and take it into service; with mistakes nothing changes. For ever."""
    while True:
        await asked.wait()
        asked.clear()
        try:
            await bootstrap.prepare(folder, settings, clock)
        except CityHallError as error:
            log.warning("the site folder is not applied; nothing changes", folder=str(folder), reason=str(error))
        else:
            _tell(workers)


def _tell(workers: Sequence[Worker]) -> None:
    """Collectors change in place; the others begin anew, which their streams survive by design."""
    for worker in workers:
        if worker.child is None:
            continue
        alone = worker.roles == (COLLECTOR,)
        worker.wanted_end = not alone
        worker.child.signal(signal.SIGHUP if alone else signal.SIGTERM)


async def apply(folder: Path, settings: Settings, clock: Clock) -> dict[str, Any] | None:
    """Have the service of a data folder take a checked site folder; give the event, none when nothing differs.

    :class:`NotAppliedError` when no service runs there, it is not ready, or does not say within a minute that it did.
    """
    site = site_reading.read_site(folder)
    pid = holder_of(settings.data_dir / "service.lock")
    if pid is None:
        msg = f"no service runs with the data directory {settings.data_dir}: start one, or name it with --data-dir"
        raise NotAppliedError(msg)
    deadline_s = clock.monotonic() + ANSWERS_WITHIN_S
    while not (is_up := await answers(settings.api)) and clock.monotonic() < deadline_s:
        await clock.sleep(POLL_S)
    if not is_up:
        # Not signalled: it may be an import, or a service that is still starting, and would end.
        where = f"{settings.api.host}:{settings.api.port}"
        msg = f"process {pid} has {settings.data_dir} and does not answer at {where}"
        raise NotAppliedError(msg)
    dsn = settings.database.url or EmbeddedPostgres(settings.data_dir, clock).dsn
    async with PostgresEventLog(dsn, clock) as events:
        before = await _last_applied(events)
        if before is not None and before.payload["fingerprint"] == parts(site).fingerprint:
            return None
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGHUP)
        deadline_s = clock.monotonic() + APPLIED_WITHIN_S
        while clock.monotonic() < deadline_s:
            await clock.sleep(POLL_S)
            last = await _last_applied(events, before)
            if last is not None:
                return last.payload
    msg = f"process {pid} has not applied {folder} within {APPLIED_WITHIN_S:.0f} s: its log says why"
    raise NotAppliedError(msg)


async def _last_applied(events: EventLog, before: StoredEvent | None = None) -> StoredEvent | None:
    """The newest ``SiteApplied`` after one that is known; none where nothing was applied since."""
    last, after = None, 0 if before is None else before.position
    while items := await events.read(after, EVENTS_PER_PAGE, STREAM):
        last, after = items[-1], items[-1].position
    return last


def summary(payload: dict[str, Any], say: Callable[[str], None]) -> None:
    """Say what an applied site folder changed."""
    for key, zh in (("points_added", "新增點位"), ("points_changed", "變更點位"), ("points_removed", "移除點位")):
        say(f"{zh} {key.replace('_', ' ')}: {len(payload[key])}")
    say(f"異動設備 devices added, changed or removed: {' '.join(payload['devices']) or '-'}")

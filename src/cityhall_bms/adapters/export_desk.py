"""Where exports are asked for and collected, and what makes the jobs one after the other."""

import asyncio
import secrets
import shutil
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from signal import SIGTERM
from typing import Any, Final

import structlog

from cityhall_bms.adapters.embedded.child import Child, ChildPlan, StopStep, start_child
from cityhall_bms.adapters.export_files.making import path_of, require_library
from cityhall_bms.adapters.export_files.sink import ExportFileError
from cityhall_bms.adapters.postgres.export_store import PostgresExportStore
from cityhall_bms.domain.errors import CityHallError, RefusedError
from cityhall_bms.exports.query import EPOCH, checked
from cityhall_bms.exports.recording import ExportRecorder
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.exports import Export, ExportKind, ExportQuery, ExportState

DAY_US: Final = 86_400_000_000
LOOK_EVERY_S: Final = 60.0
AGAIN_AFTER_S: Final = 5.0
TRIES_MAX: Final = 5
BUSY: Final = 75
"""Exit status of a maker that found another one at work."""
STOP_STEPS: Final = (StopStep(SIGTERM, 5.0),)

log = structlog.get_logger(__name__)


class ExportOffice:
    """See :class:`~cityhall_bms.ports.exports.ExportDesk`; ``context`` is what is in force at the site."""

    def __init__(self, store: PostgresExportStore, folder: Path, clock: Clock, context: Mapping[str, Any]) -> None:
        self._store = store
        self._folder = folder
        self._clock = clock
        self._context = context
        self.asked = asyncio.Event()
        """Set when there is something to do for who makes the jobs."""

    def new(self, query: ExportQuery, kind: ExportKind, actor: str) -> Export:
        """Give an export its identity; ``RefusedError`` when none such is made, ``MissingLibraryError`` here."""
        now = self._clock.now()
        require_library(query.format)
        identity = f"{EPOCH + timedelta(microseconds=now):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        return Export(identity, kind, actor, now, checked(query, now), self._context)

    async def ask(self, export: Export) -> None:
        """Have a job made."""
        await self._store.begin(export)
        self.asked.set()

    async def get(self, identity: str) -> Export:
        """One export; ``NotFoundError``."""
        return await self._store.get(identity)

    async def page(self, limit: int, before: str | None) -> list[Export]:
        """Exports, the newest first, those before a given one."""
        return await self._store.page(limit, before)

    def file_of(self, export: Export) -> Path:
        """Where the file of a job lies when it is done."""
        return path_of(self._folder, export)

    async def withdraw(self, identity: str) -> Export:
        """Cancel a job, or remove its file; ``NotFoundError``, and ``RefusedError`` for what is no job."""
        export = await self._store.get(identity)
        if export.kind is not ExportKind.JOB:
            msg = f"export {identity} is no job: its file is where it was sent"
            raise RefusedError(msg)
        if export.state is ExportState.DONE:
            await self._store.remove(identity)
        else:
            await self._store.end(identity, ExportState.CANCELLED, self._clock.now())
        if export.state is not ExportState.RUNNING:
            await discard(self._folder, export)
        return await self._store.get(identity)


async def discard(folder: Path, export: Export) -> None:
    """Remove the files of an export, if there are any."""
    await asyncio.to_thread(shutil.rmtree, folder / export.id, ignore_errors=True)


class ExportRunner:
    """Makes jobs, one at a time, each in a process of its own: the API must not wait while a workbook is written.

    A job that was cut off, with us or without, is taken up again; a file that is too old goes.
    """

    def __init__(
        self, office: ExportOffice, store: PostgresExportStore, recorder: ExportRecorder, clock: Clock
    ) -> None:
        self._office = office
        self._store = store
        self._recorder = recorder
        self._clock = clock
        self._tries: dict[str, int] = {}

    async def run(self, folder: Path, environment: Mapping[str, str], keep_days: int) -> None:
        """Make what is asked for, for ever; ``environment`` tells a maker the settings."""
        while True:
            self._office.asked.clear()
            try:
                await self._tidy_up(folder, keep_days)
                if not await self._next(folder, environment):
                    await self._wait()
            except CityHallError as error:
                log.warning("exports wait", reason=str(error))
                await self._clock.sleep(AGAIN_AFTER_S)

    async def _tidy_up(self, folder: Path, keep_days: int) -> None:
        now = self._clock.now()
        for export in await self._store.with_file(now - keep_days * DAY_US):
            await self._store.remove(export.id)
            await discard(folder, export)
        for export in await self._store.cut_off(now - DAY_US):
            await self._recorder.fail(export, "the process that sent it ended")

    async def _next(self, folder: Path, environment: Mapping[str, str]) -> bool:
        """Make one job; false when there is none to make now."""
        jobs = await self._store.open_jobs()
        if not jobs:
            return False
        code = await self._made(jobs[0], environment)
        if code == BUSY:
            return False
        if code:
            await self._failed(jobs[0], code)
            await self._clock.sleep(AGAIN_AFTER_S)
        await self._tidy(folder, jobs[0])
        return True

    async def _made(self, export: Export, environment: Mapping[str, str]) -> int:
        """Exit status of a process that makes it."""
        child: Child = await start_child(
            ChildPlan(
                arguments=(sys.executable, "-m", "cityhall_bms", "make-export", export.id),
                cwd=Path.cwd(),
                log=None,
                death_signal=SIGTERM,
                environment=environment,
            )
        )
        try:
            return await child.wait()
        finally:
            await child.stop(STOP_STEPS)

    async def _failed(self, export: Export, code: int) -> None:
        tries = self._tries[export.id] = self._tries.get(export.id, 0) + 1
        log.warning("the process that makes an export ended", export=export.id, exit_code=code, tries=tries)
        if tries == TRIES_MAX:
            await self._recorder.fail(export, f"it could not be made in {tries} tries; the service's log says why")

    async def _tidy(self, folder: Path, export: Export) -> None:
        """What was not made to its end leaves no file."""
        export = await self._store.get(export.id)
        if export.state in {ExportState.FAILED, ExportState.CANCELLED, ExportState.REMOVED}:
            await discard(folder, export)

    async def _wait(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(self._office.asked.wait())
            late = tasks.create_task(self._clock.sleep(LOOK_EVERY_S))
            await asyncio.wait([asked, late], return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            late.cancel()


def make_folder(folder: Path) -> None:
    """Have the folder of exports; :class:`ExportFileError` when it cannot be had."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{folder} cannot be made: {error.strerror or error}"
        raise ExportFileError(msg) from error

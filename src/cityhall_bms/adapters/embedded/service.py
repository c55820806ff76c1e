"""One embedded service: started once ready, watched, started again when it dies, stopped within a deadline."""

import os
import shutil
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Final, NoReturn, Self

import structlog

from cityhall_bms.adapters.embedded.accounts import Account, account_for, make_folder
from cityhall_bms.adapters.embedded.child import Child, ChildPlan, StopStep, start_child
from cityhall_bms.adapters.embedded.errors import EmbeddedServiceError
from cityhall_bms.adapters.embedded.folder_lock import FolderLock, last_lines, lock_for_child
from cityhall_bms.ports.clock import Clock

LOG: Final = structlog.get_logger(__name__)

ORPHAN_PATIENCE_S: Final = 30.0
POLL_S: Final = 0.02
POLL_MAX_S: Final = 0.5
LOG_CHECK_INTERVAL_S: Final = 10.0
LOG_BYTES_MAX: Final = 8 * 2**20
LOG_BYTES_KEPT: Final = 2**20
DEATHS_WINDOW_S: Final = 60.0
DEATHS_MAX: Final = 8
RESTART_DELAY_MAX_S: Final = 5.0
ROOM_BYTES_MIN: Final = 32 * 2**20
"""Free space without which nothing is started (again): it would only fail once more."""
ROOM_LOOK_S: Final = 5.0


def restart_delay_s(deaths: int) -> float:
    """Seconds to wait after the n-th death within the window: 0 after the first, then 0.1 doubling up to the most."""
    return 0.0 if deaths <= 1 else min(0.1 * 2.0 ** (deaths - 2), RESTART_DELAY_MAX_S)


class EmbeddedService(ABC):
    """A service in ``data_dir/NAME``, with its log and its locks beside that folder.

    Use as an async context manager, and run :meth:`run` in a task group inside of it.
    """

    name: ClassVar[str]
    stop_steps: ClassVar[tuple[StopStep, ...]]

    def __init__(self, data_dir: Path, clock: Clock) -> None:
        self._data_dir = data_dir.resolve()
        self._clock = clock
        self._lock = FolderLock(self._data_dir / f"{self.name}.lock")
        self._child: Child | None = None
        self._account: Account | None = None
        self.folder: Final = self._data_dir / self.name
        self.log_file: Final = self._data_dir / f"{self.name}.log"
        self.restarts = 0
        """How often it was started again after it had died."""

    @property
    def pid(self) -> int:
        """Process id of the running service; 0 = not running."""
        return self._child.pid if self._child is not None and self._child.exit_code is None else 0

    async def start(self) -> None:
        """Return when clients can work with it.

        :class:`FolderInUseError` if another process of ours has the folder, :class:`EmbeddedServiceError` with the
        last lines of its log if it does not come up.
        """
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True)
            self._lock.take()
        except OSError as error:
            msg = f"{error}; start as the account that owns {self._data_dir}, or choose another data directory"
            raise EmbeddedServiceError(msg) from error
        try:
            self._account = account_for(self.folder)
            make_folder(self.folder, self._account)
            await self._launch()
        except OSError as error:
            await self.stop()
            msg = f"embedded {self.name} cannot start: {error}"
            raise EmbeddedServiceError(msg) from error
        except BaseException:
            await self.stop()
            raise

    async def run(self) -> None:
        """Watch it until cancelled, and start it again when it dies.

        :class:`EmbeddedServiceError` when it died too often to be worth another try.
        """
        deaths: list[float] = []
        while (child := self._child) is not None:
            self._trim_log()
            if self._is_stuck() and self.has_room():
                LOG.warning("embedded service is started again after its disk was full", service=self.name)
                await child.stop(self.stop_steps)
            if await child.ended_within(LOG_CHECK_INTERVAL_S) and self._child is child:
                LOG.warning("embedded service died", service=self.name, exit_code=child.exit_code)
                await self._bring_back(deaths)

    async def stop(self) -> None:
        """End it and release the folder; harmless when it does not run."""
        child, self._child = self._child, None
        try:
            if child is not None:
                await child.stop(self.stop_steps)
        finally:
            self._clean_up()
            self._lock.release()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @abstractmethod
    async def _prepare(self, lock: int) -> None:
        """Make what the service needs before it starts (files, settings); safe to repeat.

        ``lock`` is for children that this takes.
        """

    @abstractmethod
    def _command(self) -> tuple[str, ...]:
        """Program and arguments."""

    @abstractmethod
    async def _is_ready(self) -> bool:
        """Try a client's first step."""

    @abstractmethod
    def _clean_up(self) -> None:
        """Remove what must not stay after the end."""

    @property
    @abstractmethod
    def _start_patience_s(self) -> float:
        """How long it may take to become ready while it lives."""

    def _plan(self, arguments: tuple[str, ...], lock: int) -> ChildPlan:
        return ChildPlan(arguments, self.folder, self.log_file, self.stop_steps[0].number, self._account, (lock,))

    async def _launch(self) -> None:
        lock = await lock_for_child(self._data_dir / f"{self.name}.child.lock", self._clock, ORPHAN_PATIENCE_S)
        try:
            await self._prepare(lock)
            self._child = await start_child(self._plan(self._command(), lock))
        finally:
            os.close(lock)  # the child has its own
        await self._until_ready(self._child)

    async def _until_ready(self, child: Child) -> None:
        deadline = self._clock.monotonic() + self._start_patience_s
        pause_s = POLL_S
        while not await self._is_ready():
            if child.exit_code is not None:
                self._fail(f"ended with code {child.exit_code}")
            if self._clock.monotonic() > deadline:
                self._fail(f"was not ready after {self._start_patience_s:.0f} s")
            await self._clock.sleep(pause_s)
            pause_s = min(pause_s * 1.5, POLL_MAX_S)

    def has_room(self) -> bool:
        """Whether its disk has room to work with."""
        return shutil.disk_usage(self.folder).free >= ROOM_BYTES_MIN

    def _is_stuck(self) -> bool:
        """Whether it lives and will not work again by itself."""
        return False

    async def _until_room(self, deaths: list[float]) -> None:
        """A full disk is no reason to give up: everything else goes on, and this waits."""
        if self.has_room():
            return
        LOG.error("disk full: embedded service waits for room", service=self.name, folder=str(self.folder))
        while not self.has_room():
            await self._clock.sleep(ROOM_LOOK_S)
        deaths.clear()

    async def _bring_back(self, deaths: list[float]) -> None:
        """Try until it is ready again; ``deaths`` remembers across calls when it died."""
        while self._child is not None:
            await self._until_room(deaths)
            now = self._clock.monotonic()
            deaths[:] = [death for death in deaths if death > now - DEATHS_WINDOW_S] + [now]
            if len(deaths) > DEATHS_MAX:
                self._fail(f"died {len(deaths)} times within {DEATHS_WINDOW_S:.0f} s")
            await self._clock.sleep(restart_delay_s(len(deaths)))
            try:
                await self._launch()
            except EmbeddedServiceError as error:
                LOG.warning("embedded service did not start", service=self.name, reason=str(error))
                await self._child.stop(self.stop_steps)
                continue
            self.restarts += 1
            LOG.info("embedded service is back", service=self.name, restarts=self.restarts)
            return

    def _fail(self, what: str) -> NoReturn:
        msg = f"embedded {self.name} {what}; the end of {self.log_file}:\n{last_lines(self.log_file)}"
        raise EmbeddedServiceError(msg)

    def _trim_log(self) -> None:
        """Keep the log within its bound: its end moves to ``.1``. The child appends, so it goes on at the start."""
        with suppress(FileNotFoundError):
            if self.log_file.stat().st_size <= LOG_BYTES_MAX:
                return
            with self.log_file.open("rb") as log:
                log.seek(-LOG_BYTES_KEPT, os.SEEK_END)
                self.log_file.with_suffix(".log.1").write_bytes(log.read())
            os.truncate(self.log_file, 0)

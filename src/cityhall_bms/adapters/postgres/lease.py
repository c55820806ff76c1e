"""Which of several processes does a job that only one may do: a lease in the database, and fences around its writes.

No clock of two machines is ever compared: a standby takes over when the holder gave no sign of life for some seconds
of the standby's own time, in which the database did answer. An outage of the database ends nobody's lease.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import asyncpg
import structlog

from cityhall_bms.adapters.postgres.connection import OUTAGES, connect
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import CityHallError, EventLogUnavailableError, LeaseLostError
from cityhall_bms.domain.events import LeaseTaken
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog

QUERIES: Final = load("lease.sql")
RENEW_EVERY_S: Final = 1.0
LOOK_EVERY_S: Final = 0.5
SILENT_S: Final = 6.0
"""A holder that is connected and gave no sign of life for so long is taken for frozen."""
GONE_S: Final = 2.0
"""The same of one whose session has ended; long enough for a living one to come back after the server's restart."""
COMMAND_S: Final = 3.0
GIVE_BACK_S: Final = 1.0

log = structlog.get_logger(__name__)

Work = Callable[["Fence"], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Fence:
    """What the holder of a lease shows inside each of its transactions."""

    name: str
    token: int

    async def check(self, connection: asyncpg.Connection) -> None:
        """Raise :class:`LeaseLostError` if somebody else has the lease; nobody takes it before the transaction ends."""
        token = await connection.fetchval(QUERIES["token"], self.name)
        if token != self.token:
            msg = f"the lease '{self.name}' was taken over (token {token}, ours was {self.token}); nothing was written"
            raise LeaseLostError(msg)


@dataclass(frozen=True, slots=True)
class _Seen:
    """How a standby found the lease."""

    holder: str
    token: int
    beat: int
    connected: bool


_FREE: Final = _Seen("", 0, 0, connected=False)


class PostgresLease:
    """One process's claim on one lease. ``held`` says how it stands now, ``fence`` is what to write with."""

    def __init__(self, dsn: str, name: str, holder: str, clock: Clock, events: EventLog) -> None:
        self._dsn = dsn
        self._name = name
        self._holder = holder
        self._clock = clock
        self._events = events
        self._connection: asyncpg.Connection | None = None
        self.held = False
        self.fence = Fence(name, 0)

    async def run(self, work: Work) -> NoReturn:
        """Stand by until the lease is ours, work while it is, and stand by again when it was taken; for ever."""
        try:
            while True:
                before = await self._take()
                await self._hold(work, before)
        finally:
            await self._give_back()

    async def _hold(self, work: Work, before: str) -> None:
        self.held = True
        try:
            async with asyncio.TaskGroup() as tasks:
                telling = tasks.create_task(self._tell(before))
                working = tasks.create_task(work(self.fence))
                await self._renew_until_lost()
                telling.cancel()
                working.cancel()
        except* LeaseLostError:
            pass  # a write was refused before the next renewal was: the same news
        finally:
            self.held = False
        log.error("lease lost", lease=self._name, holder=self._holder)

    async def _take(self) -> str:
        """Return once the lease is ours: the name of a holder that vanished, empty if it was free."""
        seen, since_s, told = None, self._clock.monotonic(), False
        while True:
            try:
                now = await self._look()
                if seen is None or (now.token, now.beat) != (seen.token, seen.beat):
                    seen, since_s = now, self._clock.monotonic()
                if self._is_free(now, self._clock.monotonic() - since_s) and await self._try_to_take(now):
                    log.info("lease taken", lease=self._name, holder=self._holder, before=now.holder)
                    return now.holder
            except OUTAGES as error:
                log.debug("lease cannot be asked for", lease=self._name, reason=str(error))
                self._disconnect()
                seen = None  # its holder could give no sign of life either
            if not told and seen is not None:
                log.info("standing by", lease=self._name, process=self._holder, holder=seen.holder)
                told = True
            await self._clock.sleep(LOOK_EVERY_S)

    @staticmethod
    def _is_free(seen: _Seen, silent_s: float) -> bool:
        return not seen.holder or silent_s >= (SILENT_S if seen.connected else GONE_S)

    async def _look(self) -> _Seen:
        row = await (await self._connected()).fetchrow(QUERIES["look"], self._name)
        return _FREE if row is None else _Seen(row["holder"], row["token"], row["beat"], connected=row["connected"])

    async def _try_to_take(self, seen: _Seen) -> bool:
        """Take the lease as it was seen; false when somebody was faster, or its holder lives after all."""
        connection = await self._connected()
        async with connection.transaction():
            if seen is not _FREE:
                if await connection.fetchval(QUERIES["claim"], self._name, seen.token, seen.beat) is None:
                    return False
                await connection.fetch(QUERIES["cut_off"], self._name)
                await connection.execute(QUERIES["await_writers"], self._name)
            token = await connection.fetchval(QUERIES["take"], self._name, self._holder, seen.token)
        if token is None:
            return False
        self.fence = Fence(self._name, token)
        return True

    async def _renew_until_lost(self) -> None:
        """Give signs of life; an outage of the database is waited out, for then nobody can take the lease."""
        while True:
            await self._clock.sleep(RENEW_EVERY_S)
            try:
                connection = await self._connected()
                if await connection.fetchval(QUERIES["renew"], self._name, self.fence.token) is None:
                    return
            except OUTAGES as error:
                log.debug("lease not renewed", lease=self._name, reason=str(error))
                self._disconnect()

    async def _tell(self, before: str) -> None:
        """Record that a holder vanished; a lease that was given back is no news."""
        if not before:
            return
        event = LeaseTaken(self._name, self._holder, before, self.fence.token, self._clock.now())
        while True:
            try:
                await self._events.append([Append(f"lease/{self._name}", [event], self._holder)])
            except EventLogUnavailableError:
                await self._clock.sleep(RENEW_EVERY_S)
            else:
                return

    async def _give_back(self) -> None:
        """Let a standby take over at once; one that cannot be told finds out by itself."""
        with suppress(*OUTAGES, CityHallError):
            async with asyncio.timeout(GIVE_BACK_S):
                await (await self._connected()).execute(QUERIES["give_back"], self._name, self.fence.token)
        self._disconnect()

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._dsn, command_timeout_s=COMMAND_S)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

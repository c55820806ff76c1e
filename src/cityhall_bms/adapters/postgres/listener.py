"""Being woken when something was committed, instead of asking again and again."""

import asyncio
from contextlib import suppress
from typing import Final

from cityhall_bms.adapters.postgres.connection import OUTAGES, connect
from cityhall_bms.ports.clock import Clock

CHANNEL: Final = "cityhall_bms"
"""Every commit that somebody may wait for notifies it (``pg_notify`` in the statements)."""
POLL_S: Final = 1.0
"""How late news may come while notifications do not arrive (connection cut, listener not running)."""
RETRY_S: Final = 0.5
PROBE_S: Final = 30.0


class Listener:
    """One connection that listens for the whole process. Readers look, then wait for a change, then look again."""

    def __init__(self, dsn: str, clock: Clock) -> None:
        self._dsn = dsn
        self._clock = clock
        self._changed = asyncio.Event()

    @property
    def changed(self) -> asyncio.Event:
        """Set at the next change. Take it before looking: what happens in between is then not missed."""
        return self._changed

    def wake(self) -> None:
        """Let everybody look again."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def wait(self, changed: asyncio.Event) -> None:
        """Return after a change since ``changed`` was taken, or after ``POLL_S``."""
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await changed.wait()

    async def run(self) -> None:
        """Listen without end; connects again after an outage."""
        while True:
            with suppress(*OUTAGES):
                await self._listen()
            await self._clock.sleep(RETRY_S)

    async def _listen(self) -> None:
        connection = await connect(self._dsn)
        ended = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: ended.set())
            await connection.add_listener(CHANNEL, self._on_notification)
            self.wake()
            while not ended.is_set():
                try:
                    async with asyncio.timeout(PROBE_S):
                        await ended.wait()
                except TimeoutError:
                    # A half-open connection looks silent for ever; a question finds out.
                    await connection.execute("SELECT 1")
        finally:
            connection.terminate()

    def _on_notification(self, *_: object) -> None:
        self.wake()

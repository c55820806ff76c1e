"""Who speaks with a device: its poller and whoever carries out commands take turns at its one driver."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.ports.driver import Driver


class Turns:
    """The driver of a session, lent to one user at a time in the order in which they ask."""

    def __init__(self) -> None:
        self.own = asyncio.Lock()
        """The poller's turns; it opened the driver and knows that it is there."""
        self._driver: Driver | None = None
        self._lent = asyncio.Event()

    def lend(self, driver: Driver) -> None:
        """A session has begun."""
        self._driver = driver
        self._lent.set()

    def withdraw(self) -> None:
        """The session is over: whoever waits for a turn is told that the device cannot be reached."""
        self._driver = None
        self._lent.clear()

    async def lent(self) -> None:
        """Return once there is a session."""
        await self._lent.wait()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Driver]:
        """The open driver, for the body alone; :class:`DeviceUnreachableError` when there is no session."""
        async with self.own:
            if self._driver is None:
                msg = "設備未連線 / the device is not connected"
                raise DeviceUnreachableError(msg)
            yield self._driver

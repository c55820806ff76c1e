"""A bound on every call of a driver, by the injected clock and without a task or timer per call."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.ports.clock import Clock

CHECK_PERIOD_S: Final = 1.0


class HangGuard:
    """Cuts calls that outlast their limit, at the latest ``CHECK_PERIOD_S`` after it.

    Drivers keep their own, shorter time-outs; this one is for the driver that does not.
    """

    def __init__(self, clock: Clock) -> None:
        self.cuts = 0
        self._clock = clock
        self._open: dict[asyncio.Timeout, float] = {}

    @asynccontextmanager
    async def within(self, limit_s: float, what: str) -> AsyncIterator[None]:
        """Bound the body; ``DeviceUnreachableError`` when it was cut."""
        timeout = asyncio.timeout(None)
        try:
            async with timeout:
                self._open[timeout] = self._clock.monotonic() + limit_s
                try:
                    yield
                finally:
                    del self._open[timeout]
        except TimeoutError as error:
            if not timeout.expired():
                raise
            self.cuts += 1
            msg = f"{what} did not end within {limit_s:.0f} s"
            raise DeviceUnreachableError(msg) from error

    async def run(self) -> None:
        """Watch, for ever."""
        while True:
            await self._clock.sleep(CHECK_PERIOD_S)
            now = self._clock.monotonic()
            for timeout in [timeout for timeout, deadline in self._open.items() if deadline <= now]:
                if not timeout.expired():
                    timeout.reschedule(asyncio.get_running_loop().time())

"""A bound on every call of a driver, by the injected clock and without a task or timer per call."""

import asyncio
from types import TracebackType
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

    def within(self, limit_s: float, what: str) -> "Within":
        """Bound the body of an ``async with``; ``DeviceUnreachableError`` when it was cut."""
        return Within(self, limit_s, what)

    def begin(self, timeout: asyncio.Timeout, limit_s: float) -> None:
        """Watch a call."""
        self._open[timeout] = self._clock.monotonic() + limit_s

    def end(self, timeout: asyncio.Timeout) -> None:
        """Watch it no longer."""
        del self._open[timeout]

    async def run(self) -> None:
        """Watch, for ever."""
        while True:
            await self._clock.sleep(CHECK_PERIOD_S)
            now = self._clock.monotonic()
            for timeout in [timeout for timeout, deadline in self._open.items() if deadline <= now]:
                if not timeout.expired():
                    timeout.reschedule(asyncio.get_running_loop().time())


class Within:
    """One bound call. A class, not a generator: it is entered once for every scan."""

    __slots__ = ("_guard", "_limit_s", "_timeout", "_what")

    def __init__(self, guard: HangGuard, limit_s: float, what: str) -> None:
        self._guard, self._limit_s, self._what = guard, limit_s, what
        self._timeout = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        """Begin to watch."""
        await self._timeout.__aenter__()
        self._guard.begin(self._timeout, self._limit_s)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End to watch, and tell a cut from everything else that may have ended the body."""
        self._guard.end(self._timeout)
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError as cut:
            self._guard.cuts += 1
            msg = f"{self._what} did not end within {self._limit_s:.0f} s"
            raise DeviceUnreachableError(msg) from cut

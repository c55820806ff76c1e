"""The system's clock, made faster: silences of many seconds, over real sockets."""

import asyncio

from cityhall_bms.adapters.system_clock import SystemClock


class HurriedClock:
    """Goes ``factor`` times as fast from now on, on the wall and on the wrist; time-outs of sockets do not."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor
        self._real = SystemClock()
        self._since_us = self._real.now()
        self._since_s = self._real.monotonic()

    def now(self) -> int:
        return self._since_us + int(self.factor * (self._real.now() - self._since_us))

    def monotonic(self) -> float:
        return self._since_s + self.factor * (self._real.monotonic() - self._since_s)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / self.factor)

"""The one door to real time."""

import asyncio
import time


class SystemClock:
    """The machine's own clock."""

    def now(self) -> int:
        """Wall clock, µs UTC."""
        return time.time_ns() // 1_000  # noqa: TID251 - this is the door

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()  # noqa: TID251 - this is the door

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(max(seconds, 0.0))  # noqa: TID251 - this is the door

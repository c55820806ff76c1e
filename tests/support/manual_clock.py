"""A clock that moves only when a test says so."""

import asyncio
import heapq
import itertools


class ManualClock:
    """Time as a test wants it: ``advance`` wakes sleepers in the order of their deadlines."""

    def __init__(self, start_us: int = 1_782_864_000_000_000) -> None:
        self._start_us = start_us
        self._elapsed_s = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> int:
        return self._start_us + round(self._elapsed_s * 1e6)

    def monotonic(self) -> float:
        return self._elapsed_s

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed_s + seconds, next(self._order), waiter))
        await waiter

    def jump(self, seconds: float) -> None:
        """Set the wall clock, forwards or back; the monotonic one goes on as it was."""
        self._start_us += round(seconds * 1e6)

    async def advance(self, seconds: float) -> None:
        """Let time pass, waking whoever waits for it, one deadline after the other."""
        end = self._elapsed_s + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            deadline, _, waiter = heapq.heappop(self._sleepers)
            self._elapsed_s = max(self._elapsed_s, deadline)
            if not waiter.done():
                waiter.set_result(None)
            await self._settle()
        self._elapsed_s = end
        await self._settle()

    async def _settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

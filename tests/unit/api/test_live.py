"""Present values follow the telemetry log, also when another log stands in its place."""

import asyncio
from collections.abc import Sequence

import numpy as np
from tests.support.batches import batch
from tests.support.manual_clock import ManualClock

from cityhall_bms.api.live import LiveFeed
from cityhall_bms.ports.history import Latest
from cityhall_bms.ports.telemetry_log import LoggedBatch


class Script:
    """A log and its reader that deliver what the test says, and then nothing more."""

    def __init__(self, *positions: int) -> None:
        self._deliveries = [[LoggedBatch(position, batch(position))] for position in positions]

    async def reader(self, after: int) -> "Script":
        return self

    async def fetch(self, batches_max: int, wait_s: float) -> Sequence[LoggedBatch]:
        if self._deliveries:
            return self._deliveries.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self) -> None:
        """Nothing is held."""


class Snapshot:
    """A history that knows no values yet, up to a position."""

    def __init__(self, position: int) -> None:
        self._position = position

    async def latest(self) -> Latest:
        empty = np.empty(0, np.int64)
        return Latest(self._position, empty.astype(np.uint32), empty, empty.astype(float), empty.astype(np.uint8))


async def test_the_tail_begins_anew_when_positions_fall() -> None:
    live = LiveFeed(Script(11, 12, 1, 2), Snapshot(10), {}, ManualClock())
    following = asyncio.create_task(live.run())
    async with asyncio.timeout(5.0):
        await live.started.wait()
        while live.tail.end != 2:  # noqa: ASYNC110 - what is waited for lives in another task
            await asyncio.sleep(0)
    following.cancel()

    assert live.tail.beginnings == 2, "once for the snapshot, once for the other log"
    assert [position for position, _ in live.tail.after(0)] == [1, 2]

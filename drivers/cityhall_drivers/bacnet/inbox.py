"""COV notifications on their way to the collector: gathered for a moment, handed over as columns."""

import asyncio
from collections.abc import Callable
from typing import Final

import numpy as np

from cityhall_bms.domain.batch import Readings
from cityhall_drivers.bacnet.codec import Answer, Object
from cityhall_drivers.bacnet.plan import BacnetPlan

GATHER_S: Final = 0.02
"""A device that tells much at once tells it within this; nobody waits for it longer."""
GATHERED_MAX: Final = 1_000


class Inbox:
    """Takes the values of one device's objects, and gives the readings of all points that show them."""

    def __init__(self, plan: BacnetPlan, sink: Callable[[Readings], None]) -> None:
        self.last: dict[Object, Answer] = {}
        """What each object said last."""
        self._plan = plan
        self._sink = sink
        self._waiting: dict[Object, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def put(self, target: Object, answer: Answer, at: int) -> None:
        """Take what an object of the plan says, and when it came, µs UTC."""
        if target in self._waiting or len(self._waiting) >= GATHERED_MAX:
            self.flush()
        self.last[target] = answer
        self._waiting[target] = at
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self.flush)

    def flush(self) -> None:
        """Hand over what was gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        rows = [self._plan.row_of[target] for target in waiting]
        told = [self.last[target] for target in waiting]
        positions, counts = self._plan.positions(rows)
        number = np.repeat(np.array([one[0] for one in told]), counts)
        quality = np.repeat(np.array([one[1] for one in told], np.uint8), counts)
        at = np.repeat(np.array(list(waiting.values()), np.int64), counts)
        value, quality = self._plan.scaled(number, quality, positions)
        self._sink(Readings(self._plan.points[positions], at, value, quality, partial=True))

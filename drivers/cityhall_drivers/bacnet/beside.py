"""Points that a device does not push, polled beside those that it does, each at its own period."""

from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from cityhall_bms.domain.batch import Readings
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.bacnet.codec import Object, item_of
from cityhall_drivers.bacnet.plan import BacnetPlan


class Beside:
    """Reads what is due by the driver itself. Times are monotonic seconds."""

    def __init__(
        self,
        points: Sequence[BoundPoint],
        sink: Callable[[Readings], None],
        read: Callable[[BacnetPlan], Awaitable[Readings]],
        size_max: Callable[[], int],
    ) -> None:
        self._points = [(bound, item_of(bound.point).object) for bound in points]
        self._sink, self._read, self._size_max = sink, read, size_max
        self._objects: frozenset[Object] = frozenset()
        self._plans: dict[float, BacnetPlan] = {}
        self._due_s: dict[float, float] = {}

    def next_s(self) -> float:
        """When something is due; for ever when nothing is polled."""
        return min((self._due_s[period_s] for period_s in self._plans), default=float("inf"))

    async def poll(self, objects: Sequence[Object], now_s: float) -> None:
        """Read of these objects what is due; :class:`~cityhall_bms.domain.errors.DeviceUnreachableError` for silence.

        A period that was missed is not made up for.
        """
        self._choose(frozenset(objects), now_s)
        for period_s, plan in self._plans.items():
            if self._due_s[period_s] > now_s:
                continue
            missed = (now_s - self._due_s[period_s]) // period_s
            self._due_s[period_s] += (missed + 1) * period_s
            readings = await self._read(plan)
            self._sink(readings.pick(np.ones(len(readings), np.bool_)))

    def _choose(self, objects: frozenset[Object], now_s: float) -> None:
        if objects == self._objects:
            return
        self._objects = objects
        by_period: dict[float, list[BoundPoint]] = {}
        for bound, target in self._points:
            if target in objects:
                by_period.setdefault(bound.point.scan_s, []).append(bound)
        self._plans = {period_s: BacnetPlan(bound, self._size_max()) for period_s, bound in by_period.items()}
        for period_s in self._plans:
            self._due_s.setdefault(period_s, now_s + period_s)

"""Running hours from the history of counters; exchanges and overflows are taken into account there."""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.counters import CounterView, Estimate
from cityhall_bms.ports.history import Window

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US
BY_HOURS_US: Final = 31 * DAY_US
"""Of a longer time days are added up: a day more or less says nothing about thousands of hours."""
KEPT_US: Final = 10 * 60 * 1_000_000
"""So long an answer is good: hours run slowly, and hundreds of counters are asked."""


class CountedHours:
    """See :class:`~cityhall_bms.ports.maintenance.RunHours`."""

    def __init__(self, site: Site, ids: Mapping[str, int], counters: CounterView, clock: Clock) -> None:
        self._site = site
        self._ids = ids
        self._counters = counters
        self._clock = clock
        self._known: dict[tuple[str, int], tuple[int, float | None]] = {}
        """By point and begin: when it was asked, and the answer. One begin is kept of each point."""

    async def since(self, equipment: str, role: str, at: int) -> float | None:
        """Hours since a time."""
        point, now = f"{equipment}.{role}", self._clock.now()
        if point not in self._site.points:
            return None
        asked, hours = self._known.get((point, at), (0, None))
        if now - asked > KEPT_US:
            hours = await self._count(point, at, now)
            self._known = {key: kept for key, kept in self._known.items() if key[0] != point}
            self._known[point, at] = (now, hours)
        return hours

    async def _count(self, point: str, at: int, now: int) -> float | None:
        interval = "1h" if now - at <= BY_HOURS_US else "1d"
        if now - at < HOUR_US:
            return 0.0
        try:
            counted = await self._counters.consumption(
                self._ids[point], Window(at, now), interval, Estimate.LINEAR, self._site.time_zone
            )
        except RefusedError:
            # Too many silences: nobody knows.
            return None
        total = float(np.nansum(counted.value)) if np.isfinite(counted.value).any() else math.nan
        return None if math.isnan(total) else total

"""What is known of the plant when a command is checked: values with their quality, and since when they stand."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.domain.live import LiveTable
from cityhall_bms.domain.quality import UNCERTAIN_FROM, Quality


@dataclass(frozen=True, slots=True)
class Present:
    """A point as it stands. ``since`` (µs UTC): it has stood so at least that long; none where nobody looked."""

    value: float
    quality: Quality
    at: int | None = None
    since: int | None = None

    @property
    def sure(self) -> bool:
        """Whether anything may be decided on it: good, and a number."""
        return self.quality < UNCERTAIN_FROM and math.isfinite(self.value)


UNSEEN_MAX_US: Final = 60_000_000
"""A machine that nobody saw for longer counts as switched when it is seen again."""
UNKNOWN: Final = Present(float("nan"), Quality.BAD_NO_DATA)


class Plant(Protocol):
    """Where values come from."""

    def present(self, point: str, now: int) -> Present:
        """A point by its name at ``now`` (µs UTC); :data:`UNKNOWN` for one that nobody knows."""
        ...


class TablePlant:
    """Present values of a live table, without a memory of how long they have stood."""

    def __init__(self, table: LiveTable, ids: Mapping[str, int]) -> None:
        self._table = table
        self._ids = ids

    def present(self, point: str, now: int) -> Present:
        """A point as the table has it."""
        number = self._ids.get(point)
        if number is None:
            return UNKNOWN
        value, quality, at = self._table.present(number, now)
        return Present(value, Quality(quality), at)


class PlantWatch:
    """Follows what a collector publishes: present values, and since when watched points have stood as they stand.

    A batch costs a few calls of numpy, whatever is in it. What nobody saw counts from the moment of watching on:
    :meth:`remember` puts in what history knows of the time before.
    """

    def __init__(self, ids: Mapping[str, int], scan_s: Mapping[int, float], states: Iterable[str], begun: int) -> None:
        self.table = LiveTable(scan_s)
        self._begun = begun
        self._ids = ids
        self._watched = np.array(sorted(ids[name] for name in states if name in ids), np.int64)
        self._place = {int(number): place for place, number in enumerate(self._watched)}
        self._held: NDArray[np.float64] = np.full(len(self._watched), np.nan)
        self._since: NDArray[np.int64] = np.full(len(self._watched), begun, np.int64)
        self._lost_at: NDArray[np.int64] = np.zeros(len(self._watched), np.int64)
        """Since when each has had no good value; 0 while it has one, or never had any."""

    @property
    def watched(self) -> list[int]:
        """Numbers of the points whose standing is timed."""
        return [int(number) for number in self._watched]

    def take(self, batch: SampleBatch) -> None:
        """Take in what was published."""
        self.table.apply(batch)
        if not len(self._watched) or not len(batch):
            return
        value = self.table.value[self._watched]
        at = self.table.observed_at[self._watched]
        good = (self.table.quality[self._watched] < UNCERTAIN_FROM) & np.isfinite(value)
        changed = good & (value != self._held)
        # A first value is no change: it may have stood for long. What nobody saw for a while may have changed twice.
        turned = changed & np.isfinite(self._held)
        turned |= good & (self._lost_at > 0) & (at - self._lost_at > UNSEEN_MAX_US)
        self._since[turned] = at[turned]
        self._held[changed] = value[changed]
        self._lost_at = np.where(good, 0, np.where(self._lost_at > 0, self._lost_at, at))

    def remember(self, since: Mapping[int, int]) -> None:
        """Take in since when points have stood (µs UTC), as history knows it; what was seen to change counts more."""
        for number, begin in since.items():
            place = self._place.get(number)
            if place is not None and self._since[place] == self._begun:
                self._since[place] = min(self._begun, begin)

    def renewed(self, ids: Mapping[str, int], states: Iterable[str], now: int) -> "PlantWatch":
        """The same for another description of the building; what is known of points that stay is kept."""
        fresh = PlantWatch(ids, {}, states, now)
        fresh.table = self.table
        for number, place in fresh._place.items():
            before = self._place.get(number)
            if before is not None:
                fresh._held[place], fresh._since[place] = self._held[before], self._since[before]
                fresh._lost_at[place] = self._lost_at[before]
        return fresh

    def present(self, point: str, now: int) -> Present:
        """A point as it was published last."""
        number = self._ids.get(point)
        if number is None:
            return UNKNOWN
        value, quality, at = self.table.present(number, now)
        place = self._place.get(number)
        return Present(value, Quality(quality), at, None if place is None else int(self._since[place]))

"""Follows the running quarter hour of every meter, from present values, a tick at a time."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from cityhall_bms.domain.energy.demand import TREND_US, DemandNow, DemandTrack, Heard, window_begin
from cityhall_bms.domain.energy.demand_meters import DemandLimit, DemandMeters, limit_at
from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.domain.live import LiveTable
from cityhall_bms.domain.quality import is_good
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.queries import HistoryQueries

TICK_S: Final = 5.0
"""A twelfth of a minute: meters are read every 5 to 60 s."""
RETRY_S: Final = 2.0
MINUTE_US: Final = 60_000_000
MINUTES_PER_H: Final = 60.0

log = structlog.get_logger(__name__)


class PresentValues(Protocol):
    """Whoever keeps the present values of this process."""

    started: asyncio.Event

    @property
    def table(self) -> LiveTable:
        """Newest sample of every point."""
        ...


@dataclass(frozen=True, slots=True)
class DemandSight:
    """One tick: where the meters stand (a row each), and what the contract allows now."""

    number: int
    now: DemandNow
    limit: DemandLimit | None

    def share(self, row: int) -> float:
        """Forecast of a meter as a share of what the contract allows; NaN where either is unknown."""
        if self.limit is None or self.limit.limit_kw <= 0.0:
            return float("nan")
        return float(self.now.forecast_kw[row]) / self.limit.limit_kw


class DemandWatch:
    """See :attr:`sight`. Warms from history, so that a restart within a window forgets nothing of it."""

    def __init__(self, site: Site, ids: Mapping[str, int], queries: HistoryQueries, clock: Clock) -> None:
        self.meters = DemandMeters.of(site)
        self._site = site
        self._ids = ids
        self._queries = queries
        self._clock = clock
        self._columns = self.meters.columns()
        pairs = self.meters.pairs
        self._power = np.array([ids.get(pair.power, 0) for pair in pairs], np.int64)
        self._counter = np.array([ids.get(pair.counter, 0) for pair in pairs], np.int64)
        self._heard = Heard.nothing(len(pairs))
        self._ticked = asyncio.Event()
        self.sight: DemandSight | None = None
        """The latest tick; none until there was one."""

    async def run(self, source: PresentValues) -> None:
        """Follow without end; a site without meters has nothing to follow."""
        if not len(self.meters):
            return
        await source.started.wait()
        track = await self._warmed()
        while True:
            self.tick(track, source.table)
            await self._clock.sleep(TICK_S)

    async def after(self, number: int) -> DemandSight:
        """Wait for a tick after another one."""
        while self.sight is None or self.sight.number <= number:
            await self._ticked.wait()
        return self.sight

    def tick(self, track: DemandTrack, table: LiveTable) -> None:
        """Take the present values in."""
        now = self._clock.now()
        self._heard = self._listen(table, now)
        track.step(now, self._heard)
        number = 1 if self.sight is None else self.sight.number + 1
        self.sight = DemandSight(number, track.now().summed(self.meters.parts), limit_at(self._site.tariffs, now))
        ticked, self._ticked = self._ticked, asyncio.Event()
        ticked.set()

    def _listen(self, table: LiveTable, now: int) -> Heard:
        """Newest readings. A power that went bad is none; a counter that went bad stays where it was."""
        value, at, good = _present(table, self._power)
        power = np.where(good, value, np.nan) * np.array([pair.power_factor for pair in self.meters.pairs])
        counted, counted_at, sound = _present(table, self._counter)
        counted = counted * np.array([pair.counter_factor for pair in self.meters.pairs])
        return Heard(
            power_kw=power,
            power_at=np.minimum(at, now),
            counter_kwh=np.where(sound, counted, self._heard.counter_kwh),
            counter_at=np.where(sound, np.minimum(counted_at, now), self._heard.counter_at),
        )

    async def _warmed(self) -> DemandTrack:
        """A track that knows what history knows of the running window, and of three minutes before it."""
        while True:
            try:
                return await self._recalled()
            except HistoryUnavailableError as error:
                log.info("demand waits for history", reason=str(error))
                await self._clock.sleep(RETRY_S)

    async def _recalled(self) -> DemandTrack:
        now = self._clock.now()
        begin = min(window_begin(now), (now - TREND_US) // MINUTE_US * MINUTE_US)
        track = DemandTrack(self._columns, begin)
        window = Window(begin, now)
        kw = np.full((len(self.meters.pairs), 0), np.nan)
        share = np.zeros(kw.shape)
        edges = np.empty(0, np.int64)
        for numbers, aggregation, factors in (
            (self._power, Aggregation.MEAN, [pair.power_factor for pair in self.meters.pairs]),
            (self._counter, Aggregation.DELTA, [pair.counter_factor * MINUTES_PER_H for pair in self.meters.pairs]),
        ):
            # A counter's minutes stand in for a power that is not measured.
            rows = np.flatnonzero((numbers > 0) & (self._columns.has_power == (aggregation is Aggregation.MEAN)))
            if not len(rows) or now <= begin:
                continue
            asked = numbers[rows].tolist(), window, "1m", aggregation, self._site.time_zone
            table = await self._queries.intervals_of(*asked)
            if not kw.shape[1]:
                kw, share = (np.full((len(kw), len(table.at)), start) for start in (np.nan, 0.0))
                edges = np.append(table.at, now)
            kw[rows], share[rows] = table.value * np.array(factors)[rows, np.newaxis], table.coverage
        if len(edges):
            # The last minute is not over: its share is that of a whole one.
            share[:, -1] = np.minimum(share[:, -1] * MINUTE_US / max(now - int(edges[-2]), 1), 1.0)
            track.replay(edges, kw, share)
        return track


def _present(
    table: LiveTable, points: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    """Value, time and goodness of points; number 0 is none."""
    known = (points > 0) & (points < len(table))
    place = np.where(known, points, 0)
    value, at = table.value[place], np.where(known, table.observed_at[place], 0)
    return value, at, known & is_good(table.quality[place]) & np.isfinite(value) & (at > 0)

"""Demand as it is billed: the mean of a quarter hour by the clock, and what the running one will come to.

All meters are columns; a tick is a handful of numpy operations, whatever their number.
"""

from collections import deque
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

WINDOW_S: Final = 900.0
WINDOW_US: Final = 900_000_000
TREND_US: Final = 180_000_000
"""The rest of a window is taken to go on as the last three minutes went (the building's rules for energy, *Demand*)."""
COVERAGE_MIN: Final = 0.95
"""Below this share of known time there is no forecast, and no demand of a window that is over."""
US_PER_H: Final = 3_600e6
DOUBT: Final = 1.2
"""A counter that counts more than this many times what its circuit can carry is not believed."""
BRIDGED_MAX_US: Final = WINDOW_US
"""Two readings of a counter further apart say too little about the window that lies between."""

Floats = NDArray[np.float64]
Times = NDArray[np.int64]


def forecast_kw(so_far_kwh: Floats, power_kw: Floats, elapsed_s: float) -> Floats:
    """Demand (kW) at the end of the window: D = (E + P x (900 - t) / 3600) / 0.25 h.

    ``so_far_kwh`` is what the window took in ``elapsed_s`` (0..900), ``power_kw`` the mean of the last three minutes.
    """
    rest_h = (WINDOW_S - elapsed_s) / 3600.0
    return np.asarray((so_far_kwh + power_kw * rest_h) / (WINDOW_S / 3600.0), np.float64)


def window_begin(at: int) -> int:
    """Begin (µs UTC) of the quarter hour that a moment lies in; it belongs to the one that it begins."""
    return at - at % WINDOW_US


@dataclass(frozen=True, slots=True)
class MeterColumns:
    """What is fixed about meters: a column each."""

    power_max_kw: Floats
    """More than this its circuit cannot carry; infinite where nobody said."""
    hold_us: Times
    """How long a power holds after it was measured."""
    has_power: NDArray[np.bool_]
    """False: its power is what its counter counted between two readings."""
    has_counter: NDArray[np.bool_]
    """Whether it has a counter that is fine enough to be believed more than powers."""

    def __len__(self) -> int:
        return len(self.hold_us)


@dataclass(frozen=True, slots=True)
class Heard:
    """Newest good readings, a column per meter: time 0 and NaN where there was none."""

    power_kw: Floats
    power_at: Times
    counter_kwh: Floats
    counter_at: Times

    @classmethod
    def nothing(cls, meters: int) -> Self:
        """Before anything was heard."""
        return cls(
            np.full(meters, np.nan), np.zeros(meters, np.int64), np.full(meters, np.nan), np.zeros(meters, np.int64)
        )


@dataclass(frozen=True, slots=True)
class DemandNow:
    """Where all meters stand in the running window, and how the one before it ended; NaN is unknown."""

    at: int
    begin: int
    """Begin of the running window, µs UTC."""
    so_far_kwh: Floats
    power_kw: Floats
    """Mean of the last three minutes."""
    forecast_kw: Floats
    coverage: Floats
    """Share of the running window so far that is known, 0..1."""
    last_kw: Floats
    """Demand of the window before."""
    last_coverage: Floats

    @property
    def elapsed_s(self) -> float:
        """How much of the window is over."""
        return (self.at - self.begin) / 1e6

    def summed(self, parts: Floats) -> "DemandNow":
        """Totals: a row of factors per total, a column per meter. What a total cannot know, it does not say."""
        used = parts != 0.0

        def total(column: Floats) -> Floats:
            known: Floats = np.where((used & np.isnan(column)).any(axis=1), np.nan, parts @ np.nan_to_num(column))
            return known

        def least(share: Floats) -> Floats:
            lowest: Floats = np.where(used, share, 1.0).min(axis=1, initial=1.0)
            return lowest

        return DemandNow(
            self.at,
            self.begin,
            total(self.so_far_kwh),
            total(self.power_kw),
            total(self.forecast_kw),
            least(self.coverage),
            total(self.last_kw),
            least(self.last_coverage),
        )


@dataclass(slots=True)
class _Sums:
    """What was summed up since the track began: energy as it is told, energy by power alone (kWh), known time."""

    energy: Floats
    powered: Floats
    known_us: Floats

    def copy(self) -> "_Sums":
        return _Sums(self.energy.copy(), self.powered.copy(), self.known_us.copy())


class DemandTrack:
    """Follows the energy of all meters from tick to tick.

    A power holds from sample to sample, as in history. Where there is a fine counter, what it counted between two
    readings replaces what the powers made of that time. A counter that steps back or leaps (glitch, rollover,
    exchange) is passed over once, and counts on from where it then stands: no spike, and no hole.
    """

    def __init__(self, meters: MeterColumns, at: int) -> None:
        self._meters = meters
        self._at = at
        self._heard = Heard.nothing(len(meters))
        self._sums = _Sums(*(np.zeros(len(meters)) for _ in range(3)))
        self._counted_to = np.zeros(len(meters))
        """Energy at the counter's last reading."""
        self._known_to = np.zeros(len(meters))
        self._begin = window_begin(at)
        self._base = self._sums.copy()
        """Sums at the begin of the window."""
        self._last_kwh = np.full(len(meters), np.nan)
        self._last_known_us = np.zeros(len(meters))
        self._trail: deque[tuple[int, Floats, Floats]] = deque([(at, self._sums.powered, self._sums.known_us)])
        """Time, energy by power and known time, over the last three minutes."""

    @property
    def at(self) -> int:
        """How far it has come, µs UTC."""
        return self._at

    def step(self, now: int, heard: Heard) -> None:
        """Go on to ``now`` with the newest readings; while a clock that was set back catches up, nothing is done."""
        if now < self._at:
            return
        counted, hours, fresh = self._counted(heard)
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = np.where(fresh, counted / hours, self._heard.power_kw)
        own = self._meters.has_power
        heard = replace(
            heard,
            power_kw=np.where(own, heard.power_kw, rate),
            power_at=np.where(own, heard.power_at, np.where(fresh, heard.counter_at, self._heard.power_at)),
        )
        while self._begin + WINDOW_US <= now:
            self._advance(self._begin + WINDOW_US, heard)
            self._close()
        self._advance(now, heard)
        self._correct(counted, fresh, heard)
        self._heard = heard

    def replay(self, edges: Times, mean_kw: Floats, coverage: Floats) -> None:
        """Take in what history knows of the time between edges (a row per meter), before live readings begin."""
        for place, end in enumerate(edges[1:].tolist()):
            begin = max(int(edges[place]), self._at)
            if end <= begin:
                continue
            known = ~np.isnan(mean_kw[:, place])
            while self._begin + WINDOW_US <= begin:
                self._at = self._begin + WINDOW_US
                self._close()
            self._add(np.where(known, mean_kw[:, place], 0.0), np.where(known, (end - begin) * coverage[:, place], 0.0))
            self._reach(end)

    def now(self) -> DemandNow:
        """Where the running window stands."""
        elapsed_us = self._at - self._begin
        power, trend = self._trend()
        known_us = self._sums.known_us - self._base.known_us
        coverage = np.minimum(known_us / elapsed_us, 1.0) if elapsed_us else (trend >= COVERAGE_MIN).astype(np.float64)
        so_far = self._told(self._sums.energy - self._base.energy, known_us, elapsed_us)
        power = np.where(trend >= COVERAGE_MIN, power, np.nan)
        last_share = np.minimum(self._last_known_us / WINDOW_US, 1.0)
        return DemandNow(
            at=self._at,
            begin=self._begin,
            so_far_kwh=so_far,
            power_kw=power,
            forecast_kw=forecast_kw(so_far, power, elapsed_us / 1e6),
            coverage=coverage,
            last_kw=self._told(self._last_kwh, self._last_known_us, WINDOW_US) * (3600.0 / WINDOW_S),
            last_coverage=last_share,
        )

    @staticmethod
    def _told(energy: Floats, known_us: Floats, length_us: int) -> Floats:
        """Energy of a stretch: unknown below the least coverage, else what is missing is as the rest."""
        if not length_us:
            return np.zeros(len(energy))
        share = np.minimum(known_us / length_us, 1.0)
        return np.where(share >= COVERAGE_MIN, energy / np.where(share > 0.0, share, 1.0), np.nan)

    def _advance(self, until: int, heard: Heard) -> None:
        """Let powers stand until then: those of before until the new ones were taken, and each as long as it holds."""
        before, begin = self._heard, self._at
        turn = np.clip(np.where(heard.power_at > before.power_at, heard.power_at, until), begin, until)
        for power, since, to, measured in (
            (before.power_kw, begin, turn, before.power_at),
            (heard.power_kw, turn, until, heard.power_at),
        ):
            held = np.maximum(np.minimum(to, measured + self._meters.hold_us) - since, 0)
            known = ~np.isnan(power)
            self._add(np.where(known, power, 0.0), np.where(known, held, 0).astype(np.float64))
        self._reach(until)

    def _add(self, power_kw: Floats, known_us: Floats) -> None:
        made = power_kw * known_us / US_PER_H
        self._sums.energy = self._sums.energy + made
        self._sums.powered = self._sums.powered + made
        self._sums.known_us = self._sums.known_us + known_us

    def _reach(self, at: int) -> None:
        self._at = at
        self._trail.append((at, self._sums.powered, self._sums.known_us))
        while len(self._trail) > 2 and self._trail[1][0] <= at - TREND_US:
            self._trail.popleft()

    def _close(self) -> None:
        self._last_kwh = self._sums.energy - self._base.energy
        self._last_known_us = self._sums.known_us - self._base.known_us
        self._base, self._begin = self._sums.copy(), self._at

    def _trend(self) -> tuple[Floats, Floats]:
        """Mean power of the last three minutes, and the share of them that is known."""
        since = self._at - TREND_US
        (before, energy, known), (after, more, longer) = self._trail[0], self._trail[min(1, len(self._trail) - 1)]
        share = (since - before) / (after - before) if before < since < after else 0.0
        known_us = self._sums.known_us - (known + share * (longer - known))
        powered = self._sums.powered - (energy + share * (more - energy))
        with np.errstate(divide="ignore", invalid="ignore"):
            return powered / (known_us / US_PER_H), known_us / TREND_US

    def _counted(self, heard: Heard) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """What counters counted since their last readings (kWh), in what time (h), and which are to be believed."""
        passed_us = heard.counter_at - self._heard.counter_at
        counted = heard.counter_kwh - self._heard.counter_kwh
        hours = passed_us / US_PER_H
        with np.errstate(invalid="ignore"):
            believed = (counted >= 0.0) & (counted <= DOUBT * self._meters.power_max_kw * hours)
        return counted, hours, believed & (passed_us > 0) & (passed_us <= BRIDGED_MAX_US) & (self._heard.counter_at > 0)

    def _correct(self, counted: Floats, fresh: NDArray[np.bool_], heard: Heard) -> None:
        """Replace what powers made of the time between two readings; a window's edge in it divides what is changed.

        The energy of that time is known whole, also where powers were missing.
        """
        newer = heard.counter_at > self._heard.counter_at
        since_us = np.where(np.isnan(heard.power_kw), 0, np.maximum(self._at - heard.counter_at, 0))
        energy = self._sums.energy - np.nan_to_num(heard.power_kw) * since_us / US_PER_H
        known = self._sums.known_us - since_us
        use = fresh & self._meters.has_counter
        span = np.maximum(heard.counter_at - self._heard.counter_at, 1)
        more = np.where(use, self._counted_to + counted - energy, 0.0)
        longer = np.where(use, np.maximum(self._known_to + span - known, 0.0), 0.0)
        before = np.clip((self._begin - self._heard.counter_at) / span, 0.0, 1.0)
        self._sums.energy = self._sums.energy + more
        self._sums.known_us = self._sums.known_us + longer
        self._base.energy = self._base.energy + more * before
        self._base.known_us = self._base.known_us + longer * before
        self._last_kwh = self._last_kwh + more * before
        self._last_known_us = self._last_known_us + longer * before
        self._counted_to = np.where(newer, energy + more, self._counted_to)
        self._known_to = np.where(newer, known + longer, self._known_to)

"""Meters that say what a test told them, day by day, through the port that the parts of energy read."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from cityhall_bms.domain.energy.amounts import Amounts
from cityhall_bms.domain.energy.periods import Period
from cityhall_bms.historian.intervals import interval_edges
from cityhall_bms.ports.counters import Estimate
from cityhall_bms.ports.history import Window

ZONE = ZoneInfo("Asia/Taipei")
EPOCH = date(1970, 1, 1)


def us(day: date, hour: float = 0.0) -> int:
    """A moment of the site's clocks, µs UTC."""
    shown = datetime(day.year, day.month, day.day, tzinfo=ZONE) + timedelta(hours=hour)
    return round((shown - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


class ToldMeters:
    """A :class:`~cityhall_bms.ports.energy.MeterReader`: an amount a day, and days that are missing."""

    def __init__(self) -> None:
        self._days: dict[str, dict[date, float]] = {}
        self.asked: list[tuple[str, int | None]] = []

    def tell(self, meter: str, period: Period, amount: float) -> None:
        """Spread an amount evenly over the days of a period."""
        days = self._days.setdefault(meter, {})
        for number in range(period.days):
            days[period.first + timedelta(days=number)] = amount / period.days

    def forget(self, meter: str, period: Period) -> None:
        """Let the days of a period be missing."""
        for number in range(period.days):
            self._days[meter].pop(period.first + timedelta(days=number), None)

    async def amounts(
        self,
        meters: Sequence[str],
        window: Window,
        interval: str,
        *,
        estimate: Estimate = Estimate.NONE,
        known_at: int | None = None,
    ) -> Amounts:
        """Sums of the days in each interval, and the share of them that were told."""
        self.asked.append((interval, known_at))
        edges = interval_edges(window, interval, ZONE)
        value = np.full((len(meters), len(edges) - 1), np.nan)
        coverage = np.zeros_like(value)
        for row, meter in enumerate(meters):
            self._fill(value[row], coverage[row], edges, self._days.get(meter, {}))
        return Amounts(edges[:-1], int(edges[-1]), value, np.zeros_like(value), coverage)

    def _fill(
        self, value: np.ndarray, coverage: np.ndarray, edges: np.ndarray, days: Mapping[date, float]
    ) -> None:  # fmt: skip
        day_us = 86_400_000_000
        for day, amount in days.items():
            at = us(day)
            index = int(np.searchsorted(edges, at, "right")) - 1
            if 0 <= index < len(value):
                value[index] = amount if np.isnan(value[index]) else value[index] + amount
                coverage[index] += day_us / (edges[index + 1] - edges[index])

"""Unmet cooling hours: occupied time in which a zone was warmer than its set point by more than is tolerated.

Source of the notion: unmet load hours of ASHRAE Standard 90.1, Appendix G; the margin is the site's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.environment import ComfortPlan
from cityhall_bms.domain.site import Site
from cityhall_bms.domain.sliding import VALID_SHARE_MIN
from cityhall_bms.energy.interval_reading import STEP_S, read_quarters, whole_steps
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.queries import HistoryQueries

HOUR_S: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class UnmetHours:
    """Zones (rows) by the equipment that serves them; hours, ``occupied`` the same for all."""

    units: tuple[str, ...]
    occupied_h: float
    known_h: NDArray[np.float64]
    unmet_h: NDArray[np.float64]
    worst_k: NDArray[np.float64]
    """Greatest excess over the set point in an occupied quarter, K; NaN where nothing is known."""

    @property
    def coverage(self) -> NDArray[np.float64]:
        """Share of the occupied time of which the answer is known, 0..1; NaN where no time is occupied."""
        whole = np.full(len(self.units), self.occupied_h)
        share: NDArray[np.float64] = np.divide(self.known_h, whole, out=np.full(len(whole), np.nan), where=whole > 0.0)
        return share


class Comfort:
    """Answers about zones that have a temperature and a set point."""

    def __init__(self, site: Site, ids: Mapping[str, int], queries: HistoryQueries) -> None:
        self._site = site
        self._ids = ids
        self._queries = queries
        self.plan: ComfortPlan = site.environment.comfort
        roles = (self.plan.temperature_role, self.plan.set_point_role)
        known = site.points.keys() & ids.keys()
        self.units = tuple(name for name in sorted(site.equipment) if all(f"{name}.{role}" in known for role in roles))

    async def unmet(self, window: Window, known_at: int | None = None) -> UnmetHours:
        """Unmet hours of every zone in a window, widened to whole quarters of an hour; those are judged by their means.

        ``HistoryUnavailableError``; ``RefusedError`` for more than some years.
        """
        whole, zone = whole_steps(window), self._site.time_zone
        warm, wanted = [
            await read_quarters(
                self._queries, [self._ids[f"{unit}.{role}"] for unit in self.units], whole, zone, known_at
            )
            for role in (self.plan.temperature_role, self.plan.set_point_role)
        ]
        occupied = self._site.schedules.within_many(self.plan.schedule, warm.at)
        excess = warm.value - wanted.value
        known = ~np.isnan(excess) & (np.minimum(warm.coverage, wanted.coverage) >= VALID_SHARE_MIN) & occupied
        unmet = known & (np.nan_to_num(excess) > self.plan.above_k)
        hours = STEP_S / HOUR_S
        worst = np.where(known, excess, -np.inf).max(axis=1, initial=-np.inf)
        return UnmetHours(
            self.units,
            float(occupied.sum()) * hours,
            known.sum(axis=1) * hours,
            unmet.sum(axis=1) * hours,
            np.where(np.isfinite(worst), worst, np.nan),
        )

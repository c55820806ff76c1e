"""Indoor air of all nodes against its limits, from history: how it stands, how it complied, what exceeded."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.environment import AirArea, IndoorAirPlan
from cityhall_bms.domain.indoor_air import (
    Compliance,
    Exceedance,
    Judged,
    LegalMean,
    compliance,
    exceedances,
    judge,
    overall,
)
from cityhall_bms.domain.permits import places_of
from cityhall_bms.domain.site import Site
from cityhall_bms.energy.interval_reading import STEP_S, STEP_US, Quarters, read_quarters, whole_steps
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.queries import HistoryQueries

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Assessed:
    """Nodes (rows) against one limit; ``measured`` marks the nodes that have such a point."""

    limit: LegalMean
    measured: NDArray[np.bool_]
    judged: Judged

    @property
    def indices(self) -> list[int]:
        """Rows of the nodes that measure it."""
        return np.flatnonzero(self.measured).tolist()


@dataclass(frozen=True, slots=True)
class Assessment:
    """All nodes against all limits; steps are quarters of an hour, whose means are those of windows that end with them.

    ``at`` are the begins of the steps (µs UTC), ``occupied`` marks those in the occupied hours.
    """

    nodes: tuple[str, ...]
    at: NDArray[np.int64]
    occupied: NDArray[np.bool_]
    limits: tuple[Assessed, ...]

    def compliance(self, assessed: Assessed) -> Compliance:
        """How the nodes kept one limit."""
        return compliance(assessed.judged, self.occupied)

    def overall(self) -> Compliance:
        """How they kept all of them at once; where nothing is measured, nothing is known."""
        if not self.limits:
            nothing = np.zeros(len(self.nodes), np.int64)
            return Compliance(int(self.occupied.sum()), nothing, nothing)
        return overall([item.judged for item in self.limits], [item.measured for item in self.limits], self.occupied)

    def exceedances(self) -> list[tuple[LegalMean, Exceedance]]:
        """What exceeded, the earliest first."""
        found = [
            (item.limit, exceedance) for item in self.limits for exceedance in exceedances(item.judged, self.occupied)
        ]
        return sorted(found, key=lambda pair: (pair[1].first, self.nodes[pair[1].node], pair[0].role))


@dataclass(frozen=True, slots=True)
class MonitorCount:
    """How many continuous monitors an area needs, and which it has."""

    area: AirArea
    needed: int
    nodes: tuple[str, ...]

    @property
    def enough(self) -> bool:
        """Whether there are enough."""
        return len(self.nodes) >= self.needed


class IndoorAir:
    """Answers about the air of a site."""

    def __init__(self, site: Site, ids: Mapping[str, int], queries: HistoryQueries) -> None:
        self._site = site
        self._ids = ids
        self._queries = queries
        self.plan: IndoorAirPlan = site.environment.indoor_air
        self.nodes = tuple(
            sorted(name for name, item in site.equipment.items() if item.brick_class == self.plan.brick_class)
        )

    async def assess(self, limits: Sequence[LegalMean], window: Window, known_at: int | None = None) -> Assessment:
        """Every node against every limit in a window, widened to whole quarters; limits that no node measures are out.

        ``HistoryUnavailableError``; ``RefusedError`` for more than some years.
        """
        whole = whole_steps(window)
        at = np.arange(whole.start, whole.end, STEP_US)
        occupied = self._site.schedules.within_many(self.plan.schedule, at)
        found = [await self._assessed(limit, whole, len(at), known_at) for limit in limits]
        return Assessment(self.nodes, at, occupied, tuple(item for item in found if item is not None))

    def monitors(self) -> list[MonitorCount]:
        """What each area of the site needs and has."""
        return [
            MonitorCount(
                area,
                monitors_needed(area, self.plan),
                tuple(node for node in self.nodes if not places_of(node).isdisjoint(area.places)),
            )
            for area in self.plan.areas
        ]

    async def _assessed(self, limit: LegalMean, whole: Window, steps: int, known_at: int | None) -> Assessed | None:
        names = [f"{node}.{limit.role}" for node in self.nodes]
        measured = np.array([name in self._site.points and name in self._ids for name in names], np.bool_)
        if not measured.any():
            return None
        points = [self._ids[name] for name, there in zip(names, measured.tolist(), strict=True) if there]
        # A mean of the first step reaches back before the window.
        lead = math.ceil(limit.window_s / STEP_S) * STEP_US
        wider = Window(whole.start - lead, whole.end)
        quarters = await read_quarters(self._queries, points, wider, self._site.time_zone, known_at)
        return Assessed(limit, measured, self._judged(quarters, limit, measured, steps))

    def _judged(self, quarters: Quarters, limit: LegalMean, measured: NDArray[np.bool_], steps: int) -> Judged:
        judged = judge(quarters.value, quarters.coverage, limit, STEP_S)
        mean = np.full((len(measured), steps), np.nan)
        mean[measured] = judged.mean[:, -steps:]
        known = ~np.isnan(mean)
        exceeded = np.zeros_like(known)
        exceeded[measured] = judged.exceeded[:, -steps:]
        return replace(judged, mean=mean, known=known, exceeded=exceeded)


def monitors_needed(area: AirArea, plan: IndoorAirPlan) -> int:
    """Continuous monitors that an area needs: one per so many m² begun; half of that, but two, in one large space.

    Source: Regulations Governing the Testing of Indoor Air Quality of Taiwan (室內空氣品質檢驗測定管理辦法).
    """
    count = math.ceil(area.area_m2 / plan.area_per_monitor_m2)
    if area.open_space and area.area_m2 > plan.open_space_m2:
        return max(math.ceil(count / 2), 2)
    return max(count, 1)

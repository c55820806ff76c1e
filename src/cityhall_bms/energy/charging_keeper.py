"""Shares current among charging stations, so that they never bring the building above its contract."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from cityhall_bms.domain.commanding.control import OPTIMIZER
from cityhall_bms.domain.energy.charging import Station, budget_a, ramped, share
from cityhall_bms.domain.energy.shedding import ChargingPlan, SheddingMode, SheddingState
from cityhall_bms.domain.errors import CityHallError
from cityhall_bms.domain.live import LiveTable
from cityhall_bms.domain.quality import UNCERTAIN_FROM
from cityhall_bms.domain.site import Site
from cityhall_bms.energy.demand_watch import DemandSight, PresentValues
from cityhall_bms.energy.shedding_desk import SheddingRecord
from cityhall_bms.energy.shedding_keeper import shed_limits
from cityhall_bms.ports.access import Requester, Role
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.commands import CommandDesk, CommandView, CommandWish

ACTOR: Final = "charging"
AGAIN_AFTER_S: Final = 60.0
"""A station that does not hold its limit by then is told again."""
HELD_WITHIN_A: Final = 0.5
REASON: Final = "充電樁負載分配 load sharing of charging stations"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StationPoints:
    """Names of the points of one station."""

    status: str
    limit: str
    power: str


class ChargingKeeper:
    """Looks with every tick of the demand; in automatic mode only. What it gave out in another mode it takes back."""

    def __init__(
        self,
        site: Site,
        numbers: Mapping[str, int],
        record: SheddingRecord,
        commands: tuple[CommandDesk, CommandView],
        clock: Clock,
    ) -> None:
        self._plan = site.shedding.charging or ChargingPlan()
        self._on = site.shedding.charging is not None and site.shedding.mode is SheddingMode.AUTOMATIC
        self._shed_at = site.shedding.shed_at
        self._numbers = numbers
        self._record = record
        self._desk, self._view = commands
        self._clock = clock
        self._who = Requester(ACTOR, Role.SERVICE)
        self._stations = stations_of(site, self._plan)
        self._came: dict[str, int] = {}
        """When the car at each station began to want current (here known since)."""
        self._changed_s: dict[str, float] = {}
        self._given: dict[str, float] = {}
        """Limit that each station was given last."""
        self._untold: set[str] = set()
        """Stations whose limit was refused, told once."""
        self._taken_back = False

    async def look(self, sight: DemandSight, source: PresentValues) -> None:
        """Give out what there is to give, at most one change per station and ``step_s``."""
        if not self._on:
            await self._take_back()
            return
        table, now = source.table, self._clock.now()
        state = await self._record.state()
        stations, order = self._seen(table, now, state, unknown=sight.share(0) != sight.share(0))
        limits = share(self._plan, [stations[name] for name in order], budget_a(self._plan, self._spare(sight, table)))
        for name, target in zip(order, limits, strict=True):
            await self._give(name, target, stations[name], table)

    def _seen(
        self, table: LiveTable, now: int, state: SheddingState, *, unknown: bool
    ) -> tuple[dict[str, Station], list[str]]:
        """Every station, and in which order their cars came."""
        caps = shed_limits(state.taken)
        stations: dict[str, Station] = {}
        for name, points in self._stations.items():
            status = self._value(table, points.status)
            wants = status in self._plan.wanting
            cap = min(caps.get(points.limit, self._plan.most_a), self._plan.least_a if unknown else self._plan.most_a)
            stations[name] = Station(wants=wants, silent=status is None, cap_a=cap)
            if not wants:
                self._came.pop(name, None)
            else:
                self._came.setdefault(name, now)
        return stations, sorted(stations, key=lambda name: self._came.get(name, now + 1))

    def _spare(self, sight: DemandSight, table: LiveTable) -> float:
        """What the contract leaves to the stations, kW; NaN: unknown."""
        if sight.limit is None:
            return float("nan")
        used = [self._value(table, points.power) for points in self._stations.values() if points.power]
        without = float(sight.now.forecast_kw[0]) - sum(value for value in used if value is not None)
        return sight.limit.limit_kw * self._shed_at - without

    async def _give(self, name: str, target: float, station: Station, table: LiveTable) -> None:
        point = self._stations[name].limit
        current = self._given.get(name)
        if current is None:
            current = self._value(table, point)
        if current is None:
            current = self._plan.least_a if station.silent else self._plan.most_a
        passed_s = self._clock.monotonic() - self._changed_s.get(name, float("-inf"))
        following = ramped(self._plan, current, target, passed_s)
        settled = following == current and name in self._given
        if settled and (passed_s < AGAIN_AFTER_S or await self._follows(point, current, table)):
            return
        # What was refused is asked for again no sooner.
        self._changed_s[name] = self._clock.monotonic()
        try:
            await self._desk.request(CommandWish(point, following, OPTIMIZER, REASON), self._who)
        except CityHallError as error:
            if name not in self._untold:
                log.warning("a charging station is not told its limit", point=point, reason=str(error))
            self._untold.add(name)
        else:
            self._given[name] = following
            self._untold.discard(name)

    async def _follows(self, point: str, given: float, table: LiveTable) -> bool:
        """Whether a station holds what it was given, or somebody above the optimizer holds it."""
        present = self._value(table, point)
        if present is not None and abs(present - given) < HELD_WITHIN_A:
            return True
        top = (await self._view.control(point)).top
        return top is not None and top.priority < OPTIMIZER

    async def _take_back(self) -> None:
        """Give up, once, what an earlier life gave out."""
        if self._taken_back:
            return
        self._taken_back = True
        for points in self._stations.values():
            slot = (await self._view.control(points.limit)).slots.get(OPTIMIZER)
            if slot is not None and slot.by == ACTOR:
                try:
                    await self._desk.request(CommandWish(points.limit, None, OPTIMIZER, REASON), self._who)
                except CityHallError as error:
                    log.warning("a charging station keeps its limit", point=points.limit, reason=str(error))

    def _value(self, table: LiveTable, name: str) -> float | None:
        value, quality, _ = table.present(self._numbers[name], self._clock.now())
        return value if quality < UNCERTAIN_FROM else None


def stations_of(site: Site, plan: ChargingPlan) -> dict[str, StationPoints]:
    """Stations of a site that have a state and can be limited, by the name of their equipment."""
    roles: dict[str, dict[str, str]] = {}
    for point in site.points.values():
        if point.equipment in site.equipment and site.equipment[point.equipment].brick_class in plan.classes:
            roles.setdefault(point.equipment, {})[point.role] = point.name
    return {
        name: StationPoints(found[plan.status_role], found[plan.limit_role], found.get(plan.power_role, ""))
        for name, found in roles.items()
        if plan.status_role in found and plan.limit_role in found
    }

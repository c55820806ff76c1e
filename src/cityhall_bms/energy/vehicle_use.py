"""What charging vehicles saved, month by month."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np

from cityhall_bms.domain.energy.carbon import AppliedFactor
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.periods import Period
from cityhall_bms.domain.energy.vehicles import Avoided, avoided
from cityhall_bms.domain.environment import VehiclePlan
from cityhall_bms.domain.site import Site
from cityhall_bms.domain.wall_clock import local_day
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.energy import MeterReader
from cityhall_bms.ports.history import Window


@dataclass(frozen=True, slots=True)
class MonthOfCharging:
    """One month (begin µs UTC); ``kwh`` none where nothing is known."""

    at: int
    kwh: float | None
    coverage: float
    factor: AppliedFactor | None
    saved: Avoided | None


class VehicleUse:
    """Answers about charging."""

    def __init__(self, site: Site, reader: MeterReader, clock: Clock) -> None:
        self._site = site
        self._reader = reader
        self._clock = clock
        self._zone = ZoneInfo(site.time_zone)
        self.plan: VehiclePlan | None = site.environment.vehicles

    async def months(self, period: Period, known_at: int | None = None) -> list[MonthOfCharging]:
        """Months of a period, widened to whole ones; none where the site has no charging meters.

        Carbon of the power is told by the factor of its year, as published by the day of knowledge.
        """
        factors = self._site.metering.total_of(Commodity.EV)
        if not factors:
            return []
        read = await self._reader.amounts(list(factors), Window(*period.bounds(self._zone)), "1mo", known_at=known_at)
        weight = np.array(list(factors.values()))
        known = np.isfinite(read.value)
        coverage = np.where(known, read.coverage, 0.0).min(axis=0)
        kwh = weight @ np.where(known, read.value, 0.0)
        day = local_day(self._zone, self._clock.now() if known_at is None else known_at)
        some: list[bool] = np.atleast_1d(known.any(axis=0)).tolist()
        return [
            self._month(at, float(kwh[column]) if some[column] else None, float(coverage[column]), day)
            for column, at in enumerate(read.at.tolist())
        ]

    def _month(self, at: int, kwh: float | None, coverage: float, known_on: date) -> MonthOfCharging:
        factor = self._site.energy_book.carbon.of(Commodity.ELECTRICITY, local_day(self._zone, at).year, known_on)
        if kwh is None or self.plan is None:
            return MonthOfCharging(at, kwh, coverage, factor, None)
        saved = avoided(kwh, self.plan, None if factor is None else factor.factor.kg_per_unit)
        return MonthOfCharging(at, kwh, coverage, factor, saved)

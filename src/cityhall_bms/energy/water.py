"""Water of a site from its meters: leaks by what flows at night, and the target of rain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.meters import Meter
from cityhall_bms.domain.energy.night_flow import Found, NightLimits, Nights, judge_nights, night_minima
from cityhall_bms.domain.energy.saving_targets import EnergyTarget, TargetKind
from cityhall_bms.domain.environment import WaterCircuit, WaterPlan
from cityhall_bms.domain.errors import NotFoundError, RefusedError
from cityhall_bms.domain.site import Site
from cityhall_bms.domain.wall_clock import instant_us, local_day
from cityhall_bms.energy.interval_reading import STEP, STEP_US
from cityhall_bms.ports.energy import MeterReader
from cityhall_bms.ports.history import Window

STEPS_PER_HOUR: Final = 3_600_000_000 // STEP_US
NIGHTS_MAX: Final = 366
WET: Final = frozenset({Commodity.WATER, Commodity.RAINWATER})


@dataclass(frozen=True, slots=True)
class NightFlow:
    """Meters (rows) and nights (columns) of a question, judged by ``limits``."""

    meters: tuple[Meter, ...]
    circuits: tuple[WaterCircuit, ...]
    nights: Nights
    found: Found
    limits: NightLimits

    def legitimate_m3h(self, row: int, night: int) -> tuple[float | None, str]:
        """What may flow in a night, and whence that is known: ``configured``, ``usual``, or nothing."""
        circuit, usual = self.circuits[row], float(self.found.usual[row, night])
        if circuit.legitimate_m3h is not None:
            return circuit.legitimate_m3h, "configured"
        if circuit.rests:
            return 0.0, "configured"
        return (None, "") if np.isnan(usual) else (usual, "usual")


class Water:
    """Answers about water; ``limits`` of night flow are those of the rules."""

    def __init__(self, site: Site, reader: MeterReader) -> None:
        self._site = site
        self._reader = reader
        self._zone = ZoneInfo(site.time_zone)
        self.plan: WaterPlan = site.environment.water
        self.meters: Mapping[str, Meter] = {
            name: meter for name, meter in site.metering.meters.items() if meter.commodity in WET
        }

    async def night_flow(
        self, names: Sequence[str], first: date, last: date, limits: NightLimits, known_at: int | None = None
    ) -> NightFlow:
        """Nights from one to another (both included), of some meters, or of all.

        Nights before the first are read too, so that it is known what is usual. ``NotFoundError`` for what is no meter
        of water; ``RefusedError`` for more than a year.
        """
        if (last - first).days >= NIGHTS_MAX or last < first:
            msg = f"至多 {NIGHTS_MAX} 夜 / take {NIGHTS_MAX} nights at most, the first before the last"
            raise RefusedError(msg)
        meters = tuple(self._meter(name) for name in names) or tuple(self.meters.values())
        before = timedelta(days=limits.usual_days + max(limits.high_nights, limits.rest_nights))
        window = Window(instant_us(self._zone, first - before, 0), instant_us(self._zone, last + timedelta(days=1), 0))
        nights = await self._nights(meters, window, known_at)
        circuits = tuple(self.plan.circuits.get(meter.name, WaterCircuit(meter.name)) for meter in meters)
        resting = np.array([circuit.rests for circuit in circuits], np.bool_)
        found = judge_nights(nights, resting, limits)
        wanted = nights.day >= first.toordinal()
        return NightFlow(
            meters,
            circuits,
            Nights(nights.day[wanted], nights.minimum[:, wanted]),
            Found(found.usual[:, wanted], found.high_run[:, wanted], found.rest_run[:, wanted]),
            limits,
        )

    def rain_target(self, year: int) -> EnergyTarget | None:
        """What the site wants to use of rain at least in a year (CE); none where it says nothing."""
        found = (target for target in self._site.energy_book.targets if _is_of_rain(target, year))
        return next(found, None)

    async def _nights(self, meters: Sequence[Meter], window: Window, known_at: int | None) -> Nights:
        read = await self._reader.amounts([meter.name for meter in meters], window, STEP, known_at=known_at)
        night = self._site.schedules.within_many(self.plan.schedule, read.at)
        return night_minima(read.value * STEPS_PER_HOUR, read.coverage, night, self._days(read.at), STEPS_PER_HOUR)

    def _days(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Local date of every step, in days since 0001-01-01: that of its hour, asked for once."""
        hours, which = np.unique(at // 3_600_000_000, return_inverse=True)
        days = np.array([local_day(self._zone, hour * 3_600_000_000).toordinal() for hour in hours.tolist()], np.int64)
        found: NDArray[np.int64] = days[which]
        return found

    def _meter(self, name: str) -> Meter:
        if name not in self.meters:
            msg = f"沒有水表 {name} / no meter of water is named {name}; GET /api/v1/energy/meters lists them"
            raise NotFoundError(msg)
        return self.meters[name]


def _is_of_rain(target: EnergyTarget, year: int) -> bool:
    of_site = not (target.tenant or target.meter)
    kind = target.kind is TargetKind.AT_LEAST and target.commodity is Commodity.RAINWATER
    return kind and of_site and target.year == year

"""Energy performance indicators (EnPI, ISO 50006) as data: what is counted, and per what.

An indicator is a sum of meters by another sum of meters, by an area, by people and days, or by pieces of equipment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.fit_statistics import Limits
from cityhall_bms.domain.energy.meters import Flow, Meter, Metering, PointSource
from cityhall_bms.domain.energy.shown import half_up

KWH_PER_RTH: Final = 3.51685
"""One hour of a refrigeration ton, kWh thermal (12,000 BTU/h)."""


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What figures of a building are told by; none where nobody wrote it into ``site.toml``."""

    area_m2: float | None = None
    """Floor area, indoor parking included."""
    parking_area_m2: float | None = None
    """Indoor parking, which energy audit reports leave out of the area."""
    staff: int | None = None
    """People who work there."""


class Per(StrEnum):
    """What an indicator is told by, where it is not another sum of meters."""

    NOTHING = "nothing"
    AREA = "area"
    AREA_WITHOUT_PARKING = "area_without_parking"
    STAFF_DAY = "staff_day"
    """People of the staff times days of the period."""
    METER_MONTH = "meter_month"
    """Meters that are counted, times months: as per lift and month."""


class Better(StrEnum):
    """Which way an indicator ought to go."""

    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True, slots=True)
class MeterChoice:
    """Meters by name; or a commodity's total; or those of a commodity and flow whose points are of some equipment.

    ``classes`` are Brick classes of the equipment. With names nothing else counts.
    """

    commodity: Commodity | None = None
    classes: tuple[str, ...] = ()
    flow: Flow = Flow.IMPORT
    meters: tuple[str, ...] = ()

    def factors(self, metering: Metering, class_of: Mapping[str, str]) -> Mapping[str, float]:
        """Meters and the factor of each; ``class_of`` tells the Brick class behind a point."""
        if self.meters:
            return dict.fromkeys(self.meters, 1.0)
        if self.commodity is None:
            return {}
        if not self.classes:
            return metering.total_of(self.commodity)
        return {m.name: 1.0 for m in metering.meters.values() if self._is_of(m, class_of)}

    def _is_of(self, meter: Meter, class_of: Mapping[str, str]) -> bool:
        source = meter.source
        return (
            meter.commodity is self.commodity
            and meter.flow is self.flow
            and isinstance(source, PointSource)
            and class_of.get(source.point) in self.classes
        )


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator, over the ``months`` whole months before now; value = count / per x factor, in ``unit``."""

    id: str
    text_zh: str
    text_en: str
    unit: str
    count: MeterChoice
    per: Per | MeterChoice = Per.NOTHING
    months: int = 12
    factor: float = 1.0
    better: Better = Better.LOWER
    target: float | None = None
    base: float | None = None
    """What it was in the base year, where that is declared; else it is calculated where history goes back so far."""

    def divisor(self, facts: SiteFacts, meters: int, days: float) -> float | None:
        """By how much the count is divided; none where the site does not tell it."""
        match self.per:
            case Per.AREA:
                return facts.area_m2
            case Per.AREA_WITHOUT_PARKING:
                if facts.area_m2 is None or facts.parking_area_m2 is None:
                    return None
                return facts.area_m2 - facts.parking_area_m2
            case Per.STAFF_DAY:
                return None if facts.staff is None else facts.staff * days
            case Per.METER_MONTH:
                return float(meters * self.months)
        return 1.0

    def reached(self, value: float) -> bool | None:
        """Whether the target is kept; none without a target."""
        if self.target is None:
            return None
        shown = float(half_up(value))  # as people see it: 915.9999 kWh are 916
        return shown <= self.target if self.better is Better.LOWER else shown >= self.target


@dataclass(frozen=True, slots=True)
class Performance:
    """How a site judges baselines and which indicators it watches."""

    limits: Limits = field(default_factory=Limits)
    temperature_point: str = ""
    """Outdoor temperature of baselines; empty: that of the weather station."""
    indicators: tuple[Indicator, ...] = ()

"""Which meters have a demand, by what points it is told, and what the utility's contract allows them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.demand import MeterColumns
from cityhall_bms.domain.energy.meters import Flow, PointSource
from cityhall_bms.domain.energy.tariff_book import TariffBook
from cityhall_bms.domain.energy.tariffs import PERIODS, TariffPeriod
from cityhall_bms.domain.errors import NotFoundError, RefusedError
from cityhall_bms.domain.live import uncertain_after_s
from cityhall_bms.domain.site import Point, PointKind, Site, Text
from cityhall_bms.domain.wall_clock import local_day

SUPPLY: Final = "supply"
"""Name of what the utility bills: its meters together."""
SUPPLY_TEXT: Final = Text("台電供電總需量", "Supply, all billing meters")
POWER_ROLE: Final = "kW"
TO_KW: Final[Mapping[str, float]] = {"W": 1e-3, "kW": 1.0}
TO_KWH: Final[Mapping[str, float]] = {"kWh": 1.0, "MWh": 1e3}
STEP_SHARE_MAX: Final = 0.0025
"""A counter is fine enough if one step of it is at most this share of a quarter hour at what its circuit carries: half
of the class 0.5 of IEC 62053-22, so that the demand is off by no more than the meter itself may be.
"""
BILLED_CLASS: Final = "Building_Electrical_Meter"


class DemandSource(StrEnum):
    """What a meter's demand is made of."""

    COUNTER = "counter"
    """What its counter counted; powers only since its last reading."""
    POWER = "power"
    """The mean of its power."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A meter's own points: a power, a counter, or both; factors make kW and kWh."""

    name: str
    power: str = ""
    power_factor: float = 1.0
    counter: str = ""
    counter_factor: float = 1.0
    power_max_kw: float = math.inf
    hold_s: float = 60.0
    fine: bool = False
    """Whether the counter's steps are fine enough to have the last word."""

    @property
    def source(self) -> DemandSource:
        """What its demand is made of."""
        return DemandSource.COUNTER if self.fine or not self.power else DemandSource.POWER


@dataclass(frozen=True, slots=True)
class DemandMeters:
    """Meters that are told (rows) and the pairs of points that they are summed up from (columns)."""

    names: tuple[str, ...]
    texts: tuple[Text, ...]
    parts: NDArray[np.float64]
    """Factor of each pair in each meter."""
    pairs: tuple[Pair, ...]
    sources: tuple[DemandSource, ...]
    """What each meter's demand is made of: of counters only where all of its parts are."""

    @classmethod
    def of(cls, site: Site) -> "DemandMeters":
        """Those of a site: what is billed first, then every meter of electricity that has points."""
        pairs = {pair.name: pair for pair in _pairs(site)}
        place = {name: number for number, name in enumerate(pairs)}
        names: list[str] = []
        texts: list[Text] = []
        rows: list[NDArray[np.float64]] = []
        for name, text, leaves in _told(site, pairs):
            if not leaves or not set(leaves) <= place.keys():
                continue
            row = np.zeros(len(pairs))
            for leaf, factor in leaves.items():
                row[place[leaf]] += factor
            names.append(name)
            texts.append(text)
            rows.append(row)
        parts = np.array(rows) if rows else np.zeros((0, len(pairs)))
        made_of = tuple(pairs.values())
        return cls(tuple(names), tuple(texts), parts, made_of, tuple(_source(made_of, row) for row in rows))

    def __len__(self) -> int:
        return len(self.names)

    def row(self, name: str) -> int:
        """Row of a meter; ``NotFoundError`` for one that has no demand."""
        if name not in self.names:
            msg = (
                f"沒有需量計量表 {name} / no meter with a demand is named {name}; GET /api/v1/energy/demand lists them"
            )
            raise NotFoundError(msg)
        return self.names.index(name)

    def columns(self) -> MeterColumns:
        """What is fixed about the pairs."""
        return MeterColumns(
            power_max_kw=np.array([pair.power_max_kw for pair in self.pairs]),
            hold_us=np.array([round(pair.hold_s * 1e6) for pair in self.pairs], np.int64),
            has_power=np.array([bool(pair.power) for pair in self.pairs], np.bool_),
            has_counter=np.array([pair.source is DemandSource.COUNTER for pair in self.pairs], np.bool_),
        )


@dataclass(frozen=True, slots=True)
class DemandLimit:
    """What a contract allows at a time without extra charge."""

    period: TariffPeriod
    limit_kw: float
    tariff: str
    """Name and version."""


def limit_at(book: TariffBook, at: int) -> DemandLimit | None:
    """Limit of a moment (µs UTC); none where the site has no contract, or the day's periods are not known."""
    try:
        day = local_day(ZoneInfo(book.time_zone), at)
        contract = book.contract_on(day)
        tariff = book.tariff_on(contract.tariff, day)
        [code] = book.periods(at, at + 1).periods_of(np.array([at])).tolist()
    except (RefusedError, NotFoundError):
        return None
    period = PERIODS[code]
    return DemandLimit(period, float(tariff.limit_kw(tariff.season_on(day), period, contract.kw)), tariff.version)


def _source(pairs: Sequence[Pair], factors: NDArray[np.float64]) -> DemandSource:
    sources = {pair.source for pair, factor in zip(pairs, factors, strict=True) if factor}
    return DemandSource.COUNTER if sources == {DemandSource.COUNTER} else DemandSource.POWER


def _told(site: Site, pairs: Mapping[str, Pair]) -> list[tuple[str, Text, Mapping[str, float]]]:
    metering = site.metering
    if not metering.meters:
        return [(SUPPLY, SUPPLY_TEXT, dict.fromkeys(pairs, 1.0))]
    billed: dict[str, float] = {}
    for name, factor in _billed(site).items():
        for leaf, inner in metering.leaves(name).items():
            billed[leaf] = billed.get(leaf, 0.0) + factor * inner
    each = [
        (meter.name, Text(meter.text_zh, meter.text_en), metering.leaves(meter.name))
        for meter in metering.meters.values()
        if meter.commodity in {Commodity.ELECTRICITY, Commodity.EV, Commodity.PV}
    ]
    return [(SUPPLY, SUPPLY_TEXT, billed), *each]


def _billed(site: Site) -> Mapping[str, float]:
    if site.tariffs.billing.meters:
        return dict.fromkeys(site.tariffs.billing.meters, 1.0)
    meters = site.metering.meters
    taken = site.metering.total_of(Commodity.ELECTRICITY)
    return {name: factor for name, factor in taken.items() if meters[name].flow is not Flow.GENERATED}


def _pairs(site: Site) -> list[Pair]:
    points_of: dict[str, list[Point]] = {}
    for point in site.points.values():
        points_of.setdefault(point.equipment, []).append(point)
    if not site.metering.meters:
        billed = [name for name, equipment in site.equipment.items() if equipment.brick_class == BILLED_CLASS]
        found = [_pair(name, points_of.get(name, []), None, 1.0) for name in billed]
        return [pair for pair in found if pair.power or pair.counter]
    pairs: list[Pair] = []
    for meter in site.metering.meters.values():
        if isinstance(meter.source, PointSource) and meter.source.point in site.points:
            counter = site.points[meter.source.point]
            if counter.unit in TO_KWH:
                pairs.append(_pair(meter.name, points_of[counter.equipment], counter, meter.source.factor))
    return pairs


def _pair(name: str, points: list[Point], counter: Point | None, factor: float) -> Pair:
    """The points of one piece of equipment that tell its demand."""
    if counter is None:
        counters = [point for point in points if point.kind is PointKind.CI and point.unit in TO_KWH]
        counter = counters[0] if counters else None
        factor = TO_KWH[counter.unit] if counter is not None else 1.0
    powers = [point for point in points if point.role == POWER_ROLE and point.kind is PointKind.AI]
    power = powers[0] if powers and powers[0].unit in TO_KW else None
    high = power.high if power is not None and power.high is not None else math.inf
    power_max_kw = high * TO_KW[power.unit] if power is not None else math.inf
    step_kwh = counter.encoding.scale * factor if counter is not None else math.inf
    return Pair(
        name=name,
        power=power.name if power is not None else "",
        power_factor=TO_KW[power.unit] if power is not None else 1.0,
        counter=counter.name if counter is not None else "",
        counter_factor=factor,
        power_max_kw=power_max_kw,
        hold_s=uncertain_after_s(max((point.scan_s for point in (power, counter) if point is not None), default=0.0)),
        fine=math.isfinite(power_max_kw) and step_kwh <= STEP_SHARE_MAX * power_max_kw / 4.0,
    )

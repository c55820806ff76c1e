"""What the reports of energy and water ask, and the pages that are made of it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.comparison import Subject, total
from cityhall_bms.domain.energy.demand_meters import SUPPLY
from cityhall_bms.domain.energy.measures import MeasureStatus
from cityhall_bms.domain.energy.meters import Flow, Meter, PointSource
from cityhall_bms.domain.energy.periods import Period, months_of, share_of_year, year_period
from cityhall_bms.domain.energy.saving_targets import TargetKind
from cityhall_bms.domain.errors import NotFoundError, RefusedError
from cityhall_bms.domain.reports import ReportWish
from cityhall_bms.domain.roc import roc_year
from cityhall_bms.domain.site import System, Text
from cityhall_bms.energy.comparing import How
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.measures import MeasureFilter
from cityhall_bms.reports.asking import address, between
from cityhall_bms.reports.comparing import Beside, Compared, Months, as_figure
from cityhall_bms.reports.document import Figure, Source
from cityhall_bms.reports.half_year import Carbon, Lifts, MeasureRow, Rain
from cityhall_bms.reports.periods import month_begins
from cityhall_bms.reports.shift import Peak
from cityhall_bms.reports.sources import ReportSources

TOLD: Final = (Commodity.ELECTRICITY, Commodity.WATER, Commodity.FUEL)
"""What the city reports beside base year and year before."""
TWELVE: Final = 12
MEASURES_MAX: Final = 1_000
STATUS: Final = {
    MeasureStatus.PROPOSED: Text("提案", "proposed"),
    MeasureStatus.APPROVED: Text("核定", "approved"),
    MeasureStatus.IN_PLACE: Text("已施作", "in place"),
    MeasureStatus.VERIFIED: Text("已查證", "verified"),
    MeasureStatus.CLOSED: Text("結案", "closed"),
    MeasureStatus.WITHDRAWN: Text("撤回", "withdrawn"),
}
MONTH: Final = "1mo"


def how_of(wish: ReportWish) -> How:
    """How figures are read for a report: as measured, as known then; thin ones are refused by the sentences."""
    return How(known_at=wish.known_at, provisional=True)


class EnergyReports:
    """Gathers what reports say of energy and water; what a site does not have is none."""

    def __init__(self, sources: ReportSources) -> None:
        self._sources = sources
        self._metering = sources.site.metering
        self._zone = ZoneInfo(sources.site.time_zone)
        self._coverage_min = sources.site.energy_book.references.coverage_min

    async def compared(self, period: Period, wish: ReportWish, tenant: str = "") -> list[Compared]:
        """What the city reports, of the site or of one tenant."""
        return [await self._compared(self._subject(each, tenant), period, wish) for each in TOLD]

    async def months(self, period: Period, wish: ReportWish) -> tuple[list[str], list[Months]]:
        """Electricity by month, beside the year before."""
        subject = self._subject(Commodity.ELECTRICITY)
        begins = month_begins(period)
        if not subject.factors:
            return [], []
        years = [await self._by_month(subject, period, wish), await self._by_month(subject, period.moved(-1), wish)]
        return [f"{day.month} 月" for day in begins], [
            year for year in years if any(v is not None for v in year.values)
        ]

    async def rain(self, period: Period, wish: ReportWish) -> Rain | None:
        """Rainwater since the year began, against the year's target."""
        year = period.first.year
        targets = [
            target
            for target in self._sources.site.energy_book.targets
            if target.kind is TargetKind.AT_LEAST and target.commodity is Commodity.RAINWATER and target.year == year
        ]
        subject = self._subject(Commodity.RAINWATER)
        if not (targets and subject.factors):
            return None
        so_far = Period(year_period(year).first, period.until)
        used = await self._sources.comparer.figure(subject, so_far, how_of(wish))
        source = self._source("/water/rainwater", wish, subject, period=so_far.name)
        amount = as_figure(used, "m³", source, self._coverage_min)
        return Rain(amount, targets[0].amount, share_of_year(period.until, year), source)

    async def lifts(self, period: Period, wish: ReportWish) -> Lifts | None:
        """What regenerative lifts gave back in the twelve months up to the end of the period."""
        meters = [meter for meter in self._metering.meters.values() if self._is_regeneration(meter)]
        if not (meters and period.until.day == 1):
            return None
        until = period.until
        year = months_of(until.replace(year=until.year - 1), TWELVE)
        window = Window(*year.bounds(self._zone))
        names = [meter.name for meter in meters]
        amounts = await self._sources.reader.amounts(names, window, MONTH, known_at=wish.known_at)
        each = amounts.value.sum(axis=1)
        giving = np.flatnonzero(~(each <= 0.0))
        found = total(amounts, (~(each <= 0.0)).astype(np.float64), year)
        chosen = [names[place] for place in giving.tolist()]
        if not chosen:
            return None
        source = Source(
            address("/energy/amounts", wish.known_at, meter=chosen, interval=MONTH, **between(window)), tuple(chosen)
        )
        return Lifts(len(chosen), as_figure(found, "kWh", source, self._coverage_min))

    async def carbon(self, period: Period, wish: ReportWish) -> Carbon | None:
        """Carbon of the electricity, by the factor of each year."""
        subject = self._subject(Commodity.ELECTRICITY)
        try:
            years = await self._sources.emissions.of(subject, period, how_of(wish))
        except RefusedError:
            return None
        applied = [year.applied for year in years if year.applied is not None]
        kilograms = [year.kg for year in years]
        if len(applied) < len(years) or None in kilograms:
            return None
        factors = [f"carbon {roc_year(each.factor.year)}: {each.factor.kg_per_unit:g}" for each in applied]
        coverage = min(year.coverage for year in years)
        thin = coverage < self._coverage_min or any(each.provisional for each in applied)
        source = self._source("/energy/carbon", wish, subject, factors, period=period.name)
        amount = Figure(sum(k for k in kilograms if k is not None), "kgCO2e", 0, coverage, thin, sources=(source,))
        zh = "、".join(f"{roc_year(each.factor.year)} 年度 {each.factor.kg_per_unit:g}" for each in applied)
        en = ", ".join(f"{each.factor.kg_per_unit:g} of ROC {roc_year(each.factor.year)}" for each in applied)
        return Carbon(amount, Text(f"{zh} kgCO2e/kWh", f"{en}, kgCO2e/kWh"))

    async def peak(self, period: Period) -> Peak | None:
        """Highest quarter hour of the supply; none where no quarter is known."""
        last = period.until - timedelta(days=1)
        try:
            calendar = await self._sources.demand.of(SUPPLY, period.first, last, 1)
        except NotFoundError:
            return None
        known = [month for month in calendar.months if month.peak.at]
        if not known:
            return None
        month = max(known, key=lambda each: each.peak.kw)
        limits = [each.limit_kw for each in month.periods if each.peak.at == month.peak.at]
        coverage = min(each.peak.coverage for each in calendar.months)
        asked = address("/energy/demand/peaks", from_=period.first.isoformat(), to=last.isoformat(), meter=SUPPLY)
        source = Source(asked, (SUPPLY,))
        return Peak(month.peak.kw, month.peak.at, coverage, limits[0] if limits else None, source)

    async def measures(self) -> list[MeasureRow] | None:
        """The register of measures; none where it is empty."""
        page = await self._sources.measures.page(MeasureFilter(), MEASURES_MAX, None)
        rows = []
        for each in page.measures:
            what, unit = each.definition, each.definition.commodity.unit
            source = Source(address(f"/energy/measures/{each.measure}"), what.meters, (each.position, each.position))
            measured = None if each.measurement is None else each.measurement.saved
            rows.append(
                MeasureRow(
                    Text(what.text_zh, what.text_en),
                    what.option.value,
                    STATUS[each.status],
                    Figure(what.deemed, unit, declared=True, sources=(source,)),
                    Figure(measured, unit, sources=(source,)),
                )
            )
        return rows or None

    async def _compared(self, subject: Subject, period: Period, wish: ReportWish) -> Compared:
        what, unit = Text(subject.commodity.text_zh, subject.commodity.text_en), subject.commodity.unit
        current = await self._sources.comparer.figure(subject, period, how_of(wish))
        beside = [
            Beside(figure, self._comparison(wish, subject, period, is_base=is_base), is_base)
            for earlier, is_base in self._earlier(subject, period)
            if (figure := await self._sources.comparer.figure(subject, earlier, how_of(wish))).value is not None
        ]
        source = self._comparison(wish, subject, period, is_base=False)
        return Compared(what, unit, current, source, tuple(beside), self._coverage_min)

    def _earlier(self, subject: Subject, period: Period) -> list[tuple[Period, bool]]:
        """The same period of the base year and of the year before, which may be one."""
        year, base = period.first.year, self._metering.base_years.get(subject.commodity)
        years = [base, year - 1] if base is not None and base < year else [year - 1]
        return [(period.moved(each - year), each == base) for each in dict.fromkeys(years)]

    async def _by_month(self, subject: Subject, period: Period, wish: ReportWish) -> Months:
        amounts = await self._sources.comparer.amounts(subject, period, MONTH, how_of(wish))
        factors = np.array([*subject.factors.values()])
        values = factors @ amounts.value
        covered = amounts.coverage.min(axis=0) >= self._coverage_min
        told = [float(v) if known and v == v else None for v, known in zip(values, covered, strict=True)]  # noqa: PLR0124
        return Months(period.first.year, tuple(told))

    def _is_regeneration(self, meter: Meter) -> bool:
        """Whether a meter counts what a lift gives back."""
        if meter.flow is not Flow.EXPORT or not isinstance(meter.source, PointSource):
            return False
        site = self._sources.site
        return site.system_of(site.points[meter.source.point]) is System.LIFT

    def _subject(self, commodity: Commodity, tenant: str = "") -> Subject:
        return self._sources.comparer.subject(commodity, tenant)

    def _comparison(self, wish: ReportWish, subject: Subject, period: Period, *, is_base: bool) -> Source:
        against = "base_year" if is_base else "year_before"
        asked = {"tenant": subject.tenant} if subject.tenant else {}
        return self._source(
            "/energy/comparison",
            wish,
            subject,
            commodity=subject.commodity.value,
            period=period.name,
            against=against,
            **asked,
        )

    def _source(
        self, path: str, wish: ReportWish, subject: Subject, versions: Sequence[str] = (), **asked: str
    ) -> Source:
        return Source(address(path, wish.known_at, **asked), self._read(subject), None, tuple(versions))

    def _read(self, subject: Subject) -> tuple[str, ...]:
        """Meters of a subject, and the points that they are read from."""
        leaves = [self._metering.meter(leaf) for name in subject.factors for leaf in self._metering.leaves(name)]
        points = [meter.source.point for meter in leaves if isinstance(meter.source, PointSource)]
        return tuple(dict.fromkeys([*subject.factors, *points]))

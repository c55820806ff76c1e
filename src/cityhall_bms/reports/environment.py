"""The reports of indoor air and of water."""

from zoneinfo import ZoneInfo

import numpy as np

from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.periods import Period
from cityhall_bms.domain.energy.water_use import litres_per_person_day, rain_ratio
from cityhall_bms.domain.reports import ReportWish
from cityhall_bms.domain.site import Text
from cityhall_bms.energy.indoor_air import Assessed, Assessment
from cityhall_bms.energy.interval_reading import STEP_S
from cityhall_bms.energy.water import NightFlow
from cityhall_bms.ports.history import Window
from cityhall_bms.reports.alarms import local_text
from cityhall_bms.reports.asking import address, between
from cityhall_bms.reports.comparing import as_figure, compared_sentences, comparison_table
from cityhall_bms.reports.document import Block, Column, Figure, Section, Sentence, Source, Table, Value
from cityhall_bms.reports.energy import EnergyReports, how_of
from cityhall_bms.reports.half_year import rain_blocks
from cityhall_bms.reports.sources import ReportSources

AIR = Text("室內空氣", "Indoor air")
HOURS = STEP_S / 3600.0
EXCEEDANCES_MAX = 500


class EnvironmentPages:
    """Makes those reports; what a site does not have is said to be absent."""

    def __init__(self, sources: ReportSources, energy: EnergyReports) -> None:
        self._sources = sources
        self._energy = energy
        self._zone = ZoneInfo(sources.site.time_zone)
        self._coverage_min = sources.site.energy_book.references.coverage_min

    async def indoor_air(self, period: Period, wish: ReportWish) -> tuple[Section, ...]:
        """Compliance of every node, and each time that a mean exceeded its limit."""
        air, window = self._sources.air, Window(*period.bounds(self._zone))
        if not air.nodes:
            return (Section(AIR, (Sentence("absent", {"what": AIR}),)),)
        found = await air.assess(await self._sources.legal_means(), window, wish.known_at)
        provisional = wish.provisional
        source = Source(
            address("/indoor-air/compliance", wish.known_at, provisional=provisional, **between(window)), found.nodes
        )
        exceeded = Source(address("/indoor-air/exceedances", wish.known_at, **between(window)), found.nodes)
        return (
            Section(AIR, (self._complied(found, source), self._nodes(found, source, provisional=provisional))),
            Section(Text("超標紀錄", "Exceedances"), (self._exceedances(found, exceeded),)),
            Section(Text("說明", "Notes"), (Sentence("provisional", {}),)),
        )

    async def water(self, period: Period, wish: ReportWish) -> tuple[Section, ...]:
        """City water beside other years, rain, use per person, and leaks by night flow."""
        compared = [
            each for each in await self._energy.compared(period, wish) if each.what.zh == Commodity.WATER.text_zh
        ]
        sentences = [block for each in compared for block in compared_sentences(each, provisional=wish.provisional)]
        return (
            Section(
                Text("自來水", "City water"),
                (
                    *(sentences or [Sentence("absent", {"what": Text("自來水", "City water")})]),
                    *await self._use(period, wish),
                    comparison_table(compared, provisional=wish.provisional),
                ),
            ),
            Section(Text("雨水回收", "Rainwater"), rain_blocks(await self._energy.rain(period, wish))),
            Section(Text("夜間流量", "Flow by night"), await self._nights(period, wish)),
            Section(Text("說明", "Notes"), (Sentence("provisional", {}),)),
        )

    async def _use(self, period: Period, wish: ReportWish) -> list[Block]:
        comparer = self._sources.comparer
        tap, rain = [
            await comparer.figure(comparer.subject(each), period, how_of(wish))
            for each in (Commodity.WATER, Commodity.RAINWATER)
        ]
        source = Source(address("/water/use", wish.known_at, period=period.name, provisional=wish.provisional))
        staff = self._sources.site.facts.staff
        litres, share = litres_per_person_day(tap.value, staff, period.days), rain_ratio(rain.value, tap.value)
        told = as_figure(tap, "m³", source, self._coverage_min)
        found: list[Block] = []
        if litres is not None and (wish.provisional or not told.provisional):
            figure = Figure(litres, "L", 2, told.coverage, told.provisional, sources=(source,))
            found.append(Sentence("per_person", {"litres": figure, "staff": f"{staff:,}"}))
        if share is not None and (wish.provisional or min(tap.coverage, rain.coverage) >= self._coverage_min):
            coverage = min(tap.coverage, rain.coverage)
            thin = coverage < self._coverage_min
            figure = Figure(100.0 * share, "%", 2, coverage, thin, sources=(source,))
            found.append(Sentence("rain_share", {"share": figure}))
        return found

    async def _nights(self, period: Period, wish: ReportWish) -> tuple[Block, ...]:
        last = Period(period.first, period.until)
        if not self._sources.water.meters:
            return (Sentence("absent", {"what": Text("水表", "Water meters")}),)
        limits = await self._sources.night_limits()
        end = last.until.fromordinal(last.until.toordinal() - 1)
        found = await self._sources.water.night_flow([], period.first, end, limits, wish.known_at)
        asked = {"first": period.first.isoformat(), "last": end.isoformat()}
        source = Source(
            address("/water/night-flow", wish.known_at, **asked), tuple(meter.name for meter in found.meters)
        )
        leaking = found.found.leaking(found.limits)[:, -1] if found.nights.minimum.size else np.zeros(0, np.bool_)
        sentence = Sentence("leaks", {"count": Figure(int(leaking.sum()), sources=(source,))})
        return sentence, _night_table(found, leaking, source)

    def _complied(self, found: Assessment, source: Source) -> Sentence:
        overall = found.overall()
        known, inside = int(overall.known.sum()), int(overall.inside.sum())
        occupied = overall.occupied * len(found.nodes)
        coverage = known / occupied if occupied else None
        thin = coverage is None or coverage < self._coverage_min
        return Sentence(
            "compliance",
            {
                "nodes": Figure(len(found.nodes), sources=(source,)),
                "share": Figure(100.0 * inside / known if known else None, "%", 2, coverage, thin, sources=(source,)),
                "coverage": Figure(None if coverage is None else 100.0 * coverage, "%", 1, sources=(source,)),
                "count": Figure(len(found.exceedances()), sources=(source,)),
            },
        )

    def _nodes(self, found: Assessment, source: Source, *, provisional: bool) -> Table:
        columns = (
            Column("node", Text("測點", "Place")),
            *(Column(item.limit.role, Text(*[f"{item.limit.role}（%）"] * 2), numeric=True) for item in found.limits),
        )
        shares = {item.limit.role: self._shares(found, item, source, provisional=provisional) for item in found.limits}
        rows: tuple[tuple[Value, ...], ...] = tuple(
            (self._name(node), *(shares[item.limit.role][row] for item in found.limits))
            for row, node in enumerate(found.nodes)
        )
        return Table("compliance", Text("使用時間內合於標準之比例", "Share of occupied time inside"), columns, rows)

    def _shares(self, found: Assessment, item: Assessed, source: Source, *, provisional: bool) -> list[Figure]:
        kept = found.compliance(item)
        figures = []
        for percent, coverage in zip(kept.percent.tolist(), kept.coverage.tolist(), strict=True):
            known = percent if percent == percent else None  # noqa: PLR0124 - NaN is not itself
            share = coverage if coverage == coverage else None  # noqa: PLR0124
            thin = share is None or share < self._coverage_min
            told = known if provisional or not thin else None
            figures.append(Figure(told, "%", 1, share, thin and told is not None, sources=(source,)))
        return figures

    def _exceedances(self, found: Assessment, source: Source) -> Table:
        columns = (
            Column("node", Text("測點", "Place")),
            Column("role", Text("項目", "What")),
            Column("from", Text("開始", "From")),
            Column("hours", Text("時數", "Hours"), numeric=True),
            Column("worst", Text("最高平均值", "Greatest mean"), numeric=True),
            Column("limit", Text("標準", "Limit"), numeric=True),
        )
        rows: list[tuple[Value, ...]] = [
            (
                self._name(found.nodes[item.node]),
                limit.role,
                local_text(int(found.at[item.first]), self._zone),
                Figure((item.last - item.first + 1) * HOURS, "h", 2, sources=(source,)),
                Figure(item.worst, limit.unit, limit.decimals, sources=(source,)),
                f"{limit.limit:g} {limit.unit}",
            )
            for limit, item in found.exceedances()[:EXCEEDANCES_MAX]
        ]
        return Table("exceedances", Text("超標紀錄", "Exceedances"), columns, tuple(rows))

    def _name(self, node: str) -> Text:
        text = self._sources.site.equipment[node].text
        return Text(f"{text.zh}（{node}）", f"{text.en} ({node})")


def _night_table(found: NightFlow, leaking: "np.typing.NDArray[np.bool_]", source: Source) -> Table:
    columns = (
        Column("meter", Text("水表", "Meter")),
        Column("median", Text("最低流量中位數（m³/h）", "Median of the least flow (m³/h)"), numeric=True),
        Column("last", Text("期末最低流量（m³/h）", "Least flow of the last night (m³/h)"), numeric=True),
        Column("nights", Text("有資料夜數", "Nights known"), numeric=True),
        Column("leak", Text("漏水", "Leak")),
    )

    def figure(value: float, decimals: int = 3) -> Figure:
        return Figure(value if value == value else None, "m³/h", decimals, sources=(source,))  # noqa: PLR0124

    rows: list[tuple[Value, ...]] = []
    for row, meter in enumerate(found.meters):
        minimum = found.nights.minimum[row]
        known = minimum[~np.isnan(minimum)]
        rows.append(
            (
                Text(meter.text_zh, meter.text_en),
                figure(float(np.median(known)) if len(known) else float("nan")),
                figure(float(minimum[-1]) if len(minimum) else float("nan")),
                Figure(len(known), sources=(source,)),
                Text("是", "yes") if len(leaking) and leaking[row] else Text("否", "no"),
            )
        )
    return Table("night_flow", Text("各水表夜間流量", "Flow by night of each meter"), columns, tuple(rows))

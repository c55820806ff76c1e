"""Evidence from measurements: controllers on line, the plant's efficiency, meters, indoor air, comfort."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from cityhall_bms.domain.site import Point
from cityhall_bms.energy.indoor_air import Assessment
from cityhall_bms.energy.interval_reading import STEP_S, STEP_US
from cityhall_bms.ports.air_record import AirEntryFilter, EntryKind
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.label import At, EvidenceTable, LabelQuestion, Row
from cityhall_bms.reports.label_sources import PAGE, LabelSources, column, known, moment, percent

HOURS: Final = STEP_S / 3600.0
DAY_US: Final = 86_400_000_000
PIECE_US: Final = 31 * DAY_US
"""Time of which series are held at once."""
SERIES_COLUMNS = (
    moment("時間", "Time"),
    column("點位", "Point"),
    column("數值", "Value"),
    column("單位", "Unit"),
    column("涵蓋率（%）", "Coverage (%)"),
)
METER_COLUMNS = (
    moment("月份", "Month"),
    column("計量表", "Meter"),
    column("能源別", "Commodity"),
    column("數量", "Amount"),
    column("單位", "Unit"),
    column("估計部分", "Of it estimated"),
    column("涵蓋率（%）", "Coverage (%)"),
)
COMPLIANCE_COLUMNS = (
    column("監測點", "Node"),
    column("項目", "Pollutant"),
    column("限值", "Limit"),
    column("單位", "Unit"),
    column("平均時數", "Hours of the mean"),
    column("使用時數", "Occupied hours"),
    column("已知時數", "Known hours"),
    column("合格時數", "Hours inside the limit"),
    column("合格率（%）", "Compliance (%)"),
    column("涵蓋率（%）", "Coverage (%)"),
    column("參考值", "Indicative only"),
    column("依據", "Source"),
)
EXCEEDANCE_COLUMNS = (
    column("監測點", "Node"),
    column("項目", "Pollutant"),
    moment("開始", "Begin"),
    moment("結束", "End"),
    column("最高平均值", "Worst mean"),
    column("限值", "Limit"),
    column("單位", "Unit"),
    column("使用時數", "Occupied hours"),
)
SAMPLE_COLUMNS = (
    moment("採樣時間", "Sampled"),
    column("地點", "Place"),
    column("項目", "Name"),
    column("數值", "Value"),
    column("單位", "Unit"),
    column("方法", "Method"),
    column("報告", "Report"),
    column("登錄人", "Entered by"),
)
COMFORT_COLUMNS = (
    column("裝置", "Unit"),
    column("使用時數", "Occupied hours"),
    column("已知時數", "Known hours"),
    column("過熱時數", "Unmet cooling hours"),
    column("最大超溫（K）", "Greatest excess (K)"),
    column("涵蓋率（%）", "Coverage (%)"),
)


@dataclass(frozen=True, slots=True)
class Series:
    """Points of equipment of a class, in the order of their names, and the interval of their means."""

    points: Sequence[Point]
    interval: str
    scale: float = 1.0
    unit: str = ""
    """In place of the point's own."""


def controllers(sources: LabelSources, question: LabelQuestion) -> list[EvidenceTable]:
    """Share of each day for which each controller was on line, %."""
    plan = sources.plan
    series = Series(points_of(sources, plan.controller_class, (plan.controller_role,)), "1d", 100.0, "%")
    return [EvidenceTable("controllers", SERIES_COLUMNS, partial(_series, sources, question, series))]


def plant(sources: LabelSources, question: LabelQuestion) -> list[EvidenceTable]:
    """Hourly means of the plant's figures."""
    series = Series(points_of(sources, sources.plan.plant_class, sources.plan.plant_roles), "1h")
    return [EvidenceTable("plant", SERIES_COLUMNS, partial(_series, sources, question, series))]


def meters(sources: LabelSources, question: LabelQuestion) -> list[EvidenceTable]:
    """Monthly amounts of every meter."""
    return [EvidenceTable("meters", METER_COLUMNS, partial(_meters, sources, question))]


def air(sources: LabelSources, question: LabelQuestion) -> list[EvidenceTable]:
    """Compliance, exceedances, hourly means, and what a laboratory counted."""
    limited = tuple(limit.role for limit in sources.limits)
    series = Series(points_of(sources, sources.air.plan.brick_class, limited), "1h")
    return [
        EvidenceTable("air-compliance", COMPLIANCE_COLUMNS, partial(_compliance, sources, question)),
        EvidenceTable("air-exceedances", EXCEEDANCE_COLUMNS, partial(_exceedances, sources, question)),
        EvidenceTable("air-hourly", SERIES_COLUMNS, partial(_series, sources, question, series)),
        EvidenceTable("air-samples", SAMPLE_COLUMNS, partial(_samples, sources, question)),
    ]


def comfort(sources: LabelSources, question: LabelQuestion) -> list[EvidenceTable]:
    """Unmet cooling hours by zone."""
    return [EvidenceTable("unmet-cooling-hours", COMFORT_COLUMNS, partial(_comfort, sources, question))]


def points_of(sources: LabelSources, brick_class: str, roles: Sequence[str]) -> list[Point]:
    """Points of some roles of equipment of a class that are in service."""
    site = sources.site
    return [
        site.points[name]
        for equipment in sorted(site.equipment)
        if site.equipment[equipment].brick_class == brick_class
        for role in roles
        if (name := f"{equipment}.{role}") in site.points and name in sources.ids
    ]


async def _series(sources: LabelSources, question: LabelQuestion, series: Series) -> AsyncIterator[Row]:
    """By time, and then by point; a piece of the window at a time."""
    numbers = [sources.ids[point.name] for point in series.points]
    for window in pieces(question.window) if numbers else ():
        table = await sources.queries.intervals_of(
            numbers, window, series.interval, Aggregation.MEAN, sources.site.time_zone, question.known_at
        )
        inside = np.flatnonzero((table.at >= window.start) & (table.at < window.end))
        for place in inside.tolist():
            for row, point in enumerate(series.points):
                value, share = known(float(table.value[row, place])), float(table.coverage[row, place])
                scaled = None if value is None else value * series.scale
                yield (At(int(table.at[place])), point.name, scaled, series.unit or point.unit, percent(share))


def pieces(window: Window) -> list[Window]:
    """The window in pieces of a bounded length."""
    return [Window(begin, min(begin + PIECE_US, window.end)) for begin in range(window.start, window.end, PIECE_US)]


async def _meters(sources: LabelSources, question: LabelQuestion) -> AsyncIterator[Row]:
    found = sources.site.metering.meters
    if not found:
        return
    read = await sources.reader.amounts(list(found), question.window, "1mo", known_at=question.known_at)
    for column_, at in enumerate(read.at.tolist()):
        for row, meter in enumerate(found.values()):
            yield (
                At(at),
                meter.name,
                meter.commodity.value,
                known(float(read.value[row, column_])),
                meter.commodity.unit,
                known(float(read.estimated[row, column_])),
                percent(float(read.coverage[row, column_])),
            )


async def _assessed(sources: LabelSources, question: LabelQuestion) -> Assessment:
    return await sources.air.assess(sources.limits, question.window, question.known_at)


async def _compliance(sources: LabelSources, question: LabelQuestion) -> AsyncIterator[Row]:
    found = await _assessed(sources, question)
    for item in found.limits:
        kept = found.compliance(item)
        for row in item.indices:
            yield (
                found.nodes[row],
                item.limit.role,
                item.limit.limit,
                item.limit.unit,
                item.limit.window_s / 3600.0,
                kept.occupied * HOURS,
                int(kept.known[row]) * HOURS,
                int(kept.inside[row]) * HOURS,
                known(float(kept.percent[row])),
                percent(float(kept.coverage[row])),
                "Y" if item.limit.role in sources.air.plan.indicative else "",
                item.limit.source,
            )


async def _exceedances(sources: LabelSources, question: LabelQuestion) -> AsyncIterator[Row]:
    found = await _assessed(sources, question)
    for limit, item in found.exceedances():
        yield (
            found.nodes[item.node],
            limit.role,
            At(int(found.at[item.first]) + STEP_US),
            At(int(found.at[item.last]) + STEP_US),
            item.worst,
            limit.limit,
            limit.unit,
            item.occupied * HOURS,
        )


async def _samples(sources: LabelSources, question: LabelQuestion) -> AsyncIterator[Row]:
    which = AirEntryFilter(EntryKind.SAMPLE, question.window.start, question.window.end, known_at=question.known_at)
    place: int | None = None
    while True:
        page = await sources.air_record.page(which, PAGE, place)
        for entry in page.entries:
            what = (entry.place, entry.name, entry.value, entry.unit, entry.method, entry.report, entry.by)
            yield (At(entry.moment), *what)
        place = page.next_place
        if place is None:
            return


async def _comfort(sources: LabelSources, question: LabelQuestion) -> AsyncIterator[Row]:
    found = await sources.comfort.unmet(question.window, question.known_at)
    for row, unit in enumerate(found.units):
        yield (
            unit,
            found.occupied_h,
            float(found.known_h[row]),
            float(found.unmet_h[row]),
            known(float(found.worst_k[row])),
            percent(float(found.coverage[row])),
        )

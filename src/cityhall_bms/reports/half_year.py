"""The half-year report of the city: the sentences of its own reports, with their figures filled in. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from cityhall_bms.domain.site import Text
from cityhall_bms.reports.alarms import NO_RECORD, AlarmData, answered_in_time, load_sentences, local_text
from cityhall_bms.reports.comparing import Compared, Months, compared_sentences, comparison_table, months_chart
from cityhall_bms.reports.document import (
    Block,
    Chart,
    ChartKind,
    Column,
    Figure,
    Section,
    Sentence,
    Series,
    Source,
    Table,
)
from cityhall_bms.reports.shift import Peak, demand_sentence

ELECTRICITY = Text("電力", "Electricity")
RAINWATER = Text("雨水回收", "Rainwater")
LIFTS = Text("電梯能源回生", "Regeneration of the lifts")
NOT_KEPT = (
    Text("電力設備更新（變壓器、GIS 保養）", "Renewal of power plant (transformers, service of the GIS)"),
    Text("巡檢缺失", "Findings of patrols"),
)


@dataclass(frozen=True, slots=True)
class Rain:
    """Rainwater used since the year began, of a target for the year, when so much (0..1) of it was over."""

    used: Figure
    target_m3: float
    share_of_year: float
    source: Source


@dataclass(frozen=True, slots=True)
class Lifts:
    """What the regenerative cars gave back in twelve months, kWh of all of them together."""

    cars: int
    given_back: Figure


@dataclass(frozen=True, slots=True)
class Carbon:
    """Carbon of the electricity (kg CO2e), and the factor by which it was counted."""

    amount: Figure
    factor: Text


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """A measure: name, kind of proof, deemed and measured saving (kWh a year)."""

    name: Text
    option: str
    status: Text
    deemed: Figure
    measured: Figure


@dataclass(frozen=True, slots=True)
class HalfYearData:
    """What the report is made from; what is none is said to be absent."""

    compared: Sequence[Compared]
    """Electricity first."""
    months: tuple[Sequence[str], Sequence[Months]]
    """Names of the months, and electricity (kWh) of each year in them."""
    rain: Rain | None
    lifts: Lifts | None
    carbon: Carbon | None
    measures: Sequence[MeasureRow] | None
    peak: Peak | None
    alarms: AlarmData | None
    last_incident: int | None
    """When priority 1 last rang (µs UTC); none where the record has none."""
    provisional: bool = False


def half_year_sections(data: HalfYearData, zone: ZoneInfo) -> tuple[Section, ...]:
    """The whole report."""
    sections = [
        Section(each.what, (*compared_sentences(each, provisional=data.provisional), *_chart_of(each, data)))
        for each in data.compared
    ]
    return (
        *sections,
        Section(Text("比較", "Comparison"), (comparison_table(data.compared, provisional=data.provisional),)),
        Section(RAINWATER, rain_blocks(data.rain)),
        Section(LIFTS, (lifts_sentence(data.lifts),)),
        Section(Text("用電需量", "Demand"), (demand_sentence(data.peak, zone),)),
        Section(Text("碳排放", "Carbon"), (carbon_sentence(data.carbon),)),
        Section(Text("節能措施", "Measures"), (measures_block(data.measures),)),
        Section(Text("設備監控與應變", "Monitoring and response"), tuple(_response(data, zone))),
        Section(
            Text("未列項目與說明", "What is not here"),
            (*(Sentence("not_kept", {"what": what}) for what in NOT_KEPT), Sentence("provisional", {})),
        ),
    )


def rain_blocks(rain: Rain | None) -> tuple[Block, ...]:
    """Progress beside the year's target and the linear plan."""
    if rain is None or rain.used.value is None:
        return (Sentence("absent", {"what": RAINWATER}),)
    progress = rain.used.value / rain.target_m3
    sources = rain.used.sources

    def percent(value: float) -> Figure:
        return Figure(100.0 * value, "%", 2, rain.used.coverage, rain.used.provisional, sources=sources)

    sentence = Sentence(
        "rain",
        {
            "amount": rain.used,
            "target": Figure(rain.target_m3, "m³", sources=(rain.source,)),
            "progress": percent(progress),
            "pace": percent(progress / rain.share_of_year),
        },
    )
    planned = rain.target_m3 * rain.share_of_year
    names = (Text("實際使用", "Used"), Text("線性進度", "Linear plan"), Text("年度目標", "Target of the year"))
    bars = (Series(RAINWATER, (rain.used.value, planned, rain.target_m3)),)
    chart = Chart(Text("雨水目標與進度", "Rainwater against its target"), ChartKind.BAR, "m³", names, bars)
    return sentence, chart


def carbon_sentence(carbon: Carbon | None) -> Sentence:
    """Carbon of the electricity."""
    if carbon is None or carbon.amount.value is None:
        return Sentence("absent", {"what": Text("碳排放", "Carbon")})
    return Sentence("carbon", {"amount": carbon.amount, "factor": carbon.factor})


def _chart_of(each: Compared, data: HalfYearData) -> tuple[Block, ...]:
    names, years = data.months
    if each is not data.compared[0] or not years:
        return ()
    return (months_chart(Text("每月用電", "Electricity by month"), "kWh", names, years),)


def lifts_sentence(lifts: Lifts | None) -> Sentence:
    """What regenerative lifts gave back."""
    if lifts is None or lifts.given_back.value is None:
        return Sentence("absent", {"what": LIFTS})
    whole = lifts.given_back
    each = whole.value / lifts.cars if whole.value is not None else 0.0

    def figure(value: float) -> Figure:
        return Figure(value, "kWh", 0, whole.coverage, whole.provisional, sources=whole.sources)

    return Sentence("lifts", {"cars": str(lifts.cars), "year": figure(each), "month": figure(each / 12.0)})


def measures_block(measures: Sequence[MeasureRow] | None) -> Block:
    """The register of measures."""
    what = Text("節能措施登錄", "Register of measures")
    if measures is None:
        return Sentence("absent", {"what": what})
    columns = (
        Column("name", Text("措施", "Measure")),
        Column("option", Text("IPMVP 選項", "IPMVP option")),
        Column("status", Text("狀態", "State")),
        Column("deemed", Text("預估節能（kWh/年）", "Deemed (kWh a year)"), numeric=True),
        Column("measured", Text("量測節能（kWh/年）", "Measured (kWh a year)"), numeric=True),
    )
    return Table("measures", what, columns, tuple((m.name, m.option, m.status, m.deemed, m.measured) for m in measures))


def _response(data: HalfYearData, zone: ZoneInfo) -> list[Block]:
    if data.alarms is None:
        return [NO_RECORD]
    source = data.alarms.source
    incidents = data.alarms.figures.responses[0].annunciations
    found: list[Block] = [Sentence("incidents", {"count": Figure(incidents, sources=(source,))})]
    if data.last_incident is None:
        found.append(Sentence("never", {}))
    else:
        days = (data.alarms.figures.until - data.last_incident) // 86_400_000_000
        when = local_text(data.last_incident, zone)
        found.append(Sentence("quiet_since", {"when": when, "days": Figure(days, sources=(source,))}))
    return [*found, answered_in_time(data.alarms), *load_sentences(data.alarms)]

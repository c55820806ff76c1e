"""The half-year report of ROC 104 from the city's published figures, put together by hand: what renderers are tried on."""

from zoneinfo import ZoneInfo

import numpy as np

from cityhall_bms.domain.alarm_figures import figures
from cityhall_bms.domain.annunciations import NEVER, Annunciations
from cityhall_bms.domain.energy import comparison
from cityhall_bms.domain.energy.periods import parse_period
from cityhall_bms.domain.site import Text
from cityhall_bms.reports.alarms import AlarmData
from cityhall_bms.reports.asking import address
from cityhall_bms.reports.comparing import Beside, Compared, Months
from cityhall_bms.reports.document import Figure, Report, Source
from cityhall_bms.reports.half_year import Carbon, HalfYearData, Lifts, MeasureRow, Rain, half_year_sections
from cityhall_bms.reports.shift import Peak

TAIPEI = ZoneInfo("Asia/Taipei")
KNOWN_AT = 1_436_140_800_000_000
"""2015-07-06 08:00 in Taipei."""
PERIOD = parse_period("104H1")


def source(path: str, *meters: str, versions: tuple[str, ...] = ()) -> Source:
    return Source(address(path, KNOWN_AT, period="104H1"), meters, None, versions)


ELECTRICITY, WATER, FUEL = (source(f"/energy/comparison/{name}", f"{name}.MAIN") for name in ("el", "water", "fuel"))


def measured(period: str, value: float | None, coverage: float = 1.0, declared: str = "") -> comparison.Figure:
    return comparison.Figure(parse_period(period), value, coverage, declared=declared)


def compared(what: Text, unit: str, origin: Source, value: float, *beside: tuple[str, float, bool]) -> Compared:
    return Compared(
        what,
        unit,
        measured("104H1", value, 0.998),
        origin,
        tuple(Beside(measured(period, before), origin, is_base) for period, before, is_base in beside),
    )


def alarm_data(rang: tuple[int, ...] = ()) -> AlarmData:
    first, until = PERIOD.bounds(TAIPEI)
    number = len(rang)
    rows = Annunciations(
        names=["T01~TCH.B2.CN.CHC01"],
        alarm=np.zeros(number, np.int64),
        priority=np.full(number, 2, np.uint8),
        began=np.array(rang, np.int64),
        ended=np.full(number, NEVER, np.int64),
        rang=np.array(rang, np.int64),
        acknowledged=np.array(rang, np.int64) + 60_000_000,
        again=np.zeros(number, np.bool_),
        withdrawn=np.zeros(number, np.bool_),
        drill=np.zeros(number, np.bool_),
    )
    return AlarmData(figures(rows, first, until), rows.rang, source("/alarms/figures"))


def half_year_data() -> HalfYearData:
    first, _ = PERIOD.bounds(TAIPEI)
    carbon = source("/energy/carbon", versions=("carbon 104: 0.525",))
    rain = source("/water/rainwater", "RWS.UsedVol")
    lifts = source("/energy/amounts", "LIFT.REGEN")
    measure = source("/energy/measures")
    return HalfYearData(
        compared=[
            compared(
                Text("電力", "Electricity"), "kWh", ELECTRICITY, 10_404_800.0,
                ("95H1", 13_952_000.0, True), ("103H1", 10_528_000.0, False),
            ),
            compared(
                Text("自來水", "City water"), "m³", WATER, 70_243.0,
                ("99H1", 78_323.0, True), ("103H1", 71_409.0, False),
            ),
            compared(Text("油料", "Fuel"), "L", FUEL, 9_098.0, ("95H1", 19_595.0, True)),
        ],
        months=(
            [f"{month} 月" for month in range(1, 7)],
            [
                Months(2015, (1.61e6, 1.32e6, 1.66e6, 1.71e6, 1.98e6, 2.12e6)),
                Months(2014, (1.63e6, 1.36e6, 1.68e6, 1.72e6, None, 2.14e6)),
            ],
        ),
        rain=Rain(Figure(112.0, "m³", 0, 1.0, sources=(rain,)), 150.0, 0.5, rain),
        lifts=Lifts(9, Figure(98_928.0, "kWh", 0, 1.0, sources=(lifts,))),
        carbon=Carbon(Figure(5_462_520.0, "kg CO₂e", 0, 1.0, sources=(carbon,)), Text("104 年度 0.525", "0.525 of 104")),
        measures=[
            MeasureRow(
                Text("西大門字幕 12 盞改 4 盞", "West-gate sign, 12 lamps to 4"), "A", Text("已查證", "verified"),
                Figure(9_072.0, "kWh", sources=(measure,)), Figure(None, "kWh", sources=(measure,)),
            ),
        ],
        peak=Peak(4_727.0, first + 150 * 86_400_000_000, 1.0, 5_000.0, source("/energy/demand/peaks", "MAIN")),
        alarms=alarm_data(tuple(first + hour * 3_600_000_000 for hour in range(0, 4000, 31))),
        last_incident=None,
    )  # fmt: skip


def half_year_report(data: HalfYearData | None = None) -> Report:
    return Report(
        kind="half-year",
        text=Text("節能與營運半年報", "Half-year report"),
        site="TCH",
        building=Text("臺北市政大樓", "Taipei City Hall"),
        time_zone="Asia/Taipei",
        period=PERIOD,
        known_at=KNOWN_AT,
        sections=half_year_sections(data or half_year_data(), TAIPEI),
    )

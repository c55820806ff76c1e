"""The kinds of reports, and for which periods each is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cityhall_bms.domain.energy.periods import Period
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.reports import Every, ReportKind
from cityhall_bms.domain.site import Text
from cityhall_bms.reports.periods import kind_of


@dataclass(frozen=True, slots=True)
class ReportSort:
    """What a kind is called, and the periods that it is made for; the first is what schedules take."""

    text: Text
    periods: tuple[Every, ...]


_LONG: Final = (Every.MONTH, Every.HALF_YEAR, Every.YEAR)
SORTS: Final[Mapping[ReportKind, ReportSort]] = MappingProxyType(
    {
        ReportKind.HALF_YEAR: ReportSort(Text("節能與營運半年報", "Half-year report"), (Every.HALF_YEAR, Every.YEAR)),
        ReportKind.MONTHLY_ENERGY: ReportSort(Text("能源月報", "Monthly energy report"), _LONG),
        ReportKind.SHIFT: ReportSort(Text("每日值班報表", "Daily shift report"), (Every.DAY,)),
        ReportKind.INDOOR_AIR: ReportSort(Text("室內空氣品質報表", "Indoor air report"), _LONG),
        ReportKind.WATER: ReportSort(Text("用水報表", "Water report"), _LONG),
        ReportKind.ALARMS: ReportSort(Text("警報績效報表", "Alarm figures"), (*_LONG, Every.DAY)),
        ReportKind.MAINTENANCE: ReportSort(Text("維護報表", "Maintenance report"), _LONG),
        ReportKind.TENANTS: ReportSort(Text("承租單位用量報表", "Tenants' report"), _LONG),
    }
)


def checked_period(kind: ReportKind, period: Period) -> Period:
    """Give the period back; ``RefusedError`` when no such report is made for it."""
    allowed = SORTS[kind].periods
    if kind_of(period) in allowed:
        return period
    names = ", ".join(allowed)
    msg = (
        f"{SORTS[kind].text.zh}不以 {period.name} 為期間 / a {kind} report is made for: {names}; not for {period.name}"
    )
    raise RefusedError(msg)

"""Makes reports: asks the parts of the service, and hands what they answer to the pure builders."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from cityhall_bms.domain.alarm_figures import figures
from cityhall_bms.domain.alarm_habits import within
from cityhall_bms.domain.commanding.control import OPERATOR
from cityhall_bms.domain.energy.periods import Period
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.hand_overs import HandOver, ListName, lists_of
from cityhall_bms.domain.reports import ReportKind, ReportWish
from cityhall_bms.domain.site import Text
from cityhall_bms.domain.wall_clock import local_day
from cityhall_bms.ports.alarm_figures import WHOLE_SITE, Console
from cityhall_bms.ports.history import Window
from cityhall_bms.reports.alarms import AlarmData, alarm_sections
from cityhall_bms.reports.asking import address, between
from cityhall_bms.reports.document import Report, Section, Source
from cityhall_bms.reports.energy import EnergyReports
from cityhall_bms.reports.energy_pages import EnergyPages
from cityhall_bms.reports.environment import EnvironmentPages
from cityhall_bms.reports.half_year import HalfYearData, half_year_sections
from cityhall_bms.reports.kinds import SORTS, checked_period
from cityhall_bms.reports.maintenance import MaintenanceData, maintenance_sections
from cityhall_bms.reports.shift import ShiftData, shift_sections
from cityhall_bms.reports.sources import ReportSources

HAND_OVERS_PER_PAGE: Final = 50
EMERGENCY: Final = 1
INCIDENTS_BACK_US: Final = 5 * 366 * 86_400_000_000
"""How far back the last emergency is looked for."""

Gathering = Callable[[Period, ReportWish], Awaitable[tuple[Section, ...]]]


class ReportMaker:
    """Makes reports of one site. Raises what the parts raise: that something is away, or is refused."""

    def __init__(self, sources: ReportSources) -> None:
        self._sources = sources
        self._site = sources.site
        self._zone = ZoneInfo(sources.site.time_zone)
        self._energy = EnergyReports(sources)
        pages, environment = EnergyPages(sources, self._energy), EnvironmentPages(sources, self._energy)
        self._gather: Mapping[ReportKind, Gathering] = {
            ReportKind.HALF_YEAR: self._half_year,
            ReportKind.MONTHLY_ENERGY: pages.monthly,
            ReportKind.SHIFT: self._shift,
            ReportKind.INDOOR_AIR: environment.indoor_air,
            ReportKind.WATER: environment.water,
            ReportKind.ALARMS: self._alarms,
            ReportKind.TENANTS: pages.tenants,
            ReportKind.MAINTENANCE: self._maintenance,
        }

    async def make(self, wish: ReportWish) -> Report:
        """Make one; of a period that goes on, the days that were over when it was known."""
        period = self.period_of(wish)
        sections = await self._gather[wish.kind](period, wish)
        return Report(
            kind=wish.kind.value,
            text=SORTS[wish.kind].text,
            site=self._site.code,
            building=self._site.text,
            time_zone=self._site.time_zone,
            period=period,
            known_at=wish.known_at,
            sections=sections,
        )

    def period_of(self, wish: ReportWish) -> Period:
        """Days that a report is about; ``RefusedError`` where none is over, or no such report is made."""
        asked = checked_period(wish.kind, Period(wish.first, wish.until))
        elapsed = asked.elapsed(local_day(self._zone, wish.known_at))
        if elapsed is None:
            msg = f"{asked.name} 尚無完整的一日 / no day of {asked.name} is over yet"
            raise RefusedError(msg)
        return elapsed

    async def _alarms(self, period: Period, _: ReportWish) -> tuple[Section, ...]:
        return alarm_sections(await self._alarm_data(period), self._zone)

    async def _half_year(self, period: Period, wish: ReportWish) -> tuple[Section, ...]:
        compared = await self._energy.compared(period, wish)
        data = HalfYearData(
            compared=compared,
            months=await self._energy.months(period, wish),
            rain=await self._energy.rain(period, wish),
            lifts=await self._energy.lifts(period, wish),
            carbon=await self._energy.carbon(period, wish),
            measures=await self._energy.measures(),
            peak=await self._energy.peak(period),
            alarms=await self._alarm_data(period),
            last_incident=await self._last_incident(self._window(period).end),
            provisional=wish.provisional,
        )
        return half_year_sections(data, self._zone)

    async def _shift(self, period: Period, _: ReportWish) -> tuple[Section, ...]:
        window = self._window(period)
        alarms = await self._alarm_data(period)
        if alarms is None:
            return shift_sections(None, self._zone)
        before, stood = await self._sources.past.stood(window.start), await self._sources.past.stood(window.end)
        lists = lists_of(stood.alarms, ())
        positions = (min(before.position + 1, stood.position), stood.position)
        data = ShiftData(
            alarms=alarms,
            standing={name: lists.alarms[name] for name in ListName},
            standing_source=Source(address("/state", at=between(window)["to"]), events=positions),
            hand_overs=await self._hand_overs(window),
            overrides=[each for each in await self._sources.commands.held(OPERATOR) if each.slot.since < window.end],
            overrides_source=Source(address("/overrides", priority=str(OPERATOR))),
            peak=await self._energy.peak(period),
        )
        return shift_sections(data, self._zone)

    async def _maintenance(self, period: Period, _: ReportWish) -> tuple[Section, ...]:
        planning, book = self._sources.planning, self._site.maintenance
        texts = {plan.name: Text(plan.text_zh, plan.text_en) for plan in book.plans}
        texts |= {test.name: Text(test.text_zh, test.text_en) for test in book.fire_tests}
        data = MaintenanceData(
            figures=await planning.figures(period.first, period.until),
            standing=[*await planning.tasks(), *await planning.fire_tests()],
            texts=texts,
            arrive_target=book.rules.arrive_target,
            arrive_within_s=book.rules.arrive_within_s,
            due=Source(address("/maintenance/due")),
            orders=Source(address("/maintenance/orders", open=False)),
            findings=Source(address("/maintenance/findings", open=False)),
            tests=Source(address("/maintenance/fire-tests")),
        )
        return maintenance_sections(data)

    async def _alarm_data(self, period: Period) -> AlarmData | None:
        """Figures of alarms; none where the event log began after the period."""
        window = self._window(period)
        if not (await self._sources.past.stood(window.end)).position:
            return None
        rows = await self._sources.alarms.annunciations(WHOLE_SITE, window.start, window.end)
        found = await asyncio.to_thread(figures, rows, window.start, window.end)
        told = rows.rang[within(rows.rang, window.start, window.end) & ~rows.drill]
        return AlarmData(found, told, Source(address("/alarms/figures", None, **between(window))))

    async def _last_incident(self, until: int) -> int | None:
        rows = await self._sources.alarms.annunciations(Console(priority=EMERGENCY), until - INCIDENTS_BACK_US, until)
        rang = rows.rang[(rows.rang < until) & ~rows.drill]
        return int(rang.max()) if len(rang) else None

    async def _hand_overs(self, window: Window) -> list[HandOver]:
        """Those that were prepared in a window, the earliest first."""
        found: list[HandOver] = []
        place: int | None = None
        while True:
            page = await self._sources.hand_overs.page(HAND_OVERS_PER_PAGE, place)
            found += [each for each in page.hand_overs if window.start <= each.prepared_at < window.end]
            place = page.next_place
            if place is None or page.hand_overs[-1].prepared_at < window.start:
                return found[::-1]

    def _window(self, period: Period) -> Window:
        return Window(*period.bounds(self._zone))

"""Rings while demand comes near what the contract allows, and again, more severely, when it goes over."""

import math
from dataclasses import dataclass
from typing import Final

import structlog

from cityhall_bms.domain.alarms import (
    Alarm,
    AlarmEvent,
    AlarmPriorityChanged,
    AlarmRaised,
    AlarmReturned,
    alarm_id,
    stream_of,
)
from cityhall_bms.domain.energy.demand import WINDOW_US
from cityhall_bms.domain.energy.demand_meters import SUPPLY
from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError
from cityhall_bms.domain.site import System
from cityhall_bms.energy.demand_watch import DemandSight, PresentValues
from cityhall_bms.ports.alarm_log import caught_up
from cityhall_bms.ports.event_log import Append, EventLog

ACTOR: Final = "demand"
RULE: Final = "E12"
RULE_VERSION: Final = 2
IDENTITY: Final = alarm_id(RULE, SUPPLY)
NEAR_PRIORITY, OVER_PRIORITY = 3, 2
CLOSE_SHARE: Final = 0.98
"""Forecast from which it is urgent (project default E12)."""
ON_DELAY_US: Final = 60_000_000
OFF_SHARE: Final = 0.01
"""It is over this much (of the limit) below where it rings."""
NEAR_TEXT: Final = (
    "需量預測接近契約容量：{value:.0f} kW（契約 {limit:.0f} kW）",
    "Demand forecast near the contract: {value:.0f} kW (contract {limit:.0f} kW)",
)
OVER_TEXT: Final = (
    "需量即將或已經超過契約容量：{value:.0f} kW（契約 {limit:.0f} kW）",
    "Demand about to go over the contract, or over it: {value:.0f} kW (contract {limit:.0f} kW)",
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Severity:
    """What rings: its priority, and the figures that it is told with (kW)."""

    priority: int
    value: float
    limit: float

    @property
    def texts(self) -> tuple[str, str]:
        """Chinese and English."""
        zh, en = OVER_TEXT if self.priority == OVER_PRIORITY else NEAR_TEXT
        return zh.format(value=self.value, limit=self.limit), en.format(value=self.value, limit=self.limit)


class DemandAlarm:
    """One alarm of the supply. On an unknown forecast nothing is decided: what rings goes on ringing."""

    def __init__(self, events: EventLog, shed_at: float) -> None:
        self._events = events
        self._shed_at = shed_at
        self._alarm = Alarm(alarm_id=IDENTITY)
        self._since: dict[int, int] = {}
        """Since when the forecast is high enough for each priority."""
        self._limits: dict[int, float] = {}
        """Limit of the running window and of the one before, by their begins."""

    async def look(self, sight: DemandSight, source: PresentValues) -> None:
        """Ring, ring again or end; what the event log does not take now is decided anew at the next tick."""
        del source
        share, limit = sight.share(0), sight.limit
        if limit is None or math.isnan(share):
            self._since.clear()
            return
        self._limits = {begin: kw for begin, kw in self._limits.items() if begin >= sight.now.begin - WINDOW_US}
        self._limits[sight.now.begin] = limit.limit_kw
        severity = self._severity(sight, share, limit.limit_kw)
        try:
            await self._record(sight, severity, share)
        except (ConcurrencyError, EventLogUnavailableError) as error:
            log.info("the demand alarm waits", reason=str(error))

    def _severity(self, sight: DemandSight, share: float, limit_kw: float) -> Severity | None:
        """What is to ring after its delay; a window that ended over the contract needs none."""
        now = sight.now
        last_kw = float(now.last_kw[0])
        # The limit may be another one now: a window is held against that of its own period.
        last_limit = self._limits.get(now.begin - WINDOW_US, math.inf)
        if last_kw > last_limit and now.at - now.begin < ON_DELAY_US:
            return Severity(OVER_PRIORITY, last_kw, last_limit)
        for priority, least in ((OVER_PRIORITY, CLOSE_SHARE), (NEAR_PRIORITY, self._shed_at)):
            if share < least:
                self._since.pop(priority, None)
            elif now.at - self._since.setdefault(priority, now.at) >= ON_DELAY_US:
                return Severity(priority, share * limit_kw, limit_kw)
        return None

    async def _record(self, sight: DemandSight, severity: Severity | None, share: float) -> None:
        self._alarm = await caught_up(self._events, self._alarm)
        event = self._event(sight, severity, share)
        if event is not None:
            await self._events.append([Append(stream_of(IDENTITY), [event], ACTOR, self._alarm.version)])

    def _event(self, sight: DemandSight, severity: Severity | None, share: float) -> AlarmEvent | None:
        alarm, at = self._alarm, sight.now.at
        if severity is None:
            calm = share < self._shed_at - OFF_SHARE
            over = alarm.active and calm
            return AlarmReturned(observed_at=at, value=round(float(sight.now.forecast_kw[0]), 1)) if over else None
        zh, en = severity.texts
        value, limit = round(severity.value, 1), severity.limit
        if not alarm.active:
            return AlarmRaised(
                rule=RULE,
                rule_version=RULE_VERSION,
                subject=SUPPLY,
                equipment="",
                system=System.POWER.value,
                priority=severity.priority,
                text_zh=zh,
                text_en=en,
                latching=False,
                occurrence=alarm.occurrence + 1,
                observed_at=at,
                value=value,
                limit=limit,
                unit="kW",
            )
        if severity.priority < alarm.priority:
            return AlarmPriorityChanged(
                priority=severity.priority, text_zh=zh, text_en=en, observed_at=at, value=value, limit=limit
            )
        return None

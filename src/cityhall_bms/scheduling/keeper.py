"""Carries schedules and bookings out, through the command desk alone: who else holds a point has the last word.

What is wanted follows from the definitions, the calendar and the time; what was done stands in the priorities that
are held. So a restart resumes without doing anything twice: what was missed is done once, late, and only the last
of it; what is over by then is skipped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from cityhall_bms.domain.commanding.control import SCHEDULE, Slot
from cityhall_bms.domain.errors import (
    ConcurrencyError,
    EventLogUnavailableError,
    NotFoundError,
    ReadOnlyPointError,
    RefusedError,
)
from cityhall_bms.domain.scheduling.wanted import Horizon, Want, wanted
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.access import Requester, Role
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.commands import CommandDesk, CommandView, CommandWish
from cityhall_bms.scheduling.early_starts import EarlyStarts
from cityhall_bms.scheduling.record import SchedulingRecord

ACTOR: Final = "schedule"
PERIOD_S: Final = 5.0
AGAIN_S: Final = 30.0
"""How long a point is left alone after it was asked for something; twice as long after each further time, up to ..."""
AGAIN_MAX_S: Final = 900.0
AT_ONCE_MAX: Final = 20
"""So many commands in one look: a whole building is switched within a minute, and not at one moment."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a point was asked for last, how often in a row, and when (monotonic s) it may be asked again."""

    value: float | None
    times: int
    again_s: float


class ScheduleKeeper:
    """One per site, in whoever leads."""

    def __init__(
        self,
        site: Site,
        record: SchedulingRecord,
        commands: tuple[CommandDesk, CommandView],
        early: EarlyStarts,
        clock: Clock,
    ) -> None:
        self._site = site
        self._record = record
        self._desk, self._view = commands
        self._early = early
        self._clock = clock
        self._who = Requester(ACTOR, Role.SERVICE)
        self._horizon = Horizon(site, record.seen)
        self._asked: dict[str, _Asked] = {}

    async def run(self) -> None:
        """Keep to the schedules without end; an outage of the log delays what is due and loses none."""
        away = False
        while True:
            try:
                await self.look()
            except EventLogUnavailableError as error:
                if not away:
                    log.warning("schedules wait", reason=str(error))
                away = True
            else:
                away = False
            await self._clock.sleep(PERIOD_S)

    async def look(self) -> None:
        """Ask for what is not as it is wanted."""
        programme = await self._record.programme()
        if programme is not self._horizon.programme:
            self._horizon = Horizon(self._site, programme)
        at = self._clock.now()
        held = {each.point: each.slot for each in await self._view.held(SCHEDULE)}
        early = await self._early.look(self._horizon, held, at)
        due = self._due(wanted(self._horizon, at, early), held)
        for point, want in list(due.items())[:AT_ONCE_MAX]:
            await self._ask(point, want)

    def _due(self, wants: Mapping[str, Want], held: Mapping[str, Slot]) -> dict[str, Want | None]:
        """Points that do not hold what is wanted, and may be asked now; none where ours is to be given up."""
        due: dict[str, Want | None] = {
            point: want for point, want in wants.items() if point not in held or held[point].value != want.value
        }
        due |= {point: None for point, slot in held.items() if slot.by == ACTOR and point not in wants}
        for point in [point for point in self._asked if point not in due]:
            del self._asked[point]
        now_s = self._clock.monotonic()
        return {point: want for point, want in due.items() if self._may_ask(point, want, now_s)}

    def _may_ask(self, point: str, want: Want | None, now_s: float) -> bool:
        asked = self._asked.get(point)
        return asked is None or asked.value != _value(want) or now_s >= asked.again_s

    async def _ask(self, point: str, want: Want | None) -> None:
        before, value = self._asked.get(point), _value(want)
        times = before.times + 1 if before is not None and before.value == value else 1
        again_s = self._clock.monotonic() + min(AGAIN_S * 2.0 ** min(times - 1, 10), AGAIN_MAX_S)
        self._asked[point] = _Asked(value, times, again_s)
        try:
            await self._desk.request(CommandWish(point, value, SCHEDULE, _reason(want)), self._who)
        except (RefusedError, ConcurrencyError, ReadOnlyPointError, NotFoundError) as error:
            if times == 1:
                log.info("a schedule is not followed yet", point=point, value=value, reason=str(error))


def _value(want: Want | None) -> float | None:
    return None if want is None else want.value


def _reason(want: Want | None) -> str:
    if want is None:
        return "排程時段結束 schedule: its time is over"
    early = "（最佳化啟動 optimum start）" if want.early else ""
    return f"排程 {want.source}{early} {want.text_zh}".strip()

"""How early each room's plant begins: asks history how fast the room came down before, and how warm it is now."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from cityhall_bms.domain.commanding.control import Slot
from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.domain.scheduling.bookings import MINUTE_US
from cityhall_bms.domain.scheduling.conflicts import room_point
from cityhall_bms.domain.scheduling.optimum import Advice, advise, learnt_rate
from cityhall_bms.domain.scheduling.schedule import PointSchedule
from cityhall_bms.domain.scheduling.wanted import Horizon, first_value
from cityhall_bms.domain.wall_clock import local_day
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.queries import HistoryQueries

LEARN_DAYS: Final = 21
"""So far back it is looked for mornings."""
MORNINGS_MAX: Final = 10
QUARTER_MIN: Final = 15
AFTER_MIN: Final = 60
"""So long after a start the room is still watched coming down."""
NOW_MIN: Final = 10
"""The room's temperature now is the mean of the last minutes."""
DAY_US: Final = 86_400_000_000

log = structlog.get_logger(__name__)


class EarlyStarts:
    """Keeps what it learnt for a day, and what it advised last while history is away."""

    def __init__(self, ids: Mapping[str, int], queries: HistoryQueries, time_zone: str) -> None:
        self._ids = ids
        self._queries = queries
        self._zone = time_zone
        self._rates: dict[tuple[str, date], float | None] = {}
        self._begun: dict[str, int] = {}
        """Plain begin of starts that are under way: they are not taken back when the room has come down."""
        self._advice: dict[str, Advice] = {}
        self._looked_at: dict[str, int] = {}

    async def look(self, horizon: Horizon, held: Mapping[str, Slot], at: int) -> dict[str, int]:
        """By how many minutes before its plain begin each point is due; points that are not waited for are none."""
        early: dict[str, int] = {}
        for name, schedule in horizon.schedules.items():
            optimum = schedule.optimum_start
            if optimum is None:
                continue
            begin = first_value(horizon.days, schedule, at, at + optimum.most_min * MINUTE_US + 1)
            if begin is not None:
                early |= await self._of(horizon, name, begin[0], held, at)
        self._begun = {point: begin for point, begin in self._begun.items() if begin > at}
        return early

    async def advice(self, horizon: Horizon, name: str, begin: int, at: int) -> dict[str, Advice]:
        """What is advised at ``at`` for each point of a schedule that begins at ``begin``, and why.

        Raises ``HistoryUnavailableError``.
        """
        schedule = horizon.schedules[name]
        optimum = schedule.optimum_start
        if optimum is None:
            return {}
        rooms = {point: room_point(horizon.site, point, optimum.role) for point in horizon.points[name]}
        known = {point: room for point, room in rooms.items() if room in self._ids}
        if not known:
            return {}
        rates = await self._learnt(horizon, schedule, sorted(set(known.values())), begin)
        warm = await self._now(sorted(set(known.values())), at)
        return {
            point: advise(warm[room], optimum.target, rates[room], optimum.most_min) for point, room in known.items()
        }

    async def _of(self, horizon: Horizon, name: str, begin: int, held: Mapping[str, Slot], at: int) -> dict[str, int]:
        if at - self._looked_at.get(name, 0) >= MINUTE_US:
            self._looked_at[name] = at
            try:
                self._advice |= await self.advice(horizon, name, begin, at)
            except HistoryUnavailableError as error:
                # What was advised before counts on; without anything it is the plain time.
                log.info("optimum start goes by what it knew", schedule=name, reason=str(error))
        rested = _rest_began(horizon, name, begin)
        early: dict[str, int] = {}
        left_min = -(-(begin - at) // MINUTE_US)
        for point in horizon.points[name]:
            minutes = self._advice[point].minutes if point in self._advice else 0
            slot = held.get(point)
            # After a restart the priority that is held says that it had begun.
            running = slot is not None and slot.value != 0.0 and slot.since > rested
            if point in self._begun or running:
                minutes = max(minutes, left_min)
            if minutes >= left_min:
                self._begun[point] = begin
            if minutes:
                early[point] = minutes
        return early

    async def _learnt(
        self, horizon: Horizon, schedule: PointSchedule, rooms: Sequence[str], begin: int
    ) -> dict[str, float | None]:
        day = local_day(horizon.days.zone, begin)
        missing = [room for room in rooms if (room, day) not in self._rates]
        if missing:
            self._rates = {key: rate for key, rate in self._rates.items() if key[1] == day}
            mornings = [await self._morning(missing, start) for start in _starts(horizon, schedule, begin)]
            for row, room in enumerate(missing):
                self._rates[room, day] = learnt_rate([morning[row] for morning in mornings], QUARTER_MIN)
        return {room: self._rates[room, day] for room in rooms}

    async def _morning(self, rooms: Sequence[str], start: int) -> NDArray[np.float64]:
        """Means of quarter hours around a start, a row for each room."""
        window = Window(start - 2 * AFTER_MIN * MINUTE_US, start + AFTER_MIN * MINUTE_US)
        return await self._means(rooms, window, f"{QUARTER_MIN}m")

    async def _now(self, rooms: Sequence[str], at: int) -> dict[str, float]:
        table = await self._means(rooms, Window(at - NOW_MIN * MINUTE_US, at), "1m")
        latest = [row[np.isfinite(row)] for row in table]
        return {room: float(row[-1]) if len(row) else float("nan") for room, row in zip(rooms, latest, strict=True)}

    async def _means(self, rooms: Sequence[str], window: Window, interval: str) -> NDArray[np.float64]:
        points = [self._ids[room] for room in rooms]
        table = await self._queries.intervals_of(points, window, interval, Aggregation.MEAN, self._zone)
        return table.value


def _rest_began(horizon: Horizon, name: str, begin: int) -> int:
    """When a schedule ended to ask for something, before it begins to ask again."""
    return [change.at for change in horizon.days.changes(horizon.schedules[name], begin - DAY_US, begin)][-1]


def _starts(horizon: Horizon, schedule: PointSchedule, begin: int) -> list[int]:
    """When the schedule began on the days before, the latest ones."""
    starts, resting = [], False
    for change in horizon.days.changes(schedule, begin - LEARN_DAYS * DAY_US, begin - 1):
        asks = bool(change.choice.value)
        if resting and asks:
            starts.append(change.at)
        resting = not asks
    return starts[-MORNINGS_MAX:]

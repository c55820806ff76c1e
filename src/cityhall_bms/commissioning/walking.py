"""Walks: checks and signatures, each an append to the stream of its equipment."""

from typing import Final

from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.site import Site
from cityhall_bms.domain.walks import PointWalked, Walk, WalkSignedOff, check_point, fold_walk, sign_off, walk_stream
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog

READ_MAX: Final = 1_000


class WalkOffice:
    """See :class:`~cityhall_bms.ports.commissioning.WalkDesk`."""

    def __init__(self, site: Site, events: EventLog, clock: Clock) -> None:
        self._site = site
        self._events = events
        self._clock = clock

    async def of(self, equipment: str) -> Walk:
        """The walk as the log has it."""
        if equipment not in self._site.equipment:
            msg = f"no equipment is named {equipment}; GET /api/v1/equipment lists it"
            raise NotFoundError(msg)
        walk = Walk(equipment)
        while True:
            part = await self._events.read(walk.position, READ_MAX, walk_stream(equipment))
            for entry in part:
                walk = fold_walk(walk, entry)
            if len(part) < READ_MAX:
                return walk

    async def check(self, point: str, *, passed: bool, note: str, seen: float | None, by: str) -> Walk:
        """Record that a point was compared with the machine."""
        described = self._site.points.get(point)
        if described is None:
            msg = f"no point is named {point}; GET /api/v1/points lists them"
            raise NotFoundError(msg)
        walk, at = await self.of(described.equipment), self._clock.now()
        return await self._append(walk, check_point(walk, point, passed=passed, note=note, seen=seen, by=by, at=at))

    async def sign_off(self, equipment: str, *, note: str, by: str) -> Walk:
        """Take equipment over."""
        walk = await self.of(equipment)
        points = sorted(point.name for point in self._site.points.values() if point.equipment == equipment)
        return await self._append(walk, sign_off(walk, points, note=note, by=by, at=self._clock.now()))

    async def _append(self, walk: Walk, event: PointWalked | WalkSignedOff) -> Walk:
        [entry] = await self._events.append([Append(walk_stream(walk.equipment), [event], event.by, walk.version)])
        return fold_walk(walk, entry)

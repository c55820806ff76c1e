"""Server-sent events: present values. ``Last-Event-ID`` resumes without loss or repetition.

An id is a position of the telemetry log. A client that comes back is served from memory while that reaches far enough,
and from the log otherwise.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Final

import numpy as np
import orjson
from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from numpy.typing import NDArray

from cityhall_bms.api.places import RECONNECT_MS, Place
from cityhall_bms.api.points import find_point
from cityhall_bms.api.problems import responses
from cityhall_bms.api.seats import OneStream
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.domain.errors import TelemetryLogUnavailableError
from cityhall_bms.domain.quality import is_bad
from cityhall_bms.ports.telemetry_log import LoggedBatch

CHUNK: Final = 500
NAMES_MAX: Final = 5_000
CATCH_UP_WAIT_S: Final = 0.5
OUTAGE_RETRY_S: Final = 1.0

router = APIRouter()


def _selection(
    services: Services,
    names: Annotated[str, Query(description="Names of points, separated by commas; empty = all.")] = "",
) -> "Selection":
    """Points to watch; a dependency for the same reason."""
    chosen = [name for name in names.split(",") if name]
    if len(chosen) > NAMES_MAX:
        raise HTTPException(400, f"{len(chosen)} names are too many: {NAMES_MAX} at most")
    for name in chosen:
        find_point(services, name)
    return Selection(services, chosen or sorted(services.site.points))


@router.get(
    "/points/stream",
    tags=["points"],
    response_class=EventSourceResponse,
    responses=responses(400, 404),
    dependencies=[OneStream],
)
async def point_stream(
    services: Services, selection: Annotated["Selection", Depends(_selection)], place: Place
) -> AsyncIterator[ServerSentEvent]:
    """Present values as they change.

    The first event, ``snapshot``, names the points and gives their values; each ``values`` event after it holds
    columns ``i`` (place in ``names``), ``t`` (ms since 1970 UTC), ``v`` (null when bad) and ``q`` (quality code).
    A client that resumes gets what it missed instead of a snapshot; if the telemetry log no longer holds that, a new
    snapshot says ``"resumed": false``.
    """
    yield ServerSentEvent(comment="values", retry=RECONNECT_MS)
    tail = services.live.tail
    await services.live.started.wait()
    position = place if place is not None and await _log_reaches(services, place) else None
    while True:
        beginnings = tail.beginnings
        if position is None:
            position = tail.end
            yield _event("snapshot", position, selection.snapshot(resumed=False))
        while tail.beginnings == beginnings:
            for logged in await _batches_after(services, position):
                values = selection.pick(logged)
                if values is not None:
                    yield _event("values", logged.position, values)
                position = logged.position
            await tail.wait_beyond(position, beginnings)
        position = None


async def _log_reaches(services: ApiServices, position: int) -> bool:
    """Whether every batch after ``position`` can still be had."""
    if position > services.live.tail.end:
        return False
    if services.live.tail.reaches(position):
        return True
    first = await _from_log(services, position, 1)
    return bool(first) and first[0].position == position + 1


async def _batches_after(services: ApiServices, position: int) -> Sequence[LoggedBatch]:
    tail = services.live.tail
    if tail.reaches(position):
        return [logged for _, logged in tail.after(position)]
    return await _from_log(services, position, CHUNK)


async def _from_log(services: ApiServices, position: int, batches_max: int) -> Sequence[LoggedBatch]:
    """Read batches after a position; an outage is waited for, since the stream has long begun."""
    while True:
        try:
            reader = await services.telemetry.reader(after=position)
            try:
                return await reader.fetch(batches_max, CATCH_UP_WAIT_S)
            finally:
                await reader.close()
        except TelemetryLogUnavailableError:
            await services.clock.sleep(OUTAGE_RETRY_S)


def _event(kind: str, position: int, data: dict[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(raw_data=orjson.dumps(data).decode(), event=kind, id=str(position))


class Selection:
    """The points one client watches, as a lookup from point number to place in its list."""

    def __init__(self, services: ApiServices, names: Sequence[str]) -> None:
        self._services = services
        self._names = names
        self._numbers = np.array([services.ids[name] for name in names], dtype=np.int64)
        self._place = np.full(max(services.ids.values()) + 1, -1, dtype=np.int64)
        self._place[self._numbers] = np.arange(len(names))

    def snapshot(self, *, resumed: bool) -> dict[str, Any]:
        """Present values of all watched points."""
        table = self._services.live.table
        quality = table.quality_now(self._services.clock.now())[self._numbers]
        return {
            "names": list(self._names),
            "resumed": resumed,
            "t": (table.observed_at[self._numbers] // 1000).tolist(),
            "v": _shown(table.value[self._numbers], quality),
            "q": quality.tolist(),
        }

    def pick(self, logged: LoggedBatch) -> dict[str, Any] | None:
        """What a batch says about the watched points; none when it says nothing."""
        batch = logged.batch
        known = batch.point < len(self._place)
        place = np.where(known, self._place[np.where(known, batch.point, 0)], -1)
        chosen = place >= 0
        if not chosen.any():
            return None
        return {
            "i": place[chosen].tolist(),
            "t": (batch.observed_at[chosen] // 1000).tolist(),
            "v": _shown(batch.value[chosen], batch.quality[chosen]),
            "q": batch.quality[chosen].tolist(),
        }


def _shown(value: NDArray[np.float64], quality: NDArray[np.uint8]) -> list[float | None]:
    """Values as they may be shown: a bad one is no number."""
    hidden = is_bad(quality) | ~np.isfinite(value)
    return [None if hide else number for number, hide in zip(value.tolist(), hidden.tolist(), strict=True)]

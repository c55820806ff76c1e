"""The alarm feed as server-sent events: ``Last-Event-ID`` resumes without loss or repetition.

An id is a position of the event log. A console that comes back is served from memory while that reaches far enough, and
from the log otherwise.
"""

from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from cityhall_bms.api.alarms import StateFilter
from cityhall_bms.api.feed_texts import events_of
from cityhall_bms.api.places import RECONNECT_MS, Place
from cityhall_bms.api.problems import responses
from cityhall_bms.api.seats import OneStream
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.domain.alarm_selection import Console, StateSelection
from cityhall_bms.domain.site import System

ZONES_MAX: Final = 500
HEADERS: Final = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}

router = APIRouter()


class EventStream(StreamingResponse):
    """Server-sent events that were made as bytes, for many consoles at once."""

    media_type = "text/event-stream"


Priority = Annotated[int, Query(ge=1, le=4)]


def _console(
    zone: Annotated[
        list[str], Query(description="Floors or zones of floors: `05`, `05.W`; empty = all.", max_length=ZONES_MAX)
    ] = [],  # noqa: B006 - FastAPI copies it
    system: Annotated[list[System], Query()] = [],  # noqa: B006 - as above
    priority: Annotated[list[Priority], Query()] = [],  # noqa: B006 - as above
    state: Annotated[StateFilter, Query(description="A displayed state, or a group of them.")] = "all",
) -> Console:
    """What concerns the console; a dependency, because a refusal must come before the stream begins."""
    return Console(frozenset(zone), frozenset(system), frozenset(priority), StateSelection.of(state))


@router.get(
    "/alarms/feed",
    tags=["alarms"],
    response_class=EventStream,
    responses=responses(400, 422, 503),
    dependencies=[OneStream],
)
async def alarm_feed(
    services: Services,
    place: Place,
    console: Annotated[Console, Depends(_console)],
    after: Annotated[int | None, Query(ge=0, description="As Last-Event-ID, for a first connection.")] = None,
) -> EventStream:
    """Every alarm transition once, in order; without a place to start from, from now on.

    An `alarm` event is a transition with `group` (equipment or device that caused it; null when the alarm is not
    open), `first_up` (it came first there), `changes` (since it began to chatter; 0 when it does not), and `sound`,
    `colour` and `shape` for the console. With filters, also the transition is told by which an alarm leaves what they
    select. A `position` event comes every two seconds and says how far the feed has come: resume from its id too. A
    `flood` event, which has no id, says that a flood began or was over; one that is on is said at once.
    """
    return EventStream(_events(services, after if place is None else place, console), headers=HEADERS)


async def _events(services: ApiServices, after: int | None, console: Console) -> AsyncIterator[bytes]:
    yield b": alarm feed\nretry: %d\n\n" % RECONNECT_MS
    position = await services.feed.place(after)
    async for news in services.feed.news(position, console):
        yield events_of(news)

"""Alarm load: figures beside their targets, bad actors, floods and their forensics, stale alarms, groups."""

import asyncio
from datetime import timedelta
from typing import Annotated, Final

import numpy as np
from fastapi import APIRouter, Depends, HTTPException, Path, Query

from cityhall_bms.api import figure_models, models
from cityhall_bms.api.alarms import NO_NUL
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import FromTime, ToTime, to_rfc3339, to_us
from cityhall_bms.domain.alarm_figures import BAD_ACTORS, figures
from cityhall_bms.domain.alarm_habits import STALE_AFTER_US, actors, within
from cityhall_bms.domain.alarm_targets import judge
from cityhall_bms.domain.annunciations import Annunciations
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.flood_forensics import Forensics, examine
from cityhall_bms.domain.flood_watch import AlarmFloodBegan
from cityhall_bms.domain.floods import WINDOW_US, Flood, floods
from cityhall_bms.domain.site import System
from cityhall_bms.ports.alarm_figures import Console

STRETCH_MAX: Final = timedelta(days=5 * 366)
FLOOD_MAX_US: Final = 7 * 86_400_000_000
"""How much of a flood is examined."""
ORDER_MAX: Final = 1_000
CANDIDATES_MAX: Final = 100

router = APIRouter(prefix="/alarms", tags=["alarms"])


def _console(
    system: Annotated[System | None, Query()] = None,
    zone: Annotated[
        str | None, Query(max_length=50, pattern=NO_NUL, description="A floor (`05`), or a zone of it (`05.W`).")
    ] = None,
    priority: Annotated[int | None, Query(ge=1, le=4)] = None,
) -> Console:
    """What the console shows."""
    return Console(system, zone, priority)


def _stretch(start: FromTime, end: ToTime) -> tuple[int, int]:
    """From when until when; 400 where that is no stretch of time, or a longer one than is answered."""
    if not timedelta(0) < end - start <= STRETCH_MAX:
        raise HTTPException(400, f"`from` lies before `to`, by {STRETCH_MAX.days} days at most")
    return to_us(start), to_us(end)


OfConsole = Annotated[Console, Depends(_console)]
Stretch = Annotated[tuple[int, int], Depends(_stretch)]


@router.get("/figures", responses=responses(400, 422, 503))
async def alarm_figures(services: Services, console: OfConsole, stretch: Stretch) -> figure_models.Figures:
    """What a console bore, each figure beside its target (EEMUA 191, IEC 62682); drills and tests do not count.

    Nothing is asked of the time that has not come: `to` may lie in it, and figures count to now.
    """
    first, until = _until_now(services, stretch)
    rows = await services.annunciations.annunciations(console, first, until)
    found = await asyncio.to_thread(figures, rows, first, until)
    return figure_models.Figures.of(found, judge(found), BAD_ACTORS)


@router.get("/figures/bad-actors", responses=responses(400, 422, 503))
async def bad_actors(
    services: Services, console: OfConsole, stretch: Stretch, limit: Annotated[int, Query(ge=1, le=100)] = BAD_ACTORS
) -> figure_models.BadActors:
    """Alarms that ring most, with how they stand now: where to begin when there is too much."""
    first, until = _until_now(services, stretch)
    rows = await services.annunciations.annunciations(console, first, until)
    told = rows.where(within(rows.rang, first, until) & ~rows.drill)
    worst = actors(told.names, told.alarm)[:limit]
    standing = [await services.alarms.get(actor.alarm) for actor in worst]
    now = services.clock.now()
    return figure_models.BadActors(
        annunciations=len(told),
        share=sum(actor.share for actor in worst),
        items=[
            figure_models.BadActor(
                alarm=actor.alarm,
                count=actor.count,
                share=actor.share,
                as_it_stands=None if alarm is None else models.Alarm.of(alarm, now),
            )
            for actor, alarm in zip(worst, standing, strict=True)
        ],
    )


@router.get("/floods", responses=responses(400, 422, 503))
async def list_floods(services: Services, console: OfConsole, stretch: Stretch) -> figure_models.AlarmFloods:
    """Floods of one console that reach into a stretch of time, the latest first."""
    first, until = _until_now(services, stretch)
    rows = await services.annunciations.annunciations(console, first, until)
    found = await asyncio.to_thread(figures, rows, first, until)
    return figure_models.AlarmFloods(
        on=services.feed.in_flood, items=[figure_models.AlarmFlood.of(flood, until) for flood in found.floods[::-1]]
    )


@router.get("/floods/{flood_id}/forensics", responses=responses(404, 422, 503))
async def flood_forensics(
    services: Services, console: OfConsole, flood_id: Annotated[str, Path(pattern=r"^\d{1,18}$")]
) -> figure_models.FloodForensics:
    """What a flood was made of, in causal order, and which suppression would have removed how much of it.

    Ask with the filters by which the flood was listed: its name is when it began for that console.
    """
    began, now = int(flood_id), services.clock.now()
    until = min(began + FLOOD_MAX_US, now)
    rows = await services.annunciations.annunciations(console, began, until)
    flood, found = await asyncio.to_thread(_examine, services, rows, began, until)
    return figure_models.FloodForensics(
        flood=figure_models.AlarmFlood.of(flood, now),
        first_up=found.order[0].alarm,
        order=[
            figure_models.RingInOrder.of(ring, first_up=place == 0)
            for place, ring in enumerate(found.order[:ORDER_MAX])
        ],
        candidates=[figure_models.Suppression.of(candidate) for candidate in found.candidates[:CANDIDATES_MAX]],
        together=[figure_models.Suppression.of(candidate) for candidate in found.together],
    )


@router.get("/stale", responses=responses(422, 503))
async def stale_alarms(
    services: Services, console: OfConsole, limit: Annotated[int, Query(ge=1, le=1000)] = 200
) -> figure_models.StaleAlarms:
    """Alarms that operators see and that have stood for more than a day, longest first."""
    now = services.clock.now()
    found = await services.annunciations.stale(console, now - STALE_AFTER_US, limit + 1)
    return figure_models.StaleAlarms(
        items=[models.Alarm.of(alarm, now) for alarm in found[:limit]], truncated=len(found) > limit
    )


@router.get("/groups", responses=responses(422, 503))
async def alarm_groups(
    services: Services, system: Annotated[System | None, Query()] = None
) -> figure_models.AlarmGroups:
    """Open alarms under what caused them, that of the earliest first-up first.

    With `system`, groups in which an alarm is of that system: whole, since the cause may be of another one.
    """
    now = services.clock.now()
    groups = services.feed.groups.all()
    return figure_models.AlarmGroups(
        position=services.feed.tail.end,
        in_flood=services.feed.in_flood,
        items=[
            figure_models.GroupOfAlarms.of(
                found,
                _name_of(services, found.cause),
                [services.feed.chatter.changes(alarm.alarm_id, now) for alarm in found.alarms],
                now,
            )
            for found in groups
            if system is None or any(alarm.system == system for alarm in found.alarms)
        ],
    )


def describe_flood_event(entry: StoredEvent) -> figure_models.FloodNews:
    """Give the feed's form."""
    is_on = entry.type == AlarmFloodBegan.__name__
    count = entry.payload["count" if is_on else "total"]
    return figure_models.FloodNews(on=is_on, at=to_rfc3339(entry.payload["at"]) or "", count=count)


def _until_now(services: ApiServices, stretch: tuple[int, int]) -> tuple[int, int]:
    first, until = stretch
    return first, max(min(until, services.clock.now()), first + 1)


def _examine(services: ApiServices, rows: Annunciations, began: int, until: int) -> tuple[Flood, Forensics]:
    """Find a flood and examine it; 404 where none began then."""
    rows = rows.where(~rows.drill & within(rows.rang, began - WINDOW_US + 1, until))
    rows = rows.where(np.argsort(rows.rang, kind="stable"))
    flood = next((found for found in floods(rows.rang, until) if found.began == began), None)
    if flood is None:
        msg = f"no flood of this console began at {began}; GET /api/v1/alarms/floods lists them"
        raise NotFoundError(msg)
    ended = until if flood.ended is None else flood.ended
    rows = rows.where((rows.rang >= flood.first_ring) & (rows.rang <= ended))
    return flood, examine(rows, services.site, until)


def _name_of(services: ApiServices, cause: str) -> models.Text:
    """Name of equipment or a device, for people."""
    known = services.site.equipment.get(cause) or services.site.devices.get(cause)
    return models.Text(zh=cause, en=cause) if known is None else models.Text.of(known.text)

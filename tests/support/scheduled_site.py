"""The site of the command rig with calendars, and short words for schedules in tests."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.command_rig import AHU, plant_site, point

from cityhall_bms.domain.calendars import Calendar, DayKind, Schedules, SpecialDay
from cityhall_bms.domain.scheduling.programme import Programme, SchedulePlan
from cityhall_bms.domain.scheduling.schedule import Entries, Entry, PointSchedule, SpecialEvent, Targets
from cityhall_bms.domain.scheduling.writing import minute_of
from cityhall_bms.domain.site import PointKind, Site

START = f"{AHU}.StartCmd"
ROOM = f"{AHU}.RAT"
TAIPEI = ZoneInfo("Asia/Taipei")
OFFICE = Calendar(
    "office",
    days={
        date(2026, 2, 28): SpecialDay(DayKind.HOLIDAY, "和平紀念日", "Peace Memorial Day"),
        date(2026, 3, 7): SpecialDay(DayKind.WORKDAY, "補行上班", "Make-up day"),
        date(2027, 1, 1): SpecialDay(DayKind.HOLIDAY, "元旦", "New Year"),
    },
)


def scheduled_site(plan: SchedulePlan | None = None, protocol: str = "bacnet") -> Site:
    """The command rig's plant, whose air handler also tells the room's temperature."""
    site = plant_site()
    room = point(ROOM, PointKind.AI, "air-bacnet")
    return replace(
        site,
        devices=dict(site.devices) | {"air-bacnet": replace(site.devices["air-bacnet"], protocol=protocol)},
        points=dict(site.points) | {ROOM: room},
        schedules=Schedules(site.time_zone, (OFFICE,)),
        scheduling=plan or SchedulePlan(),
    )


def entries(*texts: str) -> Entries:
    """``08:00=1``, ``17:30=-``."""
    parted = [text.partition("=") for text in texts]
    return tuple(Entry(minute_of(time), None if value == "-" else float(value)) for time, _, value in parted)


def daily(name: str, *texts: str, specials: tuple[SpecialEvent, ...] = (), **changes: Any) -> PointSchedule:
    """A schedule with the same entries every day, of the air handler's start unless something else is named."""
    changes.setdefault("targets", Targets(points=(START,)))
    return PointSchedule(name, weekly=(entries(*texts),) * 7, specials=specials, **changes)


def programme(*schedules: PointSchedule, **changes: Any) -> Programme:
    return Programme(SchedulePlan(schedules), **changes)


def at(text: str, zone: ZoneInfo = TAIPEI) -> int:
    """Moment (µs UTC) of ``2026-03-02 08:00`` by the wall clock of a zone."""
    shown = datetime.fromisoformat(text).replace(tzinfo=zone)
    return round((shown - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000


def values(found: Mapping[str, Any]) -> dict[str, float]:
    return {name: want.value for name, want in found.items()}

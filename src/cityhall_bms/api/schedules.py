"""Schedules: what points hold when, what is in force, and the days on which the building is closed."""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Header, HTTPException, Path, Query, Response

from cityhall_bms.api import schedule_models as models
from cityhall_bms.api.access import Who
from cityhall_bms.api.models import Text
from cityhall_bms.api.problems import responses
from cityhall_bms.api.scene_models import SpecialDayAnswer, SpecialDays, SpecialDayWish
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import FromTime, ToTime, to_rfc3339, to_us
from cityhall_bms.domain.calendars import DayKind
from cityhall_bms.domain.commanding.control import SCHEDULE, Slot
from cityhall_bms.domain.scheduling.bookings import MINUTE_US
from cityhall_bms.domain.scheduling.optimum import Advice
from cityhall_bms.domain.scheduling.programme import Kept
from cityhall_bms.domain.scheduling.resolving import known_calendars
from cityhall_bms.domain.scheduling.schedule import PointSchedule
from cityhall_bms.domain.scheduling.wanted import Horizon, Want, first_value, upcoming, wanted
from cityhall_bms.ports.access import Permission

router = APIRouter(prefix="/schedules", tags=["schedules"])

DAY_US: Final = 86_400_000_000
PREVIEW_DAYS: Final = 7
PREVIEW_DAYS_MAX: Final = 62

Name = Annotated[models.Name, Path()]
Day = Annotated[models.Day, Path()]
DryRun = Annotated[bool, Query(description="Tell what speaks against it, and save nothing.")]
IfMatch = Annotated[
    str | None,
    Header(pattern=r'^"[0-9]{1,15}"$', description='Version that you looked at, as `"3"`; 409 when it changed since.'),
]


@router.get("", responses=responses(503))
async def list_schedules(services: Services) -> models.ScheduleList:
    """Every schedule as it counts, with what speaks against it now."""
    horizon = await services.scheduling.schedules.horizon()
    items = [_answer(services, horizon, kept) for kept in horizon.programme.schedules.values()]
    calendars = list(known_calendars(services.site.schedules))
    return models.ScheduleList(items=items, calendars=calendars, time_zone=services.site.schedules.time_zone)


@router.get("/in-force", responses=responses(404, 422, 503))
async def schedules_in_force(
    services: Services, schedule: Annotated[models.Name | None, Query(description="Points of one schedule.")] = None
) -> models.InForceList:
    """Every scheduled point: what is wanted now and by what, what is held, who is above, and what comes next."""
    horizon, at = await services.scheduling.schedules.horizon(), services.clock.now()
    if schedule is not None:
        horizon.programme.schedule(schedule)
    points = _scheduled(horizon, schedule)
    wants, following = wanted(horizon, at), upcoming(horizon, at, points)
    slots: dict[str, list[Slot]] = {}
    for each in await services.commanding.view.held():
        slots.setdefault(each.point, []).append(each.slot)
    advice = await _advice(services, horizon, at)
    items = [
        models.InForce(
            point=point,
            text=Text.of(services.site.points[point].text),
            unit=services.site.points[point].unit,
            states={str(state): Text.of(text) for state, text in services.site.points[point].states.items()},
            wanted=models.Wanted.of(wants.get(point)),
            held=next((slot.value for slot in slots.get(point, []) if slot.priority == SCHEDULE), None),
            above=_above(slots.get(point, [])),
            next=_next(following.get(point)),
            advice=models.advice_of(advice, point),
        )
        for point in points
    ]
    return models.InForceList(at=to_rfc3339(at) or "", items=items)


@router.get("/days", responses=responses(422, 503))
async def list_special_days(
    services: Services,
    first: Annotated[models.Day, Query()],
    last: Annotated[models.Day, Query()],
    calendar: Annotated[models.Words, Query(description="Empty: the site's first.")] = "",
) -> SpecialDays:
    """Days of a calendar that are not as their weekday says: of the site folder, and declared since."""
    horizon = await services.scheduling.schedules.horizon()
    declared = {day for of, day in horizon.programme.days if of == calendar}
    days = sorted(horizon.days.calendar(calendar).days.items())
    return SpecialDays(
        items=[
            SpecialDayAnswer.of(calendar, day, special, declared=day in declared)
            for day, special in days
            if first <= day <= last
        ]
    )


@router.put("/days/{day}", status_code=204, responses=responses(403, 404, 409, 415, 422, 503))
async def declare_special_day(services: Services, who: Who, day: Day, body: SpecialDayWish) -> None:
    """Declare a day: closed, as by a typhoon, or worked on. Every schedule whose exceptions look at it follows."""
    await who.require(Permission.EDIT_SCHEDULES)
    texts = (body.text_zh, body.text_en)
    await services.scheduling.schedules.declare(body.calendar, day, DayKind(body.kind), texts, by=who.name)


@router.delete("/days/{day}", status_code=204, responses=responses(403, 404, 409, 422, 503))
async def withdraw_special_day(
    services: Services, who: Who, day: Day, calendar: Annotated[models.Words, Query()] = ""
) -> None:
    """Let a day be what the site folder says."""
    await who.require(Permission.EDIT_SCHEDULES)
    await services.scheduling.schedules.withdraw(calendar, day, by=who.name)


@router.get("/{name}", responses=responses(404, 422, 503))
async def get_schedule(services: Services, name: Name, response: Response) -> models.ScheduleAnswer:
    """One schedule; its `ETag` is what `If-Match` asks for."""
    horizon = await services.scheduling.schedules.horizon()
    kept = horizon.programme.schedule(name)
    response.headers["ETag"] = f'"{kept.version}"'
    return _answer(services, horizon, kept)


@router.put("/{name}", responses=responses(403, 404, 409, 415, 422, 503))
async def save_schedule(
    services: Services,
    who: Who,
    name: Name,
    body: models.ScheduleWish,
    dry_run: DryRun = False,  # noqa: FBT002
    if_match: IfMatch = None,
) -> models.SavedSchedule:
    """Make a schedule, or say it anew. 409 with every problem, and when it changed since it was looked at."""
    schedule, desk = body.schedule(name), services.scheduling.schedules
    conflicts = await desk.try_schedule(schedule)
    horizon = await desk.horizon()
    points = sorted(horizon.points_of(schedule))
    begin = services.clock.now()
    end = begin + PREVIEW_DAYS * DAY_US
    spans = models.Span.of(list(horizon.days.changes(schedule, begin, end)), end)
    answers = [models.ConflictAnswer.of(conflict) for conflict in conflicts]
    trial = models.Trial(conflicts=answers, points=points, preview=spans)
    if dry_run:
        return models.SavedSchedule(schedule=None, trial=trial)
    await _require(services, who, horizon, points, name)
    kept = await desk.save_schedule(schedule, by=who.name, expected=version_of(if_match), reason=body.reason)
    return models.SavedSchedule(schedule=_answer(services, await desk.horizon(), kept), trial=trial)


@router.delete("/{name}", status_code=204, responses=responses(403, 404, 409, 422, 503))
async def remove_schedule(services: Services, who: Who, name: Name, if_match: IfMatch = None) -> None:
    """Take back what people said of a schedule: it is gone, or again as the site folder describes it."""
    horizon = await services.scheduling.schedules.horizon()
    horizon.programme.schedule(name)
    await _require(services, who, horizon, [], name)
    await services.scheduling.schedules.remove_schedule(name, by=who.name, expected=version_of(if_match))


@router.get("/{name}/preview", responses=responses(400, 404, 422, 503))
async def preview_schedule(services: Services, name: Name, begin: FromTime, end: ToTime) -> models.Preview:
    """What a schedule says hour by hour, at most 62 days; optimum starts and bookings are not part of it."""
    horizon = await services.scheduling.schedules.horizon()
    schedule, first, last = horizon.programme.schedule(name).what, to_us(begin), to_us(end)
    if not first < last <= first + PREVIEW_DAYS_MAX * DAY_US:
        raise HTTPException(422, f"`to` comes after `from`, by {PREVIEW_DAYS_MAX} days at most")
    changes = list(horizon.days.changes(schedule, first, last))
    return models.Preview(schedule=name, spans=models.Span.of(changes, last))


def version_of(if_match: str | None) -> int | None:
    """Version that a request goes by; none where it does not say."""
    return None if if_match is None else int(if_match.strip('"'))


def _answer(services: ApiServices, horizon: Horizon, kept: Kept[PointSchedule]) -> models.ScheduleAnswer:
    points = sorted(horizon.points_of(kept.what))
    conflicts = services.scheduling.schedules.conflicts(horizon.programme, kept.what)
    from_site = any(schedule.name == kept.what.name for schedule in horizon.programme.plan.schedules)
    return models.ScheduleAnswer.of(kept, points, conflicts, from_site=from_site)


async def _require(services: ApiServices, who: Who, horizon: Horizon, points: list[str], name: str) -> None:
    """Whoever changes a schedule may do so to all that it writes, and wrote before."""
    before = horizon.programme.schedules.get(name)
    written = {*points, *(horizon.points_of(before.what) if before is not None else ())}
    for equipment in sorted({services.site.points[point].equipment for point in written}):
        await who.require(Permission.EDIT_SCHEDULES, equipment)


def _scheduled(horizon: Horizon, schedule: str | None) -> list[str]:
    """Points that one schedule, or any schedule or booking, writes."""
    if schedule is not None:
        return sorted(horizon.points.get(schedule, ()))
    found = {point for points in horizon.points.values() for point in points}
    return sorted(found | {point for _, points in horizon.bookings for point in points})


async def _advice(services: ApiServices, horizon: Horizon, at: int) -> Mapping[str, Advice]:
    """Advice of the optimum starts that are near."""
    found: dict[str, Advice] = {}
    for name, schedule in horizon.schedules.items():
        optimum = schedule.optimum_start
        if optimum is None:
            continue
        begin = first_value(horizon.days, schedule, at, at + 2 * optimum.most_min * MINUTE_US)
        if begin is not None:
            found |= await services.scheduling.early.advice(horizon, name, begin[0], at)
    return found


def _above(slots: list[Slot]) -> models.Holder | None:
    top = min(slots, key=lambda slot: slot.priority, default=None)
    if top is None or top.priority >= SCHEDULE:
        return None
    until = to_rfc3339(top.until)
    return models.Holder(priority=top.priority, value=top.value, by=top.by, reason=top.reason, until=until)


def _next(found: tuple[int, Want | None] | None) -> models.NextWanted | None:
    return (
        None if found is None else models.NextWanted(at=to_rfc3339(found[0]) or "", wanted=models.Wanted.of(found[1]))
    )

"""What speaks against a schedule or a scene, found before it is saved."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Final

from cityhall_bms.domain.calendars import Calendar
from cityhall_bms.domain.commanding.checks import check_value
from cityhall_bms.domain.commanding.interlocks import who_is
from cityhall_bms.domain.commanding.refusals import Refusal
from cityhall_bms.domain.commands import CommandTarget
from cityhall_bms.domain.scheduling.conflict import Conflict, problem, warning
from cityhall_bms.domain.scheduling.days import DayForm
from cityhall_bms.domain.scheduling.programme import Programme, Scene
from cityhall_bms.domain.scheduling.resolving import known_calendars, points_of, target_of
from cityhall_bms.domain.scheduling.schedule import Change, Choice, PointSchedule
from cityhall_bms.domain.scheduling.wanted import Horizon
from cityhall_bms.domain.site import Site
from cityhall_bms.domain.wall_clock import local_day

LOOK_US: Final = 366 * 86_400_000_000
"""Conflicts are looked for in the year to come."""
SHOWN_MAX: Final = 20
"""So many points of a conflict are named."""
_WEEK: Final = timedelta(days=7)


def schedule_conflicts(site: Site, programme: Programme, schedule: PointSchedule, at: int) -> list[Conflict]:
    """Everything that speaks against a schedule from ``at`` (µs UTC) on; ``programme`` may hold it already."""
    horizon = Horizon(site, programme)
    found = [*description_conflicts(site, programme, schedule), *_of_calendar(horizon, schedule, at)]
    if schedule.valid_until is not None and schedule.valid_until < local_day(horizon.days.zone, at):
        found.append(warning("over", "有效期間已過", "its days are over"))
    if not schedule.values():
        found.append(warning("empty", "沒有任何時段有值", "it never asks for anything"))
    if any(conflict.severity == "problem" for conflict in found) or not schedule.enabled:
        return found
    changes = list(horizon.days.changes(schedule, at, at + LOOK_US))
    return [*found, *_of_minimum_times(horizon, schedule, changes), *_of_others(horizon, schedule, changes, at)]


def description_conflicts(site: Site, programme: Programme, schedule: PointSchedule) -> list[Conflict]:
    """What speaks against a schedule whatever the time: its points, values and calendar."""
    known = known_calendars(site.schedules)
    found = list(_of_targets(site, programme, schedule))
    if schedule.calendar and schedule.calendar not in known:
        zh, en = f"沒有行事曆 {schedule.calendar}", f"no calendar is named {schedule.calendar}; there are {known}"
        found.append(problem("unknown", zh, en))
    return found


def scene_conflicts(site: Site, scene: Scene, points_max: int) -> list[Conflict]:
    """Everything that speaks against a scene. What needs a second person's agreement is none: it always has it."""
    if not 0 < len(scene.values) <= points_max:
        return [problem("size", f"場景須有 1–{points_max} 點", f"a scene has 1 to {points_max} points")]
    found: list[Conflict] = []
    for point, value in scene.values.items():
        found += _of_target(site, point, {value}, automatic=False)
    return found


def _of_targets(site: Site, programme: Programme, schedule: PointSchedule) -> Iterator[Conflict]:
    scene = schedule.targets.scene
    if scene and scene not in programme.scenes:
        yield problem("unknown", f"沒有場景 {scene}", f"no scene is named {scene}")
    elif scene:
        for point, value in programme.scenes[scene].what.values.items():
            yield from _of_target(site, point, {value}, automatic=True)
    points = points_of(site, schedule.targets)
    for point in points:
        yield from _of_target(site, point, schedule.values(), automatic=True)
    if not points and not scene:
        yield problem("nothing", "沒有任何點位符合", "no point fits its targets")
    yield from _of_fallback(site, schedule, points)
    yield from _of_optimum(site, schedule, points)


def _of_target(site: Site, point: str, values: set[float], *, automatic: bool) -> Iterator[Conflict]:
    if point not in site.points:
        yield problem("unknown", f"沒有點位 {point}", f"no point is named {point}", [point])
        return
    target = target_of(site, point)
    if target is None:
        zh, en = f"{point} 不可寫入", f"{point} is measured, or belongs to life safety or the supply: never written"
        yield problem("read-only", zh, en, [point])
        return
    for value in sorted(values):
        limits = check_value(target, value, site.commanding)
        needs = [Refusal("limit", *need.split(" / ", 1)) for need in limits.needs] if automatic else []
        for refusal in (*limits.refusals, *needs):
            yield problem(
                refusal.code, f"{point}：{value:g} {refusal.zh}", f"{point}: {value:g}: {refusal.en}", [point]
            )


def _of_fallback(site: Site, schedule: PointSchedule, points: list[str]) -> Iterator[Conflict]:
    """Points whose device keeps no priorities need something to go back to when the schedule asks for nothing."""
    if not schedule.may_give_up():
        return
    stuck = [
        point
        for point, target in ((name, target_of(site, name)) for name in points)
        if target is not None and _has_no_way_back(site, target)
    ]
    if stuck:
        zh = "設備沒有優先權陣列也沒有回復值，時段外會維持原值；請設預設值"
        en = "their devices keep no priorities and have no fallback: give the schedule a default"
        yield warning("no-fallback", zh, en, stuck[:SHOWN_MAX])


def _has_no_way_back(site: Site, target: CommandTarget) -> bool:
    device = site.devices.get(target.point.device)
    keeps = device is not None and device.protocol == "bacnet"
    return not keeps and site.commanding.fallback(*who_is(target)) is None


def _of_optimum(site: Site, schedule: PointSchedule, points: list[str]) -> Iterator[Conflict]:
    optimum = schedule.optimum_start
    if optimum is None:
        return
    blind = [name for name in points if name in site.points and not room_point(site, name, optimum.role)]
    if blind:
        zh, en = f"沒有 {optimum.role}，依原訂時間啟動", f"they have no {optimum.role}: they begin at the plain time"
        yield warning("no-room", zh, en, blind[:SHOWN_MAX])


def room_point(site: Site, point: str, role: str) -> str:
    """Point that tells the room's temperature at the equipment of a target; empty where there is none."""
    name = f"{site.points[point].equipment}.{role}"
    return name if name in site.points else ""


def _of_calendar(horizon: Horizon, schedule: PointSchedule, at: int) -> Iterator[Conflict]:
    if not any(special.days.form is DayForm.CALENDAR for special in schedule.specials):
        return
    last = _last_day(horizon.days.calendar(schedule.calendar))
    if last is None:
        yield warning("empty-calendar", "行事曆沒有任何日子", "its calendar declares no days")
    elif last < local_day(horizon.days.zone, at) + _WEEK:
        yield warning("calendar-ends", f"行事曆止於 {last}", f"its calendar ends with {last}: add the next year")


def _last_day(calendar: Calendar) -> date | None:
    return max(calendar.days, default=None)


def _of_minimum_times(horizon: Horizon, schedule: PointSchedule, changes: list[Change]) -> Iterator[Conflict]:
    """Machines that would have to be switched again before their minimum time is over."""
    shortest = _shortest(changes)
    for minimum in horizon.site.commanding.minimum_times:
        hit = [point for point in horizon.points_of(schedule) if _is_held(horizon.site, point, minimum.bound.means)]
        for runs, least_s in ((True, minimum.on_s), (False, minimum.off_s)):
            span = shortest.get(runs)
            if hit and span is not None and span[0] < least_s * 1e6:
                least, is_ = f"{least_s / 60:g}", f"{span[0] / 60e6:g}"
                zh = f"{minimum.id} 最短{'運轉' if runs else '停機'} {least} 分，排程只有 {is_} 分"
                en = f"{minimum.id} stays {'on' if runs else 'off'} for {least} min, and this gives it {is_} min"
                yield problem("minimum-time", zh, en, hit[:SHOWN_MAX], span[1])


def _is_held(site: Site, point: str, means: object) -> bool:
    target = target_of(site, point)
    return target is not None and callable(means) and bool(means(*who_is(target)))


def _shortest(changes: list[Change]) -> Mapping[bool, tuple[int, int]]:
    """Shortest time on, and off, between two changes: how long, and when it begins. What is given up is not known."""
    found: dict[bool, tuple[int, int]] = {}
    begun: tuple[bool, int] | None = None
    for change in changes[1:]:
        runs = None if change.choice.value is None else change.choice.value != 0.0
        if begun is not None and runs != begun[0]:
            length = change.at - begun[1]
            if length < found.get(begun[0], (LOOK_US, 0))[0]:
                found[begun[0]] = (length, begun[1])
        if runs is None:
            begun = None
        elif begun is None or begun[0] != runs:
            begun = (runs, change.at)
    return found


def _of_others(horizon: Horizon, schedule: PointSchedule, changes: list[Change], at: int) -> Iterator[Conflict]:
    """Other schedules that want something else of the same points at the same time, with the same precedence."""
    own = horizon.points_of(schedule)
    for name, other in horizon.schedules.items():
        theirs = horizon.points[name]
        shared = [point for point in own if point in theirs]
        if name == schedule.name or not shared:
            continue
        others = list(horizon.days.changes(other, at, at + LOOK_US))
        for moment, one, two in _together(changes, others):
            if one.precedence != two.precedence:
                continue
            split = [point for point in shared if _differ(_asked(own[point], one), _asked(theirs[point], two))]
            if split:
                zh, en = f"排程 {name} 同時要不同的值", f"schedule {name} wants something else at the same time"
                yield problem("overlap", zh, en, split[:SHOWN_MAX], moment)
                break


def _asked(of_scene: float | None, choice: Choice) -> float | None:
    """What a schedule asks of a point: its own value, or the scene's while its own is not 0."""
    if of_scene is None:
        return choice.value
    return of_scene if choice.value else None


def _differ(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and one != other


def _together(mine: list[Change], theirs: list[Change]) -> Iterator[tuple[int, Choice, Choice]]:
    """Every moment at which one of two changes, and what both say then."""
    one = other = 0
    while True:
        yield max(mine[one].at, theirs[other].at), mine[one].choice, theirs[other].choice
        following = [
            mine[one + 1].at if one + 1 < len(mine) else None,
            theirs[other + 1].at if other + 1 < len(theirs) else None,
        ]
        known = [moment for moment in following if moment is not None]
        if not known:
            return
        edge = min(known)
        one += following[0] == edge
        other += following[1] == edge

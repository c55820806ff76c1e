"""The desk of schedules, scenes and special days: what people say, checked before it is kept."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from cityhall_bms.domain.calendars import DayKind
from cityhall_bms.domain.errors import ConcurrencyError, NotFoundError, RefusedError
from cityhall_bms.domain.events import Event
from cityhall_bms.domain.scheduling.conflict import Conflict, check
from cityhall_bms.domain.scheduling.conflicts import scene_conflicts, schedule_conflicts
from cityhall_bms.domain.scheduling.events import (
    SceneChanged,
    SceneRemoved,
    ScheduleChanged,
    ScheduleRemoved,
    SpecialDayDeclared,
    SpecialDayWithdrawn,
)
from cityhall_bms.domain.scheduling.programme import (
    Kept,
    Programme,
    Scene,
    before_of_scene,
    before_of_schedule,
    scene_table,
)
from cityhall_bms.domain.scheduling.resolving import known_calendars
from cityhall_bms.domain.scheduling.schedule import PointSchedule
from cityhall_bms.domain.scheduling.wanted import Horizon
from cityhall_bms.domain.scheduling.writing import schedule_table
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.clock import Clock
from cityhall_bms.scheduling.record import SchedulingRecord

SCHEDULES_MAX = 500
"""More are a program that runs wild."""


class ScheduleOffice:
    """What people do about schedules, scenes and special days; each word is an event with before and after.

    ``expected`` is the version that somebody looked at (0: the site folder's, or none); ``ConcurrencyError`` when it
    changed since. ``RefusedError`` with every problem; ``NotFoundError`` for what nobody knows.
    """

    def __init__(self, site: Site, record: SchedulingRecord, clock: Clock) -> None:
        self._site = site
        self._record = record
        self._clock = clock

    async def horizon(self) -> Horizon:
        """Everything that counts now, made ready to be asked."""
        return Horizon(self._site, await self._record.programme())

    async def try_schedule(self, schedule: PointSchedule) -> list[Conflict]:
        """What speaks against saving it; nothing is saved."""
        return self.conflicts(await self._record.programme(), schedule)

    async def save_schedule(
        self, schedule: PointSchedule, *, by: str, expected: int | None, reason: str = ""
    ) -> Kept[PointSchedule]:
        """Keep a schedule as it is given."""

        def decide(programme: Programme) -> Event:
            before = programme.schedules.get(schedule.name)
            _check_version(before, expected)
            if before is None and len(programme.schedules) >= SCHEDULES_MAX:
                msg = f"至多 {SCHEDULES_MAX} 個排程 / there are {SCHEDULES_MAX} schedules at most"
                raise RefusedError(msg)
            check(self.conflicts(programme, schedule))
            return ScheduleChanged(
                schedule=schedule.name,
                definition=schedule_table(schedule),
                before=before_of_schedule(programme, schedule.name),
                by=by,
                at=self._clock.now(),
                reason=reason,
            )

        return (await self._record.act(by, decide)).schedule(schedule.name)

    async def remove_schedule(self, name: str, *, by: str, expected: int | None, reason: str = "") -> None:
        """Take back what people said of a schedule: it is gone, or as the site folder has it."""

        def decide(programme: Programme) -> Event:
            _check_version(programme.schedule(name), expected)
            if name not in programme.changed_schedules:
                msg = f"{name} 由案場資料夾定義，請改為停用 / {name} is the site folder's: switch it off instead"
                raise RefusedError(msg)
            return ScheduleRemoved(name, before_of_schedule(programme, name), by, self._clock.now(), reason)

        await self._record.act(by, decide)

    async def try_scene(self, scene: Scene) -> list[Conflict]:
        """What speaks against saving it; nothing is saved."""
        return self._scene_conflicts(await self._record.programme(), scene)

    async def save_scene(self, scene: Scene, *, by: str, expected: int | None) -> Kept[Scene]:
        """Keep a scene as it is given."""

        def decide(programme: Programme) -> Event:
            _check_version(programme.scenes.get(scene.name), expected)
            check(self._scene_conflicts(programme, scene))
            before = before_of_scene(programme, scene.name)
            return SceneChanged(scene.name, scene_table(scene), before, by, self._clock.now())

        return (await self._record.act(by, decide)).scene(scene.name)

    async def remove_scene(self, name: str, *, by: str, expected: int | None) -> None:
        """Take back what people said of a scene; ``RefusedError`` while a schedule runs it."""

        def decide(programme: Programme) -> Event:
            _check_version(programme.scene(name), expected)
            if name not in programme.changed_scenes:
                msg = f"{name} 由案場資料夾定義 / {name} is the site folder's own"
                raise RefusedError(msg)
            stays = any(scene.name == name for scene in programme.plan.scenes)
            using = [each for each, kept in programme.schedules.items() if kept.what.targets.scene == name]
            if using and not stays:
                msg = f"排程 {'、'.join(using)} 使用中 / schedules run it: {', '.join(using)}"
                raise RefusedError(msg)
            return SceneRemoved(name, before_of_scene(programme, name), by, self._clock.now())

        await self._record.act(by, decide)

    async def declare(self, calendar: str, day: date, kind: DayKind, texts: tuple[str, str], *, by: str) -> None:
        """Make a day of a calendar (empty: the site's first) a holiday, or a day on which people work."""
        if calendar and calendar not in known_calendars(self._site.schedules):
            msg = f"沒有行事曆 {calendar} / no calendar is named {calendar}"
            raise NotFoundError(msg)
        zh, en = texts
        event = SpecialDayDeclared(calendar, day.isoformat(), kind.value, zh, en, by, self._clock.now())
        await self._record.act(by, lambda _: event)

    async def withdraw(self, calendar: str, day: date, *, by: str) -> None:
        """Let a day be what the site folder says."""

        def decide(programme: Programme) -> Event:
            if (calendar, day) not in programme.days:
                msg = f"{day} 沒有公告 / nothing was declared for {day}"
                raise NotFoundError(msg)
            return SpecialDayWithdrawn(calendar, day.isoformat(), by, self._clock.now())

        await self._record.act(by, decide)

    def conflicts(self, programme: Programme, schedule: PointSchedule) -> list[Conflict]:
        """Everything that speaks against a schedule from now on."""
        return schedule_conflicts(self._site, programme, schedule, self._clock.now())

    def _scene_conflicts(self, programme: Programme, scene: Scene) -> list[Conflict]:
        """A scene that schedules run must be right for them too."""
        found = scene_conflicts(self._site, scene, self._site.commanding.times.bulk_max)
        after = replace(programme, changed_scenes=dict(programme.changed_scenes) | {scene.name: Kept(scene)})
        using = [kept.what for kept in after.schedules.values() if kept.what.targets.scene == scene.name]
        of_schedules: Sequence[Conflict] = [found for schedule in using for found in self.conflicts(after, schedule)]
        return [*found, *(conflict for conflict in of_schedules if conflict not in found)]


def _check_version(kept: Kept[PointSchedule] | Kept[Scene] | None, expected: int | None) -> None:
    version = 0 if kept is None else kept.version
    if expected is not None and version != expected:
        who = "" if kept is None else f"（{kept.by}）"
        msg = f"已被他人修改{who}，請重新載入 / it was changed meanwhile (it has version {version}); load it anew"
        raise ConcurrencyError(msg)

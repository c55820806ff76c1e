"""Read ``schedules.toml``: what points hold by the clock, scenes, and the rules of bookings."""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cityhall_bms.adapters.site_files.mistakes import Mistakes, suggest
from cityhall_bms.adapters.site_files.toml_file import TomlFile, read_toml, validated
from cityhall_bms.domain.calendars import WEEKDAYS, WEEKEND, WORKDAYS, DayKind
from cityhall_bms.domain.scheduling.bookings import BookedAction, BookingPlan, Space
from cityhall_bms.domain.scheduling.conflict import ConflictSeverity
from cityhall_bms.domain.scheduling.conflicts import description_conflicts, scene_conflicts
from cityhall_bms.domain.scheduling.days import DayForm, DayRule
from cityhall_bms.domain.scheduling.programme import Programme, Scene, SchedulePlan
from cityhall_bms.domain.scheduling.resolving import place_names
from cityhall_bms.domain.scheduling.schedule import Entries, Entry, OptimumStart, PointSchedule, SpecialEvent, Targets
from cityhall_bms.domain.scheduling.writing import minute_of
from cityhall_bms.domain.site import Site

SCHEDULING_FILE: Final = "schedules.toml"
_WORKDAYS: Final = range(5)

Day = date
"""A field of that name hides the class."""
Words = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=200)]
Names = Annotated[list[Words], Field(max_length=500)]
Name = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9-]*$", max_length=60)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
EntryTexts = Annotated[list[str], Field(max_length=48)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExceptionTable(_Table):
    """One ``[[schedule.exception]]``: dates, a week-n-day, or days of the calendar."""

    entries: EntryTexts
    precedence: Annotated[int, Field(ge=1, le=16)] = 10
    date: Day | None = None
    until: Day | None = None
    month: Annotated[int, Field(ge=1, le=14)] | None = None
    week: Annotated[int, Field(ge=1, le=9)] | None = None
    weekday: Annotated[int, Field(ge=1, le=7)] | None = None
    calendar_day: Literal["holiday", "workday"] | None = None
    text_zh: Text = ""
    text_en: Text = ""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        of_week = any(part is not None for part in (self.month, self.week, self.weekday))
        if [self.date is not None, of_week, self.calendar_day is not None].count(True) != 1:
            msg = "name date (and until), or month, week and weekday, or calendar_day"
            raise ValueError(msg)
        if self.until is not None and (self.date is None or self.until < self.date):
            msg = f"until ({self.until}) is before date ({self.date})"
            raise ValueError(msg)
        return self

    def rule(self) -> DayRule:
        """In our terms."""
        if self.calendar_day is not None:
            return DayRule(DayForm.CALENDAR, kind=DayKind(self.calendar_day))
        if self.date is not None:
            return DayRule(DayForm.DATES, self.date, self.until or self.date)
        return DayRule(DayForm.WEEK_N_DAY, month=self.month, week=self.week, weekday=self.weekday)


class OptimumTable(_Table):
    """``optimum_start`` of a schedule; ``target`` in °C, ``most_min`` in minutes."""

    role: Words
    target: Annotated[float, Field(ge=10.0, le=40.0)]
    most_min: Annotated[int, Field(ge=5, le=240)] = 90

    def optimum(self) -> OptimumStart:
        """In our terms."""
        return OptimumStart(self.role, self.target, self.most_min)


class ScheduleTable(_Table):
    """One ``[[schedule]]``; entries like ``08:00 = 1``, ``17:30 = -`` by day."""

    name: Name
    text_zh: Text = ""
    text_en: Text = ""
    points: Names = []
    roles: Names = []
    classes: Names = []
    places: Names = []
    scene: Text = ""
    calendar: Text = ""
    default: Finite | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    enabled: bool = True
    optimum_start: OptimumTable | None = None
    every_day: EntryTexts | None = None
    workdays: EntryTexts | None = None
    weekend: EntryTexts | None = None
    monday: EntryTexts | None = None
    tuesday: EntryTexts | None = None
    wednesday: EntryTexts | None = None
    thursday: EntryTexts | None = None
    friday: EntryTexts | None = None
    saturday: EntryTexts | None = None
    sunday: EntryTexts | None = None
    exception: Annotated[list[ExceptionTable], Field(max_length=200)] = []

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            msg = f"valid_until ({self.valid_until}) is before valid_from ({self.valid_from})"
            raise ValueError(msg)
        return self

    def week(self) -> list[tuple[str, EntryTexts]]:
        """Key and texts of each day, the most particular."""
        chosen = []
        for number, name in enumerate(WEEKDAYS):
            group = WORKDAYS if number in _WORKDAYS else WEEKEND
            found = [key for key in (name, group, "every_day") if getattr(self, key) is not None]
            chosen.append((found[0], getattr(self, found[0])) if found else (name, []))
        return chosen


class SceneTable(_Table):
    """One ``[[scene]]``: values by point."""

    name: Name
    text_zh: Text = ""
    text_en: Text = ""
    values: Annotated[dict[Words, Finite], Field(min_length=1, max_length=50)]


class ActionTable(_Table):
    """One of the ``actions`` of ``[bookings]``."""

    classes: Annotated[list[Words], Field(min_length=1)]
    role: Words
    value: Finite


class SpaceTable(_Table):
    """One ``[[bookings.space]]``."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
    text_zh: Words
    text_en: Words
    places: Annotated[list[Words], Field(min_length=1)]


class BookingsTable(_Table):
    """``[bookings]``."""

    people_min: Annotated[int, Field(ge=1, le=10_000)] = 10
    notice_h: Annotated[float, Field(ge=0.0, le=720.0)] = 4.0
    longest_h: Annotated[float, Field(gt=0.0, le=72.0)] = 16.0
    lead_min: Annotated[int, Field(ge=0, le=240)] = 30
    actions: list[ActionTable] | None = None
    space: Annotated[list[SpaceTable], Field(max_length=100)] = []

    def plan(self) -> BookingPlan:
        """In our terms."""
        spaces = tuple(Space(each.name, each.text_zh, each.text_en, tuple(each.places)) for each in self.space)
        times = (self.people_min, self.notice_h, self.longest_h, self.lead_min)
        if self.actions is None:
            return BookingPlan(*times, spaces=spaces)
        actions = tuple(BookedAction(tuple(each.classes), each.role, each.value) for each in self.actions)
        return BookingPlan(*times, actions, spaces)


class SchedulingFile(_Table):
    """The whole file."""

    schedule: Annotated[list[ScheduleTable], Field(max_length=500)] = []
    scene: Annotated[list[SceneTable], Field(max_length=200)] = []
    bookings: BookingsTable = BookingsTable()


def read_scheduling(folder: Path, mistakes: Mistakes) -> tuple[SchedulePlan, TomlFile | None]:
    """Plan of a site, and the file where mistakes have their lines; a site without the file schedules nothing."""
    path = folder / SCHEDULING_FILE
    if not path.exists():
        return SchedulePlan(), None
    file = read_toml(path, SCHEDULING_FILE, mistakes)
    tables = validated(file, SchedulingFile, mistakes) if file else None
    if file is None or tables is None:
        return SchedulePlan(), None
    for kind, names in (
        ("schedule", [table.name for table in tables.schedule]),
        ("scene", [table.name for table in tables.scene]),
    ):
        _check_twice(file, kind, names, mistakes)
    schedules = tuple(_schedule(file, number, table, mistakes) for number, table in enumerate(tables.schedule))
    scenes = tuple(Scene(table.name, table.values, table.text_zh, table.text_en) for table in tables.scene)
    return SchedulePlan(schedules, scenes, tables.bookings.plan()), file


def check_scheduling(file: TomlFile, site: Site, mistakes: Mistakes) -> None:
    """Note what of the plan cannot be at this site: points, values, calendars, places."""
    plan = site.scheduling
    programme = Programme(plan)
    places = place_names(site)
    for number, schedule in enumerate(plan.schedules):
        for place in schedule.targets.places:
            _check_known(file, ("schedule", number, "places"), place, places, mistakes)
        for conflict in description_conflicts(site, programme, schedule):
            if conflict.severity is ConflictSeverity.PROBLEM:
                line = file.line("schedule", number, "name")
                mistakes.add(file.name, line, f"[[schedule]] {schedule.name}", conflict.en, "correct this schedule")
    for number, scene in enumerate(plan.scenes):
        for conflict in scene_conflicts(site, scene, site.commanding.times.bulk_max):
            line = file.line("scene", number, "values")
            mistakes.add(file.name, line, f"[[scene]] {scene.name}", conflict.en, "correct this scene")
    for number, space in enumerate(plan.bookings.spaces):
        for place in space.places:
            _check_known(file, ("bookings", "space", number, "places"), place, places, mistakes)


def _schedule(file: TomlFile, number: int, table: ScheduleTable, mistakes: Mistakes) -> PointSchedule:
    place = ("schedule", number)
    specials = tuple(
        SpecialEvent(
            each.rule(),
            _entries(file, (*place, "exception", index, "entries"), each.entries, mistakes),
            each.precedence,
            each.text_zh,
            each.text_en,
        )
        for index, each in enumerate(table.exception)
    )
    return PointSchedule(
        name=table.name,
        targets=Targets(
            tuple(table.points), tuple(table.roles), tuple(table.classes), tuple(table.places), table.scene
        ),
        weekly=tuple(_entries(file, (*place, key), texts, mistakes) for key, texts in table.week()),
        specials=specials,
        default=table.default,
        text_zh=table.text_zh,
        text_en=table.text_en,
        calendar=table.calendar,
        valid_from=table.valid_from,
        valid_until=table.valid_until,
        enabled=table.enabled,
        optimum_start=None if table.optimum_start is None else table.optimum_start.optimum(),
    )


def _entries(file: TomlFile, place: tuple[str | int, ...], texts: Sequence[str], mistakes: Mistakes) -> Entries:
    entries: dict[int, Entry] = {}
    for text in texts:
        time, equals, value = (part.strip() for part in text.partition("="))
        try:
            minute = minute_of(time)
            entry = Entry(minute, None if value == "-" else float(value))
        except ValueError:
            equals = ""
        if not equals or minute in entries:
            remedy = "write 'HH:MM = value', or 'HH:MM = -' to give up, each time once"
            mistakes.add(file.name, file.line(*place), f"[[schedule]] {place[-1]}", f"'{text}' is not allowed", remedy)
            continue
        entries[minute] = entry
    return tuple(entries[minute] for minute in sorted(entries))


def _check_twice(file: TomlFile, kind: str, names: Sequence[str], mistakes: Mistakes) -> None:
    for number, name in enumerate(names):
        if name in names[:number]:
            line = file.line(kind, number, "name")
            mistakes.add(file.name, line, f"[[{kind}]] name", f"'{name}' stands already", "name it otherwise")


def _check_known(
    file: TomlFile, place: tuple[str | int, ...], name: str, known: Iterable[str], mistakes: Mistakes
) -> None:
    if name not in known:
        remedy = suggest(name, sorted(known), "write a floor, or floor.zone, where there is equipment")
        mistakes.add(file.name, file.line(*place), f"[[{place[0]}]] places", f"unknown place '{name}'", remedy)

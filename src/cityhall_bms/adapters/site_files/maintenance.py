"""Read ``maintenance.toml``: preventive plans, patrol routes, fire tests, and the times that work is held to."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cityhall_bms.adapters.site_files.mistakes import Mistakes, suggest
from cityhall_bms.adapters.site_files.models import SiteFile
from cityhall_bms.adapters.site_files.toml_file import TomlFile, read_toml, validated
from cityhall_bms.domain.maintenance.book import (
    RUN_HOURS_ROLE,
    Check,
    FireTestPlan,
    MaintenanceBook,
    Plan,
    Route,
    Stop,
    WorkRules,
)
from cityhall_bms.domain.maintenance.cycles import Cycle, CycleUnit
from cityhall_bms.domain.permits import places_of
from cityhall_bms.domain.site import Equipment, Point

MAINTENANCE_FILE: Final = "maintenance.toml"
UNITS_MAX: Final = 5_000
_RULES: Final = WorkRules()

Words = Annotated[str, Field(min_length=1, max_length=200)]
Remark = Annotated[str, Field(max_length=500)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RulesTable(_Table):
    """``[rules]``: times that work is held to."""

    window_percent: Annotated[float, Field(ge=0.0, le=50.0)] = 100 * _RULES.window_share
    arrive_within_s: Annotated[float, Field(gt=0.0, le=86_400.0)] = _RULES.arrive_within_s
    arrive_target_percent: Annotated[float, Field(ge=0.0, le=100.0)] = 100 * _RULES.arrive_target
    quiet_s: Annotated[float, Field(ge=0.0, le=30 * 86_400.0)] = _RULES.quiet_s
    safety_due_h: Annotated[float, Field(gt=0.0, le=1_000.0)] = _RULES.safety_due_s / 3_600
    other_due_days: Annotated[float, Field(gt=0.0, le=366.0)] = _RULES.other_due_s / 86_400
    lock_out_h: Annotated[float, Field(gt=0.0, le=31 * 24.0)] = _RULES.lock_out_s / 3_600

    def rules(self) -> WorkRules:
        """In the domain's terms."""
        return WorkRules(
            window_share=self.window_percent / 100,
            arrive_within_s=self.arrive_within_s,
            arrive_target=self.arrive_target_percent / 100,
            quiet_s=self.quiet_s,
            safety_due_s=self.safety_due_h * 3_600,
            other_due_s=self.other_due_days * 86_400,
            lock_out_s=self.lock_out_h * 3_600,
        )


class CheckTable(_Table):
    """One ``[[plan.check]]``."""

    name: Name
    text_zh: Words
    text_en: Words
    unit: Annotated[str, Field(max_length=20)] = ""
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _limits_have_a_unit(self) -> Self:
        if not self.unit and (self.low is not None or self.high is not None):
            msg = "a check with limits needs a unit ('1' for a bare number)"
            raise ValueError(msg)
        return self


class _Bound(_Table):
    """A table that is about equipment: of a class, or named."""

    name: Name
    text_zh: Words
    text_en: Words
    brick_class: Annotated[str, Field(alias="class", max_length=80)] = ""
    equipment: Annotated[tuple[str, ...], Field(max_length=UNITS_MAX)] = ()
    basis: Remark = ""


class PlanTable(_Bound):
    """One ``[[plan]]``."""

    every: CycleUnit | None = None
    times: Annotated[int, Field(ge=1, le=600)] = 1
    first: date | None = None
    run_hours: Annotated[float, Field(gt=0.0, le=1e6)] | None = None
    run_hours_role: Words = RUN_HOURS_ROLE
    sop: Remark = ""
    check: Annotated[tuple[CheckTable, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _one_trigger(self) -> Self:
        if (self.every is None) == (self.run_hours is None):
            msg = "a plan has either 'every' with 'first', or 'run_hours'"
            raise ValueError(msg)
        if (self.every is None) != (self.first is None):
            msg = "'every' and 'first' belong together"
            raise ValueError(msg)
        return self


class StopTable(_Table):
    """One ``[[route.stop]]``."""

    name: Name
    place: Words
    text_zh: Words
    text_en: Words


class RouteTable(_Table):
    """One ``[[route]]``."""

    name: Name
    text_zh: Words
    text_en: Words
    stop: Annotated[tuple[StopTable, ...], Field(min_length=1, max_length=200)]


class FireTestTable(_Bound):
    """One ``[[fire_test]]``."""

    every: CycleUnit
    times: Annotated[int, Field(ge=1, le=600)] = 1
    first: date
    file_within_days: Annotated[int, Field(ge=1, le=366)] | None = None


class MaintenanceFile(_Table):
    """The whole file."""

    rules: RulesTable = RulesTable()
    plan: Annotated[tuple[PlanTable, ...], Field(max_length=500)] = ()
    route: Annotated[tuple[RouteTable, ...], Field(max_length=100)] = ()
    fire_test: Annotated[tuple[FireTestTable, ...], Field(max_length=100)] = ()


def read_maintenance(
    folder: Path,
    site: SiteFile | None,
    equipment: Mapping[str, Equipment],
    points: Mapping[str, Point],
    mistakes: Mistakes,
) -> MaintenanceBook:
    """What a site folder says; nothing where it has no such file. CycleUnit mistake is noted."""
    if site is None or not (folder / MAINTENANCE_FILE).exists():
        return MaintenanceBook()
    file = read_toml(folder / MAINTENANCE_FILE, MAINTENANCE_FILE, mistakes)
    found = validated(file, MaintenanceFile, mistakes) if file else None
    if file is None or found is None:
        return MaintenanceBook()
    binder = _Binder(file, equipment, points, mistakes)
    binder.check_names("plan", "fire_test", [*found.plan, *found.fire_test], len(found.plan))
    binder.check_names("route", "route", found.route, len(found.route))
    floors = frozenset(floor.code for floor in site.floors)
    places = floors.union(*(places_of(name) for name in equipment))
    for number, route in enumerate(found.route):
        binder.check_stops(number, route, places)
    return MaintenanceBook(
        plans=tuple(binder.plan(number, table) for number, table in enumerate(found.plan)),
        routes=tuple(_route(table) for table in found.route),
        fire_tests=tuple(binder.fire_test(number, table) for number, table in enumerate(found.fire_test)),
        rules=found.rules.rules(),
    )


class _Binder:
    """Binds tables to the equipment of the site, and notes what does not fit."""

    def __init__(
        self, file: TomlFile, equipment: Mapping[str, Equipment], points: Mapping[str, Point], mistakes: Mistakes
    ) -> None:
        self._file = file
        self._equipment = equipment
        self._points = points
        self._mistakes = mistakes

    def plan(self, number: int, table: PlanTable) -> Plan:
        """Give a plan with its units."""
        units = self._units("plan", number, table, optional=False)
        if table.run_hours is not None:
            for unit in units:
                if f"{unit}.{table.run_hours_role}" not in self._points:
                    what = f"{unit} has no point {table.run_hours_role}"
                    self._note("plan", number, "run_hours", what, "name its role, or write 'every' with 'first'")
        cycle = None
        if table.every is not None and table.first is not None:
            cycle = Cycle(table.every, table.first, table.times)
        return Plan(
            name=table.name,
            text_zh=table.text_zh,
            text_en=table.text_en,
            equipment=units,
            cycle=cycle,
            run_hours=table.run_hours,
            run_hours_role=table.run_hours_role,
            sop=table.sop,
            basis=table.basis,
            checks=tuple(Check(**check.model_dump()) for check in table.check),
        )

    def fire_test(self, number: int, table: FireTestTable) -> FireTestPlan:
        """Give a fire test with its units, of which it may have none: a report is about a place."""
        return FireTestPlan(
            name=table.name,
            text_zh=table.text_zh,
            text_en=table.text_en,
            cycle=Cycle(table.every, table.first, table.times),
            equipment=self._units("fire_test", number, table, optional=True),
            file_within_days=table.file_within_days,
            basis=table.basis,
        )

    def _units(self, key: str, number: int, table: _Bound, *, optional: bool) -> tuple[str, ...]:
        for name in table.equipment:
            if name not in self._equipment:
                self._note(key, number, "equipment", f"unknown equipment '{name}'", suggest(name, self._equipment, ""))
        of_class = [name for name, item in self._equipment.items() if item.brick_class == table.brick_class]
        if table.brick_class and not of_class:
            classes = {item.brick_class for item in self._equipment.values()}
            remedy = suggest(table.brick_class, sorted(classes), "name a class of equipment.csv")
            self._note(key, number, "class", f"no equipment is a '{table.brick_class}'", remedy)
        if not (table.brick_class or table.equipment or optional):
            self._note(key, number, "class", "missing", "write the 'class' that it is about, or name 'equipment'")
        return tuple(dict.fromkeys((*of_class, *table.equipment)))

    def check_names(self, first: str, second: str, tables: Iterable[_Bound | RouteTable], split: int) -> None:
        """Note names that stand twice."""
        seen: set[str] = set()
        for place, table in enumerate(tables):
            key, number = (first, place) if place < split else (second, place - split)
            if table.name in seen:
                self._note(key, number, "name", f"'{table.name}' stands there already", "choose another name")
            seen.add(table.name)

    def check_stops(self, number: int, route: RouteTable, places: frozenset[str]) -> None:
        """Note places that the site does not have, and stops that stand twice."""
        seen: set[str] = set()
        for place, stop in enumerate(route.stop):
            if stop.place not in places:
                remedy = suggest(stop.place, sorted(places), "write a floor ('B1') or a zone of a floor ('B1.CN')")
                line = self._file.line("route", number, "stop", place, "place")
                self._mistakes.add(self._file.name, line, "[[route.stop]] place", f"unknown '{stop.place}'", remedy)
            if stop.name in seen:
                line = self._file.line("route", number, "stop", place, "name")
                message, remedy = f"'{stop.name}' stands there already", "choose another name"
                self._mistakes.add(self._file.name, line, "[[route.stop]] name", message, remedy)
            seen.add(stop.name)

    def _note(self, key: str, number: int, field: str, message: str, remedy: str) -> None:
        line = self._file.line(key, number, field)
        self._mistakes.add(self._file.name, line, f"[[{key}]] {field}", message, remedy)


def _route(table: RouteTable) -> Route:
    return Route(
        table.name, table.text_zh, table.text_en, tuple(Stop(**stop.model_dump()) for stop in table.stop)
    )  # fmt: skip

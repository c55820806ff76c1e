"""What commands are held against: the shipped file, and what ``commanding.toml`` of a site says otherwise."""

from collections.abc import Iterable, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cityhall_bms.adapters.site_files.mistakes import Mistakes, suggest
from cityhall_bms.adapters.site_files.toml_file import TomlFile, read_toml, validated
from cityhall_bms.domain.commanding.policy import (
    Bound,
    CommandPolicy,
    Condition,
    Edge,
    Fallback,
    Interlock,
    Limit,
    MinimumTime,
    Remain,
    Times,
    Where,
)
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.site import Equipment, Point

COMMANDING_FILE: Final = "commanding.toml"
DAY_S: Final = 86_400.0
SINGULAR: Final = {"classes": "class", "roles": "role", "points": "point"}

Names = Annotated[tuple[str, ...], Field(max_length=500)]
Words = Annotated[str, Field(min_length=1, max_length=200)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0.0, le=DAY_S, allow_inf_nan=False)]
Minutes = Annotated[float, Field(ge=0.0, le=DAY_S / 60.0, allow_inf_nan=False)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Entry(_Closed):
    """What every entry has: a name, the points that it is about, and where it comes from."""

    id: Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9-]{0,39}$")]
    enabled: bool = True
    classes: Names = ()
    roles: Names = ()
    points: Names = ()
    source: Words

    @model_validator(mode="after")
    def _about_something(self) -> "_Entry":
        if not (self.roles or self.points):
            msg = "give 'roles' or 'points'"
            raise ValueError(msg)
        return self

    @property
    def bound(self) -> Bound:
        """In our terms."""
        return Bound(self.roles, self.classes, self.points)


class LimitTable(_Entry):
    """One ``[[limit]]``."""

    low: Finite
    high: Finite
    approved_low: Finite | None = None
    approved_high: Finite | None = None
    also: Annotated[tuple[Finite, ...], Field(max_length=20)] = ()

    @model_validator(mode="after")
    def _in_order(self) -> "LimitTable":
        low = self.low if self.approved_low is None else self.approved_low
        high = self.high if self.approved_high is None else self.approved_high
        if not low <= self.low <= self.high <= high:
            msg = "approved_low <= low <= high <= approved_high"
            raise ValueError(msg)
        return self

    def limit(self) -> Limit:
        """In our terms."""
        return Limit(self.id, self.bound, self.low, self.high, self.approved_low, self.approved_high, self.also)


class ConditionTable(_Closed):
    """One of ``needs``."""

    where: Where
    role: Annotated[str, Field(min_length=1, max_length=40)]
    classes: Names = ()
    low: Finite | None = None
    high: Finite | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "ConditionTable":
        if self.low is None and self.high is None:
            msg = "give 'low', 'high' or both"
            raise ValueError(msg)
        if (self.where is Where.SELF) == bool(self.classes):
            msg = "'classes' go with any_of and all_of, and only with them"
            raise ValueError(msg)
        return self

    def condition(self) -> Condition:
        """In our terms."""
        return Condition(self.where, self.role, self.low, self.high, self.classes)


class RemainTable(_Closed):
    """``remain`` of an interlock."""

    role: Annotated[str, Field(min_length=1, max_length=40)]
    classes: Annotated[Names, Field(min_length=1)]
    after_s: Annotated[float, Field(ge=0.0, le=3_600.0, allow_inf_nan=False)]


class InterlockTable(_Entry):
    """One ``[[interlock]]``."""

    edge: Edge
    needs: Annotated[tuple[ConditionTable, ...], Field(max_length=20)] = ()
    remain: RemainTable | None = None
    having: str = ""
    text_zh: Words
    text_en: Words

    @model_validator(mode="after")
    def _asks_something(self) -> "InterlockTable":
        if not (self.needs or self.remain):
            msg = "give 'needs' or 'remain'"
            raise ValueError(msg)
        return self

    def interlock(self) -> Interlock:
        """In our terms."""
        remain = self.remain
        return Interlock(
            id=self.id,
            bound=self.bound,
            edge=self.edge,
            text_zh=self.text_zh,
            text_en=self.text_en,
            needs=tuple(need.condition() for need in self.needs),
            remain=None if remain is None else Remain(remain.role, remain.classes, remain.after_s),
            having=self.having,
        )


class MinimumTable(_Entry):
    """One ``[[minimum]]``; times are minutes, as people say them."""

    proof: Annotated[str, Field(min_length=1, max_length=40)]
    on_min: Minutes
    off_min: Minutes

    def minimum(self) -> MinimumTime:
        """In our terms."""
        return MinimumTime(self.id, self.bound, self.proof, 60.0 * self.on_min, 60.0 * self.off_min)


class FallbackTable(_Entry):
    """One ``[[fallback]]``."""

    value: Finite

    def fallback(self) -> Fallback:
        """In our terms."""
        return Fallback(self.bound, self.value)


class TimesTable(_Closed):
    """``[times]``."""

    select_s: Annotated[float, Field(ge=5.0, le=300.0)] = 30.0
    approval_s: Annotated[float, Field(ge=30.0, le=DAY_S)] = 900.0
    request_s: Annotated[float, Field(ge=5.0, le=600.0)] = 60.0
    read_back_s: Annotated[float, Field(ge=1.0, le=120.0)] = 15.0
    watch_s: Annotated[float, Field(ge=0.0, le=3_600.0)] = 60.0
    between_writes_s: Annotated[float, Field(ge=1.0, le=3_600.0)] = 5.0
    failure_hold_s: Annotated[float, Field(ge=1.0, le=3_600.0)] = 60.0
    failure_hold_max_s: Seconds = 3_600.0
    override_s: Annotated[float, Field(ge=60.0, le=7 * DAY_S)] = 14_400.0
    extension_max_s: Annotated[float, Field(ge=60.0, le=7 * DAY_S)] = DAY_S
    bulk_max: Annotated[int, Field(ge=1, le=50)] = 50

    def times(self) -> Times:
        """In our terms."""
        return Times(**self.model_dump())


class CommandingFile(_Closed):
    """The whole file."""

    limit: Annotated[tuple[LimitTable, ...], Field(max_length=500)] = ()
    interlock: Annotated[tuple[InterlockTable, ...], Field(max_length=500)] = ()
    minimum: Annotated[tuple[MinimumTable, ...], Field(max_length=500)] = ()
    fallback: Annotated[tuple[FallbackTable, ...], Field(max_length=500)] = ()
    times: TimesTable = TimesTable()
    remote_role: Annotated[str, Field(max_length=40)] = "LocRem"
    remote_value: Finite = 1.0
    alarm_priority: Literal[1, 2, 3, 4] = 3


EntryT = TypeVar("EntryT", bound=_Entry)


def shipped_commanding() -> CommandingFile:
    """What every site begins with."""
    with as_file(files(__package__) / COMMANDING_FILE) as path:
        mistakes = Mistakes()
        file = read_toml(path, COMMANDING_FILE, mistakes)
        if file is None:
            raise SiteError(mistakes.sorted())
        return CommandingFile.model_validate(file.data)


def read_commanding(
    folder: Path, equipment: Iterable[Equipment], points: Iterable[Point], mistakes: Mistakes
) -> CommandPolicy:
    """Policy of a site folder: the shipped one, with entries of the site's own in the place of those of the same id.

    Every mistake of ``commanding.toml`` is noted; a class, role or point that the site does not have is one.
    """
    shipped, own = shipped_commanding(), CommandingFile()
    if (folder / COMMANDING_FILE).exists():
        file = read_toml(folder / COMMANDING_FILE, COMMANDING_FILE, mistakes)
        found = validated(file, CommandingFile, mistakes) if file else None
        if file is None or found is None:
            return CommandPolicy()
        own = found
        _check_names(file, own, equipment, points, mistakes)
    return CommandPolicy(
        limits=tuple(table.limit() for table in _merged(shipped.limit, own.limit)),
        interlocks=tuple(table.interlock() for table in _merged(shipped.interlock, own.interlock)),
        minimum_times=tuple(table.minimum() for table in _merged(shipped.minimum, own.minimum)),
        fallbacks=tuple(table.fallback() for table in _merged(shipped.fallback, own.fallback)),
        times=own.times.times(),
        remote_role=own.remote_role,
        remote_value=own.remote_value,
        alarm_priority=own.alarm_priority,
    )


def _merged(shipped: Sequence[EntryT], own: Sequence[EntryT]) -> list[EntryT]:
    by_id = {table.id: table for table in shipped} | {table.id: table for table in own}
    return [table for table in by_id.values() if table.enabled]


def _check_names(
    file: TomlFile, own: CommandingFile, equipment: Iterable[Equipment], points: Iterable[Point], mistakes: Mistakes
) -> None:
    described = list(points)
    known = {
        "classes": {item.brick_class for item in equipment},
        "roles": {point.role for point in described},
        "points": {point.name for point in described},
    }
    for kind in ("limit", "interlock", "minimum", "fallback"):
        first: dict[str, int] = {}
        for place, table in enumerate(getattr(own, kind)):
            line = file.line(kind, place, "id")
            if table.id in first:
                message = f"'{table.id}' stands already on line {first[table.id]}"
                mistakes.add(file.name, line, f"[[{kind}]] id", message, "delete or rename one of them")
            first.setdefault(table.id, line)
            for key, names in known.items():
                for name in getattr(table, key):
                    if name not in names:
                        where = file.line(kind, place, key)
                        message = f"the site has no {SINGULAR[key]} '{name}'"
                        mistakes.add(file.name, where, f"[[{kind}]] {key}", message, suggest(name, sorted(names)))

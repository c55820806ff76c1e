"""The rows of a condition at a site: which points stand for the names in its expressions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.site import Equipment, Point, PointKind, Site
from cityhall_bms.domain.units import measure_of
from cityhall_bms.domain.wall_clock import local_hour
from cityhall_bms.rules.checked import Checked
from cityhall_bms.rules.language.checking import EACH_POINT
from cityhall_bms.rules.language.kinds import ANY_NUMBER, Kind, of_symbol
from cityhall_bms.rules.language.moment import Flags, Micros
from cityhall_bms.rules.language.program import Pairs, Samples
from cityhall_bms.rules.language.scope import Scope
from cityhall_bms.rules.language.terms import About
from cityhall_bms.rules.model import ANY_CLASS, ConditionRule
from cityhall_bms.rules.topology import Topology

QUARTER_US: Final = 900_000_000
"""Midnight is at a full quarter of an hour in every zone."""

Roles = Mapping[str, Mapping[str, Point]]
"""Points by equipment and role."""


@dataclass(frozen=True, slots=True)
class Row:
    """One subject: its equipment, its point if there is one of its own, and what is related to it."""

    item: Equipment
    point: Point | None
    own: Mapping[str, Point]
    related: Mapping[About, tuple[str, ...]]

    @property
    def name(self) -> str:
        """Name of the subject."""
        return self.item.name if self.point is None else self.point.name


@dataclass(frozen=True, slots=True)
class Refused:
    """A member of the class that is no subject: what it lacks, or why."""

    equipment: str
    missing: tuple[str, ...]
    reason: str


def rows_of(
    rule: ConditionRule, checked: Checked, members: Iterable[Equipment], roles: Roles, topology: Topology
) -> tuple[list[Row], list[Refused]]:
    """Subjects among the members of a rule's classes, and those that are none."""
    finder = _Finder(rule, checked, roles, topology)
    rows: list[Row] = []
    refused: list[Refused] = []
    for member in members:
        found, reasons = finder.rows(member)
        rows += found
        refused += reasons
    return _of_one_measure(rows, checked, roles, refused), refused


class _Finder:
    def __init__(self, rule: ConditionRule, checked: Checked, roles: Roles, topology: Topology) -> None:
        self._rule = rule
        self._roles = roles
        self._topology = topology
        self._needed = [role for role in checked.roles if role != EACH_POINT]
        self._asked: dict[About, list[str]] = {}
        for about, role in checked.related:
            self._asked.setdefault(about, []).append(role)

    def rows(self, member: Equipment) -> tuple[list[Row], list[Refused]]:
        """Subjects of one member, and why it has fewer than the rule names."""
        own = self._roles[member.name]
        missing = tuple(role for role in dict.fromkeys([*self._rule.each, *self._needed]) if role not in own)
        any_class = ANY_CLASS in self._rule.equipment_class
        refused = [Refused(member.name, missing, f"lacks {', '.join(missing)}")] if missing and not any_class else []
        if any(role not in own for role in self._needed):
            return [], refused
        related: dict[About, tuple[str, ...]] = {}
        for about, asked in self._asked.items():
            found, reason = self._related(member, about, asked)
            if reason:
                return [], [*refused, Refused(member.name, (), reason)]
            related[about] = found
        points = [own[role] for role in self._rule.each if role in own] if self._rule.each else [None]
        return [Row(member, point, own, related) for point in points], refused

    def _related(self, member: Equipment, about: About, asked: Sequence[str]) -> tuple[tuple[str, ...], str]:
        near = self._topology.related(member.name, about.relation, about.brick_class)
        found = tuple(item.name for item in near if all(role in self._roles[item.name] for role in asked))
        named = f"{about.relation}.{about.brick_class}"
        if not found:
            return (), f"no {named} with {', '.join(asked)}"
        if not about.roles and len(found) > 1:
            return (
                (),
                f"{len(found)} {named} with {', '.join(asked)}: ask for any(..), mean(..) or the like",
            )
        return found, ""


def _of_one_measure(rows: list[Row], checked: Checked, roles: Roles, refused: list[Refused]) -> list[Row]:
    """Leave out rows whose points measure something else than the first row's."""
    first: dict[object, Point] = {}
    kept: list[Row] = []
    for row in rows:
        odd = [
            f"{point.name} is in '{point.unit}', {first[key].name} in '{first[key].unit}'"
            for key, point in _points(row, checked, roles)
            if not _alike(first.setdefault(key, point), point)
        ]
        if odd:
            refused.append(Refused(row.item.name, (), "; ".join(odd)))
        else:
            kept.append(row)
    return kept


def _points(row: Row, checked: Checked, roles: Roles) -> Iterable[tuple[object, Point]]:
    for role in checked.measured:
        yield role, _own(row, role)
    for about, role in checked.related:
        for name in row.related[about]:
            yield (about.relation, about.brick_class, role), roles[name][role]


def _own(row: Row, role: str) -> Point:
    if role != EACH_POINT:
        return row.own[role]
    assert row.point is not None  # noqa: S101 - the checker allows POINT with 'each' only
    return row.point


def _alike(one: Point, other: Point) -> bool:
    if one.unit == other.unit:
        return True
    measure, against = measure_of(one.unit), measure_of(other.unit)
    return (
        measure is not None
        and against is not None
        and bool(one.unit) == bool(other.unit)
        and measure.comparable(against)
    )


class SiteLayout:
    """Rows as columns of the watched points."""

    def __init__(self, rows: Sequence[Row], roles: Roles, site: Site, column: Callable[[Point], int]) -> None:
        self._rows = rows
        self._roles = roles
        self._site = site
        self._column = column
        self._zone = ZoneInfo(site.time_zone)
        self._pairs: dict[About, Pairs] = {}

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Names of the subjects."""
        return tuple(row.name for row in self._rows)

    def scope(self) -> Scope:
        """Names of a rule's expressions, with the units that they have at this site."""
        schedules = self._site.schedules.names
        return Scope(
            role=lambda role: _kind(self._own_points(role)),
            related=lambda relation, brick_class, role: _kind(self._of_every_aggregate(relation, brick_class, role)),
            schedule=lambda name: name in schedules,
            target=self._target_kind,
        )

    def own(self, role: str) -> Samples:
        """Give a role of each row's equipment."""
        points = self._own_points(role)
        return self._samples(points, points[0])

    def single(self, about: About, role: str) -> Samples:
        """Give a role of the one related equipment of each row."""
        return self.related(about, role)

    def related(self, about: About, role: str) -> Samples:
        """Give a role of the related of each pair."""
        points = [self._roles[name][role] for row in self._rows for name in row.related[about]]
        return self._samples(points, self._of_every_aggregate(about.relation, about.brick_class, role)[0])

    def pairs(self, about: About) -> Pairs:
        """Give the pairs with related equipment."""
        if about not in self._pairs:
            counts = np.array([len(row.related[about]) for row in self._rows])
            self._pairs[about] = Pairs(
                tuple(f"{row.name}|{name}" for row in self._rows for name in row.related[about]),
                np.repeat(np.arange(len(self._rows)), counts),
                np.cumsum(counts) - counts,
            )
        return self._pairs[about]

    def holds(self, schedule: str, at: int) -> bool:
        """Tell whether a schedule holds; the empty name is that of holidays."""
        if not schedule:
            return self._site.schedules.is_holiday(at)
        return self._site.schedules.within(schedule, at)

    def holds_at(self, schedule: str, at: Micros) -> Flags:
        """Tell the same of many moments."""
        if schedule:
            return self._site.schedules.within_many(schedule, at)
        quarters, which = np.unique(at // QUARTER_US, return_inverse=True)
        days = [self._site.schedules.is_holiday(quarter * QUARTER_US) for quarter in quarters.tolist()]
        found: Flags = np.array(days, np.bool_)[which]
        return found

    def hour(self, at: int) -> int:
        """Number of an hour by the building's clocks."""
        return local_hour(self._zone, at)

    def target(self, name: str, at: int) -> float | None:
        """Give a target that is valid at a time."""
        return self._site.targets.value(name, at)

    def _target_kind(self, name: str) -> Kind | None:
        unit = self._site.targets.unit(name)
        return None if unit is None else of_symbol(unit)

    def _own_points(self, role: str) -> list[Point]:
        return [_own(row, role) for row in self._rows]

    def _of_every_aggregate(self, relation: str, brick_class: str, role: str) -> list[Point]:
        """Points of a role of everything related: whoever asks for it gets it in the unit of the first."""
        names = [
            name
            for row in self._rows
            for about, related in row.related.items()
            if (about.relation, about.brick_class) == (relation, brick_class)
            for name in related
        ]
        return [self._roles[name][role] for name in names if role in self._roles[name]]

    def _samples(self, points: Sequence[Point], first: Point) -> Samples:
        return np.array([self._column(point) for point in points], dtype=np.intp), _scale(points, first)


def _kind(points: Sequence[Point]) -> Kind:
    if not points:
        return ANY_NUMBER
    return replace(of_symbol(points[0].unit), counter=points[0].kind is PointKind.CI)


def _scale(points: Sequence[Point], first: Point) -> NDArray[np.float64] | None:
    """Factors to the unit of a point; none where all have it."""
    if all(point.unit == first.unit for point in points):
        return None
    return np.array([_factor(point) for point in points]) / _factor(first)


def _factor(point: Point) -> float:
    measure = measure_of(point.unit)
    return measure.factor if measure else 1.0

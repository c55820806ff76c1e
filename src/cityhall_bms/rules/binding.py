"""A rule and a site make vectors: one row per subject, point ids as columns.

Rows of all rules lie one after the other in one long vector, so that timers are advanced for all of them at once.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.errors import Problem
from cityhall_bms.domain.site import Equipment, Point, Site
from cityhall_bms.rules.checked import Checked, RuleExpressionError, checked
from cityhall_bms.rules.conditions import Condition, SilentCondition
from cityhall_bms.rules.expressions import ExpressionCondition
from cityhall_bms.rules.layout import Row, SiteLayout, rows_of
from cityhall_bms.rules.model import ANY_CLASS, ConditionRule, DeviceRule, Rule, StaleRule
from cityhall_bms.rules.point_limits import PointLimit, point_limits
from cityhall_bms.rules.topology import Topology

STALE_MIN_S: Final = 60.0
HEARTBEAT_S: Final = 900.0
"""How often the collector records a point that does not leave its deadband."""
SAFETY_POLL_SCANS: Final = 10
"""After how many scans the collector reads a subscribed point that stayed quiet."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What an alarm of a rule is about: a point, an equipment or a device."""

    name: str
    equipment: str
    system: str
    text_zh: str
    text_en: str
    point: str
    unit: str


@dataclass(frozen=True, slots=True)
class Severity:
    """Priority of a condition, and how long it must be true before it counts."""

    priority: int
    on_delay_s: float


@dataclass(frozen=True, slots=True)
class BoundRule:
    """A rule with its rows; ``start`` is the first of them in the vector of all rows.

    Each subject has a row for the rule's own condition and, behind those of all subjects, one for each severity step.
    """

    rule: Rule
    start: int
    subjects: tuple[Subject, ...]
    condition: Condition
    levels: tuple[Severity, ...]
    limits: tuple[PointLimit, ...] = ()
    """Fixed limits of single points."""

    @property
    def row_count(self) -> int:
        """Rows of all levels."""
        return len(self.subjects) * len(self.levels)

    @property
    def rows(self) -> slice:
        """Place of its rows."""
        return slice(self.start, self.start + self.row_count)

    def rows_of(self, subject: int) -> range:
        """Rows of one subject, the rule's own condition first."""
        return range(self.start + subject, self.start + self.row_count, len(self.subjects))


@dataclass(frozen=True, slots=True)
class Unbound:
    """An equipment of a rule's class that lacks points: the rule is NOT-APPLICABLE to it, which is not OK."""

    rule: str
    equipment: str
    missing: tuple[str, ...]
    """Roles of its own that it lacks."""
    reason: str = ""
    """In words, also where it is something else."""


@dataclass(frozen=True, slots=True)
class Binding:
    """All rules of a site. The watched points are the columns that conditions index."""

    rules: tuple[BoundRule, ...]
    unbound: tuple[Unbound, ...]
    problems: tuple[Problem, ...]
    """Rules that do not fit the site, like by a unit: such a rule is bound to nothing, the others go on."""
    point_ids: NDArray[np.int64]
    quiet_us: NDArray[np.int64]
    """Age above which a good value no longer decides, per watched point."""
    silent_us: NDArray[np.int64]
    """Time without a good value above which a point counts as silent."""
    by_exception: NDArray[np.bool_]
    """Points that are recorded when they change: their silence is no news."""
    on_delay_us: NDArray[np.int64]
    off_delay_us: NDArray[np.int64]

    @property
    def row_count(self) -> int:
        """Rows of all rules."""
        return len(self.on_delay_us)

    def rule_of(self, row: int) -> BoundRule:
        """Rule that a row is of."""
        return self.rules[bisect_right(self.rules, row, key=lambda bound: bound.start) - 1]


def bind(rules: Iterable[Rule], site: Site, ids: Mapping[str, int]) -> Binding:
    """Bind rules to a site whose points have the given numbers; a point without a number is left out."""
    binder = _Binder(site, ids)
    bound: list[BoundRule] = []
    start = 0
    for rule in rules:
        found = binder.bind(rule, start)
        if found is not None:
            bound.append(found)
            start += found.row_count
    watched = [site.points[name] for name in binder.columns]
    subscribed = [_reports_by_exception(site, point) for point in watched]
    return Binding(
        rules=tuple(bound),
        unbound=tuple(binder.unbound),
        problems=tuple(binder.problems),
        point_ids=np.array([ids[point.name] for point in watched], dtype=np.int64),
        quiet_us=_us(_quiet_s(site, point) for point in watched),
        silent_us=_us(max(3 * point.scan_s, STALE_MIN_S) for point in watched),
        by_exception=np.array(subscribed, dtype=np.bool_),
        on_delay_us=_us(level.on_delay_s for item in bound for level in item.levels for _ in item.subjects),
        off_delay_us=_us(item.rule.off_delay_s for item in bound for _ in range(item.row_count)),
    )


def points_watched(rules: Iterable[Rule], site: Site) -> frozenset[str]:
    """Points that are themselves subjects of rules, by name."""
    found: set[str] = set()
    for rule in rules:
        if isinstance(rule, ConditionRule) and rule.each and rule.enabled:
            classes = {item.name for item in site.equipment.values() if rule.is_for(item.brick_class)}
            found |= {p.name for p in site.points.values() if p.role in rule.each and p.equipment in classes}
    return frozenset(found)


def _us(seconds: Iterable[float]) -> NDArray[np.int64]:
    return np.array([round(value * 1e6) for value in seconds], dtype=np.int64)


def _subscribed(site: Site, point: Point) -> bool:
    return site.devices[point.device].settings.get("mode") == "subscribe"


def _reports_by_exception(site: Site, point: Point) -> bool:
    return point.deadband > 0 or _subscribed(site, point)


def _quiet_s(site: Site, point: Point) -> float:
    """Longest age of a good value: three of the intervals at which the point is recorded at least, s."""
    interval_s = point.scan_s
    if point.deadband > 0:
        interval_s = max(interval_s, HEARTBEAT_S)
    if _subscribed(site, point):
        interval_s = max(SAFETY_POLL_SCANS * point.scan_s, STALE_MIN_S, interval_s)
    return max(3 * interval_s, STALE_MIN_S)


class _Binder:
    """Collects the watched points while rules are bound."""

    def __init__(self, site: Site, ids: Mapping[str, int]) -> None:
        self._site = site
        self.columns: dict[str, int] = {}
        self.unbound: list[Unbound] = []
        self.problems: list[Problem] = []
        self._topology = Topology(site)
        self._roles: dict[str, dict[str, Point]] = {name: {} for name in site.equipment}
        for point in site.points.values():
            if point.name in ids and point.equipment in self._roles:
                self._roles[point.equipment][point.role] = point

    def bind(self, rule: Rule, start: int) -> BoundRule | None:
        """Give the rule's rows; none when no subject has its points."""
        match rule:
            case ConditionRule():
                return self._bind_condition(rule, start)
            case StaleRule():
                return self._bind_stale(rule, start)
            case DeviceRule():
                return self._bind_devices(rule, start)

    def _bind_condition(self, rule: ConditionRule, start: int) -> BoundRule | None:
        members = self._members(rule)
        try:
            rows, refused = rows_of(rule, checked(rule), members, self._roles, self._topology)
            layout = SiteLayout(rows, self._roles, self._site, self._column)
            found = checked(rule, layout.scope()) if rows else None
        except RuleExpressionError as error:
            # Also a rule of the book that is worded as the language was once.
            self.problems.append(_problem(rule, error))
            self.unbound += [Unbound(rule.id, member.name, (), str(self.problems[-1])) for member in members]
            return None
        self.unbound += [Unbound(rule.id, item.equipment, item.missing, item.reason) for item in refused]
        if found is None:
            return None
        levels = tuple(Severity(level.priority, level.on_delay_s) for level in found.levels)
        condition = ExpressionCondition(found, layout)
        subjects = tuple(_of_row(row, found) for row in rows)
        return BoundRule(rule, start, subjects, condition, levels, point_limits(found, rows))

    def _column(self, point: Point) -> int:
        return self.columns.setdefault(point.name, len(self.columns))

    def _columns(self, points: Iterable[Point]) -> NDArray[np.intp]:
        return np.array([self._column(point) for point in points], dtype=np.intp)

    def _members(self, rule: ConditionRule | StaleRule) -> list[Equipment]:
        return [item for item in self._site.equipment.values() if rule.is_for(item.brick_class)]

    def _bind_stale(self, rule: StaleRule, start: int) -> BoundRule | None:
        groups: list[tuple[Subject, list[Point]]] = []
        for member in self._members(rule):
            roles = self._roles[member.name]
            points = [point for role, point in roles.items() if not rule.role or role in rule.role]
            missing = tuple(role for role in rule.role if role not in roles)
            if missing and ANY_CLASS not in rule.equipment_class:
                self.unbound.append(Unbound(rule.id, member.name, missing, f"lacks {', '.join(missing)}"))
            if points:
                groups.append((_of_equipment(member), points))
        return self._bind_silent(rule, start, groups)

    def _bind_devices(self, rule: DeviceRule, start: int) -> BoundRule | None:
        by_device: dict[str, list[Point]] = {}
        for roles in self._roles.values():
            for point in roles.values():
                by_device.setdefault(point.device, []).append(point)
        chosen = []
        for device, points in by_device.items():
            subject = self._of_device(device, points)
            if rule.is_for(subject.system, {self._site.equipment[point.equipment].brick_class for point in points}):
                chosen.append((subject, points))
        return self._bind_silent(rule, start, chosen)

    def _bind_silent(self, rule: Rule, start: int, groups: list[tuple[Subject, list[Point]]]) -> BoundRule | None:
        if not groups:
            return None
        points = self._columns(point for _, members in groups for point in members)
        lengths = np.array([len(members) for _, members in groups])
        condition = SilentCondition(points, np.cumsum(lengths) - lengths)
        subjects = tuple(subject for subject, _ in groups)
        return BoundRule(rule, start, subjects, condition, (Severity(rule.priority, rule.on_delay_s),))

    def _of_device(self, name: str, points: Sequence[Point]) -> Subject:
        device = self._site.devices[name]
        owners = {point.equipment for point in points}
        system = self._site.system_of(points[0])
        owner = owners.pop() if len(owners) == 1 else ""
        return Subject(name, owner, system, device.text.zh, device.text.en, "", "")


def _of_row(row: Row, found: Checked) -> Subject:
    """Subject of a condition; the point that people look at is its own, or the first that the condition names."""
    item = row.item
    roles = [role for role in found.roles if role in row.own]
    point = row.point or (row.own[roles[0]] if roles else None)
    name, unit = ("", "") if point is None else (point.name, point.unit)
    return Subject(row.name, item.name, item.system, item.text.zh, item.text.en, name, unit)


def _problem(rule: ConditionRule, error: RuleExpressionError) -> Problem:
    """Name a mistake that shows only where a rule meets its site."""
    field = ".".join(str(step) for step in error.path)
    message = f"column {error.column}: {error.message}"
    return Problem(rule.origin.file, rule.origin.line_of(error.path), f"rule {rule.id}, {field}", message, error.remedy)


def _of_equipment(item: Equipment) -> Subject:
    return Subject(item.name, item.name, item.system, item.text.zh, item.text.en, "", "")

"""Suppression by design: while a cause lasts, alarms that only follow from it are hidden (ISA-18.2).

A table says what causes hide what: *supply lost* hides what happens downstream, *device offline* its points, a works
permit its zone, a drill the fire alarms that it sets off. From the table, the building's topology, the alarms as they
stand, the permits and a time follows, and nothing else, what is hidden: the same live, replayed and backtested.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.domain.permits import Permit, PermitKind
from cityhall_bms.domain.topology import Topology

EXERCISES: Final = frozenset({PermitKind.DRILL, PermitKind.TEST})
"""Permits under which alarms are made on purpose: they alone hide priority 1, and only what they set off."""


class Relation(StrEnum):
    """How an alarm must be related to a cause in order to be hidden by it."""

    SAME_EQUIPMENT = "same_equipment"
    SAME_DEVICE = "same_device"
    DOWNSTREAM = "downstream"
    """Nothing feeds its equipment any more (`fed_by`), because of what was lost."""
    PARTS = "parts"
    SAME_ZONE = "same_zone"
    SAME_SYSTEM = "same_system"
    SITE = "site"


Key = tuple[Relation, str]


@dataclass(frozen=True, slots=True)
class Which:
    """Alarms: of the named rules or of rules that detect one of the named things, and of all else that is named.

    What is empty restricts nothing.
    """

    rules: frozenset[str] = frozenset()
    detects: frozenset[str] = frozenset()
    systems: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    priorities: frozenset[int] = frozenset({1, 2, 3, 4})

    def matches(self, alarm: Alarm, detects: Collection[str], brick_class: str) -> bool:
        """Tell whether an alarm is meant, whose rule detects some things at equipment of a class."""
        named = not (self.rules or self.detects) or alarm.rule in self.rules or not self.detects.isdisjoint(detects)
        return (
            named
            and (not self.systems or alarm.system in self.systems)
            and (not self.classes or brick_class in self.classes)
            and alarm.priority in self.priorities
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: either active alarms are the ``cause``, or ``permits`` in force are.

    ``hold_s``: how long it goes on hiding after its cause is over, while the plant starts again.
    """

    id: str
    hides: Which
    cause: Which | None = None
    relations: tuple[Relation, ...] = ()
    hold_s: float = 0.0
    permits: frozenset[PermitKind] = frozenset()
    text_zh: str = ""
    text_en: str = ""

    @property
    def hold_us(self) -> int:
        """How long it holds on, µs."""
        return round(self.hold_s * 1e6)

    @property
    def is_exercise(self) -> bool:
        """Whether what it hides was set off on purpose."""
        return bool(self.permits) and self.permits <= EXERCISES


@dataclass(frozen=True, slots=True, order=True)
class Cause:
    """Something that hides others: a row of the table (by its place) and the alarm or permit by which it holds."""

    row: int
    by: str


@dataclass(frozen=True, slots=True)
class Cover:
    """Why an alarm is hidden: ``by`` an alarm or permit, by the ``relation`` (id) of a row."""

    by: str
    relation: str
    is_exercise: bool = False


class Suppression:
    """The table at one building. ``detects``: what each rule finds, by the names of the domain reference.

    The order of the rows is the order of causes: an alarm that is a cause by one row is hidden by those before it, and
    by its own only downstream, so that no two alarms hide each other and one of them always stays to be seen.
    """

    def __init__(
        self, rows: Sequence[Row] = (), topology: Topology | None = None, detects: Mapping[str, Collection[str]] = {}
    ) -> None:
        self.rows = tuple(rows)
        self.topology = topology or Topology()
        self._detects = detects
        self._hold_max_us = max((row.hold_us for row in self.rows), default=0)

    def causes(self, alarms: Iterable[Alarm], permits: Iterable[Permit], at: int) -> tuple[Cause, ...]:
        """Everything that hides others at a time, in order."""
        candidates = [alarm for alarm in alarms if alarm.active or _ended(alarm) + self._hold_max_us > at]
        allowed = [permit for permit in permits if permit.in_force(at)]
        found: list[Cause] = []
        for place, row in enumerate(self.rows):
            found += [Cause(place, alarm.alarm_id) for alarm in candidates if self._causes_by(row, alarm, at)]
            found += [Cause(place, permit.permit) for permit in allowed if permit.kind in row.permits]
        return tuple(sorted(found))

    def rank(self, alarm: Alarm) -> int:
        """Place of the first row of which an alarm would be a cause; one past the last when it would of none."""
        for place, row in enumerate(self.rows):
            if row.cause is not None and self.means(row.cause, alarm):
                return place
        return len(self.rows)

    def means(self, which: Which, alarm: Alarm) -> bool:
        """Tell whether an alarm is one of those."""
        return which.matches(alarm, self._detects.get(alarm.rule, ()), self.topology.class_of(alarm.equipment))

    def _causes_by(self, row: Row, alarm: Alarm, at: int) -> bool:
        # What is out of service may be wrong about the plant, and hides nothing.
        if row.cause is None or alarm.out_of_service or not self.means(row.cause, alarm):
            return False
        return alarm.active or at < _ended(alarm) + row.hold_us


def _ended(alarm: Alarm) -> int:
    """When an alarm was last over, µs UTC; long ago if it never was."""
    return -(2**62) if alarm.returned_at is None else alarm.returned_at


@dataclass(frozen=True, slots=True)
class Veil:
    """What is hidden by some causes. ``shades``: by row, what each key of an alarm is hidden by."""

    suppression: Suppression
    shades: Mapping[int, Mapping[Key, tuple[str, ...]]] = field(default_factory=dict)
    permits: Mapping[int, tuple[Permit, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        suppression: Suppression,
        causes: Sequence[Cause],
        alarms: Mapping[str, Alarm],
        permits: Mapping[str, Permit],
    ) -> "Veil":
        """Veil of causes, which are among the alarms and permits."""
        by_row: dict[int, list[str]] = {}
        for cause in causes:
            by_row.setdefault(cause.row, []).append(cause.by)
        shades, allowed = {}, {}
        for place, names in by_row.items():
            row = suppression.rows[place]
            if row.permits:
                allowed[place] = tuple(permits[name] for name in names)
            else:
                shades[place] = _shades(suppression.topology, row, [alarms[name] for name in names])
        return cls(suppression, shades, allowed)

    def over(self, alarm: Alarm) -> Cover | None:
        """Why an alarm is hidden, none when it is not. A cover that it has already stays while it holds."""
        first = None
        for cover in self._covers(alarm):
            if (cover.by, cover.relation) == (alarm.suppressed_by, alarm.suppressed_as):
                return cover
            first = first or cover
        return first

    def _covers(self, alarm: Alarm) -> Iterator[Cover]:
        rank = self.suppression.rank(alarm)
        for place, row in enumerate(self.suppression.rows):
            if place not in self.shades and place not in self.permits:
                continue
            if (alarm.priority == 1 and not row.is_exercise) or not self.suppression.means(row.hides, alarm):
                continue
            names = self._by_permit(place, row, alarm) if row.permits else self._by_alarm(place, row, alarm, rank)
            for by in names:
                yield Cover(by, row.id, row.is_exercise)

    def _by_permit(self, place: int, row: Row, alarm: Alarm) -> Iterator[str]:
        for permit in self.permits[place]:
            # An exercise hides what it sets off; what stood before it is real.
            set_off = not row.is_exercise or (alarm.raised_at or 0) >= permit.begin
            if set_off and permit.scope.covers(alarm.equipment, alarm.system):
                yield permit.permit

    def _by_alarm(self, place: int, row: Row, alarm: Alarm, rank: int) -> Iterator[str]:
        if place > rank:
            return
        for key in _keys(self.suppression.topology, row, alarm):
            if place < rank or key[0] is Relation.DOWNSTREAM:
                yield from (by for by in self.shades[place].get(key, ()) if by != alarm.alarm_id)


def _keys(topology: Topology, row: Row, alarm: Alarm) -> Iterator[Key]:
    """By what an alarm may be found among the shades of a row."""
    for relation in row.relations:
        match relation:
            case Relation.SAME_DEVICE:
                name = topology.device_of(alarm.subject, alarm.equipment)
            case Relation.SAME_ZONE:
                name = topology.zone_of(alarm.equipment)
            case Relation.SAME_SYSTEM:
                name = alarm.system
            case Relation.SITE:
                yield relation, ""
                continue
            case _:
                name = alarm.equipment
        if name:
            yield relation, name


def _shades(topology: Topology, row: Row, causes: Sequence[Alarm]) -> dict[Key, tuple[str, ...]]:
    """What the causes of one row hide, by key; of several causes the names in order."""
    found: dict[Key, set[str]] = {}
    for relation in row.relations:
        for name, by in _reach(topology, relation, causes):
            found.setdefault((relation, name), set()).add(by)
    return {key: tuple(sorted(names)) for key, names in found.items()}


def _reach(topology: Topology, relation: Relation, causes: Sequence[Alarm]) -> Iterator[tuple[str, str]]:
    """Names that stand in a relation to causes, each with one."""
    if relation is Relation.DOWNSTREAM:
        of_equipment: dict[str, list[str]] = {}
        for alarm in causes:
            of_equipment.setdefault(alarm.equipment, []).append(alarm.alarm_id)
        for name, through in topology.without(of_equipment).items():
            # Who feeds each other in a ring is not downstream of each other, or all of them would be hidden.
            above = through - topology.fed_from(name)
            yield from ((name, by) for lost in above for by in of_equipment[lost])
        return
    for alarm in causes:
        yield from ((name, alarm.alarm_id) for name in _names(topology, relation, alarm))


def _names(topology: Topology, relation: Relation, alarm: Alarm) -> Iterable[str]:
    match relation:
        case Relation.SAME_DEVICE:
            return [topology.device_of(alarm.subject, alarm.equipment)]
        case Relation.PARTS:
            return topology.parts_of(alarm.equipment)
        case Relation.SAME_ZONE:
            return [topology.zone_of(alarm.equipment)]
        case Relation.SAME_SYSTEM:
            return [alarm.system]
        case Relation.SITE:
            return [""]
        case _:
            return [alarm.equipment]

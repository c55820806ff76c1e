"""Alarms under what caused them: a flood becomes a few groups, each with the alarm that came first on top.

What feeds a piece of equipment, what it is part of, and the device that speaks for it stand above it. An alarm belongs
to the earliest alarm that stands above it and began at most an hour before it or, since delays differ, a minute after
it. What nothing above explains belongs to its own equipment, and so does an alarm of priority 1 above which only less
urgent ones stand.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from cityhall_bms.domain.alarms import Alarm, AlarmState
from cityhall_bms.domain.topology import Topology

CAUSE_WITHIN_US: Final = 3_600_000_000
CAUSE_AFTER_US: Final = 60_000_000
"""How much later than its consequence a cause may be noticed: delays of rules and scans differ."""

Order = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class AlarmGroup:
    """Open alarms with one cause, in causal order."""

    cause: str
    """Equipment, or a device that was lost."""
    alarms: tuple[Alarm, ...]

    @property
    def first_up(self) -> Alarm:
        """The alarm that came first."""
        return self.alarms[0]


def causal_order(alarm: Alarm) -> Order:
    """What came first: by the source's time, then by the place in the log."""
    return (alarm.raised_at or 0, alarm.position, alarm.alarm_id)


def group(alarms: Iterable[Alarm], topology: Topology) -> list[AlarmGroup]:
    """Groups of the open ones among some alarms, that of the earliest first-up first."""
    groups = AlarmGroups(topology)
    for alarm in alarms:
        groups.take(alarm)
    return groups.all()


@dataclass
class AlarmGroups:
    """Groups of the alarms that are open, kept up to date: the same as if made anew of all of them."""

    topology: Topology
    _alarms: dict[str, Alarm] = field(default_factory=dict)
    _orders: dict[str, Order] = field(default_factory=dict)
    """Causal order of open alarms, as of when they began: what operators do later does not move them."""
    _at: dict[str, set[str]] = field(default_factory=dict)
    """Open alarms by what they are about: equipment, or a device."""
    _cause: dict[str, str] = field(default_factory=dict)
    """The alarm that caused another one, by that one."""
    _effects: dict[str, set[str]] = field(default_factory=dict)
    _first: dict[str, str] = field(default_factory=dict)
    """First-up by the cause of its group, where it is known; forgotten when more than a single alarm moves."""
    _sources: dict[str, frozenset[str]] = field(default_factory=dict)
    """What stands above equipment, where it was asked."""

    def take(self, alarm: Alarm) -> None:
        """Take an alarm as it stands now."""
        known = self._alarms.get(alarm.alarm_id)
        after = None if alarm.state is AlarmState.NORMAL else alarm
        if _decisive(known) != _decisive(after):
            if known is not None:
                self._remove(known)
            if after is not None:
                self._add(after)
        elif after is not None:
            self._alarms[alarm.alarm_id] = after

    def place(self, alarm_id: str) -> tuple[str, bool] | None:
        """Cause of an open alarm's group, and whether it came first there; none for an alarm that is not open."""
        if alarm_id not in self._alarms:
            return None
        cause = self._cause_of(alarm_id)
        if cause not in self._first:
            self._first[cause] = min(self._members(cause), key=self._order)
        return cause, self._first[cause] == alarm_id

    def all(self) -> list[AlarmGroup]:
        """Every group, that of the earliest first-up first."""
        members: dict[str, list[Alarm]] = {}
        for name, alarm in self._alarms.items():
            members.setdefault(self._cause_of(name), []).append(alarm)
        groups = [AlarmGroup(cause, tuple(sorted(them, key=self._order_of))) for cause, them in members.items()]
        return sorted(groups, key=lambda found: self._order_of(found.first_up))

    def _remove(self, alarm: Alarm) -> None:
        name = alarm.alarm_id
        cause, effects = self._cause_of(name), self._effects.pop(name, set())
        if effects:
            self._first.clear()
        elif self._first.get(cause) == name:
            del self._first[cause]
        self._part(name)
        self._at[self._about(alarm)].discard(name)
        del self._alarms[name], self._orders[name]
        for other in effects:
            del self._cause[other]
        for other in effects:
            self._join(other)

    def _add(self, alarm: Alarm) -> None:
        name = alarm.alarm_id
        self._alarms[name], self._orders[name] = alarm, causal_order(alarm)
        self._at.setdefault(self._about(alarm), set()).add(name)
        self._join(name)
        taken = [other for other in self._below(alarm) if self._explains_better(alarm, other)]
        for other in taken:
            self._part(other)
            self._put(other, name)
        cause = self._cause_of(name)
        if taken:
            self._first.clear()
        elif cause in self._first and self._order(name) < self._order(self._first[cause]):
            self._first[cause] = name

    def _explains_better(self, alarm: Alarm, name: str) -> bool:
        """Whether an alarm caused another one, before the one that is taken for its cause so far."""
        known = self._cause.get(name)
        is_first = known is None or self._order_of(alarm) < self._order(known)
        return is_first and _may_cause(alarm, self._alarms[name])

    def _join(self, name: str) -> None:
        """Put an alarm under its cause, if it has one."""
        alarm = self._alarms[name]
        above = (self._alarms[other] for place in self._above(alarm) for other in self._at.get(place, ()))
        cause = min((other for other in above if _may_cause(other, alarm)), key=self._order_of, default=None)
        if cause is not None:
            self._put(name, cause.alarm_id)

    def _put(self, name: str, cause: str) -> None:
        self._cause[name] = cause
        self._effects.setdefault(cause, set()).add(name)

    def _part(self, name: str) -> None:
        """Take an alarm off its cause."""
        cause = self._cause.pop(name, None)
        if cause is not None:
            self._effects[cause].discard(name)

    def _order(self, name: str) -> Order:
        return self._orders[name]

    def _order_of(self, alarm: Alarm) -> Order:
        return self._orders[alarm.alarm_id]

    @cached_property
    def _devices(self) -> frozenset[str]:
        return frozenset(self.topology.device_of_point.values())

    def _about(self, alarm: Alarm) -> str:
        return alarm.subject if alarm.subject in self._devices else alarm.equipment

    def _above(self, alarm: Alarm) -> Iterable[str]:
        """Equipment and device that stand above what an alarm is about."""
        about, equipment = self._about(alarm), alarm.equipment
        if about in self._devices:
            return ()
        if equipment not in self._sources:
            self._sources[equipment] = frozenset(_closure(equipment, self._sources_of))
        device = self.topology.device_of(alarm.subject, equipment)
        # Several devices, or none, are no device: what is about nothing in particular stands above nothing.
        return (*self._sources[equipment], device) if device else self._sources[equipment]

    def _below(self, alarm: Alarm) -> list[str]:
        """Open alarms about what stands below what an alarm is about."""
        about = self._about(alarm)
        if about in self._devices:
            return [name for name, other in self._alarms.items() if about in self._above(other)]
        return [name for place in _closure(about, self._fed_by) for name in self._at.get(place, ())]

    def _sources_of(self, name: str) -> Iterable[str]:
        known = self.topology.equipment.get(name)
        return (*known.fed_by, *known.part_of) if known else ()

    def _fed_by(self, name: str) -> Iterable[str]:
        return (*self.topology.feeds.get(name, ()), *self.topology.parts.get(name, ()))

    def _cause_of(self, name: str) -> str:
        return self._about(self._alarms[self._root(name)])

    def _root(self, name: str) -> str:
        """The alarm at the end of the causes; where they go round in a ring, the first of it."""
        seen = [name]
        while (cause := self._cause.get(seen[-1])) is not None:
            if cause in seen:
                return min(seen[seen.index(cause) :], key=self._order)
            seen.append(cause)
        return seen[-1]

    def _members(self, cause: str) -> set[str]:
        roots = {name for name in self._at[cause] if self._root(name) == name}
        return roots.union(*(_closure(root, lambda name: self._effects.get(name, ())) for root in roots))


def _decisive(alarm: Alarm | None) -> object:
    """What of an alarm decides about groups."""
    if alarm is None:
        return None
    return (alarm.raised_at, alarm.active, alarm.returned_at, alarm.equipment, alarm.priority == 1)


def _may_cause(cause: Alarm, effect: Alarm) -> bool:
    began, noticed = effect.raised_at or 0, cause.raised_at or 0
    if effect.priority == 1 < cause.priority:
        return False  # smoke beside a tripped chiller: nothing that is urgent is folded away under what is less so
    lasted = cause.active or (cause.returned_at or 0) >= began - CAUSE_AFTER_US
    return lasted and began - CAUSE_WITHIN_US <= noticed <= began + CAUSE_AFTER_US


def _closure(start: str, related: Callable[[str], Iterable[str]]) -> set[str]:
    """Everything that a relation leads to, step by step; the start itself not, even in a ring."""
    found, waiting = {start}, [start]
    while waiting:
        further = set(related(waiting.pop())) - found
        found |= further
        waiting += further
    return found - {start}

"""Alarms under what caused them: a flood becomes a few groups, each with the alarm that came first on top.

What feeds a piece of equipment, what it is part of, and the device that speaks for it stand above it. An alarm belongs
to the earliest alarm that stands above it and began at most an hour before it or, since delays differ, a minute after
it. What nothing above explains belongs to its own equipment.
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
    _at: dict[str, set[str]] = field(default_factory=dict)
    """Open alarms by what they are about: equipment, or a device."""
    _cause: dict[str, str] = field(default_factory=dict)
    """The alarm that caused another one, by that one."""
    _effects: dict[str, set[str]] = field(default_factory=dict)

    def take(self, alarm: Alarm) -> None:
        """Take an alarm as it stands now."""
        name, about = alarm.alarm_id, self._about(alarm)
        known = self._alarms.pop(name, None)
        if alarm.state is not AlarmState.NORMAL:
            self._alarms[name] = alarm
        if _decisive(known) == _decisive(self._alarms.get(name)):
            return
        here = self._at.setdefault(about, set())
        here.discard(name)
        self._part(name)
        if name in self._alarms:
            here.add(name)
        for other in self._perhaps_caused_at(about):
            self._part(other)
            self._join(other)

    def place(self, alarm_id: str) -> tuple[str, bool] | None:
        """Cause of an open alarm's group, and whether it came first there; none for an alarm that is not open."""
        if alarm_id not in self._alarms:
            return None
        root = self._root(alarm_id)
        cause = self._about(self._alarms[root])
        return cause, min(causal_order(self._alarms[name]) for name in self._members(cause))[2] == alarm_id

    def all(self) -> list[AlarmGroup]:
        """Every group, that of the earliest first-up first."""
        members: dict[str, list[Alarm]] = {}
        for name, alarm in self._alarms.items():
            members.setdefault(self._about(self._alarms[self._root(name)]), []).append(alarm)
        groups = [AlarmGroup(cause, tuple(sorted(them, key=causal_order))) for cause, them in members.items()]
        return sorted(groups, key=lambda found: causal_order(found.first_up))

    @cached_property
    def _devices(self) -> frozenset[str]:
        return frozenset(self.topology.device_of_point.values())

    def _about(self, alarm: Alarm) -> str:
        return alarm.subject if alarm.subject in self._devices else alarm.equipment

    def _perhaps_caused_at(self, about: str) -> list[str]:
        """Open alarms whose cause may be an alarm about this, and those about this themselves."""
        if about in self._devices:
            return list(self._alarms)
        below = {about, *_closure(about, lambda name: (*self.topology.feeds.get(name, ()), *self._parts(name)))}
        return [name for place in below for name in self._at.get(place, ())]

    def _parts(self, name: str) -> Iterable[str]:
        return self.topology.parts.get(name, ())

    def _part(self, name: str) -> None:
        """Take an alarm off its cause."""
        cause = self._cause.pop(name, None)
        if cause is not None:
            self._effects[cause].discard(name)

    def _join(self, name: str) -> None:
        """Put an alarm under its cause, if it has one."""
        alarm = self._alarms[name]
        above = (self._alarms[other] for place in self._above(alarm) for other in self._at.get(place, ()))
        cause = min((other for other in above if _may_cause(other, alarm)), key=causal_order, default=None)
        if cause is not None:
            self._cause[name] = cause.alarm_id
            self._effects.setdefault(cause.alarm_id, set()).add(name)

    def _above(self, alarm: Alarm) -> set[str]:
        about = self._about(alarm)
        if about in self._devices:
            return set()
        above = _closure(alarm.equipment, self._sources)
        return (above | {self.topology.device_of(alarm.subject, alarm.equipment)}) - {about}

    def _sources(self, name: str) -> Iterable[str]:
        known = self.topology.equipment.get(name)
        return (*known.fed_by, *known.part_of) if known else ()

    def _root(self, name: str) -> str:
        """The alarm at the end of the causes; where they go round in a ring, the first of it."""
        seen = [name]
        while (cause := self._cause.get(seen[-1])) is not None:
            if cause in seen:
                return min(seen[seen.index(cause) :], key=lambda other: causal_order(self._alarms[other]))
            seen.append(cause)
        return seen[-1]

    def _members(self, cause: str) -> set[str]:
        roots = {name for name in self._at[cause] if self._root(name) == name}
        return roots.union(*(_closure(root, lambda name: self._effects.get(name, ())) for root in roots))


def _decisive(alarm: Alarm | None) -> object:
    """What of an alarm decides about groups."""
    return None if alarm is None else (alarm.raised_at, alarm.active, alarm.returned_at, alarm.equipment)


def _may_cause(cause: Alarm, effect: Alarm) -> bool:
    began, noticed = effect.raised_at or 0, cause.raised_at or 0
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

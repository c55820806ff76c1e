"""Who is told of what, when: people with their channels, groups with their rosters, routes, quiet hours."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from cityhall_bms.domain.calendars import Schedules
from cityhall_bms.domain.permits import places_of

PRIORITIES: Final = (1, 2, 3, 4)
FLOOD_PRIORITY: Final = 2
"""That of the message that a flood began."""
QUIET_STEPS_MAX: Final = 20
"""Quiet hours that follow each other without a break for longer than so many ends are over all the same."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to reach one person: the name of an address that is kept with the secrets."""

    name: str
    priorities: tuple[int, ...] = PRIORITIES


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is told."""

    name: str
    text: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is on duty while a schedule holds."""

    schedule: str
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """People who are told together: ``people`` always, those of a duty while its schedule holds."""

    name: str
    text: str
    people: tuple[str, ...] = ()
    duties: tuple[Duty, ...] = ()

    def on_duty(self, at: int, schedules: Schedules) -> tuple[str, ...]:
        """Names of those who are told at a time. Where the roster has a hole it is everybody: somebody must know."""
        held = [duty.people for duty in self.duties if schedules.within(duty.schedule, at)]
        names = dict.fromkeys(name for people in (self.people, *held) for name in people)
        everybody = dict.fromkeys(name for duty in self.duties for name in duty.people)
        return tuple(names or everybody)


@dataclass(frozen=True, slots=True)
class Route:
    """Which alarms go to a group: at once (level 0) or when they are escalated to a level. Empty means any."""

    group: str
    priorities: tuple[int, ...]
    systems: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    """Floors, and zones of floors: ``05``, ``05.W``."""
    level: int = 0
    returned: bool = False
    """Also say when it is over."""

    def takes(self, priority: int, system: str, equipment: str) -> bool:
        """Whether an alarm goes this way."""
        in_place = not self.places or not places_of(equipment).isdisjoint(self.places)
        return priority in self.priorities and (not self.systems or system in self.systems) and in_place


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which alarms of some priorities wait; priority 1 never does."""

    schedule: str
    priorities: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NotificationPlan:
    """Everything that ``notifications.toml`` says. Without routes nobody is told of anything."""

    link: str = ""
    """Address of an alarm's page; ``{alarm}`` stands for its id. Empty: no link."""
    again_after_s: float = 900.0
    """The same alarm that comes again within so many seconds is told of only then, if it still stands."""
    flood_after: int = 10
    """So many alarms of a priority are told one by one to a group within a period; the rest in one summary."""
    flood_period_s: float = 600.0
    channels: Mapping[str, Channel] = field(default_factory=dict)
    people: Mapping[str, Person] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    quiet: tuple[Quiet, ...] = ()

    def groups_for(self, priority: int, system: str, equipment: str, level: int, to: str = "") -> tuple[str, ...]:
        """Names of the groups that are told; ``to`` is whom an escalation names, maybe one of ours."""
        names = [r.group for r in self.routes if r.level == level and r.takes(priority, system, equipment)]
        names += [group.name for group in self.groups.values() if to and to in {group.name, group.text}]
        return tuple(dict.fromkeys(names))

    def told_of_floods(self) -> tuple[str, ...]:
        """Names of the groups that are told that a flood began: those that are told of its alarms at once."""
        return tuple(dict.fromkeys(r.group for r in self.routes if r.level == 0 and FLOOD_PRIORITY in r.priorities))

    def told_of_return(self, priority: int, system: str, equipment: str) -> tuple[str, ...]:
        """Names of the groups that want to hear that an alarm is over."""
        wished = (r.group for r in self.routes if r.returned and r.takes(priority, system, equipment))
        return tuple(dict.fromkeys(wished))

    def ways(self, group: str, priority: int, at: int, schedules: Schedules) -> Iterator[tuple[str, str]]:
        """Person and channel for each message to a group at a time."""
        for name in self.groups[group].on_duty(at, schedules):
            for channel in self.people[name].channels:
                if priority in self.channels[channel].priorities:
                    yield name, channel

    def quiet_until(self, priority: int, at: int, schedules: Schedules) -> int:
        """End of the quiet hours that hold at a time; 0 when none do."""
        end = 0
        for _ in range(QUIET_STEPS_MAX):
            moment = end or at
            held = [q for q in self.quiet if priority in q.priorities and schedules.within(q.schedule, moment)]
            if priority == 1 or not held:
                return end
            ends = [change for q in held if (change := schedules.next_change(q.schedule, moment)) is not None]
            if not ends:
                return end  # quiet for ever would be silence
            end = max(ends)
        return end

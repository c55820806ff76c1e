"""Which alarms a console or a list is about: pure, and the same for every view of them."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from cityhall_bms.domain.alarms import UNACKNOWLEDGED_STATES, Alarm, AlarmState
from cityhall_bms.domain.permits import places_of


@dataclass(frozen=True, slots=True)
class StateSelection:
    """A word for states, in terms of what is known of an alarm; none does not matter."""

    states: frozenset[AlarmState] | None = None
    active: bool | None = None
    shelved: bool | None = None

    @classmethod
    def of(cls, word: str) -> "StateSelection":
        """Take ``open``, ``active``, ``unacknowledged``, ``shelved``, ``all`` or a displayed state.

        ``ValueError`` when it is no word of ours.
        """
        named = {
            "all": cls(),
            "open": cls(states=frozenset(AlarmState) - {AlarmState.NORMAL}),
            "active": cls(active=True),
            "unacknowledged": cls(states=UNACKNOWLEDGED_STATES),
            "shelved": cls(shelved=True),
        }
        return named.get(word) or cls(states=frozenset({AlarmState(word)}))

    def matches(self, alarm: Alarm) -> bool:
        """Tell whether an alarm is selected."""
        return (
            (self.states is None or alarm.state in self.states)
            and (self.active is None or alarm.active == self.active)
            and (self.shelved is None or alarm.shelved == self.shelved)
        )


@dataclass(frozen=True, slots=True)
class Console:
    """What one console is responsible for; an empty set does not matter.

    Zones are floors or zones of floors: ``05``, ``05.W``.
    """

    zones: AbstractSet[str] = frozenset()
    systems: AbstractSet[str] = frozenset()
    priorities: AbstractSet[int] = frozenset()
    states: StateSelection = StateSelection()

    def concerns(self, before: Alarm | None, after: Alarm) -> bool:
        """Tell whether a transition is told here: also the one by which an alarm leaves what the console shows."""
        return self._shows(after) or (before is not None and self._shows(before))

    def _shows(self, alarm: Alarm) -> bool:
        return (
            (not self.systems or alarm.system in self.systems)
            and (not self.priorities or alarm.priority in self.priorities)
            and (not self.zones or not places_of(alarm.equipment).isdisjoint(self.zones))
            and self.states.matches(alarm)
        )


EVERYTHING: Final = Console()

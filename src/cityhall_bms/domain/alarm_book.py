"""Every alarm as it stands, and what becomes of them when the engine proposes, a cause begins or a permit ends.

The book decides and writes nothing: the recorder appends what it says to the event log and hands back what the log
then holds, a backtest folds it at once. Both come to the same events, because nothing else goes into a decision than
the alarms and permits as folded and the time of the step.
"""

from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from cityhall_bms.domain.alarm_stream import ALARM_STREAMS, fold, identity_of
from cityhall_bms.domain.alarms import (
    Alarm,
    AlarmEvent,
    AlarmRaised,
    AlarmSuppressed,
    AlarmUnsuppressed,
    evolve,
)
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.permits import PERMIT_STREAMS, Permit, fold_permit
from cityhall_bms.domain.suppression import Cause, Suppression, Veil

Story = dict[str, list[AlarmEvent]]
"""What happens to alarms, by name."""


@dataclass(slots=True)
class Draft:
    """What is about to happen, on top of the book."""

    story: Story = field(default_factory=dict)
    after: dict[str, Alarm] = field(default_factory=dict)

    def add(self, alarm: Alarm, event: AlarmEvent) -> None:
        """One more event of an alarm, which stands as given before it."""
        self.story.setdefault(alarm.alarm_id, []).append(event)
        self.after[alarm.alarm_id] = evolve(alarm, event, version=alarm.version, position=alarm.position)


class AlarmBook:
    """All alarms, and the permits that are not over."""

    def __init__(self, suppression: Suppression) -> None:
        self._suppression = suppression
        self._alarms: dict[str, Alarm] = {}
        self._permits: dict[str, Permit] = {}
        self._causing: set[str] = set()
        """Alarms that are causes whenever they are active."""
        self._standing: set[str] = set()
        """Alarms that are active or hidden by design: all that a veil can be about."""
        self._touched: set[str] = set()
        """Alarms that changed since everything was last in order."""
        self._settled: tuple[Cause, ...] | None = None
        """Causes for which everything was put in order."""
        self._veil: tuple[tuple[Cause, ...], Veil] = ((), Veil(suppression))

    def __getitem__(self, name: str) -> Alarm:
        """Alarm as it stands; one that never rang is normal."""
        return self._alarms.get(name) or Alarm(name)

    @property
    def active(self) -> list[Alarm]:
        """Alarms whose condition is true, by name."""
        return [alarm for name in sorted(self._standing) if (alarm := self._alarms[name]).active]

    def put(self, alarm: Alarm) -> None:
        """Take note of an alarm as the log has it now."""
        name = alarm.alarm_id
        self._alarms[name] = alarm
        self._touched.add(name)
        _keep(self._standing, name, alarm.active or alarm.suppressed)
        _keep(self._causing, name, self._suppression.rank(alarm) < len(self._suppression.rows))

    def permit(self, name: str) -> Permit | None:
        """Permit as it stands; none when it was never opened, or is long over."""
        return self._permits.get(name)

    def put_permit(self, permit: Permit) -> None:
        """Take note of a permit as the log has it now; those that were over when it was opened are forgotten."""
        self._permits = {name: known for name, known in self._permits.items() if known.end >= permit.opened_at}
        self._permits[permit.permit] = permit

    def take(self, entry: StoredEvent) -> None:
        """Fold an entry of the log, of whatever stream; one that is known already changes nothing."""
        if entry.stream.startswith(ALARM_STREAMS):
            before = self[identity_of(entry.stream)]
            after = fold(before, [entry])
            if after is not before:
                self.put(after)
        elif entry.stream.startswith(PERMIT_STREAMS):
            permit = fold_permit(self.permit(entry.stream.removeprefix(PERMIT_STREAMS)), entry)
            if permit is not None:
                self.put_permit(permit)

    def is_in_order(self, at: int) -> bool:
        """Tell whether nothing but a proposal can change anything at a time."""
        return not self._touched and self._causes(self._alarms, self._causing, at) == self._settled

    def decide(self, at: int, proposed: Mapping[str, AlarmEvent]) -> tuple[Story, tuple[Cause, ...]]:
        """What happens at a time (µs UTC): events of each alarm in order, and the causes that then hide others.

        ``proposed``: one event per alarm that its rule, or its end, asks for; it fits the alarm as it stands. When
        the events are in the log, :meth:`settle` says so.
        """
        draft = Draft()
        for name, event in proposed.items():
            draft.add(self[name], event)
        alarms = ChainMap(draft.after, self._alarms)
        causes = self._causes(alarms, self._causing | draft.after.keys(), at)
        veil = self._veil_of(causes, alarms)
        concerned = self._touched | draft.after.keys()
        if causes != self._settled:
            concerned |= self._standing
        for name in sorted(concerned):
            _cover(draft, alarms[name], veil, at)
        return draft.story, causes

    def settle(self, causes: tuple[Cause, ...]) -> None:
        """Note that what was decided for those causes is in the log and in the book."""
        self._touched.clear()
        self._settled = causes

    def _causes(self, alarms: Mapping[str, Alarm], names: Iterable[str], at: int) -> tuple[Cause, ...]:
        if not self._suppression.rows:
            return ()
        return self._suppression.causes([alarms[name] for name in names], self._permits.values(), at)

    def _veil_of(self, causes: tuple[Cause, ...], alarms: Mapping[str, Alarm]) -> Veil:
        if causes != self._veil[0]:
            self._veil = (causes, Veil.of(self._suppression, causes, alarms, self._permits))
        return self._veil[1]


def _keep(names: set[str], name: str, belongs: bool) -> None:  # noqa: FBT001 - a set takes no keyword either
    if belongs:
        names.add(name)
    else:
        names.discard(name)


def _cover(draft: Draft, alarm: Alarm, veil: Veil, at: int) -> None:
    """Hide an alarm, or show it again, as the veil says; what is raised hidden is hidden before it can ring."""
    cover = veil.over(alarm) if alarm.active or alarm.suppressed else None
    if cover is None:
        if alarm.suppressed:
            draft.add(alarm, AlarmUnsuppressed(at))
        return
    story = draft.story.get(alarm.alarm_id, [])
    raised = story[0] if story and isinstance(story[0], AlarmRaised) else None
    if raised is not None and cover.is_exercise:
        story[0] = replace(raised, drill=cover.by)
    if (cover.by, cover.relation) == (alarm.suppressed_by, alarm.suppressed_as):
        return
    hidden = AlarmSuppressed(at, cover.by, cover.relation)
    if raised is not None:
        story.insert(0, hidden)
    else:
        draft.add(alarm, hidden)

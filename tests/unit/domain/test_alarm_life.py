"""Random lives of an alarm against a model of flags that is written from the standard's table."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.support.alarm_events import raised

from cityhall_bms.domain.alarms import (
    Alarm,
    AlarmAcknowledged,
    AlarmCommented,
    AlarmEscalated,
    AlarmEvent,
    AlarmPriorityChanged,
    AlarmRealarmed,
    AlarmRecordedLate,
    AlarmReset,
    AlarmReturned,
    AlarmReturnedToService,
    AlarmShelved,
    AlarmSuppressed,
    AlarmTakenOutOfService,
    AlarmUnshelved,
    AlarmUnsuppressed,
    evolve,
)
from cityhall_bms.domain.errors import RefusedError

NOW = 1_782_864_000_000_000
# What happens to the base state; "." is refused.
TABLE = """
       true   false  latch  ack    reset  rering worse  milder
NORM   UNACK  .      .      .      .      .      .      .
UNACK  .      RTNUN  LATUN  ACKED  .      .      UNACK  UNACK
ACKED  .      NORM   LATAK  .      .      UNACK  UNACK  ACKED
RTNUN  UNACK  .      .      NORM   .      .      .      .
LATUN  UNACK  .      .      LATAK  RTNUN  .      .      .
LATAK  UNACK  .      .      .      NORM   .      .      .
"""
HEAD, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
CELLS = {(row[0], trigger): cell for row in ROWS for trigger, cell in zip(HEAD, row[1:], strict=True)}
COVERS: dict[str, tuple[AlarmEvent, AlarmEvent]] = {
    "SHLVD": (AlarmShelved(NOW, "王", NOW + 1, "換感測器"), AlarmUnshelved(NOW, "system")),
    "DSUPR": (AlarmSuppressed(NOW, "SUPPLY-LOST~x", "SUPPLY-LOST"), AlarmUnsuppressed(NOW)),
    "OOSRV": (AlarmTakenOutOfService(NOW, "李", "17", NOW + 9, "換"), AlarmReturnedToService(NOW, "李")),
}
UNSEEN = (
    AlarmCommented(NOW, "王", "待查"),
    AlarmEscalated(1, "值班長", NOW),
    AlarmRecordedLate("hi", 1, "x", "E", "hvac", 2, "過高", "High", NOW - 9, NOW - 5),
)
"""What changes no flag."""


class AlarmLife(RuleBasedStateMachine):
    """Anything may happen at any time, also what cannot: that is refused and changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.alarm = Alarm("hi~x")
        self.base = "NORM"
        self.covers: set[str] = set()
        self.one_shot = False
        self.events = self.occurrences = self.open = self.late = 0

    def happen(self, event: AlarmEvent) -> None:
        self.alarm = evolve(self.alarm, event, version=self.events + 1, position=self.events + 1)
        self.events += 1

    def event_of(self, trigger: str, *, latching: bool) -> AlarmEvent:
        return {
            "true": raised(latching=latching, occurrence=self.occurrences + 1),
            "false": AlarmReturned(NOW),
            "ack": AlarmAcknowledged(NOW, "王"),
            "reset": AlarmReset(NOW, "王"),
            "rering": AlarmRealarmed(NOW),
            "worse": AlarmPriorityChanged(self.alarm.priority - 1, "高", "High", NOW),
            "milder": AlarmPriorityChanged(self.alarm.priority + 1, "低", "Low", NOW),
        }[trigger]

    def uncovered(self, name: str) -> None:
        self.covers.discard(name)
        self.base = "UNACK" if self.base in {"UNACK", "ACKED"} else "NORM"
        self.one_shot = self.one_shot and name != "SHLVD"

    @rule(trigger=st.sampled_from([name for name in HEAD if name != "latch"]), latching=st.booleans())
    def base_event(self, trigger: str, latching: bool) -> None:
        is_latched = trigger == "false" and self.alarm.latching
        expected = CELLS[self.base, "latch" if is_latched else trigger]
        event = self.event_of(trigger, latching=latching)
        if expected == ".":
            with pytest.raises(RefusedError):
                self.happen(event)
            return
        self.happen(event)
        self.base = expected
        self.occurrences += trigger == "true"
        self.open += (trigger == "true") - (trigger == "false")
        if trigger == "false" and self.one_shot:
            self.uncovered("SHLVD")

    @rule(event=st.sampled_from(UNSEEN))
    def unseen(self, event: AlarmEvent) -> None:
        self.happen(event)
        self.late += isinstance(event, AlarmRecordedLate)

    @rule(name=st.sampled_from(sorted(COVERS)))
    def cover(self, name: str) -> None:
        self.happen(COVERS[name][0])
        self.covers.add(name)
        self.one_shot = self.one_shot and name != "SHLVD"

    @rule()
    def shelve_for_one_occurrence(self) -> None:
        self.happen(AlarmShelved(NOW, "王", NOW + 1, "吵", one_shot=True))
        self.covers.add("SHLVD")
        self.one_shot = True

    @rule(name=st.sampled_from(sorted(COVERS)))
    def uncover(self, name: str) -> None:
        if name not in self.covers:
            with pytest.raises(RefusedError):
                self.happen(COVERS[name][1])
            return
        self.happen(COVERS[name][1])
        self.uncovered(name)

    @precondition(lambda self: self.events)
    @invariant()
    def the_version_counts_the_events(self) -> None:
        assert self.alarm.version == self.alarm.position == self.events

    @invariant()
    def at_most_one_occurrence_is_active(self) -> None:
        assert self.open == (1 if self.alarm.active else 0)
        assert (self.alarm.occurrence, self.alarm.late_occurrences) == (self.occurrences, self.late)

    @invariant()
    def the_flags_are_those_of_the_base(self) -> None:
        assert self.alarm.base == self.base
        assert self.alarm.active == (self.base in {"UNACK", "ACKED"})
        assert self.alarm.acknowledged == (self.base not in {"UNACK", "RTNUN", "LATUN"})
        assert self.alarm.latched == self.base.startswith("LAT")
        assert (self.alarm.waiting_since is not None) == (not self.alarm.acknowledged)

    @invariant()
    def the_strongest_cover_is_displayed(self) -> None:
        expected = next((name for name in ("OOSRV", "DSUPR", "SHLVD") if name in self.covers), self.base)
        assert self.alarm.state == expected
        assert self.alarm.annunciated == (not self.covers)
        flags = {"SHLVD": self.alarm.shelved, "DSUPR": self.alarm.suppressed, "OOSRV": self.alarm.out_of_service}
        assert {name for name, flag in flags.items() if flag} == self.covers


TestAlarmLife = AlarmLife.TestCase

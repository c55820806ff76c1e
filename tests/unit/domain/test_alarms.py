"""The life of an alarm, held to the table of ISA-18.2 / IEC 62682 as it is written here."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.support.alarm_events import raised

from cityhall_bms.domain.alarms import (
    SHELF_MAX_S,
    TRANSITIONS,
    Alarm,
    AlarmAcknowledged,
    AlarmEvent,
    AlarmRealarmed,
    AlarmReset,
    AlarmReturned,
    AlarmReturnedToService,
    AlarmShelved,
    AlarmState,
    AlarmSuppressed,
    AlarmTakenOutOfService,
    AlarmTrigger,
    AlarmUnshelved,
    AlarmUnsuppressed,
    acknowledge,
    alarm_id,
    evolve,
    reset,
    shelve,
    stream_of,
    unshelve,
)
from cityhall_bms.domain.errors import RefusedError

# Columns: condition true | false | false, latching | acknowledge | reset | re-alarm; "." is: cannot happen.
TABLE = """
NORM   UNACK  .      .      .      .      .
UNACK  .      RTNUN  LATUN  ACKED  .      .
ACKED  .      NORM   LATAK  .      .      UNACK
RTNUN  UNACK  .      .      NORM   .      .
LATUN  UNACK  .      .      LATAK  RTNUN  .
LATAK  UNACK  .      .      .      NORM   .
"""
TRIGGERS = ("raise", "return", "return_latching", "acknowledge", "reset", "realarm")
CELLS = {
    (row.split()[0], trigger): cell
    for row in TABLE.strip().splitlines()
    for trigger, cell in zip(TRIGGERS, row.split()[1:], strict=True)
}
ACTIVE = {"UNACK", "ACKED"}
UNACKNOWLEDGED = {"UNACK", "RTNUN", "LATUN"}
NOW = 1_782_864_000_000_000


def event_of(trigger: str) -> AlarmEvent:
    return {
        "raise": raised(),
        "return": AlarmReturned(NOW),
        "return_latching": AlarmReturned(NOW),
        "acknowledge": AlarmAcknowledged(NOW, "王"),
        "reset": AlarmReset(NOW, "王"),
        "realarm": AlarmRealarmed(NOW),
    }[trigger]


def alarm_in(base: str, **changes: object) -> Alarm:
    return replace(Alarm("hi~x", priority=3, version=1), base=AlarmState(base), **changes)


def after(alarm: Alarm, *events: AlarmEvent) -> Alarm:
    for event in events:
        alarm = evolve(alarm, event, version=alarm.version + 1, position=alarm.position + 1)
    return alarm


@pytest.mark.parametrize(("base", "trigger"), CELLS, ids=lambda value: value)
def test_a_cell_of_the_table(base: str, trigger: str) -> None:
    alarm = alarm_in(base, latching=trigger == "return_latching")
    expected = CELLS[base, trigger]

    if expected == ".":
        with pytest.raises(RefusedError):
            after(alarm, event_of(trigger))
    else:
        assert after(alarm, event_of(trigger)).base == expected


def test_the_table_has_no_cell_beside_those() -> None:
    cells = {(str(base), str(trigger)): str(to) for (base, trigger), to in TRANSITIONS.items()}

    assert cells == {key: to for key, to in CELLS.items() if to != "."}
    assert {str(trigger) for trigger in AlarmTrigger} == set(TRIGGERS)


@pytest.mark.parametrize(
    ("oos", "suppressed", "shelved", "expected"),
    [
        ("", "", None, "ACKED"),
        ("", "", 9, "SHLVD"),
        ("", "rule", None, "DSUPR"),
        ("", "rule", 9, "DSUPR"),
        ("permit", "", None, "OOSRV"),
        ("permit", "", 9, "OOSRV"),
        ("permit", "rule", None, "OOSRV"),
        ("permit", "rule", 9, "OOSRV"),
    ],
)
def test_out_of_service_covers_suppressed_covers_shelved_covers_the_base(
    oos: str, suppressed: str, shelved: int | None, expected: str
) -> None:
    alarm = alarm_in("ACKED", out_of_service_by=oos, suppressed_by=suppressed, shelved_until=shelved)

    assert alarm.state == expected
    assert alarm.annunciated == (expected == "ACKED")


COVERS = [
    (AlarmShelved(NOW, "王", NOW + 1, "換感測器"), AlarmUnshelved(NOW, "system")),
    (AlarmSuppressed(NOW, "supply_lost"), AlarmUnsuppressed(NOW)),
    (AlarmTakenOutOfService(NOW, "王"), AlarmReturnedToService(NOW, "王")),
]


@pytest.mark.parametrize(("cover", "uncover"), COVERS, ids=["shelf", "suppression", "service"])
@pytest.mark.parametrize("base", ["NORM", "UNACK", "ACKED", "RTNUN", "LATUN", "LATAK"])
def test_what_is_uncovered_is_seen_again_if_active_and_normal_if_not(
    base: str, cover: AlarmEvent, uncover: AlarmEvent
) -> None:
    covered = after(alarm_in(base), cover)
    uncovered = after(covered, uncover)

    assert not covered.annunciated
    assert covered.base == base
    assert uncovered.state == ("UNACK" if base in ACTIVE else "NORM")


def test_an_alarm_goes_on_being_evaluated_while_it_is_shelved() -> None:
    shelved = after(Alarm("hi~x"), raised(), COVERS[0][0])

    assert after(shelved, AlarmReturned(NOW)).state == "SHLVD"
    assert after(shelved, AlarmReturned(NOW), raised(occurrence=2)).active
    assert after(shelved, AlarmReturned(NOW), COVERS[0][1]).state == "NORM"


def test_an_occurrence_that_comes_back_before_it_was_seen_is_counted_as_a_repeat() -> None:
    alarm = after(Alarm("hi~x"), raised(), AlarmReturned(NOW), raised(), AlarmReturned(NOW), raised(occurrence=3))
    assert (alarm.repeat_count, alarm.occurrence) == (2, 3)

    fresh = after(alarm, AlarmAcknowledged(NOW, "王", "看到"), AlarmReturned(NOW), raised(occurrence=4))
    assert (fresh.repeat_count, fresh.acknowledged_by, fresh.comment, fresh.returned_at) == (0, "", "", None)


def test_an_acknowledgement_names_who_when_and_why() -> None:
    alarm = after(Alarm("hi~x"), raised())

    decided = acknowledge(alarm, at=NOW + 5, by="王小明", comment="已派員")

    assert decided == AlarmAcknowledged(NOW + 5, "王小明", "已派員")
    acked = after(alarm, decided)
    assert (acked.acknowledged_at, acked.acknowledged_by, acked.comment) == (NOW + 5, "王小明", "已派員")


@pytest.mark.parametrize("base", ["NORM", "ACKED", "LATAK"])
def test_what_is_acknowledged_cannot_be_acknowledged_again(base: str) -> None:
    with pytest.raises(RefusedError):
        acknowledge(alarm_in(base), at=NOW, by="王")


def test_a_hidden_alarm_cannot_be_acknowledged() -> None:
    with pytest.raises(RefusedError, match="SHLVD"):
        acknowledge(alarm_in("UNACK", shelved_until=NOW), at=NOW, by="王")


@pytest.mark.parametrize("base", ["NORM", "UNACK", "ACKED", "RTNUN"])
def test_only_a_latch_can_be_reset(base: str) -> None:
    with pytest.raises(RefusedError):
        reset(alarm_in(base), at=NOW, by="王")


@pytest.mark.parametrize(("priority", "longest_s"), [(1, 0), (2, 3_600), (3, 28_800), (4, 86_400)])
def test_a_shelf_ends_within_the_maximum_of_its_priority(priority: int, longest_s: int) -> None:
    alarm = replace(alarm_in("UNACK"), priority=priority)

    assert SHELF_MAX_S[priority] == longest_s
    with pytest.raises(RefusedError):
        shelve(alarm, at=NOW, by="王", duration_s=longest_s + 0.001, reason="換感測器")
    with pytest.raises(RefusedError):
        shelve(alarm, at=NOW, by="王", duration_s=0, reason="換感測器")
    if longest_s:
        event = shelve(alarm, at=NOW, by="王", duration_s=longest_s, reason="換感測器")
        assert event == AlarmShelved(NOW, "王", NOW + longest_s * 1_000_000, "換感測器")


def test_a_shelf_needs_a_reason_an_alarm_and_no_other_shelf() -> None:
    for alarm, reason in (
        (alarm_in("UNACK"), " "),
        (Alarm("hi~never"), "換感測器"),
        (alarm_in("UNACK", shelved_until=NOW), "換感測器"),
        (alarm_in("UNACK", out_of_service_by="王"), "換感測器"),
    ):
        with pytest.raises(RefusedError):
            shelve(alarm, at=NOW, by="王", duration_s=60, reason=reason)


def test_only_what_is_shelved_is_unshelved() -> None:
    assert unshelve(alarm_in("UNACK", shelved_until=NOW), at=NOW, by="system") == AlarmUnshelved(NOW, "system")
    with pytest.raises(RefusedError):
        unshelve(alarm_in("UNACK"), at=NOW, by="王")


def test_an_alarm_has_one_name_for_each_rule_and_subject() -> None:
    pairs = list(itertools.product(("hi", "lo"), ("TCH.A.B.C01.X", "TCH.A.B.C01.Y")))

    assert len({alarm_id(*pair) for pair in pairs}) == 4
    assert stream_of(alarm_id("hi", "TCH.A.B.C01.X")) == "alarm/hi~TCH.A.B.C01.X"


class AlarmLife(RuleBasedStateMachine):
    """Random things happen to an alarm; a model of flags, written from the table, says what it must be."""

    def __init__(self) -> None:
        super().__init__()
        self.alarm = Alarm("hi~x")
        self.base = "NORM"
        self.covers: set[str] = set()
        self.events = 0
        self.occurrences = 0
        self.open_occurrences = 0

    def happen(self, event: AlarmEvent) -> None:
        self.alarm = after(self.alarm, event)
        self.events += 1

    @rule(trigger=st.sampled_from(TRIGGERS), latching=st.booleans())
    def base_event(self, trigger: str, latching: bool) -> None:
        if trigger.startswith("return"):
            trigger = "return_latching" if self.alarm.latching else "return"
        expected = CELLS[self.base, trigger]
        event = raised(latching=latching, occurrence=self.occurrences + 1) if trigger == "raise" else event_of(trigger)
        if expected == ".":
            with pytest.raises(RefusedError):
                self.happen(event)
            return
        self.happen(event)
        self.base = expected
        self.occurrences += trigger == "raise"
        self.open_occurrences += (trigger == "raise") - trigger.startswith("return")

    @rule(index=st.integers(0, 2))
    def cover(self, index: int) -> None:
        self.happen(COVERS[index][0])
        self.covers.add(("SHLVD", "DSUPR", "OOSRV")[index])

    @precondition(lambda self: self.covers)
    @rule(data=st.data())
    def uncover(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.covers)))
        self.happen(COVERS[("SHLVD", "DSUPR", "OOSRV").index(name)][1])
        self.covers.discard(name)
        self.base = "UNACK" if self.base in ACTIVE else "NORM"

    @invariant()
    def the_version_counts_the_events(self) -> None:
        assert self.alarm.version == self.events

    @invariant()
    def at_most_one_occurrence_is_active(self) -> None:
        assert self.open_occurrences == (1 if self.alarm.active else 0)
        assert self.alarm.occurrence == self.occurrences

    @invariant()
    def the_flags_are_those_of_the_base(self) -> None:
        assert self.alarm.base == self.base
        assert self.alarm.active == (self.base in ACTIVE)
        assert self.alarm.acknowledged == (self.base not in UNACKNOWLEDGED)

    @invariant()
    def the_strongest_cover_is_displayed(self) -> None:
        expected = next((name for name in ("OOSRV", "DSUPR", "SHLVD") if name in self.covers), self.base)
        assert self.alarm.state == expected
        assert self.alarm.annunciated == (not self.covers)


TestAlarmLife = AlarmLife.TestCase

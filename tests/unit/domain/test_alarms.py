"""The life of an alarm, held to the table of ISA-18.2 / IEC 62682 as it is written here."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.support.alarm_events import raised

from cityhall_bms.domain.alarms import (
    SHELF_MAX_S,
    TRANSITIONS,
    Alarm,
    AlarmAcknowledged,
    AlarmCommented,
    AlarmEscalated,
    AlarmEvent,
    AlarmPriorityChanged,
    AlarmRecordedLate,
    AlarmReturned,
    AlarmReturnedToService,
    AlarmShelved,
    AlarmState,
    AlarmSuppressed,
    AlarmTrigger,
    AlarmUnshelved,
    AlarmUnsuppressed,
    acknowledge,
    alarm_id,
    comment,
    escalate,
    evolve,
    realarm,
    reset,
    return_to_service,
    shelve,
    stream_of,
    take_out_of_service,
    unshelve,
)
from cityhall_bms.domain.errors import RefusedError

# The table of ISA-18.2 / IEC 62682 as the building's reference gives it, with what lies over it. Columns: what happens.
# true: the condition, for its on-delay; false: past its deadband, for its off-delay; latch: the same, of a latching
# alarm; worse, milder: another severity step decides. "." is: cannot happen, and is refused.
TABLE = """
       true   false  latch  ack    reset  rering worse  milder climb  shelve suppr  oos
NORM   UNACK  .      .      .      .      .      .      .      .      SHLVD  DSUPR  OOSRV
UNACK  .      RTNUN  LATUN  ACKED  .      .      UNACK  UNACK  UNACK  SHLVD  DSUPR  OOSRV
ACKED  .      NORM   LATAK  .      .      UNACK  UNACK  ACKED  .      SHLVD  DSUPR  OOSRV
RTNUN  UNACK  .      .      NORM   .      .      .      .      RTNUN  SHLVD  DSUPR  OOSRV
LATUN  UNACK  .      .      LATAK  RTNUN  .      .      .      LATUN  SHLVD  DSUPR  OOSRV
LATAK  UNACK  .      .      .      NORM   .      .      .      .      SHLVD  DSUPR  OOSRV
"""
HEAD, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
BASES = [row[0] for row in ROWS]
CELLS = {(row[0], trigger): cell for row in ROWS for trigger, cell in zip(HEAD, row[1:], strict=True)}

# What lies over a base state hides it and lets the condition go on beneath: there, the base is as in the table above.
# "base": allowed, the base moves as in the table and the cover stays; "over": the cover ends, and what is active comes
# back as UNACK, what is not as NORM; "." is refused; a name is what is displayed then.
COVERED = """
       true   false  latch  ack    reset  rering worse  milder climb  shelve unshel suppr  unsup  oos    return
SHLVD  base   base   base   .      base   .      base   base   .      .      over   DSUPR  .      OOSRV  .
DSUPR  base   base   base   .      base   .      base   base   .      .      .      DSUPR  over   OOSRV  .
OOSRV  base   base   base   .      base   .      base   base   .      .      .      OOSRV  .      .      over
"""
COVERED_HEAD, *COVERED_ROWS = [line.split() for line in COVERED.strip().splitlines()]
COVERED_CELLS = {
    (row[0], base, trigger): cell
    for row in COVERED_ROWS
    for base in BASES
    for trigger, cell in zip(COVERED_HEAD, row[1:], strict=True)
}
TRIGGERS = ("true", "false", "latch", "ack", "reset", "rering")
"""Of the base state alone."""
ACTIVE = {"UNACK", "ACKED"}
NOW = 1_782_864_000_000_000


DECIDE: dict[str, Callable[[Alarm], AlarmEvent]] = {
    "true": lambda alarm: raised(latching=alarm.latching, occurrence=alarm.occurrence + 1),
    "false": lambda _: AlarmReturned(NOW),
    "latch": lambda _: AlarmReturned(NOW),
    "ack": lambda alarm: acknowledge(alarm, at=NOW, by="王"),
    "reset": lambda alarm: reset(alarm, at=NOW, by="王"),
    "rering": lambda alarm: realarm(alarm, at=NOW),
    "worse": lambda alarm: severity(alarm.priority - 1),
    "milder": lambda alarm: severity(alarm.priority + 1),
    "climb": lambda alarm: escalate(alarm, level=alarm.escalation_level + 1, to="值班長", at=NOW),
    "shelve": lambda alarm: shelve(alarm, at=NOW, by="王", duration_s=60, reason="換感測器"),
    "unshel": lambda alarm: unshelve(alarm, at=NOW, by="王"),
    "suppr": lambda _: AlarmSuppressed(NOW, "SUPPLY-LOST~x", "SUPPLY-LOST"),
    "unsup": lambda _: AlarmUnsuppressed(NOW),
    "oos": lambda alarm: take_out_of_service(alarm, at=NOW, by="李", permit="17", until=NOW + 9, reason="換致動器"),
    "return": lambda alarm: return_to_service(alarm, at=NOW, by="李"),
}
"""Event of everything that can happen, as whoever does it decides; RefusedError when it cannot."""


def happen(alarm: Alarm, trigger: str) -> Alarm:
    return after(alarm, DECIDE[trigger](alarm))


def severity(priority: int) -> AlarmPriorityChanged:
    return AlarmPriorityChanged(priority, "更高", "Higher", NOW, 40.0, 35.0)


def alarm_in(base: str, **changes: object) -> Alarm:
    return replace(Alarm("hi~x", priority=3, version=1), base=AlarmState(base), **changes)


def covered_by(state: str, base: str, **changes: object) -> Alarm:
    return happen(alarm_in(base, **changes), {"SHLVD": "shelve", "DSUPR": "suppr", "OOSRV": "oos"}[state])


def after(alarm: Alarm, *events: AlarmEvent) -> Alarm:
    for event in events:
        alarm = evolve(alarm, event, version=alarm.version + 1, position=alarm.position + 1)
    return alarm


@pytest.mark.parametrize(("base", "trigger"), CELLS, ids=lambda value: value)
def test_a_cell_of_the_table(base: str, trigger: str) -> None:
    alarm = alarm_in(base, latching=trigger == "latch")
    expected = CELLS[base, trigger]

    if expected == ".":
        with pytest.raises(RefusedError):
            happen(alarm, trigger)
    else:
        assert happen(alarm, trigger).state == expected


@pytest.mark.parametrize(("state", "base", "trigger"), COVERED_CELLS, ids=lambda value: value)
def test_a_cell_of_the_table_of_covers(state: str, base: str, trigger: str) -> None:
    alarm = covered_by(state, base, latching=trigger == "latch")
    cell = COVERED_CELLS[state, base, trigger]
    beneath = CELLS[base, trigger] if cell == "base" else base

    if "." in {cell, beneath}:
        with pytest.raises(RefusedError):
            happen(alarm, trigger)
        return
    then = happen(alarm, trigger)
    if cell == "over":
        assert then.state == then.base == ("UNACK" if base in ACTIVE else "NORM")
    else:
        assert (then.state, then.base) == (state if cell == "base" else cell, beneath)


def test_the_table_has_no_cell_beside_those() -> None:
    names = ("raise", "return", "return_latching", "acknowledge", "reset", "realarm")
    triggers = dict(zip(names, TRIGGERS, strict=True))
    cells = {(str(base), triggers[str(trigger)]): str(to) for (base, trigger), to in TRANSITIONS.items()}

    assert cells == {key: to for key, to in CELLS.items() if to != "." and key[1] in TRIGGERS}
    assert {str(trigger) for trigger in AlarmTrigger} == set(triggers)


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


@pytest.mark.parametrize("latching", [False, True])
def test_a_shelf_for_one_occurrence_ends_with_it_and_the_next_one_rings(latching: bool) -> None:
    standing = after(Alarm("hi~x"), raised(latching=latching))
    shelved = after(standing, shelve(standing, at=NOW, by="王", duration_s=600, reason="吵", one_shot=True))

    over = after(shelved, AlarmReturned(NOW))
    assert (over.state, over.shelved_until, over.shelf_one_shot) == ("NORM", None, False)
    assert after(over, raised(occurrence=2)).state == "UNACK"
    assert after(shelved, AlarmUnshelved(NOW, "system")).state == "UNACK"


def test_a_shelf_for_one_occurrence_needs_one() -> None:
    with pytest.raises(RefusedError, match="not active"):
        shelve(alarm_in("RTNUN"), at=NOW, by="王", duration_s=60, reason="吵", one_shot=True)


def test_what_becomes_worse_rings_again_and_what_becomes_milder_does_not() -> None:
    acked = after(Alarm("hi~x"), raised(priority=3), AlarmAcknowledged(NOW, "王"))

    worse = after(acked, severity(2))
    assert (worse.state, worse.priority, worse.text_zh, worse.value) == ("UNACK", 2, "更高", 40.0)
    assert (worse.waiting_since, worse.acknowledged_by, worse.occurrence) == (NOW, "", 1)
    milder = after(acked, severity(4))
    assert (milder.state, milder.priority, milder.acknowledged_by, milder.waiting_since) == ("ACKED", 4, "王", None)


def test_nobody_is_asked_any_more_once_it_is_acknowledged_or_reset() -> None:
    waiting = happen(happen(after(Alarm("hi~x"), raised()), "climb"), "climb")
    assert (waiting.waiting_since, waiting.escalation_level, waiting.escalated_to) == (NOW, 2, "值班長")

    acked = happen(waiting, "ack")
    assert (acked.waiting_since, acked.escalation_level) == (None, 0)
    again = happen(acked, "rering")
    assert (again.waiting_since, again.escalation_level, again.acknowledged_at) == (NOW, 0, None)
    assert happen(alarm_in("LATUN", waiting_since=NOW), "reset").waiting_since == NOW


def test_an_alarm_that_comes_and_goes_unseen_climbs_its_chain_all_the_same() -> None:
    waiting = happen(after(Alarm("hi~x"), raised()), "climb")

    again = after(waiting, AlarmReturned(NOW + 1), raised(occurrence=2, observed_at=NOW + 2))

    assert (again.waiting_since, again.escalation_level) == (NOW, 1)


def test_an_alarm_climbs_its_chain_step_by_step() -> None:
    alarm = happen(alarm_in("UNACK"), "climb")

    for level in (1, 3):
        with pytest.raises(RefusedError, match="not due"):
            escalate(alarm, level=level, to="總值", at=NOW)
    assert escalate(alarm, level=2, to="總值", at=NOW) == AlarmEscalated(2, "總值", NOW)


def test_what_was_found_in_late_data_is_counted_and_changes_nothing_else() -> None:
    late = AlarmRecordedLate("hi", 1, "x", "E", "hvac", 2, "過高", "High", NOW - 9, NOW - 5)
    standing = after(Alarm("hi~x"), raised())

    assert after(standing, late) == replace(
        standing, late_occurrences=1, version=standing.version + 1, position=standing.position + 1
    )
    first = after(Alarm("hi~x"), late)
    assert (first.state, first.occurrence, first.equipment, first.text_zh) == ("NORM", 0, "E", "過高")
    assert after(first, raised()).occurrence == 1


def test_a_comment_is_kept_whatever_the_state_and_says_something() -> None:
    event = comment(alarm_in("ACKED"), at=NOW, by="王", text="感測器待查")

    assert event == AlarmCommented(NOW, "王", "感測器待查")
    assert after(alarm_in("ACKED"), event).comment == "感測器待查"
    with pytest.raises(RefusedError):
        comment(alarm_in("ACKED"), at=NOW, by="王", text=" ")


@pytest.mark.parametrize(("permit", "reason", "until"), [("", "換", NOW + 1), ("17", " ", NOW + 1), ("17", "換", NOW)])
def test_out_of_service_needs_a_permit_a_reason_and_an_end(permit: str, reason: str, until: int) -> None:
    with pytest.raises(RefusedError):
        take_out_of_service(alarm_in("UNACK"), at=NOW, by="李", permit=permit, until=until, reason=reason)


def test_who_took_it_out_of_service_under_which_permit_until_when_is_forgotten_when_it_is_back() -> None:
    out = happen(alarm_in("ACKED"), "oos")
    assert (out.out_of_service_by, out.permit, out.out_of_service_until) == ("李", "17", NOW + 9)

    back = happen(out, "return")
    assert (back.state, back.out_of_service_by, back.permit, back.out_of_service_until) == ("UNACK", "", "", None)


@pytest.mark.parametrize(
    "stranger", [AlarmUnshelved(NOW, "system"), AlarmUnsuppressed(NOW), AlarmReturnedToService(NOW, "李")]
)
def test_what_is_not_covered_cannot_be_uncovered(stranger: AlarmEvent) -> None:
    with pytest.raises(RefusedError):
        after(alarm_in("ACKED"), stranger)


def test_one_suppression_takes_the_place_of_another_without_ringing() -> None:
    hidden = after(alarm_in("ACKED"), AlarmSuppressed(NOW, "A~x", "SUPPLY-LOST"))

    other = after(hidden, AlarmSuppressed(NOW, "permit-1", "WORKS"))

    assert (other.state, other.base, other.suppressed_by, other.suppressed_as) == (
        "DSUPR", "ACKED", "permit-1", "WORKS",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("base", "flags"),
    [
        ("NORM", (False, True, False)),
        ("UNACK", (True, False, False)),
        ("ACKED", (True, True, False)),
        ("RTNUN", (False, False, False)),
        ("LATUN", (False, False, True)),
        ("LATAK", (False, True, True)),
    ],
)
def test_the_flags_of_a_base_state(base: str, flags: tuple[bool, bool, bool]) -> None:
    alarm = alarm_in(base)
    assert (alarm.active, alarm.acknowledged, alarm.latched) == flags
    assert (alarm.shelved, alarm.suppressed, alarm.out_of_service) == (False, False, False)


def test_an_alarm_goes_on_being_evaluated_while_it_is_shelved() -> None:
    shelved = happen(after(Alarm("hi~x"), raised()), "shelve")

    assert after(shelved, AlarmReturned(NOW)).state == "SHLVD"
    assert after(shelved, AlarmReturned(NOW), raised(occurrence=2)).active
    assert after(shelved, AlarmReturned(NOW), AlarmUnshelved(NOW, "system")).state == "NORM"


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


def test_a_shelf_that_is_over_already_is_refused_as_such() -> None:
    with pytest.raises(RefusedError, match="is over already"):
        shelve(alarm_in("UNACK"), at=NOW, by="王", duration_s=-60, reason="換感測器")


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

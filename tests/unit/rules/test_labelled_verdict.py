"""How the labelled year is judged: what is due to be found, and what rings with no right to."""

import numpy as np
import pytest
from tests.support.labelled_verdict import Kind, Why, judge
from tests.support.labelled_year import Chance, Lived, Sight

from cityhall_bms.ports.history import Window
from cityhall_bms.rules.episodes import Episode
from cityhall_bms.rules.truth import Fault

MINUTE = 60_000_000
DAY = Window(0, 1440 * MINUTE)
UNIT, POINT = "TCH.03.W.AHU06", "TCH.03.W.AHU06.FltDP"
RULE = "H14"
"""Filter pressure: half an hour of delay, after twenty minutes of running."""


def lived(
    *, lasts: int = 300, applied: int = 300, shown: int = 300, rang: list[Episode] | None = None,
    sound: list[Episode] | None = None, more: list[Fault] | None = None,
) -> Lived:  # fmt: skip
    """A day with a clogged filter from minute 100 on."""
    fault = Fault("filter_clogged", UNIT, 100 * MINUTE, (100 + lasts) * MINUTE, frozenset({"H14"}))
    seen = np.arange(100, 100 + shown, dtype=np.int64) * MINUTE
    chance = Chance(RULE, 0, applied * MINUTE, shown * MINUTE)
    return Lived(DAY, [fault, *(more or [])], {0: Sight(seen)}, [chance], rang or [], sound or [])


def episode(rule: str, subject: str, began: int, ended: int, equipment: str) -> Episode:
    return Episode(rule, subject, equipment, began * MINUTE, ended * MINUTE, 3, 1.0, 0.0, 1.0)


FOUND = episode(RULE, POINT, 131, 410, UNIT)


def test_a_fault_that_rings_at_its_place_is_found_and_its_lateness_has_the_rules_delay_taken_off() -> None:
    verdict = judge([lived(rang=[FOUND])])
    assert (verdict.by_fault.due, verdict.by_fault.found, verdict.by_fault.recall) == (1, 1, 1.0)
    assert verdict.rules[RULE].late_us == [(131 - 100 - 30 - 20) * MINUTE]
    assert verdict.by_rule.kinds == {Kind.RIGHT: 1}
    assert verdict.notes == []


def test_a_fault_that_was_due_and_did_not_ring_is_missed_and_named() -> None:
    verdict = judge([lived()])
    assert (verdict.by_fault.due, verdict.by_fault.found) == (1, 0)
    assert verdict.notes[0]["missed"] == "filter_clogged"


@pytest.mark.parametrize(
    ("lasts", "applied", "shown", "why"),
    [(20, 20, 20, Why.SHORT), (300, 20, 20, Why.NOT_APPLICABLE), (300, 300, 20, Why.UNSEEN)],
)
def test_what_could_not_be_found_is_counted_apart_with_its_reason_also_when_it_rang(
    lasts: int, applied: int, shown: int, why: Why
) -> None:
    verdict = judge([lived(lasts=lasts, applied=applied, shown=shown, rang=[FOUND])])
    assert verdict.by_fault.due == verdict.by_fault.found == 0
    assert verdict.rules[RULE].undue == {why: 1}


def test_an_alarm_that_rings_in_the_sound_twin_too_is_false_wherever_a_fault_stands() -> None:
    other = episode(RULE, "TCH.03.W.AHU05.FltDP", 131, 410, "TCH.03.W.AHU05")
    verdict = judge([lived(rang=[FOUND, other], sound=[other])])
    assert verdict.by_rule.kinds == {Kind.RIGHT: 1, Kind.FALSE: 1}
    assert verdict.by_rule.precision == 0.5


def test_a_rule_that_names_a_culprit_is_wrong_at_a_neighbour_and_a_limit_is_a_consequence_there() -> None:
    blames = episode("FC13", "TCH.03.E.AHU05", 131, 410, "TCH.03.E.AHU05")
    limit = episode("H13", "TCH.03.E.AHU05.SAT", 131, 410, "TCH.03.E.AHU05")
    verdict = judge([lived(rang=[FOUND, blames, limit])])
    assert verdict.by_rule.kinds == {Kind.RIGHT: 1, Kind.BLAMING: 1, Kind.CONSEQUENCE: 1}


def test_an_alarm_beside_a_struck_instrument_is_deceived() -> None:
    struck = Fault("sensor_offset", f"{UNIT}.SAT", 100 * MINUTE, 400 * MINUTE, frozenset({"CROSS"}))
    verdict = judge([lived(more=[struck], rang=[FOUND, episode("H13", UNIT, 150, 300, UNIT)])])
    assert verdict.by_rule.kinds == {Kind.RIGHT: 1, Kind.DECEIVED: 1}

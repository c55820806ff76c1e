"""Precision and recall: episodes of a rule against what a simulator knows was wrong."""

import pytest

from cityhall_bms.domain.errors import SiteError
from cityhall_bms.ports.history import Window
from cityhall_bms.rules.episodes import Episode
from cityhall_bms.rules.truth import Fault, Trial, read_truth, score

MINUTE = 60_000_000
TEXT = """\
{"what": "ahu_trip", "where": "A.AHU02", "from": "1970-01-01T08:10:00+08:00", "to": null, "provokes": ["G03"]}
{"what": "drift", "where": "A.AHU01.SAT", "from": "1970-01-01T08:00:00+08:00", "to": null, "provokes": []}
{"what": "ahu_trip", "where": "A.AHU02", "from": "1970-01-01T08:10:00+08:00", "to": "1970-01-01T08:20:00+08:00", \
"provokes": ["G03"]}
{"what": "old_file", "where": "A.AHU03", "from": "1970-01-01T08:30:00+08:00", "to": null}
"""
DAY = Window(0, 1440 * MINUTE)


def trial(*detects: str, window: Window = DAY) -> Trial:
    return Trial(frozenset(detects), frozenset({"AHU1", "AHU2", "AHU3"}), window, 5 * MINUTE)


def fault(where: str, since: int, until: int | None, *provokes: str) -> Fault:
    return Fault("fault", where, since * MINUTE, None if until is None else until * MINUTE, frozenset(provokes))


def episode(subject: str, began: int, ended: int | None, equipment: str = "") -> Episode:
    return Episode(
        "R", subject, equipment or subject, began * MINUTE, None if ended is None else ended * MINUTE, 3, 1.0, 0.0, 1.0
    )


def test_a_truth_file_gives_each_fault_once_with_its_end() -> None:
    faults = read_truth(TEXT)
    assert [(item.what, item.since // MINUTE, item.until and item.until // MINUTE) for item in faults] == [
        ("drift", 0, None),
        ("ahu_trip", 10, 20),
        ("old_file", 30, None),
    ]
    assert [sorted(item.provokes) for item in faults] == [[], ["G03"], []]


@pytest.mark.parametrize("line", ["{", "[]", '{"what": "x"}', '{"what":"x","where":"y","from":"noon","to":null}'])
def test_what_is_no_truth_is_named_by_its_line(line: str) -> None:
    with pytest.raises(SiteError) as caught:
        read_truth(TEXT + line)
    assert [(problem.file, problem.line) for problem in caught.value.problems] == [("truth.jsonl", 5)]


def test_a_fault_is_found_by_an_episode_at_its_place_while_it_stands_or_soon_after() -> None:
    faults = [fault("AHU1", 10, 60, "H13"), fault("AHU2", 10, 60, "H13")]
    found = score(trial("H13"), [episode("AHU1", 63, 70), episode("AHU2", 66, 70)], faults)
    assert (found.faults, found.found, found.episodes, found.right) == (2, 1, 2, 1)
    assert (found.recall, found.precision) == (0.5, 0.5)
    assert [item.where for item in found.missed] == ["AHU2"]
    assert [item.subject for item in found.wrong] == ["AHU2"]


def test_only_faults_that_the_rule_is_to_find_count() -> None:
    faults = [fault("AHU1", 10, 60, "E01"), fault("ELSEWHERE", 10, 60, "H13"), fault("AHU3", 10, 14, "H13")]
    found = score(trial("H13"), [], faults)
    assert (found.faults, found.recall, found.precision) == (0, None, None)


def test_a_short_fault_need_not_be_found_but_explains_an_episode() -> None:
    found = score(trial("H13"), [episode("AHU3", 12, 13)], [fault("AHU3", 10, 14, "H13")])
    assert (found.faults, found.right) == (0, 1)


def test_a_fault_of_a_point_explains_the_alarm_of_its_equipment() -> None:
    found = score(trial("G01"), [episode("AHU1", 20, None)], [fault("AHU1.SAT", 10, None, "G01")])
    assert (found.recall, found.precision) == (1.0, 1.0)


def test_only_what_lies_in_the_window_is_judged() -> None:
    window = Window(100 * MINUTE, 200 * MINUTE)
    faults = [fault("AHU1", 0, 99, "H13"), fault("AHU2", 150, None, "H13")]
    found = score(trial("H13", window=window), [episode("AHU1", 10, 90), episode("AHU2", 160, None)], faults)
    assert (found.faults, found.found, found.episodes, found.right) == (1, 1, 1, 1)

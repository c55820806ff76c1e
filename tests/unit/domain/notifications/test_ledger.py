"""One message for each occurrence and level; flaps and floods do not become as many messages."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.domain.notifications.ledger import REMEMBERED_US, Ledger, Verdict
from cityhall_bms.domain.site import Text

S = 1_000_000
AGAIN_S = 900.0
ALARM = Alarm("hi~a", priority=2, occurrence=1)


def verdict(ledger: Ledger, alarm: Alarm, now_s: float, level: int = 0) -> Verdict:
    return ledger.verdict(alarm, level, round(now_s * S), AGAIN_S)


class TestPain29:
    """netdata #945, grafana #6202: a flapping alarm is a message a minute."""

    def test_pain_29_an_occurrence_is_told_once_a_level(self) -> None:
        ledger = Ledger()
        assert verdict(ledger, ALARM, 0) is Verdict.NOW
        ledger.note(ALARM, 0, 0)

        assert verdict(ledger, ALARM, 5_000) is Verdict.NO
        assert verdict(ledger, ALARM, 60, level=1) is Verdict.NOW
        ledger.note(ALARM, 1, 60 * S)
        assert verdict(ledger, ALARM, 61, level=1) is Verdict.NO
        assert verdict(ledger, ALARM, 62, level=2) is Verdict.NOW

    def test_pain_29_an_alarm_that_comes_again_at_once_is_looked_at_again_later(self) -> None:
        ledger = Ledger()
        ledger.note(ALARM, 0, 0)
        again = replace(ALARM, occurrence=7)

        assert verdict(ledger, again, 60) is Verdict.LATER
        ledger.owe(again, AGAIN_S)
        assert ledger.due(899 * S) == []
        assert ledger.due(900 * S) == [ALARM.alarm_id]
        assert ledger.due(901 * S) == []
        assert verdict(ledger, again, 900) is Verdict.NOW

    def test_pain_29_an_alarm_that_becomes_worse_is_told_at_once(self) -> None:
        ledger = Ledger()
        ledger.note(ALARM, 0, 0)

        assert verdict(ledger, replace(ALARM, priority=1), 1) is Verdict.NOW
        assert verdict(ledger, replace(ALARM, priority=3, occurrence=2), 1) is Verdict.LATER

    def test_pain_29_a_flapping_alarm_that_climbs_its_chain_reaches_each_level_once(self) -> None:
        ledger = Ledger()
        ledger.note(ALARM, 1, 0)

        assert verdict(ledger, replace(ALARM, occurrence=2), 60, level=1) is Verdict.NO
        assert verdict(ledger, replace(ALARM, occurrence=2), 60, level=2) is Verdict.NOW
        assert verdict(ledger, replace(ALARM, occurrence=2), 901, level=1) is Verdict.NOW


def test_what_was_told_long_ago_is_forgotten() -> None:
    ledger = Ledger()
    ledger.note(ALARM, 0, 0)
    ledger.forget(REMEMBERED_US - 1)
    assert ALARM.alarm_id in ledger.told
    ledger.forget(REMEMBERED_US)
    assert ledger.told == {}


def test_a_flood_is_told_in_summaries_the_urgent_one_sooner() -> None:
    ledger = Ledger()
    rang = [ledger.may_ring("duty", 2, second * S, 10, 600.0) for second in range(12)]
    assert rang == [True] * 10 + [False] * 2
    assert ledger.may_ring("duty", 1, 12 * S, 10, 600.0), "each priority has its own share"
    assert ledger.may_ring("chiefs", 2, 12 * S, 10, 600.0)
    assert ledger.may_ring("duty", 2, 601 * S, 10, 600.0), "the share is of a sliding period"

    for number in range(8):
        ledger.hold("duty", 2, 100 + number, Text(f"警報{number}", f"alarm {number}"), 10 * S)
    ledger.hold("duty", 1, 200, Text("火警", "fire"), 10 * S)

    assert [(group, priority) for group, priority, _ in ledger.summaries(70 * S, 600.0)] == [("duty", 1)]
    assert ledger.summaries(609 * S, 600.0) == []
    ((_, _, held),) = ledger.summaries(610 * S, 600.0)
    assert (held.count, held.cause, held.since, len(held.texts)) == (8, 100, 10 * S, 5)
    assert ledger.summaries(10_000 * S, 600.0) == []


NAMES = st.sampled_from(["a", "b/1", "警報~c"])


@given(st.lists(st.tuples(NAMES, st.integers(0, 3), st.integers(1, 4), st.integers(0, 10**15)), max_size=20))
def test_a_ledger_is_kept_as_it_is(steps: list[tuple[str, int, int, int]]) -> None:
    ledger = Ledger()
    for name, level, priority, now in steps:
        alarm = Alarm(name, priority=priority, occurrence=level + 1)
        ledger.note(alarm, level, now)
        ledger.owe(alarm, AGAIN_S)
        ledger.may_ring(name, priority, now, 3, 600.0)
        ledger.hold(name, priority, level, Text(name, name), now)

    assert Ledger.decode(ledger.encode()) == ledger


def test_an_empty_ledger_is_read_from_nothing() -> None:
    assert Ledger.decode(b"") == Ledger()

"""What rings, what ends it and what answers it, by the transitions of alarms."""

from collections.abc import Sequence

from tests.support.alarm_events import RAISED_US, raised

from cityhall_bms.domain.alarms import (
    Alarm,
    AlarmAcknowledged,
    AlarmEvent,
    AlarmPriorityChanged,
    AlarmRealarmed,
    AlarmRecordedLate,
    AlarmReturned,
    AlarmShelved,
    AlarmSuppressed,
    AlarmTakenOutOfService,
    AlarmUnshelved,
    AlarmUnsuppressed,
    evolve,
)
from cityhall_bms.domain.annunciating import Annunciation, Change, annunciate, settle, unauthorised
from cityhall_bms.domain.annunciations import NEVER

AT = RAISED_US
MINUTE = 60_000_000


def changes(*events: AlarmEvent) -> list[Change]:
    """One a second, recorded a tenth of a second after it happened."""
    alarm = Alarm("hi~a")
    found = []
    for number, event in enumerate(events):
        after = evolve(alarm, event, version=number + 1, position=100 + number)
        found.append(Change(event, AT + number * 1_000_000 + 100_000, alarm, after))
        alarm = after
    return found


def rung(*events: AlarmEvent) -> list[Annunciation]:
    rows: dict[int, Annunciation] = {}
    for change in changes(*events):
        settlement = settle(change)
        if settlement is not None:
            rows |= {row.position: settlement.of(row) for row in rows.values() if row.waiting}
        standing = [row for row in rows.values() if row.ended == NEVER]
        rows |= {row.position: row for row in annunciate(standing, change)}
    return list(rows.values())


def recorded(second: int) -> int:
    return AT + second * 1_000_000 + 100_000


def told(rows: Sequence[Annunciation]) -> list[tuple[int, bool]]:
    return [(row.at, row.again) for row in rows]


def test_a_new_occurrence_rings_as_it_is_recorded_and_ends_at_the_sources_time() -> None:
    [row] = rung(raised(observed_at=AT - 5), AlarmReturned(observed_at=AT + 7))

    assert (row.began, row.at, row.ended) == (AT - 5, recorded(0), AT + 7)
    assert (row.waiting, row.acknowledged) == (True, NEVER)


def test_an_acknowledgement_answers_every_ring_that_waits() -> None:
    rows = rung(raised(), AlarmReturned(AT + 1), raised(occurrence=2), AlarmAcknowledged(AT + 3, "王小明"))

    assert [(row.occurrence, row.again, row.acknowledged) for row in rows] == [
        (1, False, recorded(3)),
        (2, False, recorded(3)),
    ]
    assert [row.ended for row in rows] == [AT + 1, NEVER]


def test_a_realarm_a_worse_step_and_the_end_of_a_shelf_ring_again_for_the_same_occurrence() -> None:
    acknowledged = AlarmAcknowledged(AT, "王小明")
    worse = AlarmPriorityChanged(2, "更熱", "hotter", AT)
    rows = rung(
        raised(), acknowledged, AlarmRealarmed(AT + 2), acknowledged, worse,
        AlarmShelved(AT, "a", AT + MINUTE, "換濾網"), AlarmUnshelved(AT + 6, "a"), AlarmReturned(AT + 7),
    )  # fmt: skip

    assert told(rows) == [(recorded(0), False), (recorded(2), True), (recorded(4), True), (recorded(6), True)]
    assert [row.priority for row in rows] == [3, 3, 2, 2]
    assert {row.ended for row in rows} == {AT + 7}


def test_a_worse_step_of_an_alarm_that_still_waits_rings_too_and_a_milder_one_does_not() -> None:
    worse = AlarmPriorityChanged(2, "更熱", "hotter", AT + 1)
    milder = AlarmPriorityChanged(4, "好些", "better", AT + 2)

    assert told(rung(raised(), worse, milder)) == [(recorded(0), False), (recorded(1), True)]


def test_a_shelf_and_maintenance_are_answers() -> None:
    [shelved] = rung(raised(), AlarmShelved(AT, "a", AT + MINUTE, "換濾網"))
    [out] = rung(raised(), AlarmTakenOutOfService(AT, "a", "W-1", AT + MINUTE, "換濾網"))

    assert (shelved.acknowledged, out.acknowledged) == (recorded(1), recorded(1))


def test_what_is_suppressed_when_it_begins_does_not_ring_and_does_once_it_is_shown() -> None:
    suppressed = AlarmSuppressed(AT, "SUPPLY_LOST~x", "supply")

    assert rung(suppressed, raised(), AlarmReturned(AT + 2)) == []
    [row] = rung(suppressed, raised(), AlarmUnsuppressed(AT + 2))
    assert (row.at, row.again, row.began) == (recorded(2), False, AT)


def test_a_suppression_takes_the_question_back() -> None:
    [row] = rung(raised(), AlarmSuppressed(AT, "SUPPLY_LOST~x", "supply"))

    assert (row.withdrawn, row.waiting, row.acknowledged) == (True, False, NEVER)


def test_an_occurrence_found_in_late_data_is_there_and_rang_nowhere() -> None:
    late = AlarmRecordedLate("hi", 1, "a", "TCH.05F.W.AHU01", "hvac", 3, "熱", "hot", AT - MINUTE, AT - 5)

    [row] = rung(late)

    assert (row.late, row.rang, row.began, row.ended, row.waiting) == (True, NEVER, AT - MINUTE, AT - 5, False)


def test_a_drill_is_marked() -> None:
    [row] = rung(raised(drill="D-1"))

    assert row.drill


def test_an_alarm_hidden_without_reason_end_or_permit_is_unauthorised() -> None:
    def judged(event: AlarmEvent) -> bool:
        return unauthorised(changes(raised(), event)[-1])

    assert not judged(AlarmShelved(AT, "a", AT + 60 * MINUTE, "換濾網"))
    assert judged(AlarmShelved(AT, "a", AT + 60 * MINUTE, " "))
    assert judged(AlarmShelved(AT, "a", AT + 9 * 60 * MINUTE, "too long for priority 3"))
    assert not judged(AlarmTakenOutOfService(AT, "a", "W-1", AT + MINUTE, "換濾網"))
    assert judged(AlarmTakenOutOfService(AT, "a"))
    assert not judged(AlarmSuppressed(AT, "SUPPLY_LOST~x"))
    assert judged(AlarmSuppressed(AT, ""))
    assert not judged(AlarmAcknowledged(AT, "a"))

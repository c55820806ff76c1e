"""Which suppression would have removed how much of a recorded flood."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.support.annunciations import HOUR, START, ring, table

from cityhall_bms.domain.annunciations import Annunciations
from cityhall_bms.domain.flood_forensics import CandidateKind, Forensics, examine
from cityhall_bms.domain.floods import floods
from cityhall_bms.domain.site import Encoding, Equipment, Point, PointKind, Site, System, Text

NAME = Text("名", "name")
UNTIL = START + HOUR
FANS = [f"F{number:02}" for number in range(20)]


def equipment(name: str, *fed_by: str) -> Equipment:
    return Equipment(name, "Thing", System.HVAC, NAME, fed_by)


def point(name: str, of: str, device: str) -> Point:
    return Point(name, NAME, of, "R", PointKind.AI, "", device, "1", Encoding(), None, None, 1.0)


SITE = Site(
    "S", NAME, "UTC", True, (), (),
    {item.name: item for item in (equipment("TX"), equipment("ALONE"), *(equipment(name, "TX") for name in FANS))},
    {},
    {item.name: item for item in (point("ALONE.A", "ALONE", "d"), point("ALONE.B", "ALONE", "d"))},
)  # fmt: skip


def examined(rows: list[dict[str, Any]]) -> Forensics:
    return examine(table(rows), SITE, UNTIL)


def candidate(found: Forensics, kind: CandidateKind, subject: str) -> tuple[int, bool]:
    return next(
        (one.removes, one.flood_remains) for one in found.candidates if (one.kind, one.subject) == (kind, subject)
    )


def test_pain_28_a_lost_supply_explains_its_flood_and_hiding_downstream_would_have_ended_it() -> None:
    """Twenty fans trip because one transformer did: one alarm is left for the operator."""
    found = examined([ring("LOST~TX", 0), *(ring(f"TRIP~{name}", 5 + n) for n, name in enumerate(FANS))])

    assert (found.order[0].alarm, {each.cause for each in found.order}) == ("LOST~TX", {"TX"})
    best = found.candidates[0]
    assert (best.kind, best.subject, best.removes, best.flood_remains) == (CandidateKind.DOWNSTREAM, "TX", 20, False)
    assert (best.share, best.peak) == (20 / 21, 1)
    assert [one.subject for one in found.together] == ["TX"]


def test_what_rang_before_its_cause_was_known_would_have_rung_all_the_same() -> None:
    found = examined([ring(f"TRIP~{name}", n) for n, name in enumerate(FANS)] + [ring("LOST~TX", 10)])

    assert found.order[0].alarm == "TRIP~F00"
    assert candidate(found, CandidateKind.DOWNSTREAM, "TX")[0] == 10


def test_priority_one_is_never_counted_as_removed() -> None:
    found = examined([ring("LOST~TX", 0), *(ring(f"FIRE~{name}", 5, priority=1) for name in FANS)])

    assert found.candidates == ()


def test_short_occurrences_are_removed_by_a_longer_on_delay_and_no_longer_than_needed() -> None:
    found = examined([ring(f"TRIP~{name}", 100 * n, 100 * n + 20) for n, name in enumerate(FANS)])

    [best, *_] = found.candidates
    assert (best.kind, best.subject, best.delay_s, best.removes) == (CandidateKind.ON_DELAY, "TRIP", 30, 20)


def test_pain_29_a_chattering_alarm_rings_once_with_an_off_delay() -> None:
    found = examined([ring("HI~ALONE.A", 40 * n, 40 * n + 10) for n in range(30)])

    assert candidate(found, CandidateKind.OFF_DELAY, "HI") == (29, False)


def test_further_alarms_of_one_device_are_hidden_while_its_first_stands() -> None:
    rows = [ring("A~ALONE.A", 0, 50)] + [ring(f"B{n}~ALONE.B", 10 * n, None) for n in range(1, 9)]

    assert candidate(examined(rows), CandidateKind.SAME_DEVICE, "d")[0] == 8


def test_several_suppressions_together_are_taken_until_no_flood_is_left() -> None:
    chatter = [ring("HI~ALONE.A", 40 * n, 40 * n + 10) for n in range(15)]
    lost = [ring("LOST~TX", 0), *(ring(f"TRIP~{name}", 5 + n) for n, name in enumerate(FANS))]

    found = examined(chatter + lost)

    assert [one.flood_remains for one in found.together] == [True, False]
    assert sum(one.removes for one in found.together) == 35


NAMES = ["LOST~TX", "HI~ALONE.A", "LO~ALONE.B", *(f"TRIP~{name}" for name in FANS[:6])]


@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.integers(0, 900), st.one_of(st.none(), st.integers(0, 200)), st.integers(1, 4)),
        min_size=1, max_size=40,
    )
)  # fmt: skip
def test_every_candidate_is_judged_by_what_it_leaves(rows: list[tuple[str, int, int | None, int]]) -> None:
    rung = table(
        [
            ring(name, began, None if lasted is None else began + lasted, priority=priority)
            for name, began, lasted, priority in rows
        ]
    )
    order = np.argsort(rung.rang, kind="stable")
    rung = Annunciations(rung.names, *(getattr(rung, name)[order] for name in Annunciations.__slots__[1:-1]))

    found = examine(rung, SITE, UNTIL)

    assert sum(each.rings for each in found.order) == len(rung)
    assert [each.began for each in found.order] == sorted(each.began for each in found.order)
    removes = [one.removes for one in found.candidates]
    assert removes == sorted(removes, reverse=True)
    assert all(0 < number <= int((rung.priority > 1).sum()) for number in removes)
    if found.candidates and not floods(np.sort(rung.rang), UNTIL):
        assert not any(one.flood_remains for one in found.candidates)

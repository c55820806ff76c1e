"""Chattering, fleeting and stale alarms, each held to its definition."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.support.annunciations import DAY, START, at, ring, table

from cityhall_bms.domain.alarm_habits import Actor, actors, chattering, fleeting, stale_at, stale_per_day

LATER = START + 10 * DAY


@st.composite
def lives(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Occurrences of three alarms, one after the other, the last perhaps without an end."""
    rows = []
    for name in "abc":
        second = 0
        for _ in range(draw(st.integers(0, 6))):
            begins = second + draw(st.integers(1, 700))
            ends = begins + draw(st.integers(0, 90))
            rows.append(ring(name, begins, ends, again=False))
            second = ends
        if rows and draw(st.booleans()):
            rows[-1]["ended_s"] = None
    return rows


def test_an_alarm_that_changes_three_times_within_a_minute_chatters() -> None:
    rows = table([ring("a", 0, 20), ring("a", 60, 61), ring("b", 0, 20), ring("b", 81, 82)])

    assert chattering(rows, START, LATER) == (Actor("a", 4, 1.0),)


def test_a_ring_that_only_repeats_is_no_change_of_the_condition() -> None:
    rows = table([ring("a", 0, None), ring("a", 0, None, rang_s=10, again=True), ring("a", 0, None, again=True)])

    assert chattering(rows, START, LATER) == ()


@given(lives())
def test_chattering_changes_are_those_of_the_definition(rows: list[dict[str, Any]]) -> None:
    expected: dict[str, int] = {}
    for name in "abc":
        changes = sorted(
            time
            for row in rows
            if row["alarm"] == name
            for time in (row["began_s"], row["ended_s"])
            if time is not None
        )
        windows = [range(i, i + 3) for i in range(len(changes) - 2) if changes[i + 2] - changes[i] <= 60]
        number = len({i for window in windows for i in window})
        if number:
            expected[name] = number

    assert {actor.alarm: actor.count for actor in chattering(table(rows), START, LATER)} == expected


def test_a_fleeting_alarm_is_over_in_a_minute_and_alone_for_ten() -> None:
    rows = table(
        [ring("short", 0, 60), ring("long", 0, 61), ring("twice", 0, 5), ring("twice", 600, 605), ring("apart", 0, 5),
         ring("apart", 601, 606), ring("stands", 0, None)]
    )  # fmt: skip

    found = fleeting(rows)

    assert [rows.names[place] for place in rows.alarm[found]] == ["short", "apart", "apart"]


@given(lives())
def test_fleeting_rows_are_those_of_the_definition(rows: list[dict[str, Any]]) -> None:
    def is_fleeting(row: dict[str, Any]) -> bool:
        others = [other for other in rows if other["alarm"] == row["alarm"] and other is not row]
        alone = all(abs(other["began_s"] - row["began_s"]) > 600 for other in others)
        return row["ended_s"] is not None and row["ended_s"] - row["began_s"] <= 60 and alone

    assert fleeting(table(rows)).tolist() == [is_fleeting(row) for row in rows]


def test_an_alarm_is_stale_after_a_day_and_counts_on_each_day_that_it_is() -> None:
    hours = 3_600
    rows = table(
        [ring("a", 0, 30 * hours), ring("b", 0, 23 * hours), ring("c", hours, None), ring("c", hours, None, again=True)]
    )

    assert stale_at(rows, at(27 * hours)).tolist() == [True, False, True, False]
    assert stale_at(rows, at(24 * hours)).sum() == 0
    assert stale_per_day(rows, START, START + 3 * DAY) == 2
    assert stale_per_day(rows, START + 2 * DAY, START + 3 * DAY) == 1


@given(st.lists(st.tuples(st.integers(0, 200), st.one_of(st.none(), st.integers(0, 120))), max_size=12))
def test_stale_alarms_per_day_are_those_of_the_definition(spans: list[tuple[int, int | None]]) -> None:
    hour = 3_600
    rows = [
        ring(f"a{number}", began * hour, None if lasted is None else (began + lasted) * hour)
        for number, (began, lasted) in enumerate(spans)
    ]
    first, until = START + DAY, START + 5 * DAY

    def stale_on(day: int) -> int:
        begins, ends = first + day * DAY, first + (day + 1) * DAY
        return sum(at(row["began_s"]) + DAY < min(ends, until) and at(row["ended_s"]) > max(begins, at(row["began_s"]) + DAY)
                   for row in rows)  # fmt: skip

    assert stale_per_day(table(rows), first, until) == max(stale_on(day) for day in range(4))


def test_who_rings_most_comes_first_and_names_decide_ties() -> None:
    names = ["b", "a", "c"]

    assert actors(names, np.array([0, 1, 2, 2], np.int64)) == (
        Actor("c", 2, 0.5), Actor("a", 1, 0.25), Actor("b", 1, 0.25),
    )  # fmt: skip
    assert actors(names, np.empty(0, np.int64)) == ()

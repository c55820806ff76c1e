"""Figures of alarm handling on tables small enough to count by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.annunciations import DAY, HOUR, MINUTE, START, ring, table

from cityhall_bms.domain.alarm_figures import AlarmFigures, figures


def hour_of(rows: list, **more) -> AlarmFigures:  # noqa: ANN003
    return figures(table(rows, **more), START, START + HOUR)


def test_rates_count_what_rang_in_the_stretch() -> None:
    rows = [ring("a", 60 * n, 60 * n + 30) for n in range(12)] + [ring("b", 3_600), ring("b", -1, 5)]

    found = hour_of(rows)

    assert found.annunciations == 12
    assert (found.per_10_min, found.per_hour, found.per_day) == (2.0, 12.0, 288.0)
    assert found.peak_10_min == 11  # ten of ``a`` in ten minutes, and ``b`` a second before


def test_drills_count_in_no_figure() -> None:
    found = hour_of([ring("a", n, n + 1, drill=True, priority=1) for n in range(50)])

    assert (found.annunciations, found.floods, found.chattering, found.fleeting) == (0, (), (), 0)


def test_what_was_found_late_is_no_load_but_counts_for_the_plant() -> None:
    found = hour_of([ring("a", 10, 20, rang_s=None), ring("b", 10, 20)])

    assert (found.annunciations, found.late, found.fleeting) == (1, 1, 2)


def test_a_flood_that_reaches_into_the_stretch_counts_for_the_time_that_it_does() -> None:
    found = hour_of([ring(f"a{n}", -60 + n) for n in range(20)])

    [flood] = found.floods
    assert flood.began < START
    assert flood.ended is not None
    assert found.in_flood == pytest.approx((flood.ended - START) / HOUR)


def test_busy_slots_and_hours() -> None:
    rows = [ring("a", 5 * n, 5 * n + 1) for n in range(31)]

    found = figures(table(rows), START, START + 2 * HOUR)

    assert (found.busy_10_min, found.busy_hours) == (1 / 12, 1 / 2)


def test_the_ten_worst_and_their_share() -> None:
    rows = [ring("worst", n) for n in range(9)] + [ring(f"a{n:02}", n) for n in range(11)]

    found = hour_of(rows)

    assert [actor.alarm for actor in found.bad_actors] == ["worst"] + [f"a{n:02}" for n in range(9)]
    assert found.top_10 == pytest.approx(18 / 20)


def test_each_priority_is_judged_by_its_own_target() -> None:
    rows = [
        ring("urgent", 0, 300, priority=1, acknowledged_s=50),
        ring("urgent2", 0, 100, priority=1, acknowledged_s=61),
        ring("forgotten", 0, None, priority=1),
        ring("not due", 3_590, None, priority=1),
        ring("suppressed", 0, None, priority=1, withdrawn=True),
        ring("low", 0, None, priority=4),
    ]

    urgent, _, _, low = hour_of(rows).responses

    assert (urgent.annunciations, urgent.share, urgent.target_s) == (5, 5 / 6, 60.0)
    assert (urgent.acknowledged.number, urgent.acknowledged.median_s) == (2, 55.5)
    assert urgent.acknowledged.p95_s == pytest.approx(60.45)
    assert urgent.inside_target == pytest.approx(1 / 3)
    assert (urgent.ended.number, urgent.ended.median_s) == (2, 200.0)
    assert (low.inside_target, low.acknowledged.median_s, low.ended.p95_s) == (None, None, None)


def test_stale_alarms_are_those_of_the_end() -> None:
    rows = [ring("old", 0, None), ring("over", 0, 90_000), ring("new", 86_400, None)]

    found = figures(table(rows), START + DAY, START + 2 * DAY)

    assert (found.stale, found.stale_per_day) == (1, 2)


def test_what_was_hidden_against_the_rules_is_counted() -> None:
    assert hour_of([], unauthorised_s=[-1, 0, 3_599, 3_600]).unauthorised == 2


def test_nothing_rang() -> None:
    found = hour_of([])

    assert (found.annunciations, found.peak_10_min, found.in_flood, found.top_10) == (0, 0, 0, 0)
    assert all(response.inside_target is None for response in found.responses)


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(-700, 4_000), st.integers(0, 90)), max_size=60),
    st.integers(0, 60),
)
def test_two_halves_ring_as_often_as_the_whole(rows: list[tuple[str, int, int]], minute: int) -> None:
    rung = table([ring(name, began, began + lasted) for name, began, lasted in rows])
    middle = START + minute * MINUTE

    whole = figures(rung, START, START + HOUR)
    first, second = figures(rung, START, middle), figures(rung, middle, START + HOUR)

    assert whole.annunciations == first.annunciations + second.annunciations
    assert whole.fleeting == first.fleeting + second.fleeting
    assert whole.in_flood * HOUR == pytest.approx(
        first.in_flood * max(middle - START, 1) + second.in_flood * max(START + HOUR - middle, 1)
    )

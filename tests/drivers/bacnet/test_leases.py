"""Subscriptions of one device as a table of moments, whatever the device answers."""

from hypothesis import given
from hypothesis import strategies as st

from cityhall_drivers.bacnet.codec import Object
from cityhall_drivers.bacnet.leases import Leases

LIFETIME_S = 300.0
outcomes = st.lists(
    st.tuples(st.sampled_from(["granted", "full", "refused", "silent", "restart", "doubt"]), st.floats(0.0, 200.0)),
    max_size=80,
)


def objects(count: int) -> list[Object]:
    return [Object(0, number) for number in range(count)]


@given(st.integers(1, 12), outcomes)
def test_every_object_is_either_pushed_or_polled_and_asked_for_again_in_bounded_time(
    count: int, answered: list[tuple[str, float]]
) -> None:
    leases, now_s = Leases(objects(count), LIFETIME_S), 0.0
    for outcome, later_s in answered:
        target = leases.due(now_s)
        if outcome == "restart":
            leases.begin_again(now_s)
        elif outcome == "doubt":
            leases.doubt(Object(0, 0), now_s)
        elif target is not None and outcome == "granted":
            leases.granted(target, now_s)
        elif target is not None and outcome == "silent":
            leases.unanswered(target, now_s)
        elif target is not None:
            leases.refused(target, now_s, is_full=outcome == "full")
        pushed, polled = leases.pushed(now_s), leases.polled(now_s)
        assert sorted([*pushed, *polled]) == objects(count)
        assert leases.next_s() <= now_s + 3600.0
        now_s += later_s


@given(st.lists(st.integers(0, 4_194_302), min_size=1, max_size=50, unique=True))
def test_a_device_that_answers_in_time_never_loses_a_subscription(instances: list[int]) -> None:
    leases, now_s = Leases([Object(0, instance) for instance in instances], LIFETIME_S), 0.0
    while leases.due(now_s) is not None:
        leases.granted(leases.due(now_s), now_s)  # type: ignore[arg-type]
    for _ in range(3 * len(instances)):
        now_s = leases.next_s()
        assert len(leases.pushed(now_s)) == len(instances), "renewed before its end"
        leases.granted(leases.due(now_s), now_s)  # type: ignore[arg-type]
    assert leases.renewals == 3 * len(instances)


def test_renewals_are_spread_over_a_fifth_of_the_lifetime() -> None:
    leases = Leases(objects(100), LIFETIME_S)
    for target in objects(100):
        leases.granted(target, 0.0)
    moments = []
    while len(moments) < 100:
        moments.append(leases.next_s())
        leases.unanswered(leases.due(moments[-1]), 1e9)  # type: ignore[arg-type]
    assert min(moments) >= 0.4 * LIFETIME_S
    assert max(moments) <= 0.6 * LIFETIME_S
    assert max(sum(at <= one < at + 6.0 for one in moments) for at in range(120, 180)) <= 20, "no burst"


def test_pain_11_a_full_device_is_left_in_peace_for_an_hour() -> None:
    leases = Leases(objects(5), LIFETIME_S)
    for target in objects(3):
        leases.granted(target, 0.0)
    leases.refused(Object(0, 3), 1.0, is_full=True)
    assert leases.budget == 3
    assert leases.polled(1.0) == objects(5)[3:]
    assert leases.due(100.0) is None, "neither the refused one nor the other that was still to come"
    for target in objects(3):
        leases.unanswered(target, 10_000.0)
    assert leases.due(3602.0) in objects(5)[3:]


def test_a_young_subscription_is_not_doubted() -> None:
    leases = Leases(objects(1), LIFETIME_S)
    leases.granted(Object(0, 0), 0.0)
    leases.doubt(Object(0, 0), 74.0)
    assert leases.due(74.0) is None
    leases.doubt(Object(0, 0), 75.0)
    assert leases.due(75.0) == Object(0, 0)


def test_pain_10_after_a_restart_nothing_counts_as_pushed_until_it_is_granted_again() -> None:
    leases = Leases(objects(2), LIFETIME_S)
    for target in objects(2):
        leases.granted(target, 0.0)
    leases.begin_again(10.0)
    assert leases.pushed(10.0) == []
    assert leases.due(10.0) == Object(0, 0)

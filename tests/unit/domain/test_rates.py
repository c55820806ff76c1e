"""Rates and seats, held by a time that the test gives."""

from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain import rates
from cityhall_bms.domain.rates import Rate, RateMeter, Seats, seconds_to_wait

TIMES = st.lists(st.floats(0.0, 100.0), min_size=1, max_size=200).map(sorted)


def test_five_sign_ins_a_minute_and_the_sixth_says_when() -> None:
    meter = RateMeter(Rate.per_minute(5))

    assert [meter.wait_s("王@10.0.0.7", 100.0) for _ in range(5)] == [0.0] * 5
    assert meter.wait_s("王@10.0.0.7", 100.0) == 12.0
    assert meter.wait_s("李@10.0.0.7", 100.0) == 0.0, "somebody else is somebody else"
    assert meter.wait_s("王@10.0.0.7", 112.0) == 0.0
    assert meter.wait_s("王@10.0.0.7", 112.0) > 0.0


def test_who_is_refused_loses_nothing_by_asking() -> None:
    meter = RateMeter(Rate(1.0, 1))
    meter.wait_s("a", 0.0)

    for _ in range(100):
        assert meter.wait_s("a", 0.5) == 0.5
    assert meter.wait_s("a", 1.0) == 0.0


@given(TIMES, st.integers(1, 20), st.floats(0.1, 50.0))
def test_no_window_holds_more_than_the_burst_and_what_grows_back(times: list[float], burst: int, per_s: float) -> None:
    meter = RateMeter(Rate(per_s, burst))

    allowed = [at for at in times if meter.wait_s("a", at) == 0.0]

    for first, start in enumerate(allowed):
        for last in range(first, len(allowed)):
            assert last - first + 1 <= burst + (allowed[last] - start) * per_s + 1e-6


@given(TIMES, st.integers(1, 20), st.floats(0.1, 50.0))
def test_whoever_waits_as_long_as_told_is_let_in(times: list[float], burst: int, per_s: float) -> None:
    meter = RateMeter(Rate(per_s, burst))

    waits = [(at, meter.wait_s("a", at)) for at in times]

    at, wait = waits[-1]
    assert wait == 0.0 or meter.wait_s("a", at + wait + 1e-6) == 0.0


def test_a_meter_remembers_only_so_many() -> None:
    meter = RateMeter(Rate(0.001, 1))

    for number in range(3 * rates.KEYS_MAX):
        meter.wait_s(number, float(number) / 1000)

    assert len(meter._full_at) <= rates.KEYS_MAX
    assert meter.wait_s(3 * rates.KEYS_MAX - 1, 30.0) > 0.0, "who came last is remembered"


def test_seats_are_for_each_and_for_all() -> None:
    seats = Seats(each=2, in_all=3)

    assert [seats.take("a"), seats.take("a"), seats.take("a")] == [True, True, False]
    assert [seats.take("b"), seats.take("b")] == [True, False]
    seats.give_back("a")
    assert seats.take("b")
    assert seats.taken == 3


def test_seats_that_are_given_back_leave_nothing() -> None:
    seats = Seats(each=1, in_all=10)
    for number in range(1_000):
        assert seats.take(number)
        seats.give_back(number)

    assert seats.taken == 0
    assert not seats._taken


def test_retry_after_is_whole_and_not_too_short() -> None:
    assert [seconds_to_wait(wait) for wait in (0.001, 1.0, 1.2)] == [1, 1, 2]

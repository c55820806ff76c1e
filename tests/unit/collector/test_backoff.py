"""How long to wait before trying again."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.collector.backoff import delay_s


@given(st.integers(0, 10_000), st.floats(0.01, 5), st.floats(5, 600), st.integers())
def test_a_delay_never_exceeds_its_doubled_minimum_nor_the_maximum(
    attempt: int, low: float, high: float, seed: int
) -> None:
    delay = delay_s(attempt, low, high, Random(seed))
    assert 0 <= delay <= high
    assert attempt > 100 or delay <= low * 2**attempt


def test_delays_are_spread_over_their_whole_width() -> None:
    random = Random(1)
    delays = [delay_s(20, 0.5, 30.0, random) for _ in range(2000)]
    assert min(delays) < 1
    assert max(delays) > 29
    assert 14 < sum(delays) / len(delays) < 16

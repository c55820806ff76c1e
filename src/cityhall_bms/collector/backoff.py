"""How long to wait before trying again."""

from random import Random


def delay_s(attempt: int, minimum_s: float, maximum_s: float, random: Random) -> float:
    """Wait before attempt ``attempt`` + 1 (0 = after the first failure), s.

    Capped exponential with full jitter: evenly spread up to ``minimum_s x 2^attempt`` and ``maximum_s`` at most, so
    that devices lost together do not come back together.
    """
    ceiling = maximum_s if attempt >= 64 else min(minimum_s * 2.0**attempt, maximum_s)
    return random.uniform(0.0, ceiling)

"""How often somebody may do something, and how many at once; pure tables over a time that is given."""

import math
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

KEYS_MAX: Final = 10_000
"""How many different callers a meter remembers; beyond, those are forgotten that have their whole burst again."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many per second in the long run, and so many at once after a pause."""

    per_s: float
    burst: int

    @classmethod
    def per_minute(cls, count: int) -> "Rate":
        """So many within any minute that begins after a pause, and as many per minute from then on."""
        return cls(count / 60.0, count)


class RateMeter:
    """Holds each caller to a rate (generic cell rate algorithm, ITU-T I.371 annex A: one number per caller).

    The number is the time at which the caller would have its whole burst again.
    """

    def __init__(self, rate: Rate) -> None:
        self._step_s = 1.0 / rate.per_s
        self._ahead_s = (rate.burst - 1) / rate.per_s
        self._full_at: dict[Hashable, float] = {}

    def wait_s(self, caller: Hashable, now_s: float) -> float:
        """Count one for a caller and give 0; or give after how many seconds one more is allowed, and count none."""
        full_at = max(self._full_at.get(caller, now_s), now_s)
        wait = full_at - now_s - self._ahead_s
        # A billionth of a second is what adding up fractions may be wrong by.
        if wait > 1e-9:
            return wait
        if len(self._full_at) >= KEYS_MAX and caller not in self._full_at:
            self._forget(now_s)
        self._full_at[caller] = full_at + self._step_s
        return 0.0

    def _forget(self, now_s: float) -> None:
        """Forget who has its burst again; when nobody has, those who waited longest, a tenth of all."""
        kept = {caller: at for caller, at in self._full_at.items() if at > now_s}
        if len(kept) >= KEYS_MAX:
            newest = sorted(kept, key=kept.__getitem__)[KEYS_MAX // 10 :]
            kept = {caller: kept[caller] for caller in newest}
        self._full_at = kept


class Seats:
    """Holds each caller, and all together, to a number at once."""

    def __init__(self, each: int, in_all: int) -> None:
        self._each = each
        self._in_all = in_all
        self._taken: Counter[Hashable] = Counter()

    @property
    def taken(self) -> int:
        """How many are taken."""
        return self._taken.total()

    def take(self, caller: Hashable) -> bool:
        """Take one for a caller; false when there is none for it."""
        if self._taken[caller] >= self._each or self.taken >= self._in_all:
            return False
        self._taken[caller] += 1
        return True

    def give_back(self, caller: Hashable) -> None:
        """Give one back that was taken."""
        self._taken[caller] -= 1
        if not self._taken[caller]:
            del self._taken[caller]


def seconds_to_wait(wait_s: float) -> int:
    """Whole seconds for ``Retry-After`` (RFC 9110 10.2.3), never too few."""
    return max(1, math.ceil(wait_s))

"""Which objects a device tells us about by itself, until when, and what it has no room for. Pure; times in seconds.

A subscription is renewed around the half of its life, each object at its own moment, so that a device is never asked
for all at once. What the device has no room for, or cannot tell, is polled, and asked for again now and then.
"""

import heapq
from collections.abc import Iterable
from typing import Final

from cityhall_drivers.bacnet.codec import Object

RENEW_FROM, RENEW_SPREAD = 0.4, 0.2
"""Of the lifetime: renewed between 0.4 and 0.6."""
AGAIN_AFTER_SILENCE_S: Final = 10.0
AGAIN_AFTER_REFUSAL_S: Final = 3600.0
"""Another client's subscriptions may have ended by then."""
DOUBT_FROM: Final = 0.25
"""Of the lifetime: a younger subscription is not doubted."""
_SPREADER: Final = 2_654_435_761
"""Knuth's multiplier: neighbours get moments far apart."""


class Leases:
    """The subscriptions of one device."""

    def __init__(self, objects: Iterable[Object], lifetime_s: float) -> None:
        self.budget: int | None = None
        """How many subscriptions the device had room for when it refused one; none while it never did."""
        self.renewals = 0
        self._lifetime_s = lifetime_s
        self._due: dict[Object, float] = dict.fromkeys(objects, 0.0)
        self._ends: dict[Object, float] = {}
        self._queue = [(0.0, target) for target in self._due]

    def due(self, now_s: float) -> Object | None:
        """What to subscribe, or to renew, next; none when nothing is due yet."""
        return self._queue[0][1] if self.next_s() <= now_s else None

    def next_s(self) -> float:
        """When something is due; for ever without objects."""
        while self._queue and self._due[self._queue[0][1]] != self._queue[0][0]:
            heapq.heappop(self._queue)
        return self._queue[0][0] if self._queue else float("inf")

    def granted(self, target: Object, now_s: float) -> None:
        """The device agreed."""
        self.renewals += target in self._ends
        self._ends[target] = now_s + self._lifetime_s
        self._plan(target, now_s + self._lifetime_s * (RENEW_FROM + RENEW_SPREAD * _moment(target)))

    def refused(self, target: Object, now_s: float, *, is_full: bool) -> None:
        """The device will not tell of this object; when it is full, it need not be asked for others either."""
        self._ends.pop(target, None)
        self._plan(target, now_s + AGAIN_AFTER_REFUSAL_S)
        if not is_full:
            return
        self.budget = len(self.pushed(now_s))
        for other, due_s in list(self._due.items()):
            if other not in self._ends and due_s <= now_s:
                self._plan(other, now_s + AGAIN_AFTER_REFUSAL_S)

    def unanswered(self, target: Object, now_s: float) -> None:
        """The device was silent; a subscription in force goes on until its end."""
        self._plan(target, now_s + AGAIN_AFTER_SILENCE_S)

    def doubt(self, target: Object, now_s: float) -> None:
        """The object changed and nothing was told: renew it soon, unless it was just renewed."""
        ends_s = self._ends.get(target)
        if ends_s is not None and now_s - (ends_s - self._lifetime_s) >= DOUBT_FROM * self._lifetime_s:
            self._plan(target, now_s)

    def begin_again(self, now_s: float) -> None:
        """The device restarted and knows of no subscription any more; it may have room again."""
        self._ends.clear()
        self.budget = None
        for target in self._due:
            self._plan(target, now_s)

    def pushed(self, now_s: float) -> list[Object]:
        """Objects whose changes the device tells."""
        return [target for target, ends_s in self._ends.items() if ends_s > now_s]

    def polled(self, now_s: float) -> list[Object]:
        """Objects whose changes it does not tell."""
        return [target for target in self._due if self._ends.get(target, 0.0) <= now_s]

    def _plan(self, target: Object, at_s: float) -> None:
        if self._due[target] != at_s:
            self._due[target] = at_s
            heapq.heappush(self._queue, (at_s, target))


def _moment(target: Object) -> float:
    """A moment of its own for each object, 0 to 1, always the same."""
    return (target.type * 4_194_304 + target.instance) * _SPREADER % 2**32 / 2**32

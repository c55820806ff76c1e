"""Watching for floods as alarms ring, and the events that say when one began and was over."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from cityhall_bms.domain.annunciations import NEVER
from cityhall_bms.domain.events import Event, stored
from cityhall_bms.domain.floods import FLOOD_BEGINS_ABOVE, FLOOD_ENDS_BELOW, WINDOW_US

FLOOD_STREAM: Final = "flood/site"
"""Stream of the floods of the whole site; times are µs UTC."""


@stored
@dataclass(frozen=True, slots=True)
class AlarmFloodBegan(Event):
    """More alarms rang within ten minutes than a person can follow: ``count``, from ``first_ring`` on."""

    at: int
    first_ring: int
    count: int


@stored
@dataclass(frozen=True, slots=True)
class AlarmFloodEnded(Event):
    """The flood that ``began`` is over; ``total`` rang from its first on, ``peak`` of them within ten minutes."""

    at: int
    began: int
    total: int
    peak: int


FloodEvent = AlarmFloodBegan | AlarmFloodEnded


@dataclass(slots=True)
class FloodWatch:
    """Takes rings as they come and says when a flood begins and ends: the same floods as are found afterwards.

    It holds the rings of the last ten minutes and nothing else, however long a flood lasts.
    """

    recent: deque[int] = field(default_factory=deque)
    began: int | None = None
    """When the flood began that is on; none while there is none."""
    total: int = 0
    peak: int = 0

    def advance(self, rang: Iterable[int], until: int) -> Iterator[FloodEvent]:
        """Take rings in order, and let time pass to ``until``: nothing more rings before that."""
        waiting = deque(rang)
        while True:
            now = min(waiting[0] if waiting else NEVER, self.recent[0] + WINDOW_US if self.recent else NEVER)
            if now == NEVER or (now > until and not waiting):
                return
            # Clocks of two writers may differ by a little: what comes later in the log did not ring earlier.
            yield from self._at(max(now, self.recent[-1] if self.recent else now), waiting)

    def _at(self, now: int, waiting: deque[int]) -> Iterator[FloodEvent]:
        while self.recent and self.recent[0] + WINDOW_US <= now:
            self.recent.popleft()
        while waiting and waiting[0] <= now:
            waiting.popleft()
            self.recent.append(now)
            self.total += 1
        self.peak = max(self.peak, len(self.recent))
        if self.began is None and len(self.recent) > FLOOD_BEGINS_ABOVE:
            self.began, self.total, self.peak = now, len(self.recent), len(self.recent)
            yield AlarmFloodBegan(now, self.recent[0], len(self.recent))
        elif self.began is not None and len(self.recent) < FLOOD_ENDS_BELOW:
            yield AlarmFloodEnded(now, self.began, self.total, self.peak)
            self.began = None

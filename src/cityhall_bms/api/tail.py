"""The newest stretch of a log in memory, for many readers that each keep their own place."""

import asyncio
from collections import deque
from typing import Final, Generic, TypeVar

KEPT_ITEMS_MAX: Final = 2_000

ItemT = TypeVar("ItemT")


class Tail(Generic[ItemT]):
    """Items by position. A reader asks for what comes after its place; there is no queue per reader to overflow."""

    def __init__(self, start: int, kept_max: int = KEPT_ITEMS_MAX) -> None:
        self._items: deque[tuple[int, ItemT]] = deque(maxlen=kept_max)
        self._known_after = start
        self._end = start
        self._changed = asyncio.Event()
        self.beginnings = 0
        """How often it began anew; places from before then mean nothing any more."""
        self.wakes = 0
        """How often the readers were woken for something that is no item."""

    @property
    def begin(self) -> int:
        """Position after which every item is here."""
        return self._known_after

    @property
    def end(self) -> int:
        """Position of the newest item."""
        return self._end

    def push(self, position: int, item: ItemT) -> None:
        """Add the next item and wake the readers."""
        if len(self._items) == self._items.maxlen:
            self._known_after = self._items[0][0]
        self._items.append((position, item))
        self._end = position
        self._wake()

    def restart(self, start: int) -> None:
        """Begin anew at another place, as when the log itself did; waiting readers learn of it."""
        self._items.clear()
        self._known_after = self._end = start
        self.beginnings += 1
        self._wake()

    def reaches(self, position: int) -> bool:
        """Whether nothing after ``position`` has been let go of yet."""
        return self._known_after <= position

    def after(self, position: int, limit: int | None = None) -> list[tuple[int, ItemT]]:
        """Items after a position that :meth:`reaches` allows, so many at most."""
        fresh: list[tuple[int, ItemT]] = []
        for item in reversed(self._items):
            if item[0] <= position:
                break
            fresh.append(item)
        fresh.reverse()
        return fresh[:limit]

    def wake(self) -> None:
        """Wake the readers for something that is no item."""
        self.wakes += 1
        self._wake()

    async def wait_beyond(self, position: int, beginnings: int, wakes: int | None = None) -> None:
        """Return when something newer than ``position`` is there, or there were more ``beginnings`` than that.

        With ``wakes``, also when the readers were woken more often than that.
        """
        while self._end <= position and self.beginnings == beginnings and wakes in {None, self.wakes}:
            await self._changed.wait()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

"""Questions to one device that nobody waits for any more, but whose numbers are still in use."""

import asyncio
from collections import deque
from typing import Any, Final

OPEN_MAX: Final = 64
"""The library hangs for ever at the 257th question to one device."""


class OpenQuestions:
    """Keeps abandoned questions until their transactions have surely ended; only then may their numbers come again."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()

    def add(self, question: asyncio.Future[Any], until_s: float) -> None:
        """Keep a question until this (monotonic) time."""
        self._waiting.append((until_s, question))

    def is_full(self, now_s: float) -> bool:
        """Let go of what is over, and tell whether too many are left."""
        while self._waiting and (self._waiting[0][0] <= now_s or self._waiting[0][1].done()):
            self._waiting.popleft()[1].cancel()
        return len(self._waiting) >= OPEN_MAX

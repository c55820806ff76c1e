"""Waiting for something that happens in its own time."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], within_s: float = 10.0, every_s: float = 0.001) -> None:
    """Poll a condition; ``TimeoutError`` when it does not come true."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - the condition belongs to somebody without an event to offer
            await asyncio.sleep(every_s)

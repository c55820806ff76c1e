"""Keeps Python's garbage collector away from what a collector holds for good.

Fifty thousand points, their plans and sessions are about a million objects that live as long as the process. To look
through them takes a quarter of a second, in which no device is read, and happens again and again without finding
anything: whatever is not part of a cycle is freed by its reference count at once.
"""

import gc
from typing import Final

from cityhall_bms.ports.clock import Clock

SETTLED_AFTER_S: Final = 30.0
"""By then every device that answers was opened and read once."""
YOUNG_MAX: Final = 10_000
"""New objects between two looks at the young ones; Python's own 700 are made by a few scans."""


async def settle_heap(clock: Clock) -> None:
    """Set aside what there is now, and once more when the devices are open; what comes later is collected as ever.

    Begin before anything is polled: the only full collection is here. What is set aside and becomes part of a cycle
    of garbage later stays in memory; a site folder that is applied anew leaves none.
    """
    _, middle, old = gc.get_threshold()
    gc.set_threshold(YOUNG_MAX, middle, old)
    gc.collect()
    gc.freeze()
    await clock.sleep(SETTLED_AFTER_S)
    set_aside()


def set_aside() -> None:
    """Set aside what there is now, without a collection."""
    gc.freeze()

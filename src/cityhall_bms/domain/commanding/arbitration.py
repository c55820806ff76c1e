"""Which value a point is given when several priorities want it, where its device keeps no priorities of its own.

The array is the service's own (BACnet clause 19.2 is the model): the highest priority in use counts, and when one is
given up the next takes over, or what the site says that the point goes back to.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from cityhall_bms.domain.commanding.control import Slot
from cityhall_bms.domain.commanding.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Arbitration:
    """What follows from a command: ``value`` to write (none: nothing is to be written), and who holds it then."""

    value: float | None
    holder: int | None
    refusal: Refusal | None = None


def arbitrate(slots: Mapping[int, Slot], priority: int, value: float | None, fallback: float | None) -> Arbitration:
    """Decide what to write when ``priority`` wants ``value``, or gives up what it holds (none)."""
    if value is None:
        return _given_up(slots, priority, fallback)
    holder = min(slots.keys() | {priority})
    return Arbitration(value if holder == priority else None, holder)


def _given_up(slots: Mapping[int, Slot], priority: int, fallback: float | None) -> Arbitration:
    if priority not in slots:
        refusal = Refusal("nothing-held", f"優先權 {priority} 未被佔用", f"nobody holds priority {priority}")
        return Arbitration(None, None, refusal)
    left = {other: slot for other, slot in slots.items() if other != priority}
    if left and min(left) < priority:
        return Arbitration(None, min(left))
    if left:
        return Arbitration(left[min(left)].value, min(left))
    if fallback is None:
        return Arbitration(
            None,
            None,
            Refusal(
                "no-fallback",
                "設備沒有優先權陣列，也未設定回復值；請改寫入要維持的值",
                "the device keeps no priorities and the site names no value to go back to; command the value to hold",
            ),
        )
    return Arbitration(fallback, None)


def is_same(held: float | None, value: float, scale: float) -> bool:
    """Whether what is read back is what was written, but for the step of the point's encoding."""
    if held is None or not math.isfinite(held):
        return False
    return math.isclose(held, value, rel_tol=1e-5, abs_tol=abs(scale) / 2 + 1e-6)

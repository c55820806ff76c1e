"""What rang at the operators' consoles, as columns: what the figures of alarm handling are made of."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

NEVER: Final = int(np.iinfo(np.int64).max)
"""In a column of times: it has not happened."""

Times = NDArray[np.int64]


def _no_times() -> Times:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Annunciations:
    """One row for each time that an alarm rang; columns of equal length, times µs UTC, :data:`NEVER` where not (yet).

    What operators were never shown (shelved, suppressed by design, out of service) has no row. What was found in late
    data has one that never ``rang``: it counts for what the plant did, and not for what the operators bore.
    """

    names: Sequence[str]
    """Alarms; ``alarm`` counts from 0 in them."""
    alarm: NDArray[np.int64]
    priority: NDArray[np.uint8]
    began: Times
    """When the condition became true, by the source's time."""
    ended: Times
    rang: Times
    """When the operators were told."""
    acknowledged: Times
    """When an operator took note: acknowledged it, or put it aside."""
    again: NDArray[np.bool_]
    """Rang once more for the same occurrence: re-alarm, higher priority, or back from a shelf."""
    withdrawn: NDArray[np.bool_]
    """Was suppressed by design before anybody took note: nobody owes an answer any more."""
    drill: NDArray[np.bool_]
    unauthorised: Times = field(default_factory=_no_times)
    """When alarms were hidden without what the rules ask for: a reason, an end, the priority's maximum."""

    def __len__(self) -> int:
        """Give the number of rows."""
        return len(self.alarm)

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "Annunciations":
        """Rows that are chosen, by a mark each or by their places in order; what is not by rows stays."""
        return Annunciations(
            self.names,
            self.alarm[chosen],
            self.priority[chosen],
            self.began[chosen],
            self.ended[chosen],
            self.rang[chosen],
            self.acknowledged[chosen],
            self.again[chosen],
            self.withdrawn[chosen],
            self.drill[chosen],
            self.unauthorised,
        )

"""What meters counted, as the parts of energy ask for it."""

from collections.abc import Sequence
from typing import Protocol

from cityhall_bms.domain.energy.amounts import Amounts
from cityhall_bms.ports.counters import Estimate
from cityhall_bms.ports.history import Window


class MeterReader(Protocol):
    """Reads meters of every kind alike: those that are sampled, virtual ones, and those that people read.

    Raises ``HistoryUnavailableError`` when history cannot be reached, ``NotFoundError`` for an unknown meter and
    ``RefusedError`` for an unknown interval or for what would cost too much.
    """

    async def amounts(
        self,
        meters: Sequence[str],
        window: Window,
        interval: str,
        *,
        estimate: Estimate = Estimate.NONE,
        known_at: int | None = None,
    ) -> Amounts:
        """Amounts of meters (rows, in the order asked) in the intervals (``15m``, ``1h``, ``1d``, ``1mo``) of a window.

        Intervals are those of the site's zone; with ``known_at`` (µs UTC) the record as it was then.
        """
        ...

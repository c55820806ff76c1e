"""A session that lives and gives nothing good: the driver is made anew, without a word to anybody unless that fails."""

from collections.abc import Sequence
from typing import Final

from cityhall_bms.collector.schedule import ScanClass

PATIENCE_MIN_S: Final = 60.0
SCANS: Final = 5.0
PATIENCE_MAX_S: Final = 3600.0


class Watchdog:
    """Time since a device last gave a good value, in seconds of a monotonic clock.

    The patience is five scans of its fastest class, a minute at least. Where a new driver does not help it doubles, up
    to an hour: a device all of whose points are refused is answered, and is not to be reconnected for ever.
    """

    def __init__(self, classes: Sequence[ScanClass]) -> None:
        fastest_s = min((scan_class.period_s for scan_class in classes), default=0.0)
        self._first_s = max(PATIENCE_MIN_S, SCANS * fastest_s)
        self._patience_s = self._first_s
        self._good_at_s = 0.0
        self.rebuilds = 0

    def begin(self, now_s: float) -> None:
        """A session begins."""
        self._good_at_s = now_s

    def good(self, now_s: float) -> None:
        """A good value came."""
        self._good_at_s = now_s
        self._patience_s = self._first_s

    def barks(self, now_s: float) -> bool:
        """Whether the driver is to be made anew."""
        if now_s - self._good_at_s < self._patience_s:
            return False
        self._good_at_s = now_s
        self._patience_s = min(2 * self._patience_s, PATIENCE_MAX_S)
        self.rebuilds += 1
        return True

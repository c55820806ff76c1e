"""Which polls of a device gave no value, since when and why: on its way to the gap ledger."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.collector.schedule import ScanClass
from cityhall_bms.domain.gaps import CAUSE_OF, Gap, GapCause
from cityhall_bms.ports.driver import BoundPoint

REPORT_EVERY_US: Final = 60_000_000
"""A gap that lasts is reported again this often, with the polls that were missed meanwhile."""
PUSHED: Final = -1
"""Among what was skipped: pushed values, beside the places of the scan classes."""
_CAUSES: Final = tuple(GapCause)
_NUMBERS: Final = np.zeros(256, np.uint8)
for _quality, _cause in CAUSE_OF.items():
    _NUMBERS[_quality] = 1 + _CAUSES.index(_cause)


class GapBook:
    """Open gaps of one device; ``report`` is told of each when it opens, while it lasts, and when it ends.

    The whole device is one gap (down, maintenance); a point that is refused, unanswered or makes no sense is one of its
    own; a scan class that was skipped is one of its points. Times are µs UTC; a gap that ends before it began, because
    the clock was set back, ends where it began.
    """

    def __init__(
        self, device: str, points: Sequence[BoundPoint], classes: Sequence[ScanClass], report: Callable[[Gap], None]
    ) -> None:
        self._device = device
        self._classes = classes
        self._report = report
        self._point = np.array(sorted(bound.point_id for bound in points), np.uint32)
        self._cause = np.zeros(len(self._point), np.uint8)
        self._since = np.zeros(len(self._point), np.int64)
        self._polls = np.zeros(len(self._point), np.int64)
        self._reported_at = 0
        self._whole: Gap | None = None
        self._skipped: dict[int, Gap] = {}

    @property
    def open(self) -> int:
        """Gaps that last."""
        return int(np.count_nonzero(self._cause)) + (self._whole is not None) + len(self._skipped)

    def begin(self, cause: GapCause, now: int) -> None:
        """The whole device gives nothing from now on; what was missing of it is part of that."""
        if self._whole is not None:
            return
        self._end_points(np.flatnonzero(self._cause), now)
        for index in list(self._skipped):
            self._end_skipped(index, now)
        self._whole = Gap(self._device, cause, now, 0)
        self._report(self._whole)
        self._reported_at = now

    def end(self, now: int) -> None:
        """The device gives something again."""
        if self._whole is not None:
            self._report(self._counted(self._whole, now, until=max(now, self._whole.since)))
            self._whole = None

    def stop(self, now: int) -> None:
        """Nobody will read this device any more, or somebody else: what is open ends here."""
        self.end(now)
        self._end_points(np.flatnonzero(self._cause), now)
        for index in list(self._skipped):
            self._end_skipped(index, now)

    def remind(self, now: int) -> None:
        """Report what lasts, if that was not done for a while."""
        if not 0 <= now - self._reported_at < REPORT_EVERY_US:
            self._reported_at = now
            if self._whole is not None:
                self._report(self._counted(self._whole, now))
            for gap in self._skipped.values():
                self._report(gap)
            for row in np.flatnonzero(self._cause).tolist():
                self._report(self._gap(row))

    def scanned(self, point: NDArray[np.uint32], quality: NDArray[np.uint8], now: int) -> None:
        """Take the qualities of an answered scan."""
        cause = _NUMBERS[quality]
        if not cause.any() and not self._cause.any():
            return
        if not self.open:
            self._reported_at = now  # what begins now is reported as it begins
        rows = np.searchsorted(self._point, point)
        before = self._cause[rows]
        changed = cause != before
        if changed.any():
            self._end_points(rows[changed & (before > 0)], now)
            opened = rows[changed & (cause > 0)]
            self._cause[opened] = cause[changed & (cause > 0)]
            self._since[opened] = now
            self._polls[opened] = 0
        self._polls[rows[cause > 0]] += 1
        for row in rows[changed & (cause > 0)].tolist():
            self._report(self._gap(row))
        self.remind(now)

    def skipped(self, index: int, missed: int, now: int) -> None:
        """Note how many scans of a class were skipped before the one that is due now; none ends its gap."""
        if not missed:
            if index in self._skipped:
                self._end_skipped(index, now)
            return
        scan_class = self._classes[index]
        if not self.open:
            self._reported_at = now
        began = self._skipped.get(index)
        if began is None:
            since = now - round(missed * scan_class.period_s * 1e6)
            points = tuple(bound.point_id for bound in scan_class.points)
            self._skipped[index] = Gap(self._device, GapCause.OVERLOAD, since, missed, points)
            self._report(self._skipped[index])
        else:
            self._skipped[index] = Gap(began.device, began.cause, began.since, began.polls + missed, began.points)
            self.remind(now)

    def turned_away(self, values: int, now: int) -> None:
        """Note that pushed values found no room on their way to the log: a gap of the device until one does."""
        if not self.open:
            self._reported_at = now
        began = self._skipped.get(PUSHED)
        if began is None:
            self._skipped[PUSHED] = Gap(self._device, GapCause.OVERLOAD, now, values)
            self._report(self._skipped[PUSHED])
        else:
            self._skipped[PUSHED] = Gap(began.device, began.cause, began.since, began.polls + values)
            self.remind(now)

    def taken(self, now: int) -> None:
        """Note that a pushed value found room."""
        if PUSHED in self._skipped:
            self._end_skipped(PUSHED, now)

    def _end_skipped(self, index: int, now: int) -> None:
        gap = self._skipped.pop(index)
        self._report(Gap(gap.device, gap.cause, gap.since, gap.polls, gap.points, max(now, gap.since)))

    def _end_points(self, rows: NDArray[np.intp], now: int) -> None:
        for row in rows.tolist():
            self._report(self._gap(row, until=max(now, int(self._since[row]))))
        self._cause[rows] = 0

    def _gap(self, row: int, until: int | None = None) -> Gap:
        return Gap(
            self._device,
            _CAUSES[self._cause[row] - 1],
            int(self._since[row]),
            int(self._polls[row]),
            (int(self._point[row]),),
            until,
        )

    def _counted(self, gap: Gap, now: int, until: int | None = None) -> Gap:
        """The gap with the scans that its time would have had."""
        lasted_s = max(now - gap.since, 0) / 1e6
        polls = sum(int(lasted_s / scan_class.period_s) for scan_class in self._classes)
        return Gap(gap.device, gap.cause, gap.since, polls, gap.points, until)

"""The gap ledger: every poll that gave no value is accounted for, with its reason.

A gap is a stretch of time in which some points of a device could not be read for one reason. It is reported when it
begins, again while it lasts, and a last time when it ends; the ledger keeps the newest report of each. What names a gap
is (device, cause, points, since).
"""

from dataclasses import dataclass
from enum import StrEnum

from cityhall_bms.domain.quality import Quality


class GapCause(StrEnum):
    """Why there is no value."""

    DEVICE_DOWN = "device_down"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    DECODE = "decode"
    OVERLOAD = "overload"
    """The scan was skipped because the device, its bus or the log was too slow."""
    MAINTENANCE = "maintenance"
    """The device is out of service by intention."""
    CLOCK = "clock"
    """A clock jumped: the time was never lived through, or was lived through twice."""
    LOG_LOSS = "log_loss"
    SERVICE_STOPPED = "service_stopped"
    """Nobody polled: the collector was not running."""


CAUSE_OF: dict[int, GapCause] = {
    Quality.BAD_NO_DATA: GapCause.REFUSED,
    Quality.BAD_DEVICE_LOST: GapCause.DEVICE_DOWN,
    Quality.BAD_TIMEOUT: GapCause.TIMEOUT,
    Quality.BAD_REFUSED: GapCause.REFUSED,
    Quality.BAD_DECODE: GapCause.DECODE,
}
"""Which qualities of an answered scan are missed values; every other bad value was measured."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A report of one gap; times are µs UTC.

    ``points`` are the point ids concerned; empty means all points of the device. ``device`` is empty when the whole
    collector is meant. ``polls`` counts the scans that were missed so far. ``until`` is none while it lasts.
    """

    device: str
    cause: GapCause
    since: int
    polls: int
    points: tuple[int, ...] = ()
    until: int | None = None

"""What a server pushes: whole notification messages become columns; silence and losses are noticed."""

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np

from cityhall_bms.domain.batch import Readings
from cityhall_bms.ports.clock import Clock
from cityhall_drivers.opcua.codec import decode, quality_of, scaled
from cityhall_drivers.opcua.plan import OpcUaPlan

SILENT_KEEP_ALIVES: Final = 3
"""A server that misses this many keep-alives in a row has lost us."""

log = logging.getLogger(__name__)


class Pushes:
    """Receiver of one subscription. The client handle of a monitored item is its place in the plan."""

    def __init__(self, device: str, plan: OpcUaPlan, sink: Callable[[Readings], None], clock: Clock) -> None:
        self.plan = plan
        self.values_dropped = 0
        """How often the server said that its queue was full before a value."""
        self.messages_lost = 0
        """How many messages are missing between those that arrived."""
        self._device = device
        self._sink = sink
        self._clock = clock
        self._heard_s = clock.monotonic()
        self._silence_max_s = math.inf
        self._sequence: int | None = None
        self._ended: str | None = None

    def expect_every(self, interval_s: float) -> None:
        """Set how often the server promised to send at least a keep-alive."""
        self._silence_max_s = SILENT_KEEP_ALIVES * interval_s

    def trouble(self) -> str | None:
        """Why nothing more can be expected of this subscription; none while it lives."""
        if self._ended is not None:
            return self._ended
        silent_s = self._clock.monotonic() - self._heard_s
        if silent_s > self._silence_max_s:
            return f"the subscription has been silent for {silent_s:.0f} s, not even a keep-alive came"
        return None

    def take(self, result: Any) -> None:  # noqa: ANN401 - a PublishResult (Part 4, clause 5.14.5) of the library
        """Take one answer to a Publish request."""
        self._heard_s = self._clock.monotonic()
        message = result.NotificationMessage
        for notification in message.NotificationData or ():
            if hasattr(notification, "MonitoredItems"):
                self._count(message.SequenceNumber)
                self._push(notification.MonitoredItems)
            elif hasattr(notification, "Status"):
                self._ended = f"the server ended the subscription (status 0x{notification.Status.value:08X})"

    def refuse(self, results: Iterable[tuple[int, int]]) -> None:
        """Push the points that the server would not monitor, by handle and status, as bad."""
        refused = [(handle, quality_of(status)) for handle, status in results if status >> 30 >= 2]
        if not refused:
            return
        handles = np.array([handle for handle, _ in refused], np.intp)
        self._sink(
            Readings(
                self.plan.points[handles],
                np.full(len(refused), self._clock.now(), np.int64),
                np.full(len(refused), np.nan),
                np.array([quality for _, quality in refused], np.uint8),
                partial=True,
            )
        )

    def _push(self, items: Sequence[Any]) -> None:
        known = [item for item in items if item.ClientHandle < len(self.plan.nodes)]
        if not known:
            return
        handles = np.array([item.ClientHandle for item in known], np.intp)
        columns = decode(item.Value for item in known)
        if columns.overflows:
            self._note_dropped(columns.overflows)
        at = np.where(columns.source_at > 0, columns.source_at, self._clock.now())
        value = scaled(columns, self.plan.scale[handles], self.plan.offset[handles])
        self._sink(Readings(self.plan.points[handles], at, value, columns.quality, partial=True))

    def _note_dropped(self, values: int) -> None:
        if not self.values_dropped:
            log.warning("%s: its queues are too short, the server drops values: raise queue_size", self._device)
        self.values_dropped += values

    def _count(self, sequence: int) -> None:
        """Notice missing messages; numbers grow by one and begin again at 1 (Part 4, clause 5.14.1.2)."""
        if self._sequence is not None:
            missing = (sequence - self._sequence - 1) % 0xFFFFFFFF
            if missing and not self.messages_lost:
                log.warning("%s: %d messages with changes were lost on the way", self._device, missing)
            self.messages_lost += missing
        self._sequence = sequence

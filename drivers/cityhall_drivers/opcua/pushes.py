"""What a server pushes: whole notification messages become readings; silence and losses are noticed. Pure."""

import logging
import math
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np

from cityhall_bms.domain.batch import Readings
from cityhall_bms.ports.clock import Clock
from cityhall_drivers.opcua.codec import Columns, quality_of, scaled
from cityhall_drivers.opcua.plan import OpcUaPlan
from cityhall_drivers.opcua.wire import Message

SILENT_KEEP_ALIVES: Final = 3
"""A server that misses this many keep-alives in a row has lost us."""

REPUBLISH_MAX: Final = 50
"""So many missing messages at once are asked for again; points are read anew after longer gaps anyway."""
_GAP_MAX: Final = 1_000_000
_SEQUENCE_MAX: Final = 0xFFFFFFFF

log = logging.getLogger(__name__)


class Pushes:
    """Receiver of one subscription. The client handle of a monitored item is its place in the plan."""

    def __init__(self, device: str, plan: OpcUaPlan, sink: Callable[[Readings], None], clock: Clock) -> None:
        self.plan = plan
        self.values_dropped = 0
        """How often the server said that its queue was full before a value."""
        self.messages_lost = 0
        """How many messages are missing between those that arrived."""
        self.messages_repaired = 0
        """How many missing messages the server sent again."""
        self.decoded_by_library = 0
        """Messages that held something our own decoder does not claim to understand."""
        self._device = device
        self._sink = sink
        self._clock = clock
        self._heard_s = clock.monotonic()
        self._silence_max_s = math.inf
        self._sequence: int | None = None
        self._ended: str | None = None
        self._told_losses = False

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

    def end(self, reason: str) -> None:
        """Note that nothing more will come."""
        self._ended = self._ended or reason

    def take(self, message: Message) -> list[int]:
        """Take one message, or a keep-alive; gives the numbers of messages that are missing before it.

        Numbers grow by one and begin again at 1 (OPC 10000-4, clause 5.14.1.2).
        """
        self._heard_s = self._clock.monotonic()
        if message.is_keep_alive:
            return []
        missing: list[int] = []
        if self._sequence is not None:
            gap = (message.sequence - self._sequence - 1) % _SEQUENCE_MAX
            # More than the server can keep: it began to count anew, or repeats itself.
            self.messages_lost += gap if gap <= _GAP_MAX else 0
            missing = [(self._sequence + n) % _SEQUENCE_MAX + 1 for n in range(gap if gap <= REPUBLISH_MAX else 0)]
        self._sequence = message.sequence
        self._push(message)
        return missing

    def repair(self, message: Message) -> None:
        """Take a missing message that the server sent again."""
        self.messages_lost -= 1
        self.messages_repaired += 1
        self._push(message)

    def tell_losses(self) -> None:
        """Warn once of messages that could not be had again."""
        if self.messages_lost and not self._told_losses:
            log.warning("%s: %d messages with changes were lost on the way", self._device, self.messages_lost)
            self._told_losses = True

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

    def _push(self, message: Message) -> None:
        handles, columns = message.handles, message.columns
        known = handles < len(self.plan.nodes)
        if not known.all():
            handles = handles[known]
            columns = Columns(columns.value[known], columns.quality[known], columns.source_at[known], columns.overflows)
        if columns.overflows:
            self._note_dropped(columns.overflows)
        if not len(handles):
            return
        at = np.where(columns.source_at > 0, columns.source_at, self._clock.now())
        value = scaled(columns, self.plan.scale[handles], self.plan.offset[handles])
        self._sink(Readings(self.plan.points[handles], at, value, columns.quality, partial=True))

    def _note_dropped(self, values: int) -> None:
        if not self.values_dropped:
            log.warning("%s: its queues are too short, the server drops values: raise queue_size", self._device)
        self.values_dropped += values

"""Whether all that a subscription promised arrives: silence and missing messages are noticed. Pure."""

import logging
import math
from abc import ABC, abstractmethod
from typing import Final

from cityhall_bms.ports.clock import Clock
from cityhall_drivers.opcua.wire import Message

SILENT_KEEP_ALIVES: Final = 3
"""A server that misses this many keep-alives in a row has lost us."""

REPUBLISH_MAX: Final = 50
"""So many missing messages at once are asked for again; points are read anew after longer gaps anyway."""
_GAP_MAX: Final = 1_000_000
_SEQUENCE_MAX: Final = 0xFFFFFFFF

log = logging.getLogger(__name__)


class Delivery(ABC):
    """Receiver of the messages of one subscription; what they hold is handed over to whoever inherits this."""

    def __init__(self, device: str, clock: Clock) -> None:
        self.messages_lost = 0
        """How many messages are missing between those that arrived."""
        self.messages_repaired = 0
        """How many missing messages the server sent again."""
        self._device = device
        self._clock = clock
        self._heard_s = clock.monotonic()
        self._silence_max_s = math.inf
        self._sequence: int | None = None
        self._ended: str | None = None
        self._told_losses = False

    @abstractmethod
    def _push(self, message: Message) -> None:
        """Take what a message holds; it may be older than the one before, since it was sent again."""

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
        if message.ended is not None:
            self.end(f"the server ended the subscription (status 0x{message.ended:08X})")
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

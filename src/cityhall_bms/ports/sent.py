"""What a device really sent, behind a value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cityhall_bms.domain.site import Point
from cityhall_bms.ports.capabilities import Examined


class SentScans(Protocol):
    """Scans as they came; ``HistoryUnavailableError`` when they cannot be reached."""

    async def latest(self, device: str, at: int) -> Sequence[tuple[int, bytes]]:
        """Time (µs UTC) and bytes of scans of the hour until a moment, the newest first; empty where none is kept."""
        ...


@dataclass(frozen=True, slots=True)
class Sent:
    """The bytes of one value, with every way to read them."""

    at: int
    """When they were sent, µs UTC."""
    examined: Examined


class LastSent(Protocol):
    """Gives the bytes that a point's value was made of."""

    async def of(self, point: Point, at: int) -> Sent | None:
        """The last ones until a moment (µs UTC); none where the protocol keeps none, or they are gone.

        ``HistoryUnavailableError`` when they cannot be reached.
        """
        ...

"""What sealing a day needs: the heads of what was recorded, a key, and a place for copies."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from cityhall_bms.domain.integrity import ChainHead, DaySealed, GapsSeal


class RecordHeads(Protocol):
    """Newest entries of the record. Methods raise ``EventLogUnavailableError`` when it cannot be reached."""

    async def first_event_at(self) -> int | None:
        """When the first event was recorded, µs UTC; none while there is no event."""
        ...

    async def last_event_before(self, time: int) -> tuple[int, bytes]:
        """Position and hash of the last event recorded before a time (µs UTC); 0 and zeros when there is none."""
        ...

    async def chains(self) -> Mapping[str, ChainHead]:
        """Newest seal of every source of telemetry."""
        ...

    async def seal_gaps(self, day: date) -> GapsSeal:
        """Seal, with a local day, every gap that is over and has no seal; they stay as they are from now on."""
        ...

    async def seal_raws(self, day: date) -> dict[str, list[Any]]:
        """Seal, with a local day, all packed raw scans that have no seal; per hour (µs UTC) their number and digest."""
        ...


class Signs(Protocol):
    """A private key."""

    @property
    def key_id(self) -> str:
        """Name of the key."""
        ...

    @property
    def public_pem(self) -> str:
        """Key that checks the signatures."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Give the signature of some bytes."""
        ...


class SealCopies(Protocol):
    """Where signed days lie as files, to be copied elsewhere."""

    def keep(self, days: Sequence[DaySealed]) -> None:
        """Have a file of each of these days; ``OSError`` when that cannot be."""
        ...

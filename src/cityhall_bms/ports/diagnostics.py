"""How one device fares, asked of whichever collector reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cityhall_bms.ports.capabilities import Plain


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a collector says of a device at this moment; nothing of it is kept anywhere."""

    collector: str
    figures: Mapping[str, Plain]
    """Counters and states by name; those of the driver begin with ``driver.``. Never a secret."""


class DeviceDiagnostics(Protocol):
    """Asks collectors, wherever they run."""

    async def of(self, device: str) -> Diagnosis:
        """How it fares; :class:`~cityhall_bms.domain.errors.CollectorUnavailableError` when no collector says so."""
        ...

"""Alarms and devices as they stood: what followed from the event log up to a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.ports.read_models import DeviceState


@dataclass(frozen=True, slots=True)
class StoodThen:
    """Everything that the event log had led to by a ``position``."""

    position: int
    alarms: Sequence[Alarm]
    """Those that were not normal, in the operators' order."""
    devices: Mapping[str, DeviceState]


class PastView(Protocol):
    """Raises ``EventLogUnavailableError`` when it cannot be reached."""

    async def stood(self, at: int) -> StoodThen:
        """Alarms and devices by a time (µs UTC, included) of the event log."""
        ...

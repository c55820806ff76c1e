"""From the event log to the states of devices: pure, and the same for every device view."""

from typing import Final

from cityhall_bms.domain.events import DeviceLost, DeviceRestored, StoredEvent
from cityhall_bms.ports.read_models import DeviceState

TYPES: Final = frozenset({DeviceLost.__name__, DeviceRestored.__name__})


def device_state(entry: StoredEvent) -> DeviceState | None:
    """What an entry says about a device, or none when it is about something else."""
    if entry.type not in TYPES:
        return None
    match entry.event():
        case DeviceLost(device, reason, observed_at):
            return DeviceState(device, "offline", observed_at, reason)
        case DeviceRestored(device, observed_at, _):
            return DeviceState(device, "online", observed_at, "")
    return None

"""What a device says about itself without being asked: its own alarms, faults and returns to normal."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeviceNotice:
    """One event notification, in the device's own terms (BACnet: ANSI/ASHRAE 135, clause 13; OPC UA Part 9).

    ``at`` is the device's time, µs UTC (ours where it gave none). ``address`` is that of the point it is about, in the
    protocol's own words. ``reference`` is what an acknowledgement has to name; empty when none is asked for.
    """

    device: str
    address: str
    kind: str
    """``out-of-range``, ``change-of-state``..."""
    from_state: str
    to_state: str
    at: int
    message: str = ""
    priority: int | None = None
    reference: str = ""

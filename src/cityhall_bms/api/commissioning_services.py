"""What the routes of commissioning need from the rest of the service."""

from dataclasses import dataclass

from cityhall_bms.ports.commissioning import DeviceBench, WalkDesk, WalkView


@dataclass(frozen=True, slots=True)
class CommissioningServices:
    """Devices on the bench, and the walks."""

    bench: DeviceBench
    walks: WalkView
    desk: WalkDesk

"""What a BACnet device offers beside reading."""

from cityhall_bms.domain.site import Device
from cityhall_bms.ports.clock import Clock
from cityhall_drivers.bacnet.config import BacnetConfig
from cityhall_drivers.bacnet.library import LibraryPeer


class BacnetServices:
    """Capabilities of the driver of one device; its library peer is joined while the driver is open."""

    _device: Device
    _config: BacnetConfig
    _peer: LibraryPeer
    _clock: Clock

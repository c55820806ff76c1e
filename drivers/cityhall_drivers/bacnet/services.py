"""What a BACnet device offers beside reading."""

from cityhall_drivers.bacnet.alarming import Alarming
from cityhall_drivers.bacnet.commanding import Commanding
from cityhall_drivers.bacnet.remembering import Remembering


class BacnetServices(Commanding, Remembering, Alarming):
    """Capabilities of the driver of one device."""

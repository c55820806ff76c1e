"""BACnet/IP."""

from typing import Final

from cityhall_drivers.bacnet.driver import BacnetFactory

DRIVER: Final = BacnetFactory

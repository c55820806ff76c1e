"""What every service of a BACnet device needs."""

from collections.abc import Iterator
from contextlib import contextmanager

from cityhall_bms.domain.errors import DeviceRefusedError, DriverConfigError
from cityhall_bms.domain.site import Device
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.bacnet.codec import Item, MistakeError, item_of
from cityhall_drivers.bacnet.config import BacnetConfig
from cityhall_drivers.bacnet.library import LibraryPeer
from cityhall_drivers.bacnet.refusals import ErrorAnswerError, TurnedDownError
from cityhall_drivers.bacnet.tags import TagError


class Service:
    """One device; its library peer is joined while the driver is open."""

    _device: Device
    _config: BacnetConfig
    _peer: LibraryPeer
    _clock: Clock
    _size_max: int

    def _item(self, bound: BoundPoint) -> Item:
        try:
            return item_of(bound.point)
        except MistakeError as mistake:
            msg = f"{self._device.name}: {mistake}"
            raise DriverConfigError(msg) from mistake

    @contextmanager
    def _plain_words(self, what: str) -> Iterator[None]:
        """Let nothing out but :class:`DeviceRefusedError`, which says what was refused and how."""
        try:
            yield
        except (ErrorAnswerError, TurnedDownError, TagError) as error:
            msg = f"{self._device.name}: {what}: {error}"
            raise DeviceRefusedError(msg) from error

"""What every service of a BACnet device needs."""

from collections.abc import Iterator
from contextlib import contextmanager

from cityhall_bms.domain.errors import DeviceRefusedError, DriverConfigError
from cityhall_bms.domain.site import Device
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.bacnet.codec import Item, MistakeError, Object, item_of, number_of
from cityhall_drivers.bacnet.config import BacnetConfig
from cityhall_drivers.bacnet.device_time import DeviceClock, clock_of, local_us
from cityhall_drivers.bacnet.peer import FieldPeer
from cityhall_drivers.bacnet.refusals import ErrorAnswerError, TurnedDownError
from cityhall_drivers.bacnet.stack import LibraryPeer
from cityhall_drivers.bacnet.stack_browse import DEVICE_TYPE, Wanted, read_many
from cityhall_drivers.bacnet.tags import TagError, parse

_LOCAL_DATE, _LOCAL_TIME, _UTC_OFFSET, _DAYLIGHT_SAVINGS = 56, 57, 119, 24


class Service:
    """One device; its peers are joined while the driver is open."""

    _device: Device
    _config: BacnetConfig
    _peer: LibraryPeer
    """Asks by the library: what is rare."""
    _field: FieldPeer
    """Asks by our own codec: what goes on all day."""
    _clock: Clock
    _size_max: int

    async def _device_clock(self) -> DeviceClock:
        device = Object(DEVICE_TYPE, self._config.device_instance)
        wanted = [Wanted(device, one) for one in (_LOCAL_DATE, _LOCAL_TIME, _UTC_OFFSET, _DAYLIGHT_SAVINGS)]
        found = await read_many(self._peer, wanted, len(wanted))
        date, time, offset, saving = ([*parse(found.get(one, b"")), None][0] for one in wanted)
        shown = None if date is None or time is None else local_us(date.data, time.data)
        minutes = None if offset is None else number_of(offset.value)
        clock = clock_of(
            self._clock.now(),
            shown,
            None if minutes is None else int(minutes),
            is_daylight_saving=saving is not None and saving.length == 1,
        )
        if clock is None:
            msg = f"{self._device.name}: it tells neither its time nor its offset from UTC"
            raise DeviceRefusedError(msg)
        return clock

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

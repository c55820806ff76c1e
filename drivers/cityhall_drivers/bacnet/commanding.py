"""Commands to a BACnet device, and a look at single points."""

from collections.abc import Mapping, Sequence
from typing import Final

from cityhall_bms.domain.commands import CommandTarget, check_priority
from cityhall_bms.domain.errors import DeviceRefusedError, DriverConfigError
from cityhall_bms.ports.capabilities import Examined, PlannedRequest, ReadBack
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.bacnet.codec import PRESENT_VALUE, STATUS_FLAGS, Item, MistakeError, Object
from cityhall_drivers.bacnet.examining import RELIABILITY, Shown, examined, planned
from cityhall_drivers.bacnet.plan import BacnetPlan
from cityhall_drivers.bacnet.refusals import WITHOUT_PROPERTY, ErrorAnswerError, TurnedDownError
from cityhall_drivers.bacnet.service import Service
from cityhall_drivers.bacnet.stack_properties import read_property, write_property
from cityhall_drivers.bacnet.writing import NULL, is_same, present_value, slots_of

PRIORITY_ARRAY: Final = 87


class Commanding(Service):
    """Writes, and shows what is there."""

    async def write(self, target: CommandTarget, value: float | None, priority: int) -> ReadBack:
        """Write present-value at a priority of ours, and read back which slot of the priority array wins.

        :class:`DeviceRefusedError` when the device refuses, or keeps another value in our slot after it said yes.
        """
        check_priority(priority)
        bound = BoundPoint(target.point_id, target.point)
        item = self._item(bound)
        data = NULL if value is None else present_value(item, value)
        with self._plain_words(f"{target.point.name} at priority {priority}"):
            await write_property(self._peer, item.object, PRESENT_VALUE, data, priority)
        slots = await self._slots(item)
        now = await self._examine(bound)
        held = now.value if slots is None else slots.get(priority)
        if value is not None and (held is None or not is_same(held, value)):
            msg = f"{target.point.name}: {value:g} was accepted at priority {priority}, and {held} is kept there"
            raise DeviceRefusedError(msg)
        return ReadBack(now.value, now.quality, min(slots) if slots else None)

    async def priorities(self, bound: BoundPoint) -> Mapping[int, float]:
        """Slots of the priority array in use; empty for an object that has none."""
        return await self._slots(self._item(bound)) or {}

    async def examine(self, points: Sequence[BoundPoint]) -> Sequence[Examined]:
        """Ask for each point alone: its bytes, flags and reliability."""
        return [await self._examine(bound) for bound in points]

    def explain(self, points: Sequence[BoundPoint]) -> Sequence[PlannedRequest]:
        """Requests of one read as long as the device understands ReadPropertyMultiple."""
        try:
            return planned(BacnetPlan(points, self._size_max).groups)
        except MistakeError as mistake:
            msg = f"{self._device.name}: {mistake}"
            raise DriverConfigError(msg) from mistake

    async def _slots(self, item: Item) -> Mapping[int, float] | None:
        """Slots in use; none for an object without a priority array."""
        try:
            with self._plain_words("priority-array"):
                return slots_of(await read_property(self._peer, item.object, PRIORITY_ARRAY), item)
        except DeviceRefusedError as refusal:
            cause = refusal.__cause__
            if isinstance(cause, ErrorAnswerError) and cause.error_code in WITHOUT_PROPERTY:
                return None
            raise

    async def _examine(self, bound: BoundPoint) -> Examined:
        item = self._item(bound)
        wanted = (PRESENT_VALUE, STATUS_FLAGS, RELIABILITY)
        return examined(bound, item, Shown(*[await self._property(item.object, one) for one in wanted]))

    async def _property(self, target: Object, property_id: int) -> bytes | str:
        try:
            return await read_property(self._peer, target, property_id)
        except (ErrorAnswerError, TurnedDownError) as error:
            return str(error)

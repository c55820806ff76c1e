"""Scans of a BACnet device: many objects at once, as many as it takes; one by one where it knows no better."""

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.ports.driver import ReadPlan
from cityhall_drivers.bacnet.codec import (
    DEVICE_TYPE,
    MAX_APDU,
    REFUSED,
    Answer,
    Object,
    Remedy,
    objects_per_request,
)
from cityhall_drivers.bacnet.plan import BacnetPlan, Group, Scan
from cityhall_drivers.bacnet.refusals import ErrorAnswerError, TurnedDownError
from cityhall_drivers.bacnet.rpm import Columns, columns
from cityhall_drivers.bacnet.service import Service
from cityhall_drivers.bacnet.wire import FrameError


class Reading(Service):
    """Reads, and remembers as long as the driver lives how much the device takes at once."""

    _multiple = True
    _learnt_max: int | None = None

    def _limit_size(self, apdu_max: int) -> None:
        """Ask for what fits into one answer, and never again for what was turned down before."""
        fitting = objects_per_request(apdu_max, self._config.objects_per_request_max)
        self._size_max = fitting if self._learnt_max is None else min(fitting, self._learnt_max)

    async def read(self, plan: ReadPlan) -> Readings:
        """Read group after group; costs one time-out at most, however many groups there are.

        The scan's time is that of its last answer. When the device falls silent half-way, what it said before counts
        and the rest is BAD_TIMEOUT.
        """
        if not isinstance(plan, BacnetPlan):
            msg = "a plan of another driver"
            raise TypeError(msg)
        scan = plan.begin()
        observed_at = self._clock.now()
        plan.cut(self._size_max if self._multiple else 1)
        while (group := plan.unanswered(scan)) is not None:
            try:
                told = await self._ask(plan, group)
            except DeviceUnreachableError:
                plan.ask_last(group)
                if scan.is_empty:
                    raise
                break
            if told is not None:
                scan.put(group, told)
            observed_at = self._clock.now()
        self._seen(plan, scan)
        return plan.readings(scan, observed_at)

    def _seen(self, plan: BacnetPlan, scan: Scan) -> None:
        """For whoever wants to know what was read."""

    async def ping(self, within_s: float) -> None:
        """Ask the device for one property of its own; whatever it answers, it lives."""
        try:
            await self._field.property(Object(DEVICE_TYPE, self._config.device_instance), MAX_APDU, within_s)
        except (ErrorAnswerError, TurnedDownError, FrameError):
            return

    async def _ask(self, plan: BacnetPlan, group: Group) -> Columns | None:
        """Give what a group's objects answered; none when the group was cut smaller, to be asked again."""
        if not self._multiple:
            return columns([await self._ask_singly(target) for target in group.objects])
        try:
            return await self._ask_multiple(group)
        except ErrorAnswerError as error:
            return self._refused(plan, group, error)
        except TurnedDownError as error:
            self._learn(plan, group, error)
            return None

    async def _ask_multiple(self, group: Group) -> Columns:
        """By our own codec; what that does not understand is asked once more by the library."""
        try:
            return group.understood(await self._field.ask(group.question))
        except FrameError:
            self._field.counts["fallbacks"] += 1
        told = await self._peer.read_multiple(group.objects)
        return columns([told[target] for target in group.objects])

    def _refused(self, plan: BacnetPlan, group: Group, error: ErrorAnswerError) -> Columns | None:
        """An error for the whole request: one unknown object is enough for some devices, so find it by halving."""
        if error.is_about_an_object and len(group.objects) > 1:
            plan.halve(group)
            return None
        return group.same(REFUSED)

    def _learn(self, plan: BacnetPlan, group: Group, error: TurnedDownError) -> None:
        """Ask for less at once from now on, or object by object; anything else is no way to talk to the device."""
        if error.remedy is Remedy.NONE:
            raise self._will_not(error) from None
        if error.remedy is Remedy.ASK_LESS and len(group.objects) > 1:
            self._size_max = self._learnt_max = (len(group.objects) + 1) // 2
            plan.cut(self._size_max)
        else:
            self._multiple = False
            plan.cut(1)  # so that silence about one object does not cost what the others said

    async def _ask_singly(self, target: Object) -> Answer:
        try:
            return await self._field.read_singly(target)
        except TurnedDownError as error:
            raise self._will_not(error) from None

    def _will_not(self, error: TurnedDownError) -> DeviceUnreachableError:
        return self._field.unreachable(what=f"it will not answer: {error}")

"""One device, asked by our own codec."""

from collections import Counter

from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_drivers.bacnet.codec import PRESENT_VALUE, STATUS_FLAGS, Answer, Object, Value, answer_of
from cityhall_drivers.bacnet.config import BacnetConfig
from cityhall_drivers.bacnet.endpoint import FieldEndpoint, SilenceError
from cityhall_drivers.bacnet.refusals import ErrorAnswerError
from cityhall_drivers.bacnet.rpm import single, single_question
from cityhall_drivers.bacnet.turns import Turn
from cityhall_drivers.bacnet.wire import FrameError, reply_of


class FieldPeer:
    """Asks one question at a time; joined to its endpoint while the driver is open. ``counts`` what happened."""

    def __init__(self, endpoint: FieldEndpoint, config: BacnetConfig, timeout_s: float, turn: Turn) -> None:
        self.counts: Counter[str] = Counter()
        self.station = config.station
        self.is_silent = False
        """The newest question was not answered."""
        self.endpoint = endpoint
        self._where = config.where
        self._timeout_s = timeout_s
        self._turn = turn

    async def join(self) -> None:
        """Take part in the socket; :class:`DeviceUnreachableError` when it cannot be bound."""
        await self.endpoint.join(id(self))

    def leave(self) -> None:
        """Let go of the socket; it ends with its last user."""
        self.endpoint.leave(id(self))

    async def ask(self, question: bytes, timeout_s: float | None = None) -> bytes:
        """Give the data of the answer.

        :class:`DeviceUnreachableError` for silence; what is not a plain answer is raised as
        :func:`~cityhall_drivers.bacnet.wire.reply_of` says.
        """
        async with self._turn:
            self.counts["questions"] += 1
            try:
                apdu = await self.endpoint.ask(self.station, question, timeout_s or self._timeout_s)
            except SilenceError as silence:
                self.counts["silences"] += 1
                self.is_silent = True
                raise self.unreachable(str(silence)) from None
        self.is_silent = False
        return reply_of(apdu, question[3])

    async def property(self, target: Object, property_id: int, timeout_s: float | None = None) -> Value | None:
        """Give one property's single value; none for a list or a structure. Errors as of :meth:`ask`."""
        return single(await self.ask(single_question(target, property_id), timeout_s), target, property_id)

    async def read_singly(self, target: Object) -> Answer:
        """Read an object by two questions, as the simplest devices want it. Errors but Error as of :meth:`ask`."""
        found: dict[int, Value | None] = {}
        for property_id in (PRESENT_VALUE, STATUS_FLAGS):
            try:
                found[property_id] = await self.property(target, property_id)
            except ErrorAnswerError:
                continue
            except FrameError:
                self.counts["nonsense"] += 1
                found[property_id] = None
        return answer_of(found)

    def unreachable(self, what: str) -> DeviceUnreachableError:
        """Make the error, which names the device."""
        foreign = self.endpoint.foreign
        behind = "" if foreign is None or foreign.is_registered else f" (BBMD {foreign.name}: {foreign.state})"
        return DeviceUnreachableError(f"{self._where}: {what}{behind}")

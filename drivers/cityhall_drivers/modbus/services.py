"""What a Modbus unit offers beside reading: writing, a look at its registers, figures."""

from collections.abc import Mapping, Sequence

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.commands import CommandTarget, check_priority
from cityhall_bms.domain.errors import DeviceRefusedError, DeviceUnreachableError, DriverConfigError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device
from cityhall_bms.ports.capabilities import Examined, Plain, PlannedRequest, ReadBack
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.modbus.candidates import candidates_of
from cityhall_drivers.modbus.codec import Block, MistakeError, item_of
from cityhall_drivers.modbus.config import ModbusConfig
from cityhall_drivers.modbus.line_time import line_ms
from cityhall_drivers.modbus.link import Answer, Link
from cityhall_drivers.modbus.plan import ModbusPlan
from cityhall_drivers.modbus.wire import (
    RTU_ENVELOPE,
    TCP_ENVELOPE,
    ExceptionAnswerError,
    NonsenseError,
    check_function,
    data_of,
)
from cityhall_drivers.modbus.writing import step_of, write_question

READ_QUESTION, READ_ANSWER_HEAD = 5, 2
EXCEPTIONS = {
    1: "it does not know the function",
    2: "it has no such address",
    3: "it does not take this value or quantity",
    4: "it failed inside",
    5: "it needs long for this",
    6: "it is busy",
    8: "its memory has an error",
    0x0A: "its gateway has no path to it",
    0x0B: "it does not answer its gateway",
}


class ModbusServices:
    """Capabilities of a driver of one unit."""

    _device: Device
    _config: ModbusConfig
    _link: Link
    _open: bool

    async def exchange(self, questions: Sequence[bytes], timeout_s: float) -> list[Answer]:
        """Ask the unit in one turn."""
        if not self._open:
            msg = f"{self._device.name} is not open"
            raise DeviceUnreachableError(msg)
        return await self._link.ask(self._config.unit_id, questions, timeout_s, self._device.timeout_s)

    async def write(self, target: CommandTarget, value: float | None, priority: int) -> ReadBack:
        """Write and read back; a unit has no priorities, and nothing to relinquish.

        :class:`DeviceRefusedError` when the unit refuses, or holds another value after it said yes.
        """
        check_priority(priority)
        if value is None:
            msg = f"{self._device.name} has no priorities: write the value that shall hold"
            raise DeviceRefusedError(msg)
        item = item_of(target.point)
        question = write_question(item, value)
        answer = await self._one(question)
        self._accepted(question, answer)
        readings = await self.read_once([BoundPoint(target.point_id, target.point)])
        held, quality = float(readings.value[0]), Quality(int(readings.quality[0]))
        if quality is Quality.GOOD and abs(held - value) > step_of(item, value):
            msg = f"{target.point.name}: {value:g} was accepted, and {held:g} is held"
            raise DeviceRefusedError(msg)
        return ReadBack(held, quality)

    async def read_once(self, points: Sequence[BoundPoint]) -> Readings:
        """Read points by questions of their own, outside every plan."""
        plan = ModbusPlan(points, self._config)
        answers: dict[Block, bytes | Quality] = {}
        for block in plan.start(0.0):
            answer = await self._one(block.question)
            try:
                answers[block] = data_of(block.question, answer, block.byte_count)
            except ExceptionAnswerError:
                answers[block] = Quality.BAD_REFUSED
            except NonsenseError:
                answers[block] = Quality.BAD_DECODE
        return plan.readings(answers, 0)

    async def examine(self, points: Sequence[BoundPoint]) -> Sequence[Examined]:
        """Ask for each point alone, and show its bytes in every way that they can be read."""
        return [await self._examine(bound) for bound in points]

    def explain(self, points: Sequence[BoundPoint]) -> Sequence[PlannedRequest]:
        """Requests of one read, with their bytes on the wire and, on a serial port, their time."""
        try:
            plan = ModbusPlan(points, self._config)
        except MistakeError as mistake:
            raise DriverConfigError(str(mistake)) from mistake
        return [self._planned(block) for block in plan.start(0.0)]

    def diagnostics(self) -> Mapping[str, Plain]:
        """Counters of the medium, and how it is used."""
        return {
            "medium": self._config.medium,
            "unit": self._config.unit_id,
            "connected": self._link.connected,
            **self._link.counts,
        }

    def _planned(self, block: Block) -> PlannedRequest:
        envelope = RTU_ENVELOPE if self._config.rtu else TCP_ENVELOPE
        size = 2 * envelope + READ_QUESTION + READ_ANSWER_HEAD + block.byte_count
        what = f"{block.table}:{block.start} +{block.count}"
        return PlannedRequest(what, len(block.members), size, line_ms(self._config, size))

    async def _examine(self, bound: BoundPoint) -> Examined:
        point, plan = bound.point, ModbusPlan([bound], self._config)
        block = plan.start(0.0)[0]
        answer = await self._one(block.question)
        told: bytes | Quality
        data, note = b"", ""
        try:
            told = data = data_of(block.question, answer, block.byte_count)
        except ExceptionAnswerError as refusal:
            told, note = Quality.BAD_REFUSED, f"exception {refusal.code}: {EXCEPTIONS.get(refusal.code, 'unknown')}"
        except NonsenseError as nonsense:
            told, note = Quality.BAD_DECODE, str(nonsense)
        readings = plan.readings({block: told}, 0)
        return Examined(
            point.name,
            point.address,
            data.hex(" ", 2),
            float(readings.value[0]),
            Quality(int(readings.quality[0])),
            note,
            candidates_of(plan.items[0], data, point.low, point.high),
        )

    async def _one(self, question: bytes) -> bytes:
        answer = (await self.exchange([question], self._device.timeout_s))[0]
        if isinstance(answer, bytes):
            return answer
        what = "no answer" if answer is None else str(answer)
        reason = f"unit {self._config.unit_id}: {what}"
        raise self._link.unreachable(reason)

    def _accepted(self, question: bytes, answer: bytes) -> None:
        """Hear whether a write was taken: the answer repeats address and value, or address and quantity."""
        try:
            check_function(question, answer)
        except ExceptionAnswerError as refusal:
            msg = f"{self._device.name}: exception {refusal.code}: {EXCEPTIONS.get(refusal.code, 'unknown')}"
            raise DeviceRefusedError(msg) from refusal
        except NonsenseError as nonsense:
            raise self._link.unreachable(str(nonsense)) from nonsense
        if answer != question[: len(answer)]:
            reason = "an answer to another write"
            raise self._link.unreachable(reason)

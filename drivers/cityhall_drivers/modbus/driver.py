"""Modbus units: read in blocks, written and read back, examined. Everything in an answer is checked here."""

from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Final

import numpy as np

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device, Point
from cityhall_bms.ports.capabilities import Examined, FoundDevice
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint, ConfigProblem, ReadPlan
from cityhall_drivers.modbus.checks import check_device, read_config
from cityhall_drivers.modbus.codec import Block, MistakeError, item_of
from cityhall_drivers.modbus.config import ModbusConfig
from cityhall_drivers.modbus.discovery import look_around
from cityhall_drivers.modbus.link import Link
from cityhall_drivers.modbus.plan import ModbusPlan
from cityhall_drivers.modbus.raw import decode_again
from cityhall_drivers.modbus.rtu import RtuOverTcpLink
from cityhall_drivers.modbus.services import ModbusServices
from cityhall_drivers.modbus.showing import shown
from cityhall_drivers.modbus.stack_serial import SerialLink
from cityhall_drivers.modbus.tcp import TcpLink
from cityhall_drivers.modbus.wire import ExceptionAnswerError, NonsenseError, data_of

# Exception codes of the Modbus Application Protocol V1.1b3, clause 7.
ILLEGAL_FUNCTION: Final = 1
REFUSALS: Final = {ILLEGAL_FUNCTION, 2, 3, 4}
"""Function, address, quantity, or a failure inside: asking for something smaller may help."""
GATEWAY_SILENCE: Final = {0x0A, 0x0B}
"""The gateway answers that the unit behind it does not."""


class ModbusDriver(ModbusServices):
    """One unit."""

    def __init__(self, device: Device, config: ModbusConfig, link: Link, clock: Clock) -> None:
        self._device = device
        self._config = config
        self._link = link
        self._clock = clock
        self._open = False
        self._proofs: deque[Block] = deque()

    def plan(self, points: Sequence[BoundPoint]) -> ModbusPlan:
        """Group points into requests; :class:`DriverConfigError` for one that ``check`` would have found."""
        try:
            made = ModbusPlan(points, self._config)
        except MistakeError as mistake:
            msg = f"{self._device.name}: {mistake}"
            raise DriverConfigError(msg) from mistake
        known = {block.question: block for block in (*self._proofs, *made.blocks)}
        self._proofs = deque(sorted(known.values(), key=lambda block: block.byte_count))
        return made

    async def open(self) -> None:
        """Connect to the unit's address; whether the unit itself is alive shows at the first read."""
        await self._link.join(id(self), self._device.timeout_s)
        self._open = True

    async def close(self) -> None:
        """Let go of the connection; it ends with its last user."""
        self._open = False
        self._link.leave(id(self))

    async def ping(self, within_s: float) -> None:
        """Ask for what is answered with the least effort; a refusal proves the unit alive as well.

        After silence the next ping asks for something else: some units are silent about what they do not have.
        """
        if not self._proofs:
            return
        try:
            await self._ask_all([self._proofs[0]], within_s)
        except DeviceUnreachableError:
            self._proofs.rotate(-1)
            raise

    async def read(self, plan: ReadPlan) -> Readings:
        """Read block after block; costs one time-out at most, however many blocks there are.

        The scan's time is that of its last answer. When the unit falls silent half-way, what it said before counts
        and the rest is BAD_TIMEOUT.
        """
        if not isinstance(plan, ModbusPlan):
            msg = "a plan of another driver"
            raise TypeError(msg)
        answers: dict[Block, bytes | Quality] = {}
        observed_at = self._clock.now()
        waiting = deque(plan.start(self._clock.monotonic()))
        depth = self._config.pipeline_depth
        while waiting:
            burst = [waiting.popleft() for _ in range(min(depth, len(waiting)))]
            try:
                told = await self._ask_all(burst, self._device.timeout_s)
            except DeviceUnreachableError:
                plan.silent(burst[0], self._clock.monotonic(), alive=bool(answers))
                if not answers:
                    raise
                break
            observed_at = self._clock.now()
            waiting.extendleft(reversed(self._learn(plan, burst, told, answers)))
            if len(told) < len(burst):
                plan.silent(burst[len(told)], self._clock.monotonic(), alive=True)
                break
        return plan.readings(answers, observed_at)

    def _learn(
        self,
        plan: ModbusPlan,
        burst: Sequence[Block],
        told: Sequence[bytes | Quality | ExceptionAnswerError],
        answers: dict[Block, bytes | Quality],
    ) -> list[Block]:
        """Take what blocks were answered; give what to ask for instead of those that were refused."""
        instead: list[Block] = []
        for block, answer in zip(burst, told, strict=False):
            if not isinstance(answer, ExceptionAnswerError):
                answers[block] = answer
                continue
            answers[block] = Quality.BAD_REFUSED
            if answer.code in REFUSALS:
                divisible = answer.code != ILLEGAL_FUNCTION
                instead += plan.refuse(block, self._clock.monotonic(), divisible=divisible)
        return instead

    async def _ask_all(self, blocks: Sequence[Block], timeout_s: float) -> list[bytes | Quality | ExceptionAnswerError]:
        """Ask for blocks in one turn; give what was answered before the first silence, in their order.

        :class:`DeviceUnreachableError` when nothing was, or the gateway says that the unit is not there.
        """
        told: list[bytes | Quality | ExceptionAnswerError] = []
        pdus = await self.exchange([block.question for block in blocks], timeout_s)
        for block, pdu in zip(blocks, pdus, strict=True):
            if pdu is None:
                break
            if isinstance(pdu, NonsenseError):
                told.append(Quality.BAD_DECODE)
                continue
            try:
                told.append(data_of(block.question, pdu, block.byte_count))
            except NonsenseError:
                self._link.drop()
                told.append(Quality.BAD_DECODE)
            except ExceptionAnswerError as answer:
                if answer.code in GATEWAY_SILENCE:
                    if told:
                        break
                    self._absent(answer)
                told.append(answer)
        if not told:
            what = f"unit {self._config.unit_id} did not answer within {timeout_s:g} s"
            raise self._link.unreachable(what)
        return told

    def _absent(self, answer: ExceptionAnswerError) -> None:
        self._link.mute(self._config.unit_id)
        what = f"the gateway cannot reach unit {self._config.unit_id}: {answer}"
        raise self._link.unreachable(what) from answer


class ModbusFactory:
    """Makes the drivers of this service; units behind one address share its connection."""

    def __init__(self) -> None:
        self._links: dict[tuple[object, ...], Link] = {}

    def check(self, device: Device, points: Sequence[Point]) -> list[ConfigProblem]:
        """Find every mistake that can be found without a network."""
        return check_device(device, points)

    def endpoint(self, device: Device) -> str:
        """``127.0.0.1:502 unit 3``; what is missing shows as it was written."""
        config, _ = read_config(device)
        if config is None:
            return f"{device.settings.get('host', '?')}:{device.settings.get('port', '?')}"
        return f"{config.medium} unit {config.unit_id}"

    def bus(self, device: Device) -> str | None:
        """Name the medium that the unit shares with others."""
        config, _ = read_config(device)
        return None if config is None else config.medium

    def create(self, device: Device, clock: Clock) -> ModbusDriver:
        """Make the driver of one unit."""
        config, problems = read_config(device)
        if config is None:
            msg = "; ".join(f"{device.name}: {one.field}: {one.message}" for one in problems)
            raise DriverConfigError(msg)
        link = self._links.get(config.line)
        if link is None:
            link = self._links[config.line] = link_of(config, clock)
        link.rest_at_least(config.request_gap_ms / 1e3)
        return ModbusDriver(device, config, link, clock)

    def redecode(self, points: Sequence[BoundPoint], raw: bytes, observed_at: int) -> Readings:
        """Read a kept scan again with today's encodings; points that it does not hold are left out.

        :class:`~cityhall_drivers.modbus.raw.RawFormatError` for bytes that are no kept scan.
        """
        places, values, quality = decode_again([item_of(bound.point) for bound in points], raw)
        numbers = np.array([bound.point_id for bound in points], np.uint32)[places]
        return Readings(numbers, np.full(len(places), observed_at, np.int64), values, quality, partial=True)

    def show(self, points: Sequence[BoundPoint], raw: bytes) -> Sequence[Examined]:
        """Bytes of single points in a kept scan; points that it does not hold are left out.

        :class:`~cityhall_drivers.modbus.raw.RawFormatError` for bytes that are no kept scan.
        """
        return shown(points, raw)

    def discover(self, where: str, clock: Clock, *, within_s: float) -> AsyncIterator[FoundDevice]:
        """Look for units and readable registers behind ``HOST:PORT[ units 1-10][ holding 0-200][ input 0-200]``."""
        return look_around(where, clock, within_s)


def link_of(config: ModbusConfig, clock: Clock) -> Link:
    """The medium that a device file describes."""
    if config.serial:
        return SerialLink(config, clock)
    kind = RtuOverTcpLink if config.rtu else TcpLink
    return kind(config.host, config.port, clock)

"""Modbus TCP over pymodbus: the library keeps the connection, everything in an answer is checked here."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Final

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device, Point
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint, ConfigProblem, ReadPlan
from cityhall_drivers.closed_table import read_table
from cityhall_drivers.modbus.checks import check_device
from cityhall_drivers.modbus.codec import Block, MistakeError, Table
from cityhall_drivers.modbus.config import ModbusConfig
from cityhall_drivers.modbus.plan import ModbusPlan

REQUESTS: Final = {
    Table.COIL: ReadCoilsRequest,
    Table.DISCRETE: ReadDiscreteInputsRequest,
    Table.HOLDING: ReadHoldingRegistersRequest,
    Table.INPUT: ReadInputRegistersRequest,
}
EXCEPTION_BIT: Final = 0x80
# Exception codes of the Modbus Application Protocol V1.1b3, clause 7.
ILLEGAL_FUNCTION: Final = 1
REFUSALS: Final = {ILLEGAL_FUNCTION, 2, 3, 4}
"""Function, address, quantity, or a failure inside: asking for something smaller may help."""
GATEWAY_SILENCE: Final = {0x0A, 0x0B}
"""The gateway answers that the unit behind it does not."""


class ExceptionAnswerError(Exception):
    """The unit answered with an exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


class NonsenseError(Exception):
    """An answer that does not belong to the question; the connection was closed."""


class RawAnswer(ModbusPDU):
    """An answer whose data were kept as bytes."""

    payload: bytes = b""


class RawAnswers(DecodePDU):
    """Takes any answer as it is: the library's own decoders accept answers to other questions, and cost 100 times."""

    def decode(self, frame: bytes) -> RawAnswer:
        """Give function code and bytes, unchecked."""
        answer = RawAnswer()
        answer.function_code, answer.payload = frame[0], frame[1:]
        return answer


class Link:
    """One TCP connection, shared by all units behind it; one request in flight."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._users: set[int] = set()
        self._turn = asyncio.Lock()
        self._client: AsyncModbusTcpClient | None = None
        self._in_flight = False

    async def join(self, user: int, timeout_s: float) -> None:
        """Connect if nobody did yet, and stay connected as long as somebody uses it."""
        self._users.add(user)
        try:
            async with self._turn:
                await self._connected(timeout_s)
        except BaseException:
            self.leave(user)
            raise

    def leave(self, user: int) -> None:
        """Close with the last user."""
        self._users.discard(user)
        if not self._users:
            self._drop()

    async def ask(self, unit: int, block: Block, timeout_s: float) -> bytes:
        """Give the data of a block, of exactly the length asked for.

        Raises :class:`ExceptionAnswerError`, :class:`NonsenseError` or :class:`DeviceUnreachableError`. ``timeout_s``
        counts from the unit's turn. After silence or nonsense the connection is closed, so that a late answer can never
        be taken for the next; the next question connects again.
        """
        request = REQUESTS[block.table](address=block.start, count=block.count, dev_id=unit)
        async with self._turn:
            client = await self._connected(timeout_s)
            answered = False
            try:
                async with asyncio.timeout(timeout_s):
                    self._in_flight = True
                    answer = await client.execute(False, request)  # noqa: FBT003 - the library's signature
                data = _checked(request, answer, block.byte_count)
                answered = True
            except ExceptionAnswerError as answer_code:
                answered = True
                if answer_code.code in GATEWAY_SILENCE:
                    raise self._unreachable(
                        what=f"the gateway cannot reach unit {unit}: {answer_code}"
                    ) from answer_code
                raise
            except TimeoutError as error:
                raise self._unreachable(what=f"unit {unit} did not answer within {timeout_s:g} s") from error
            except (ModbusException, OSError) as error:
                raise self._unreachable(what=f"connection lost while asking unit {unit}: {error}") from error
            finally:
                self._in_flight = False
                if not answered:
                    self._drop()
        return data

    async def _connected(self, timeout_s: float) -> AsyncModbusTcpClient:
        """Give the connection, made anew when there is none."""
        if self._client is not None:
            return self._client
        # No time-out and no reconnecting of the library's own: the first swallows cancellation, the second outlives us.
        client = AsyncModbusTcpClient(
            self._host, port=self._port, timeout=None, retries=0, reconnect_delay=0, trace_connect=self._changed
        )
        client.ctx.framer.decoder = RawAnswers(is_server=False)
        try:
            async with asyncio.timeout(timeout_s):
                connected = await client.connect()
        except TimeoutError as error:
            raise self._unreachable(what=f"no connection within {timeout_s:g} s") from error
        if not connected or client.ctx.transport.is_closing():
            client.close()
            raise self._unreachable(what="no connection (refused, or no such address)")
        self._client = client
        return client

    def _changed(self, connected: bool) -> None:  # noqa: FBT001 - the library's signature
        """Hear at once that the other side closed the connection; the library would wait for its time-out."""
        if connected or self._client is None:
            return
        client, self._client = self._client, None
        waiting = client.ctx.response_future
        if self._in_flight and not waiting.done():
            waiting.set_exception(ConnectionResetError("closed by the other side"))

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _unreachable(self, what: str) -> DeviceUnreachableError:
        return DeviceUnreachableError(f"{self._host}:{self._port}: {what}")


def _checked(request: ModbusPDU, answer: RawAnswer, byte_count: int) -> bytes:
    """Give the answer's data when it is the answer to this request, whole."""
    if (answer.dev_id, answer.transaction_id) != (request.dev_id, request.transaction_id):
        msg = f"answer of unit {answer.dev_id} to question {answer.transaction_id}"
        raise NonsenseError(msg)
    if answer.function_code == request.function_code | EXCEPTION_BIT and len(answer.payload) == 1:
        raise ExceptionAnswerError(answer.payload[0])
    if answer.function_code != request.function_code:
        msg = f"function {answer.function_code} answered to function {request.function_code}"
        raise NonsenseError(msg)
    if len(answer.payload) != 1 + byte_count or answer.payload[0] != byte_count:
        msg = f"{len(answer.payload) - 1} bytes of data where {byte_count} were asked for"
        raise NonsenseError(msg)
    return answer.payload[1:]


class ModbusDriver:
    """One unit."""

    def __init__(self, device: Device, config: ModbusConfig, link: Link, clock: Clock) -> None:
        self._device = device
        self._config = config
        self._link = link
        self._clock = clock
        self._open = False

    def plan(self, points: Sequence[BoundPoint]) -> ModbusPlan:
        """Group points into requests; :class:`DriverConfigError` for one that ``check`` would have found."""
        try:
            return ModbusPlan(points, self._config)
        except MistakeError as mistake:
            msg = f"{self._device.name}: {mistake}"
            raise DriverConfigError(msg) from mistake

    async def open(self) -> None:
        """Connect to the unit's address; whether the unit itself is alive shows at the first read."""
        await self._link.join(id(self), self._device.timeout_s)
        self._open = True

    async def close(self) -> None:
        """Let go of the connection; it ends with its last user."""
        self._open = False
        self._link.leave(id(self))

    async def read(self, plan: ReadPlan) -> Readings:
        """Read block after block; costs one time-out at most, however many blocks there are.

        The scan's time is that of its last answer. When the unit falls silent half-way, what it said before counts
        and the rest is BAD_TIMEOUT.
        """
        if not isinstance(plan, ModbusPlan):
            msg = "a plan of another driver"
            raise TypeError(msg)
        if not self._open:
            msg = f"{self._device.name} is not open"
            raise DeviceUnreachableError(msg)
        answers: dict[Block, bytes | Quality] = {}
        observed_at = self._clock.now()
        waiting = deque(plan.start(self._clock.monotonic()))
        while waiting:
            block = waiting.popleft()
            try:
                answers[block], instead = await self._ask(plan, block)
            except DeviceUnreachableError:
                plan.ask_last(block)
                if not answers:
                    raise
                break
            waiting.extendleft(reversed(instead))
            observed_at = self._clock.now()
        return plan.readings(answers, observed_at)

    async def _ask(self, plan: ModbusPlan, block: Block) -> tuple[bytes | Quality, tuple[Block, ...]]:
        """Give a block's data, or why there are none and what to ask for instead."""
        try:
            return await self._link.ask(self._config.unit_id, block, self._device.timeout_s), ()
        except NonsenseError:
            return Quality.BAD_DECODE, ()
        except ExceptionAnswerError as answer:
            if answer.code not in REFUSALS:
                return Quality.BAD_REFUSED, ()
            divisible = answer.code != ILLEGAL_FUNCTION
            return Quality.BAD_REFUSED, plan.refuse(block, self._clock.monotonic(), divisible=divisible)


class ModbusFactory:
    """Makes the drivers of this service; units behind one address share its connection."""

    def __init__(self) -> None:
        # Every failure reaches the collector, which reports it once; the library would repeat it for every request.
        logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
        self._links: dict[tuple[str, int], Link] = {}

    def check(self, device: Device, points: Sequence[Point]) -> list[ConfigProblem]:
        """Find every mistake that can be found without a network."""
        return check_device(device, points)

    def endpoint(self, device: Device) -> str:
        """``127.0.0.1:502 unit 3``; what is missing shows as it was written."""
        config, _ = read_table(ModbusConfig, device.settings)
        if config is None:
            return f"{device.settings.get('host', '?')}:{device.settings.get('port', '?')}"
        return f"{config.host}:{config.port} unit {config.unit_id}"

    def create(self, device: Device, clock: Clock) -> ModbusDriver:
        """Make the driver of one unit."""
        config, problems = read_table(ModbusConfig, device.settings)
        if config is None:
            msg = "; ".join(f"{device.name}: {one.field}: {one.message}" for one in problems)
            raise DriverConfigError(msg)
        link = self._links.setdefault((config.host, config.port), Link(config.host, config.port))
        return ModbusDriver(device, config, link, clock)

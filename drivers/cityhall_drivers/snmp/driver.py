"""SNMP agents: read in grouped requests. Whom an answer belongs to is checked here, object by object."""

from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device, Point
from cityhall_bms.ports.capabilities import Examined, FoundDevice, Plain, PlannedRequest
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint, ConfigProblem, ReadPlan
from cityhall_drivers.snmp.addresses import AddressError
from cityhall_drivers.snmp.checks import check_device
from cityhall_drivers.snmp.codec import NAN, Kind, number
from cityhall_drivers.snmp.config import SnmpConfig
from cityhall_drivers.snmp.discovery import look_around
from cityhall_drivers.snmp.mib import SYS_UP_TIME, Oid
from cityhall_drivers.snmp.plan import SnmpPlan
from cityhall_drivers.snmp.stack import TOO_BIG, Agent, Answer, Engines

TRIES: Final = 2
"""Datagrams get lost: a question that nobody answered is asked once more, while nothing else was answered."""
OBJECT_BYTES: Final = 8
"""Of an object beside its number: tags, lengths and a value of four bytes, on average of question and answer."""
MESSAGE_BYTES: Final = 70
"""Of a message beside its objects: UDP and IP heads, version, community, request id."""
_REFUSED: Final = (NAN, int(Quality.BAD_REFUSED))
_NONSENSE: Final = (NAN, int(Quality.BAD_DECODE))


class SnmpDriver:
    """One agent. Used by one task at a time."""

    def __init__(self, device: Device, config: SnmpConfig, engines: Engines, clock: Clock) -> None:
        self._device = device
        self._config = config
        self._clock = clock
        self._agent = Agent(engines, config, device.folder, device.timeout_s)
        self._per_request = config.varbinds_per_request_max
        self._alone: dict[Oid, None] = {}
        self._counts = {"requests": 0, "unanswered": 0, "too_big": 0, "errors": 0, "nonsense": 0}

    def plan(self, points: Sequence[BoundPoint]) -> SnmpPlan:
        """Group points into requests; :class:`DriverConfigError` for an address that ``check`` would have found."""
        try:
            return SnmpPlan(points, self._config.varbinds_per_request_max)
        except AddressError as mistake:
            msg = f"{self._device.name}: {mistake}"
            raise DriverConfigError(msg) from mistake

    async def open(self) -> None:
        """Find the agent's address; whether it answers shows at the first read."""
        await self.close()
        await self._agent.open()

    async def close(self) -> None:
        """Let go of the agent."""
        self._agent.close()

    async def read(self, plan: ReadPlan) -> Readings:
        """Read group after group; the time is that of the last answer.

        When the agent falls silent half-way, what it said before counts and the rest is BAD_TIMEOUT.
        """
        if not isinstance(plan, SnmpPlan):
            msg = "a plan of another driver"
            raise TypeError(msg)
        answers: dict[int, tuple[float, int]] = {}
        heard, observed_at = False, self._clock.now()
        waiting = deque(plan.groups(self._per_request, self._alone))
        while waiting:
            group = waiting.popleft()
            oids = [plan.oids[place] for place in group]
            try:
                answer = await self._ask(oids, 1 if heard else TRIES)
            except DeviceUnreachableError:
                if not heard:
                    raise
                break
            heard, observed_at = True, self._clock.now()
            instead = self._refused(group, oids, answer, answers) if answer.status else ()
            waiting.extendleft(reversed(instead))
            if not answer.status:
                self._take(group, oids, answer, answers)
        return plan.readings(answers, observed_at)

    async def ping(self, within_s: float) -> None:
        """Ask for what every agent has; whatever it says proves it alive."""
        await self._agent.get([SYS_UP_TIME], within_s)

    def diagnostics(self) -> Mapping[str, Plain]:
        """Counters, and how requests had to be cut."""
        return {
            "agent": f"{self._config.host}:{self._config.port}",
            "version": self._config.version,
            "varbinds_per_request": self._per_request,
            "asked_alone": len(self._alone),
            **self._counts,
        }

    async def examine(self, points: Sequence[BoundPoint]) -> Sequence[Examined]:
        """Ask for each object alone; ``raw`` is the text's bytes, or the number as it came."""
        return [await self._examine(bound, self.plan([bound])) for bound in points]

    def explain(self, points: Sequence[BoundPoint]) -> Sequence[PlannedRequest]:
        """Requests of one read, with their bytes on the wire as version 2c has them (version 3 adds some 100)."""
        plan = self.plan(points)
        return [
            PlannedRequest(
                f"GET {', '.join(plan.points_text(group))}",
                len(group),
                sum(2 * (len(plan.oids[place]) + OBJECT_BYTES) for place in group) + 2 * MESSAGE_BYTES,
            )
            for group in plan.groups(self._per_request, self._alone)
        ]

    async def _examine(self, bound: BoundPoint, plan: SnmpPlan) -> Examined:
        answer = await self._ask(plan.oids, TRIES)
        answers: dict[int, tuple[float, int]] = {}
        raw, note = "", ""
        if answer.status:
            answers[0], note = _REFUSED, f"error status {answer.status} (RFC 3416, clause 3)"
        else:
            self._take([0], plan.oids, answer, answers)
            value = answer.values[0]
            raw = value.content.hex(" ") if isinstance(value.content, bytes) else value.text
            note = value.text if value.kind is Kind.TEXT else value.kind.name.lower()
        readings = plan.readings(answers, self._clock.now())
        quality = Quality(int(readings.quality[0]))
        return Examined(bound.point.name, bound.point.address, raw, float(readings.value[0]), quality, note)

    async def _ask(self, oids: Sequence[Oid], tries: int) -> Answer:
        while True:
            tries -= 1
            self._counts["requests"] += 1
            try:
                return await self._agent.get(oids, self._device.timeout_s)
            except DeviceUnreachableError:
                self._counts["unanswered"] += 1
                if not tries:
                    raise

    def _take(
        self, group: Sequence[int], oids: Sequence[Oid], answer: Answer, answers: dict[int, tuple[float, int]]
    ) -> None:
        """Take values; an answer that names other objects than were asked for is believed in nothing."""
        if [value.oid for value in answer.values] != list(oids):
            self._counts["nonsense"] += 1
            answers.update(dict.fromkeys(group, _NONSENSE))
            return
        for place, value in zip(group, answer.values, strict=True):
            answers[place] = number(value)
        if len(oids) == 1:
            self._alone.pop(oids[0], None)

    def _refused(
        self, group: list[int], oids: Sequence[Oid], answer: Answer, answers: dict[int, tuple[float, int]]
    ) -> list[list[int]]:
        """Learn from an error of a whole request; give what to ask for instead."""
        if answer.status != TOO_BIG:
            self._counts["errors"] += 1
        if len(group) == 1:
            answers[group[0]] = _REFUSED
            self._alone[oids[0]] = None
            return []
        if answer.status != TOO_BIG and 0 < answer.index <= len(group):
            # Some agents blame the wrong one: alone, an innocent object is answered.
            accused = group[answer.index - 1]
            return [[place for place in group if place != accused], [accused]]
        middle = len(group) // 2
        if answer.status == TOO_BIG:
            self._counts["too_big"] += 1
            self._per_request = min(self._per_request, middle)
        return [group[:middle], group[middle:]]


class SnmpFactory:
    """Makes SNMP drivers; those with the same credentials share an engine of the library."""

    def __init__(self) -> None:
        self._engines = Engines()

    def check(self, device: Device, points: Sequence[Point]) -> list[ConfigProblem]:
        """Find every mistake that can be found without a network."""
        return check_device(device, points)

    def endpoint(self, device: Device) -> str:
        """Where the agent is: ``10.0.0.5:161``."""
        return f"{device.settings.get('host', '?')}:{device.settings.get('port', 161)}"

    def create(self, device: Device, clock: Clock) -> SnmpDriver:
        """Make the driver of one device; ``DriverConfigError`` when :meth:`check` finds a mistake in the device."""
        problems = check_device(device, ())
        if problems:
            msg = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
            raise DriverConfigError(msg)
        return SnmpDriver(device, SnmpConfig.model_validate(dict(device.settings)), self._engines, clock)

    def discover(self, where: str, clock: Clock, *, within_s: float) -> AsyncIterator[FoundDevice]:
        """Look for agents at ``HOST`` or ``NETWORK/PREFIX``, then walk what has a name here."""
        return look_around(where, clock, within_s)

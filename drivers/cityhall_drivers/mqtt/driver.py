"""A device that speaks through an MQTT broker when it wants to: listened to, and asked for what it said last."""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device, Point
from cityhall_bms.ports.capabilities import Examined, FoundDevice, Plain, PlannedRequest
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint, ConfigProblem, ReadPlan
from cityhall_drivers.mqtt.addresses import AddressError
from cityhall_drivers.mqtt.checks import check_device
from cityhall_drivers.mqtt.config import MqttConfig
from cityhall_drivers.mqtt.discovery import look_around
from cityhall_drivers.mqtt.figures import Figures
from cityhall_drivers.mqtt.heard import Heard, Rows
from cityhall_drivers.mqtt.json_topics import JsonTopics
from cityhall_drivers.mqtt.sparkplug_topics import SparkplugTopics
from cityhall_drivers.mqtt.stack import Session

EARLY_MAX: Final = 10_000
EXAMINED_TOPICS_MAX: Final = 1000
EXAMINED_BYTES_MAX: Final = 1000
"""What is kept for somebody who looks."""
EXAMINED_RAW_MAX: Final = 32
"""Bytes that are shown as such; the text says more."""

log = logging.getLogger(__name__)


class PayloadMapping(Protocol):
    """What makes readings of messages."""

    def want(self, points: Sequence[BoundPoint]) -> list[str]:
        """Take points in; give the topics to subscribe to."""
        ...

    def begin(self) -> None:
        """A session begins: nothing is known."""
        ...

    def take(self, topic: str, payload: bytes, *, retained: bool) -> Iterable[Readings]:
        """Give the readings of one message."""
        ...

    def ask(self) -> None:
        """Ask the device for what is not known, where the protocol can."""
        ...


class MqttPlan:
    """Points that are read together: one round trip to the broker, however many there are."""

    requests = 1

    def __init__(self, rows: Rows, points: NDArray[np.uint32], topics: Sequence[str]) -> None:
        self.rows = rows
        self.topics = topics
        self._points = points

    @property
    def points(self) -> NDArray[np.uint32]:
        """Point ids, in the order of the readings."""
        return self._points


class MqttDriver:
    """One session with one broker. Used by one task at a time; messages come in between."""

    def __init__(self, device: Device, config: MqttConfig, clock: Clock) -> None:
        self._device = device
        self._config = config
        self._clock = clock
        self._figures = Figures()
        self._heard = Heard(clock)
        self._mapping: PayloadMapping = (
            JsonTopics(config, self._heard, self._figures, clock)
            if config.payload == "json"
            else SparkplugTopics(config, self._heard, self._figures, clock, self._publish)
        )
        self._session: Session | None = None
        self._listening: set[str] = set()
        self._refused: set[str] = set()
        self._sink: Callable[[Readings], None] | None = None
        self._early: list[Readings] = []
        """What a broker that kept our session sent before anybody subscribed."""
        self._said: dict[str, bytes] | None = None
        """Newest payloads by topic, while somebody looks at them."""

    def plan(self, points: Sequence[BoundPoint]) -> MqttPlan:
        """Take points in; :class:`DriverConfigError` for an address that ``check`` would have found."""
        try:
            topics = self._mapping.want(points)
        except AddressError as mistake:
            msg = f"{self._device.name}: {mistake}"
            raise DriverConfigError(msg) from mistake
        rows = self._heard.add(points)
        return MqttPlan(rows, self._heard.point[rows], topics)

    async def open(self) -> None:
        """Connect to the broker; :class:`DeviceUnreachableError` in plain words when that fails."""
        await self.close()
        self._mapping.begin()
        self._session = Session(self._config, self._device.folder, self._device.timeout_s, self._take)
        await self._session.open()

    async def close(self) -> None:
        """Let go of the broker; never raises."""
        session, self._session, self._sink = self._session, None, None
        self._listening.clear()
        self._early.clear()
        if session is not None:
            await session.close()

    async def subscribe(self, points: Sequence[BoundPoint], sink: Callable[[Readings], None]) -> bool:
        """Listen, and push what is said; what the broker has kept comes at once."""
        self._sink = sink
        early, self._early = self._early, []
        for readings in early:
            sink(readings)
        await self._listen(self.plan(points).topics)
        return True

    async def read(self, plan: ReadPlan) -> Readings:
        """Give what was heard last, with the quality that its age deserves; the broker proves itself alive.

        Nobody can be asked for a value. The time is that of the question: it is when the quality holds.
        """
        if not isinstance(plan, MqttPlan):
            msg = "a plan of another driver"
            raise TypeError(msg)
        await self._listen(plan.topics)
        await self._living().round_trip(self._device.timeout_s)
        self._mapping.ask()
        return self._heard.readings(plan.rows, self._clock.now())

    async def ping(self, within_s: float) -> None:
        """Return when the broker answered."""
        await self._living().round_trip(within_s)

    def trouble(self) -> str | None:
        """Why nothing more will be heard of the broker; none while the session lives."""
        return "not connected" if self._session is None else self._session.ended

    def diagnostics(self) -> Mapping[str, Plain]:
        """Counters of messages, and how many topics are listened to."""
        return {
            "broker": f"{self._config.host}:{self._config.port}",
            "connected": self._session is not None and self._session.connected,
            "topics": len(self._listening),
            "topics_refused": len(self._refused),
            **asdict(self._figures),
        }

    async def examine(self, points: Sequence[BoundPoint]) -> Sequence[Examined]:
        """Listen for as long as the broker may take to answer, and show what was said of these points.

        Devices speak when they want to: what says nothing meanwhile has no data.
        """
        plan = self.plan(points)
        self._said = {}
        try:
            await self._listen(plan.topics)
            await self._clock.sleep(self._device.timeout_s)
            readings, said = await self.read(plan), self._said
        finally:
            self._said = None
        columns = zip(points, readings.value.tolist(), readings.quality.tolist(), strict=True)
        return [
            _examined(bound, value, quality, said.get(self._topic_of(bound), b"")) for bound, value, quality in columns
        ]

    def explain(self, points: Sequence[BoundPoint]) -> Sequence[PlannedRequest]:
        """Subscriptions of these points; they cost nothing while nothing is said."""
        carried = Counter(self._topic_of(bound) for bound in points)
        return [PlannedRequest(f"SUBSCRIBE {topic}", carried[topic], 0) for topic in self.plan(points).topics]

    def _topic_of(self, bound: BoundPoint) -> str:
        """Topic that carries a point; of Sparkplug, where any message may, the filter of its node."""
        return self._mapping.want([bound])[0]

    async def _listen(self, topics: Sequence[str]) -> None:
        """Subscribe to topics to which this session is not yet; wait until what the broker has kept has come."""
        session = self._living()
        fresh = [topic for topic in topics if topic not in self._listening]
        if not fresh:
            return
        refused = await session.subscribe(fresh)
        self._listening.update(fresh)
        if refused and not self._refused.issuperset(refused):
            log.warning("%s: the broker refuses the topics %s", self._device.name, ", ".join(refused))
        self._refused = (self._refused - set(fresh)) | set(refused)
        await session.round_trip(self._device.timeout_s)
        self._mapping.ask()

    def _living(self) -> Session:
        if self._session is None:
            msg = "not connected"
            raise DeviceUnreachableError(msg)
        return self._session

    def _take(self, topic: str, payload: bytes, retained: bool) -> None:  # noqa: FBT001 - positional by its caller
        self._figures.messages += 1
        if self._said is not None and (topic in self._said or len(self._said) < EXAMINED_TOPICS_MAX):
            self._said[topic] = payload[:EXAMINED_BYTES_MAX]
        for readings in self._mapping.take(topic, payload, retained=retained):
            if self._sink is not None:
                self._sink(readings)
            elif len(self._early) < EARLY_MAX:
                self._early.append(readings)

    def _publish(self, topic: str, payload: bytes) -> None:
        if self._session is not None:
            self._session.publish(topic, payload)


def _examined(bound: BoundPoint, value: float, quality: int, payload: bytes) -> Examined:
    note = payload.decode("utf-8", "replace")
    raw = payload[:EXAMINED_RAW_MAX].hex(" ")
    return Examined(bound.point.name, bound.point.address, raw, value, Quality(quality), note)


class MqttFactory:
    """Makes MQTT drivers; every device file is one session with a broker."""

    def check(self, device: Device, points: Sequence[Point]) -> list[ConfigProblem]:
        """Find every mistake that can be found without a network."""
        return check_device(device, points)

    def endpoint(self, device: Device) -> str:
        """Where the device is heard: ``10.0.0.5:1883 plug1``."""
        settings = device.settings
        where = f"{settings.get('host', '?')}:{settings.get('port', 1883)}"
        return f"{where} {settings['topic']}" if "topic" in settings else where

    def create(self, device: Device, clock: Clock) -> MqttDriver:
        """Make the driver of one device; ``DriverConfigError`` when :meth:`check` finds a mistake in the device."""
        problems = check_device(device, ())
        if problems:
            msg = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
            raise DriverConfigError(msg)
        return MqttDriver(device, MqttConfig.model_validate(dict(device.settings)), clock)

    def discover(self, where: str, clock: Clock, *, within_s: float) -> AsyncIterator[FoundDevice]:
        """Listen at ``mqtt://HOST:PORT[ user NAME password-file FILE][ topics TOPIC...]`` and tell what was said."""
        return look_around(where, clock, within_s)

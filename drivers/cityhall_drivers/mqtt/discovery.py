"""Listening at a broker for what is said there. Nothing is sent but subscriptions."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from cityhall_bms.domain.errors import DriverConfigError
from cityhall_bms.ports.capabilities import FoundDevice, FoundPoint, Plain
from cityhall_bms.ports.clock import Clock
from cityhall_drivers.mqtt.config import MqttConfig
from cityhall_drivers.mqtt.sparkplug_payload import Payload, decode, value_of
from cityhall_drivers.mqtt.sparkplug_topics import NAMESPACE, sparkplug_topic
from cityhall_drivers.mqtt.stack import Session
from cityhall_drivers.mqtt.values import UndecodableError, bare_number, document, number

_WHERE: Final = re.compile(
    r"(?P<scheme>mqtts?)://(?P<host>[^\s:/@]+)(?::(?P<port>[0-9]{1,5}))?/?(?P<rest>(?:\s+\S+)*)\s*"
)
_REMEDY: Final = (
    "write mqtt://HOST:PORT (mqtts with TLS), then if you like 'user NAME password-file FILE', then 'topics TOPIC...'"
)
_WORDS: Final = {"user": "user", "password-file": "password_file"}
POINTS_MAX: Final = 5000
LEAVES_MAX: Final = 200
"""Values of one payload that are told."""
DEPTH_MAX: Final = 8
TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Search:
    """Where to listen, and to what."""

    config: MqttConfig
    topics: tuple[str, ...]


def parse_where(text: str) -> Search:
    """Read ``mqtt://HOST:PORT[ user NAME password-file FILE][ topics TOPIC...]``; the error says what to write."""
    match = _WHERE.fullmatch(text.strip())
    if match is None:
        msg = f"{text!r} is no place to listen: {_REMEDY}"
        raise DriverConfigError(msg)
    tls = match["scheme"] == "mqtts"
    settings: dict[str, object] = {"host": match["host"], "port": int(match["port"] or (8883 if tls else 1883))}
    settings |= {"tls": True} if tls else {}
    words = match["rest"].split()
    while len(words) > 1 and words[0] in _WORDS:
        settings[_WORDS[words[0]]] = words[1]
        del words[:2]
    settings |= {"password_in_clear": True} if "user" in settings and not tls else {}
    topics = words[1:] if words[:1] == ["topics"] else []
    if words and not topics:
        msg = f"'{' '.join(words)}' is not understood: {_REMEDY}"
        raise DriverConfigError(msg)
    try:
        return Search(MqttConfig.model_validate(settings), tuple(topics) or ("#",))
    except ValueError as error:
        msg = f"{text!r}: {error.errors()[0]['msg'] if hasattr(error, 'errors') else error}: {_REMEDY}"
        raise DriverConfigError(msg) from error


@dataclass
class Notes:
    """What was heard, by device."""

    search: Search
    plain: dict[str, FoundPoint] = field(default_factory=dict)
    nodes: dict[tuple[str, str], dict[str, FoundPoint]] = field(default_factory=dict)

    def take(self, topic: str, payload: bytes, retained: bool) -> None:  # noqa: ARG002, FBT001 - a Taker
        """Note a message."""
        if len(self.plain) + sum(len(found) for found in self.nodes.values()) >= POINTS_MAX:
            return
        place = sparkplug_topic(topic)
        if place is not None:
            source = "/".join(part for part in (place.group, place.node, place.device) if part)
            found = self.nodes.setdefault((place.group, place.node), {})
            found.update({point.address: point for point in _metrics(source, payload)})
        elif not topic.startswith(f"{NAMESPACE}/"):
            self.plain.update({point.address: point for point in _leaves(topic, payload)})

    def devices(self) -> Iterator[FoundDevice]:
        """Everything that spoke."""
        config = self.search.config
        where: dict[str, Plain] = config.model_dump(exclude_unset=True)
        if self.plain:
            points = list(self.plain.values())
            yield FoundDevice(
                f"mqtt-{config.host}", f"MQTT {config.host}", "mqtt", {**where, "payload": "json"}, points
            )
        for (group, node), found in self.nodes.items():
            settings = {**where, "payload": "sparkplug"}
            text = f"Sparkplug edge node {group}/{node}"
            yield FoundDevice(f"mqtt-{node}", text, "mqtt", settings, list(found.values()))


async def look_around(where: str, clock: Clock, within_s: float) -> AsyncIterator[FoundDevice]:
    """Listen for ``within_s``, then give what spoke, with its last values."""
    notes = Notes(parse_where(where))
    session = Session(notes.search.config, "", TIMEOUT_S, notes.take)
    try:
        await session.open()
        await session.subscribe(notes.search.topics)
        await clock.sleep(within_s)
    finally:
        await session.close()
    for device in notes.devices():
        yield device


def _found(address: str, value: float) -> FoundPoint:
    return FoundPoint(address, f"{address.replace('#', ' ')} = {value:g}")


def _leaves(topic: str, payload: bytes) -> Iterator[FoundPoint]:
    """Numbers in a payload, each with its value."""
    value, quality = bare_number(payload)
    if not quality:
        yield _found(topic, value)
        return
    try:
        content = document(payload)
    except UndecodableError:
        return
    for count, (path, found) in enumerate(_walk(content, ())):
        if count >= LEAVES_MAX:
            return
        yield _found(f"{topic}#{'.'.join(path)}", found)


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], float]]:  # noqa: ANN401 - JSON
    if isinstance(value, dict | list):
        if len(path) < DEPTH_MAX:
            items = value.items() if isinstance(value, dict) else ((str(n), one) for n, one in enumerate(value))
            for key, inner in items:
                if key and "." not in key:
                    yield from _walk(inner, (*path, key))
        return
    found, quality = number(value)
    if not quality and path:
        yield path, found


def _metrics(source: str, payload: bytes) -> Iterator[FoundPoint]:
    """Named metrics of a message that are numbers; those with an alias only were named in a birth that we missed."""
    try:
        message: Payload = decode(payload)
    except UndecodableError:
        return
    for metric in message.metrics[:POINTS_MAX]:
        value, quality = value_of(metric, metric.datatype)
        if metric.name and not quality:
            yield _found(f"{source}#{metric.name}", value)

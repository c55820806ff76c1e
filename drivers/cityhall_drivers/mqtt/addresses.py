"""What a point's address means. Pure."""

from dataclasses import dataclass
from typing import Final

PLACEHOLDER: Final = "{topic}"
TOPIC_BYTES_MAX: Final = 65_535
"""MQTT 3.1.1 and 5.0, clause 1.5.3: a string's length has two bytes."""


class AddressError(ValueError):
    """An address that means nothing; the text says why."""


@dataclass(frozen=True, slots=True)
class JsonAddress:
    """A topic, and the way to the value within its payload; no way when the payload is the value."""

    topic: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricAddress:
    """A metric of an edge node, or of a device behind it (empty: the node's own)."""

    group: str
    node: str
    device: str
    metric: str


def json_address(text: str, topic: str | None) -> JsonAddress:
    """Read ``topic`` or ``topic#way.to.value``; :class:`AddressError` when it is neither."""
    name, hash_sign, way = _filled(text, topic).partition("#")
    path = tuple(way.split(".")) if hash_sign else ()
    if "" in path:
        msg = "a part of the way to the value is empty"
        raise AddressError(msg)
    return JsonAddress(_topic(name), path)


def metric_address(text: str, topic: str | None) -> MetricAddress:
    """Read ``group/node#metric`` or ``group/node/device#metric``; :class:`AddressError` when it is neither."""
    name, _, metric = _filled(text, topic).partition("#")
    levels = _topic(name).split("/")
    if not metric:
        msg = "the metric is missing"
        raise AddressError(msg)
    if len(levels) not in {2, 3} or "" in levels:
        msg = f"'{name}' is neither group/node nor group/node/device"
        raise AddressError(msg)
    return MetricAddress(levels[0], levels[1], levels[2] if len(levels) == 3 else "", metric)


def _filled(text: str, topic: str | None) -> str:
    if PLACEHOLDER not in text:
        return text
    if topic is None:
        msg = f"{PLACEHOLDER} stands for nothing: the device has no 'topic'"
        raise AddressError(msg)
    return text.replace(PLACEHOLDER, topic)


def _topic(name: str) -> str:
    """Check a topic name (clause 4.7): no wildcards, no NUL, not too long, and no spaces around it."""
    if not name or name != name.strip():
        msg = "the topic is empty, or begins or ends with a space"
        raise AddressError(msg)
    if "+" in name or "#" in name or "\0" in name:
        msg = f"'{name}' is no topic: it has a wildcard, and a point has one source"
        raise AddressError(msg)
    if len(name.encode()) > TOPIC_BYTES_MAX:
        msg = "the topic is too long"
        raise AddressError(msg)
    return name

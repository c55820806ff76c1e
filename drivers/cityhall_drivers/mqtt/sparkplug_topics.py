"""Topics of Sparkplug B (Sparkplug 3.0, clause 4): which node a message is about, and asking a node for its birth."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cityhall_bms.domain.batch import Readings
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.mqtt.addresses import metric_address
from cityhall_drivers.mqtt.config import MqttConfig
from cityhall_drivers.mqtt.figures import Figures
from cityhall_drivers.mqtt.heard import Heard
from cityhall_drivers.mqtt.sparkplug_node import NODE, EdgeNode
from cityhall_drivers.mqtt.sparkplug_payload import BOOLEAN, Metric, Payload, decode, encode
from cityhall_drivers.mqtt.values import UndecodableError

NAMESPACE: Final = "spBv1.0"
NODE_KINDS: Final = frozenset({"NBIRTH", "NDEATH", "NDATA"})
DEVICE_KINDS: Final = frozenset({"DBIRTH", "DDEATH", "DDATA"})
REBIRTH_REST_S: Final = 30.0
"""A node is not asked for its birth more often: a birth is its largest message, and goes to everybody."""


@dataclass(frozen=True, slots=True)
class SparkplugTopic:
    """Where a message comes from; ``device`` is empty for the node itself."""

    group: str
    kind: str
    node: str
    device: str


def sparkplug_topic(topic: str) -> SparkplugTopic | None:
    """Read a topic; none for one that is no message of a node or device (commands, states, other things)."""
    levels = topic.split("/")
    if len(levels) == 4 and levels[0] == NAMESPACE and levels[2] in NODE_KINDS:
        return SparkplugTopic(levels[1], levels[2], levels[3], NODE)
    if len(levels) == 5 and levels[0] == NAMESPACE and levels[2] in DEVICE_KINDS:
        return SparkplugTopic(levels[1], levels[2], levels[3], levels[4])
    return None


class SparkplugTopics:
    """Mapping of a device whose payloads are Sparkplug B."""

    def __init__(
        self,
        config: MqttConfig,
        heard: Heard,
        figures: Figures,
        clock: Clock,
        publish: Callable[[str, bytes], None],
    ) -> None:
        self._topic = config.topic
        self._heard = heard
        self._figures = figures
        self._clock = clock
        self._publish = publish
        self._nodes: dict[tuple[str, str], EdgeNode] = {}
        self._asked_s: dict[tuple[str, str], float] = {}

    def want(self, points: Sequence[BoundPoint]) -> list[str]:
        """Take points in; give the topics to subscribe to."""
        filters: dict[str, None] = {}
        for bound, row in zip(points, self._heard.add(points).tolist(), strict=True):
            address = metric_address(bound.point.address, self._topic)
            name = (address.group, address.node)
            if name not in self._nodes:
                self._nodes[name] = EdgeNode(self._heard, self._figures, self._clock)
            self._nodes[name].want(address.device, address.metric, row)
            filters[f"{NAMESPACE}/{address.group}/+/{address.node}/#"] = None
        return list(filters)

    def begin(self) -> None:
        """A session begins."""
        self._heard.forget()
        self._asked_s.clear()
        for node in self._nodes.values():
            node.begin()

    def take(self, topic: str, payload: bytes, *, retained: bool) -> Iterable[Readings]:
        """Give the readings of one message. Births and data are never retained; whatever is, is of another time."""
        place = sparkplug_topic(topic)
        node = self._nodes.get((place.group, place.node)) if place else None
        if place is None or node is None or retained:
            self._figures.unasked += 1
            return
        try:
            message = decode(payload)
        except UndecodableError:
            self._figures.undecodable += 1
        else:
            yield from node.take(place.kind, place.device, message)
        if place.kind != "NDEATH":
            self._ask_for_birth((place.group, place.node))

    def ask(self) -> None:
        """Ask every node that is not known, or of which something was missed, for its birth."""
        for name in self._nodes:
            self._ask_for_birth(name)

    def _ask_for_birth(self, name: tuple[str, str]) -> None:
        if self._nodes[name].in_sync:
            return
        now_s = self._clock.monotonic()
        if now_s - self._asked_s.get(name, -REBIRTH_REST_S) < REBIRTH_REST_S:
            return
        self._asked_s[name] = now_s
        self._figures.rebirths_asked += 1
        self._publish(f"{NAMESPACE}/{name[0]}/NCMD/{name[1]}", rebirth_command(self._clock.now()))


def rebirth_command(now: int) -> bytes:
    """Payload of the command *Node Control/Rebirth* (clause 6.4.23); the only thing that this driver ever writes."""
    at_ms = now // 1000
    metric = Metric("Node Control/Rebirth", None, BOOLEAN, at_ms, "boolean_value", value=True)
    return encode(Payload(at_ms, None, (metric,)))

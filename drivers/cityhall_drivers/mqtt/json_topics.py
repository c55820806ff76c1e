"""Topics with JSON or bare numbers: each message becomes the readings of the points that it mentions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.quality import Quality, is_good
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.mqtt.addresses import JsonAddress, json_address
from cityhall_drivers.mqtt.config import MqttConfig
from cityhall_drivers.mqtt.figures import Figures
from cityhall_drivers.mqtt.heard import Heard, Rows
from cityhall_drivers.mqtt.values import (
    MISSING,
    NAN,
    UndecodableError,
    at_path,
    bare_number,
    document,
    number,
    time_us,
)

_UNDECODABLE: Final = (NAN, int(Quality.BAD_DECODE))


@dataclass(slots=True)
class _Topic:
    """Points that one topic carries."""

    bare: list[int] = field(default_factory=list)
    paths: list[tuple[tuple[str, ...], int]] = field(default_factory=list)


class JsonTopics:
    """Mapping of a device whose payloads are JSON, or nothing but a value."""

    def __init__(self, config: MqttConfig, heard: Heard, figures: Figures, clock: Clock) -> None:
        self._heard = heard
        self._figures = figures
        self._clock = clock
        self._topics: dict[str, _Topic] = {}
        self._topic = config.topic
        self._time = tuple(config.time.split(".")) if config.time else ()
        self._time_unit = config.time_unit
        self._availability = json_address(config.availability, config.topic) if config.availability else None
        self._online = config.online.lower()
        self._kept_session = not config.clean_start

    def want(self, points: Sequence[BoundPoint]) -> list[str]:
        """Take points in; give the topics to subscribe to."""
        rows = self._heard.add(points).tolist()
        topics: dict[str, None] = {}
        for bound, row in zip(points, rows, strict=True):
            address = json_address(bound.point.address, self._topic)
            self._enter(address, row)
            topics[address.topic] = None
        if self._availability is not None:
            topics[self._availability.topic] = None
        return list(topics)

    def begin(self) -> None:
        """A session begins."""
        self._heard.forget()

    def ask(self) -> None:
        """Do nothing: a JSON device speaks when it wants to."""

    def take(self, topic: str, payload: bytes, *, retained: bool) -> Iterable[Readings]:
        """Give the readings of one message."""
        wanted = self._topics.get(topic)
        if self._availability is not None and topic == self._availability.topic:
            yield from self._hear_availability(payload, self._availability.path)
        elif wanted is None:
            self._figures.unasked += 1
        if wanted is None:
            return
        rows, values, content = self._values(wanted, payload)
        if rows:
            yield self._readings(rows, values, self._own_time(content), retained=retained)

    def _enter(self, address: JsonAddress, row: int) -> None:
        topic = self._topics.setdefault(address.topic, _Topic())
        if not address.path and row not in topic.bare:
            topic.bare.append(row)
        elif address.path and (address.path, row) not in topic.paths:
            topic.paths.append((address.path, row))

    def _values(self, wanted: _Topic, payload: bytes) -> tuple[list[int], list[tuple[float, int]], Any]:
        """Rows, their values and qualities, and the JSON document; points that it does not mention have no news."""
        rows = list(wanted.bare)
        values = [bare_number(payload)] * len(rows)
        content: Any = None
        if wanted.paths:
            try:
                content = document(payload)
            except UndecodableError:
                rows += [row for _, row in wanted.paths]
                values += [_UNDECODABLE] * len(wanted.paths)
            else:
                for path, row in wanted.paths:
                    found = at_path(content, path)
                    if found is not MISSING:
                        rows.append(row)
                        values.append(number(found))
        self._figures.undecodable += sum(quality == Quality.BAD_DECODE for _, quality in values)
        return rows, values, content

    def _own_time(self, content: object) -> int | None:
        if not self._time:
            return None
        at = time_us(at_path(content, self._time), self._time_unit)
        self._figures.times_missing += at is None
        return at

    def _readings(
        self, rows: list[int], values: list[tuple[float, int]], own: int | None, *, retained: bool
    ) -> Readings:
        """Keep values, and give them; what the broker kept and nobody dated is of unknown age."""
        now = self._clock.now()
        chosen: Rows = np.array(rows, np.intp)
        value = self._heard.scaled(chosen, np.array([value for value, _ in values], np.float64))
        quality = np.array([quality for _, quality in values], np.uint8)
        if retained and own is None:
            quality[is_good(quality)] = Quality.UNCERTAIN_STALE
        late = retained or self._kept_session
        age_s = max(now - own, 0) / 1e6 if late and own is not None else 0.0
        self._heard.take(chosen, value, quality, age_s=age_s, live=not retained)
        return replace(self._heard.readings(chosen, now if own is None else own), partial=True)

    def _hear_availability(self, payload: bytes, path: tuple[str, ...]) -> Iterable[Readings]:
        """Hear whether the device is there, by its own word or by its will."""
        rows: Rows = np.arange(len(self._heard.point))
        said: object = payload.decode(errors="replace")
        if path:
            try:
                said = at_path(document(payload), path)
            except UndecodableError:
                self._figures.undecodable += 1
                return
        if str(said).strip().lower() == self._online:
            self._figures.births += 1
            self._heard.vouch(rows)
        else:
            self._figures.deaths += 1
            yield self._heard.lose(rows)

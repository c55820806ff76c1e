"""One edge node of Sparkplug B as a host sees it: born, sending, doubtful, dead (Sparkplug 3.0, clauses 5 and 6.4).

An alias means what the last birth certificate said. After a message was missed it may mean something else, so from then
on nothing is taken by alias until the node was born again; otherwise a value could land on a wrong point.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.clock import Clock
from cityhall_drivers.mqtt.figures import Figures
from cityhall_drivers.mqtt.heard import Heard, Rows
from cityhall_drivers.mqtt.sparkplug_payload import Metric, Payload, value_of

NODE: Final = ""
"""Stands for the device in keys of the node's own metrics."""
SEQUENCE_STEPS: Final = 256
BD_SEQ: Final = "bdSeq"
_YEAR_2100_MS: Final = 4_102_444_800_000

Key = tuple[str, str]
"""Device and metric."""


@dataclass(slots=True)
class _News:
    """Values of one message, by row."""

    rows: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    qualities: list[int] = field(default_factory=list)
    at: list[int] = field(default_factory=list)

    def add(self, row: int, value: float, quality: int, at: int) -> None:
        self.rows.append(row)
        self.values.append(value)
        self.qualities.append(quality)
        self.at.append(at)


class EdgeNode:
    """What is known of one edge node and the devices behind it."""

    def __init__(self, heard: Heard, figures: Figures, clock: Clock) -> None:
        self._heard = heard
        self._figures = figures
        self._clock = clock
        self._row: dict[Key, int] = {}
        self.begin()

    @property
    def in_sync(self) -> bool:
        """Whether it was born and nothing was missed since; if not, its birth is worth asking for."""
        return self._in_sync

    def begin(self) -> None:
        """A session of ours begins: births are not kept by the broker, so nothing is known."""
        self._in_sync = False
        self._sequence: int | None = None
        self._bd_seq: int | None = None
        self._types: dict[str, dict[str, int]] = {}
        self._aliases: dict[int, Key | None] = {}

    def want(self, device: str, metric: str, row: int) -> None:
        """Take a point in."""
        self._row[device, metric] = row

    def take(self, kind: str, device: str, payload: Payload) -> Iterable[Readings]:
        """Give the readings of one message; ``kind`` is that of its topic."""
        if kind == "NDEATH":
            return self._node_dies(payload)
        if kind == "NBIRTH":
            return self._node_is_born(payload)
        self._count(payload.sequence)
        if NODE not in self._types:
            self._in_sync = False
            return ()
        if kind == "DBIRTH":
            return self._born(device, payload)
        if kind == "DDEATH":
            self._figures.deaths += 1
            self._bury(device)
            return [self._heard.lose(self._rows(device))]
        return self._data(device, payload)

    def _rows(self, device: str | None = None) -> Rows:
        """Rows of a device, or of all."""
        return np.array([row for (owner, _), row in self._row.items() if device in {None, owner}], np.intp)

    def _node_is_born(self, payload: Payload) -> Iterable[Readings]:
        bd_seq = _bd_seq(payload)
        if self._bd_seq is not None and bd_seq is not None:
            self._figures.sessions_missed += max((bd_seq - self._bd_seq) % SEQUENCE_STEPS - 1, 0)
        for device in {owner for owner, _ in self._row if owner != NODE}:
            # Their own births follow; until then nobody vouches for them.
            self._heard.doubt(self._rows(device))
        self.begin()
        self._bd_seq, self._sequence, self._in_sync = bd_seq, payload.sequence, True
        return self._born(NODE, payload)

    def _born(self, device: str, payload: Payload) -> Iterable[Readings]:
        """A certificate names every metric that there will be; what it does not name does not exist."""
        self._figures.births += 1
        self._bury(device)
        types = self._types[device] = {}
        for metric in payload.metrics:
            types[metric.name] = metric.datatype
            if metric.alias is not None:
                # Two metrics of one alias: it then means neither.
                self._aliases[metric.alias] = None if metric.alias in self._aliases else (device, metric.name)
        self._heard.vouch(self._rows(device))
        news = _News()
        for metric in payload.metrics:
            self._note(news, metric, (device, metric.name), metric.datatype)
        for (owner, name), row in self._row.items():
            if owner == device and name not in types:
                news.add(row, float("nan"), Quality.BAD_REFUSED, self._clock.now())
        return self._readings(news)

    def _data(self, device: str, payload: Payload) -> Iterable[Readings]:
        news, past = _News(), _News()
        for metric in payload.metrics:
            key = self._key(device, metric)
            if key is None:
                self._figures.unknown_metrics += 1
                self._miss()
                continue
            self._figures.historical += metric.historical
            datatype = metric.datatype or self._types[device][key[1]]
            self._note(past if metric.historical else news, metric, key, datatype)
        return [*self._readings(past, present=False), *self._readings(news)]

    def _key(self, device: str, metric: Metric) -> Key | None:
        """Which metric a message of a device means; none when no certificate explains it."""
        if metric.name:
            return (device, metric.name) if metric.name in self._types.get(device, ()) else None
        key = self._aliases.get(metric.alias) if self._in_sync and metric.alias is not None else None
        return key if key is not None and key[0] == device else None

    def _node_dies(self, payload: Payload) -> Iterator[Readings]:
        """The broker tells its will; that of a session before the present one means nothing any more."""
        bd_seq = _bd_seq(payload)
        if self._bd_seq is not None and bd_seq is not None and bd_seq != self._bd_seq:
            self._figures.deaths_ignored += 1
            return
        self._figures.deaths += 1
        self._in_sync = False
        self._types.clear()
        self._aliases.clear()
        yield self._heard.lose(self._rows())

    def _bury(self, device: str) -> None:
        """Forget what a device's certificate said."""
        self._types.pop(device, None)
        self._aliases = {alias: key for alias, key in self._aliases.items() if key is None or key[0] != device}

    def _count(self, sequence: int | None) -> None:
        """Notice missing messages: numbers go from 0 to 255 and begin again."""
        if self._sequence is not None and sequence != (self._sequence + 1) % SEQUENCE_STEPS:
            self._figures.sequence_gaps += 1
            self._miss()
        self._sequence = sequence

    def _miss(self) -> None:
        if self._in_sync:
            self._in_sync = False
            self._heard.doubt(self._rows())

    def _note(self, news: _News, metric: Metric, key: Key, datatype: int) -> None:
        row = self._row.get(key)
        if row is None:
            return
        value, quality = value_of(metric, datatype)
        self._figures.undecodable += quality == Quality.BAD_DECODE
        timed = 0 < metric.at_ms < _YEAR_2100_MS
        news.add(row, value, quality, metric.at_ms * 1000 if timed else self._clock.now())

    def _readings(self, news: _News, *, present: bool = True) -> list[Readings]:
        if not news.rows:
            return []
        rows: Rows = np.array(news.rows, np.intp)
        value = self._heard.scaled(rows, np.array(news.values, np.float64))
        quality = np.array(news.qualities, np.uint8)
        if present:
            self._heard.take(rows, value, quality, live=True)
        at = np.array(news.at, np.int64)
        return [Readings(self._heard.point[rows], at, value, quality, partial=True)]


def _bd_seq(payload: Payload) -> int | None:
    """Number of the session of an edge node with its broker, 0 to 255 (clause 6.4.6)."""
    for metric in payload.metrics:
        if metric.name == BD_SEQ and metric.field in {"int_value", "long_value"}:
            return int(metric.value) % SEQUENCE_STEPS
    return None

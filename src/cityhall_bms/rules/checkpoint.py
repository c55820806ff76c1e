"""What the engine remembers, as bytes: stored with the events that came of it.

Rows are kept by name (rule and subject) and points by number, so that a checkpoint outlives a change of the rules or
of the site. Form: zlib over ``u32 header length | header (JSON) | columns``, little-endian, version in the header.
"""

import json
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.alarms import alarm_id
from cityhall_bms.rules.binding import Binding, BoundRule
from cityhall_bms.rules.engine import Columns, Engine, EngineState, Micros

FORMAT_VERSION: Final = 1
_LENGTH: Final = struct.Struct("<I")
_ROW_COLUMNS: Final = (("active", "?"), ("held", "<i8"), ("leaning", "?"), ("answer", "u1"))
_GATE_COLUMNS: Final = (("gate_held", "<i8"), ("gate_met", "?"))
_POINT_COLUMNS: Final = (
    ("good_at", "<i8"), ("point", "<i8"), ("value", "<f8"), ("quality", "u1"), ("observed_at", "<i8"),
)  # fmt: skip


class CheckpointFormatError(ValueError):
    """Bytes that are no checkpoint of a version we know."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A checkpoint as it applies to the present binding."""

    state: EngineState
    point: NDArray[np.uint32]
    columns: Columns
    active: frozenset[str]
    """Alarms that were active, bound now or not."""


class CheckpointCodec:
    """Writes and reads the checkpoints of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._binding = engine.binding
        self._layout = [
            [bound.rule.id, bound.rule.version, len(bound.gates), [subject.name for subject in bound.subjects]]
            for bound in self._binding.rules
        ]

    def encode(self, state: EngineState, columns: Columns) -> bytes:
        """Write a state and the samples that it was made from."""
        header = {
            "format": FORMAT_VERSION,
            "at": state.at,
            "parked": dict(state.parked),
            "points": len(state.good_at),
            "rules": self._layout,
        }
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        found: dict[str, NDArray[Any]] = {
            "point": self._binding.point_ids,
            "value": columns.value,
            "quality": columns.quality,
            "observed_at": columns.observed_at,
        }
        parts = [_LENGTH.pack(len(text)), text]
        for name, dtype in (*_ROW_COLUMNS, *_GATE_COLUMNS, *_POINT_COLUMNS):
            column = found[name] if name in found else getattr(state, name)
            parts.append(column.astype(dtype, copy=False).tobytes())
        return zlib.compress(b"".join(parts), level=1)

    def decode(self, data: bytes) -> Remembered:
        """Read a checkpoint into the present binding: what is bound no more is left out, what is new starts fresh.

        A rule of another version keeps its active alarms and starts its timers again.
        """
        header, columns = _parse(data)
        state = replace(
            self._engine.start(),
            at=int(header["at"]),
            good_at=np.full(len(self._binding.point_ids), int(header["at"]), np.int64),
        )
        places = _places(header["rules"])
        for bound, gates in _with_gates(self._binding.rules):
            _restore(state, columns, bound, gates, places)
        _restore_points(state.good_at, self._binding.point_ids, columns)
        samples = Columns(columns["value"], columns["quality"], columns["observed_at"])
        versions = {bound.rule.id: bound.rule.version for bound in self._binding.rules}
        parked = {rule: version for rule, version in header["parked"].items() if versions.get(rule) == version}
        names = [alarm_id(rule, subject) for rule, _, _, subjects in header["rules"] for subject in subjects]
        active = frozenset(name for name, flag in zip(names, columns["active"], strict=True) if flag)
        return Remembered(replace(state, parked=parked), columns["point"].astype(np.uint32), samples, active)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a stored checkpoint keeps one row."""

    version: int
    row: int
    gate: int
    gate_count: int
    gate_stride: int


def _parse(data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    try:
        raw = zlib.decompress(data)
        (length,) = _LENGTH.unpack_from(raw)
        header: dict[str, Any] = json.loads(raw[_LENGTH.size : _LENGTH.size + length])
        if header["format"] != FORMAT_VERSION:
            msg = f"checkpoint of format {header['format']}, known is {FORMAT_VERSION}"
            raise CheckpointFormatError(msg)
        rows = sum(len(subjects) for _, _, _, subjects in header["rules"])
        gates = sum(count * len(subjects) for _, _, count, subjects in header["rules"])
        offset = _LENGTH.size + length
        columns: dict[str, NDArray[Any]] = {}
        for group, count in ((_ROW_COLUMNS, rows), (_GATE_COLUMNS, gates), (_POINT_COLUMNS, header["points"])):
            for name, dtype in group:
                columns[name] = np.frombuffer(raw, dtype, count, offset)
                offset += columns[name].nbytes
    except (zlib.error, struct.error, KeyError, TypeError, ValueError) as error:
        if isinstance(error, CheckpointFormatError):
            raise
        msg = f"not a checkpoint: {error}"
        raise CheckpointFormatError(msg) from error
    return header, columns


def _places(layout: Iterable[Any]) -> dict[str, _Place]:
    places: dict[str, _Place] = {}
    row = gate = 0
    for rule, version, gates, subjects in layout:
        for number, subject in enumerate(subjects):
            places[alarm_id(rule, subject)] = _Place(version, row + number, gate + number, gates, len(subjects))
        row += len(subjects)
        gate += gates * len(subjects)
    return places


def _with_gates(rules: Iterable[BoundRule]) -> Iterable[tuple[BoundRule, int]]:
    start = 0
    for bound in rules:
        yield bound, start
        start += len(bound.gates) * len(bound.subjects)


def _restore(
    state: EngineState, columns: dict[str, NDArray[Any]], bound: BoundRule, gates: int, places: dict[str, _Place]
) -> None:
    """Fill the rows of one rule, in a state that nobody else has seen yet."""
    for number, subject in enumerate(bound.subjects):
        place = places.get(alarm_id(bound.rule.id, subject.name))
        if place is None:
            continue
        row = bound.start + number
        state.active[row] = columns["active"][place.row]
        if (place.version, place.gate_count) != (bound.rule.version, len(bound.gates)):
            continue
        for name in ("held", "leaning", "answer"):
            getattr(state, name)[row] = columns[name][place.row]
        for gate in range(len(bound.gates)):
            here, there = gates + gate * len(bound.subjects) + number, place.gate + gate * place.gate_stride
            state.gate_held[here] = columns["gate_held"][there]
            state.gate_met[here] = columns["gate_met"][there]


def _restore_points(good_at: Micros, point_ids: NDArray[np.int64], columns: dict[str, NDArray[Any]]) -> None:
    known = dict(zip(columns["point"].tolist(), columns["good_at"].tolist(), strict=True))
    for place, point in enumerate(point_ids.tolist()):
        good_at[place] = known.get(point, good_at[place])


def rows_by_alarm(binding: Binding) -> dict[str, int]:
    """Row of every alarm that can exist."""
    return {
        alarm_id(bound.rule.id, subject.name): bound.start + number
        for bound in binding.rules
        for number, subject in enumerate(bound.subjects)
    }

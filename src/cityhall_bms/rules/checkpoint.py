"""What the engine remembers, as bytes: stored with the events that came of it.

Rows are kept by name (rule and subject), what expressions remember by the text of the expression, and points by
number, so that a checkpoint outlives a change of the rules or of the site. Form: zlib over ``u32 header length | header
(JSON) | columns``, little-endian, version in the header.
"""

import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.alarms import alarm_id
from cityhall_bms.rules.binding import Binding, BoundRule
from cityhall_bms.rules.engine import Columns, Engine, EngineState
from cityhall_bms.rules.language.moment import Memory, Micros
from cityhall_bms.rules.memories import restored, stated
from cityhall_bms.rules.model import meaning

FORMAT_VERSION: Final = 2
_LENGTH: Final = struct.Struct("<I")
_ROW_COLUMNS: Final = (("active", "?"), ("held", "<i8"), ("leaning", "?"), ("answer", "u1"))
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
            {
                "id": bound.rule.id,
                "version": bound.rule.version,
                "meaning": meaning(bound.rule),
                "levels": len(bound.levels),
                "subjects": [subject.name for subject in bound.subjects],
            }
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
            "memory": {
                bound.rule.id: stated(bound.condition.remembers, state.memory[bound.rule.id])
                for bound in self._binding.rules
            },
        }
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        found: dict[str, NDArray[Any]] = {
            "point": self._binding.point_ids,
            "value": columns.value,
            "quality": columns.quality,
            "observed_at": columns.observed_at,
        }
        parts = [_LENGTH.pack(len(text)), text]
        for name, dtype in (*_ROW_COLUMNS, *_POINT_COLUMNS):
            column = found[name] if name in found else getattr(state, name)
            parts.append(column.astype(dtype, copy=False).tobytes())
        for bound in self._binding.rules:
            parts += [column.tobytes() for memory in state.memory[bound.rule.id] for column in memory.columns]
        return zlib.compress(b"".join(parts), level=1)

    def decode(self, data: bytes) -> Remembered:
        """Read a checkpoint into the present binding: what is bound no more is left out, what is new starts fresh.

        A rule of another version keeps its active alarms and starts its timers again.
        """
        header, columns, memories = _parse(data)
        state = replace(
            self._engine.start(),
            at=int(header["at"]),
            good_at=np.full(len(self._binding.point_ids), int(header["at"]), np.int64),
        )
        places = _places(header["rules"])
        for bound in self._binding.rules:
            _restore(state, columns, bound, places)
        _restore_points(state.good_at, self._binding.point_ids, columns)
        memory = {
            bound.rule.id: restored(
                bound.condition.remembers, state.memory[bound.rule.id], memories.get(bound.rule.id, {})
            )
            for bound in self._binding.rules
        }
        samples = Columns(columns["value"], columns["quality"], columns["observed_at"])
        versions = {bound.rule.id: bound.rule.version for bound in self._binding.rules}
        parked = {rule: version for rule, version in header["parked"].items() if versions.get(rule) == version}
        active = frozenset(name for name, place in places.items() if columns["active"][list(place.rows)].any())
        return Remembered(
            replace(state, parked=parked, memory=memory), columns["point"].astype(np.uint32), samples, active
        )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a stored checkpoint keeps one subject of a rule."""

    version: int
    meaning: str
    rows: range
    """Of its levels."""


def _parse(data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]], dict[str, dict[str, Any]]]:
    """Header, columns, and by rule and text what expressions remembered."""
    try:
        raw = zlib.decompress(data)
        (length,) = _LENGTH.unpack_from(raw)
        header: dict[str, Any] = json.loads(raw[_LENGTH.size : _LENGTH.size + length])
        if header["format"] != FORMAT_VERSION:
            msg = f"checkpoint of format {header['format']}, known is {FORMAT_VERSION}"
            raise CheckpointFormatError(msg)
        rows = sum(len(rule["subjects"]) * rule["levels"] for rule in header["rules"])
        offset = _LENGTH.size + length
        columns: dict[str, NDArray[Any]] = {}
        for group, count in ((_ROW_COLUMNS, rows), (_POINT_COLUMNS, header["points"])):
            for name, dtype in group:
                columns[name] = np.frombuffer(raw, dtype, count, offset)
                offset += columns[name].nbytes
        memories: dict[str, dict[str, Any]] = {}
        for rule, entries in header["memory"].items():
            for text, keys, numbers, dtypes in entries:
                found = []
                for dtype in dtypes:
                    found.append(np.frombuffer(raw, dtype, len(keys), offset))
                    offset += found[-1].nbytes
                memories.setdefault(rule, {})[text] = (keys, Memory(tuple(numbers), tuple(found)))
    except (zlib.error, struct.error, KeyError, TypeError, ValueError) as error:
        if isinstance(error, CheckpointFormatError):
            raise
        msg = f"not a checkpoint: {error}"
        raise CheckpointFormatError(msg) from error
    return header, columns, memories


def _places(layout: Iterable[Any]) -> dict[str, _Place]:
    places: dict[str, _Place] = {}
    row = 0
    for rule in layout:
        subjects, count = rule["subjects"], len(rule["subjects"])
        rows = count * rule["levels"]
        for number, subject in enumerate(subjects):
            own = range(row + number, row + rows, count)
            places[alarm_id(rule["id"], subject)] = _Place(rule["version"], rule["meaning"], own)
        row += rows
    return places


def _restore(state: EngineState, columns: dict[str, NDArray[Any]], bound: BoundRule, places: dict[str, _Place]) -> None:
    """Fill the rows of one rule, in a state that nobody else has seen yet."""
    same = meaning(bound.rule)
    for number, subject in enumerate(bound.subjects):
        place = places.get(alarm_id(bound.rule.id, subject.name))
        if place is None:
            continue
        rows, there = list(bound.rows_of(number)), list(place.rows)
        if (place.version, place.meaning) == (bound.rule.version, same):
            for name, _ in _ROW_COLUMNS:
                getattr(state, name)[rows] = columns[name][there]
        else:
            # What stood stands on; how severely, its priority in the log says.
            state.active[rows[0]] = columns["active"][there].any()


def _restore_points(good_at: Micros, point_ids: NDArray[np.int64], columns: dict[str, NDArray[Any]]) -> None:
    known = dict(zip(columns["point"].tolist(), columns["good_at"].tolist(), strict=True))
    for place, point in enumerate(point_ids.tolist()):
        good_at[place] = known.get(point, good_at[place])


def overruled(state: EngineState, binding: Binding, active: Mapping[str, int]) -> EngineState:
    """Bring a state into line with the alarms that are known to be active, and their priorities: the log's word counts.

    Every condition that such a priority leaves possible stands until it is known not to.
    """
    flags, changed = state.active.copy(), np.zeros(binding.row_count, np.bool_)
    for name, row in rows_by_alarm(binding).items():
        bound = binding.rule_of(row)
        rows = list(bound.rows_of(row - bound.start))
        stands = [level.priority for level, is_active in zip(bound.levels, flags[rows], strict=True) if is_active]
        priority = active.get(name)
        if min(stands, default=None) != priority:
            changed[rows] = True
            flags[rows] = [priority is not None and level.priority >= priority for level in bound.levels]
            flags[row] = priority is not None
    return replace(state, active=flags, held=np.where(changed, 0, state.held), leaning=state.leaning & ~changed)


def rows_by_alarm(binding: Binding) -> dict[str, int]:
    """First row of every alarm that can exist."""
    return {
        alarm_id(bound.rule.id, subject.name): bound.start + number
        for bound in binding.rules
        for number, subject in enumerate(bound.subjects)
    }

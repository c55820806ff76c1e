"""Decodes once more what a device sent, and lets the corrected samples stand in place of the wrong ones.

What is corrected is found by comparing: a sample changes if the same bytes say another number now. So nothing that was
right is touched, and a second run finds nothing left to do (docs/adr/0061-gap-ledger-and-raw-registers.md).
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.events import SamplesRestated
from cityhall_bms.domain.site import Encoding
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.restating import ReadAnew, RestatementStore, SecondReading, Standing

EXAMPLES_MAX: Final = 3
PRECISION: Final = 1e-12
"""Numbers that differ by less, relatively, are one number computed in two ways."""
UNKNOWN: Final = "unknown"

ScalarT = TypeVar("ScalarT", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Restatement:
    """What is asked for: points of one device, a time, and who says why."""

    device: str
    points: Sequence[BoundPoint]
    window: Window
    reason: str
    actor: str

    @property
    def ids(self) -> list[int]:
        """Numbers of the points."""
        return [bound.point_id for bound in self.points]


@dataclass(frozen=True, slots=True)
class Example:
    """One sample, before and after; time µs UTC."""

    at: int
    old: float
    new: float


@dataclass(slots=True)
class Findings:
    """What a restatement would change; counters are by point."""

    scans: int = 0
    unreadable: int = 0
    """Scans whose bytes the driver does not know."""
    compared: Counter[int] = field(default_factory=Counter)
    replaced: Counter[int] = field(default_factory=Counter)
    added: Counter[int] = field(default_factory=Counter)
    """Samples that a deadband kept out, because the wrong number did not move."""
    examples: dict[int, list[Example]] = field(default_factory=dict)
    encodings: dict[str, list[str]] = field(default_factory=dict)
    """Of every point that changes, by name: how it was decoded, and how it is now."""

    @property
    def affected(self) -> list[int]:
        """Points of which any sample was wrong."""
        return sorted(self.replaced)

    def changed(self, point: int) -> int:
        """Samples of a point that change."""
        return self.replaced[point] + self.added[point] if point in self.replaced else 0

    @property
    def total(self) -> int:
        """Samples that change."""
        return sum(self.changed(point) for point in self.replaced)


@dataclass(frozen=True, slots=True)
class _Hour:
    """The scans of an hour as they read now, end to end, and how each sample compares with what stands."""

    scans: Sequence[Readings]
    unreadable: int
    point: NDArray[np.uint32]
    at: NDArray[np.int64]
    value: NDArray[np.float64]
    old: NDArray[np.float64]
    hit: NDArray[np.bool_]
    replaced: NDArray[np.bool_]
    added: NDArray[np.bool_]
    recorded_at: int
    """When the newest of what stands was recorded."""


async def survey(store: RestatementStore, request: Restatement, read_anew: ReadAnew) -> Findings:
    """Find out what would change; nothing is written."""
    found = Findings()
    async for hour in _hours(store, request, read_anew()):
        found.scans += len(hour.scans)
        found.unreadable += hour.unreadable
        for counter, chosen in ((found.compared, hour.hit), (found.replaced, hour.replaced), (found.added, hour.added)):
            counter.update(dict(zip(*_counts(hour.point[chosen]), strict=True)))
        _note_examples(found, hour)
    names = {bound.point_id: bound.point for bound in request.points}
    before = await store.held(found.affected, request.window.start)
    for number in found.affected:
        point = names[number]
        now = encoding_text(point.address, point.encoding)
        was = encoding_text(*before[number]) if number in before else UNKNOWN
        found.encodings[point.name] = [was if was != now else UNKNOWN, now]
    return found


async def restate(
    store: RestatementStore, request: Restatement, read_anew: ReadAnew, events: EventLog, clock: Clock
) -> Findings:
    """Correct history, and tell it; gives what was changed.

    The event comes first: a restatement that was cut off is told, and goes on when it is asked for again.
    """
    found = await survey(store, request, read_anew)
    if found.total:
        await events.append([Append(f"restatement/{request.device}", [_event(request, found)], request.actor)])
        affected = np.array(found.affected, np.uint32)
        async for hour in _hours(store, request, read_anew()):
            scans = _corrected(hour, affected)
            if scans:
                # Later than what it replaces, also on a clock that was set back.
                await store.restate(scans, max(clock.now(), hour.recorded_at + 1))
    await store.settle()
    return found


def encoding_text(address: str, encoding: Encoding) -> str:
    """How a number is made, for people: ``holding:10 float32 CDAB x0.1 +5``."""
    parts = [address, encoding.type, encoding.word_order if encoding.type else ""]
    parts += [f"x{encoding.scale:g}" if encoding.scale != 1.0 else ""]
    parts += [f"{encoding.offset:+g}" if encoding.offset else ""]
    return " ".join(part for part in parts if part)


async def _hours(store: RestatementStore, request: Restatement, reading: SecondReading) -> AsyncIterator[_Hour]:
    for window in await store.hours(request.device, request.window):
        sent = await store.sent(request.device, window)
        standing = await store.standing(request.ids, window)
        yield _compare(sent, standing, window.start, reading)


def _compare(sent: Sequence[tuple[int, bytes]], standing: Standing, begin: int, reading: SecondReading) -> _Hour:
    scans, moved = _read(sent, reading)
    point = _join([scan.point for scan in scans], np.empty(0, np.uint32))
    at = _join([scan.observed_at for scan in scans], np.empty(0, np.int64))
    value = _join([scan.value for scan in scans], np.empty(0))
    known = _keys(standing.point, standing.at, begin)
    wanted = _keys(point, at, begin)
    place = np.searchsorted(known, wanted)
    hit = np.append(known, np.uint64(0))[place] == wanted if len(known) else np.zeros(len(wanted), np.bool_)
    old = np.append(standing.value, np.nan)[np.where(hit, place, len(known))]
    counts = _last_of_equal(wanted)
    return _Hour(
        scans=scans,
        unreadable=len(sent) - len(scans),
        point=point,
        at=at,
        value=value,
        old=old,
        hit=hit,
        replaced=hit & counts & ~_same(old, value),
        added=~hit & counts & moved,
        recorded_at=int(standing.recorded_at.max(initial=0)),
    )


def _read(sent: Sequence[tuple[int, bytes]], reading: SecondReading) -> tuple[list[Readings], NDArray[np.bool_]]:
    """Scans that can be read, and which of all their values a deadband lets pass."""
    scans: list[Readings] = []
    moved: list[NDArray[np.bool_]] = []
    for moment, raw in sent:
        try:
            scans.append(reading.read(raw, moment))
        except ValueError:
            continue
        moved.append(reading.moved(scans[-1]))
    return scans, _join(moved, np.empty(0, np.bool_))


def _keys(point: NDArray[np.uint32], at: NDArray[np.int64], begin: int) -> NDArray[np.uint64]:
    """One number per point and time within an hour, in the order of both."""
    return (point.astype(np.uint64) << np.uint64(32)) | (at - begin).astype(np.uint64)


def _last_of_equal(keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Two scans of one moment that hold the same point: the later one counts."""
    last = np.zeros(len(keys), np.bool_)
    last[len(keys) - 1 - np.unique(keys[::-1], return_index=True)[1]] = True
    return last


def _same(old: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.isclose(old, new, rtol=PRECISION, atol=0.0, equal_nan=True)


def _corrected(hour: _Hour, affected: NDArray[np.uint32]) -> list[Readings]:
    """What must be recorded of an hour: whole scans as sets of their own, others as chance selections."""
    concerned = np.isin(hour.point, affected)
    changed = (hour.replaced | hour.added) & concerned
    found: list[Readings] = []
    place = 0
    for scan in hour.scans:
        part = slice(place, place + len(scan))
        place += len(scan)
        chosen = changed[part]
        if chosen.any():
            picked = scan.pick(chosen)
            whole = np.array_equal(chosen, concerned[part])
            columns = (picked.point, picked.observed_at, picked.value, picked.quality)
            found.append(Readings(*columns, partial=not whole))
    return found


def _note_examples(found: Findings, hour: _Hour) -> None:
    for point in np.unique(hour.point[hour.replaced]).tolist():
        examples = found.examples.setdefault(point, [])
        rows = np.flatnonzero(hour.replaced & (hour.point == point))[: EXAMPLES_MAX - len(examples)]
        examples += [Example(int(hour.at[row]), float(hour.old[row]), float(hour.value[row])) for row in rows]


def _counts(point: NDArray[np.uint32]) -> tuple[list[int], list[int]]:
    numbers, counts = np.unique(point, return_counts=True)
    return numbers.tolist(), counts.tolist()


def _event(request: Restatement, found: Findings) -> SamplesRestated:
    encodings: Mapping[str, list[str]] = found.encodings
    return SamplesRestated(
        request.device,
        sorted(encodings),
        request.window.start,
        request.window.end,
        found.total,
        dict(encodings),
        request.reason,
    )


def _join(parts: Sequence[NDArray[ScalarT]], empty: NDArray[ScalarT]) -> NDArray[ScalarT]:
    return np.concatenate([empty, *parts])

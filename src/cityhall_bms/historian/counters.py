"""What a counter counted: where the difference of two readings is not it, and what is (pure; docs/adr/0072).

Between two good samples that follow each other a counter counts their difference. The few steps where it does not
(rollover, reset, exchange, glitch, more than the meter can) get a correction; the sum of differences and corrections
over any stretch of time is what was counted in it.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.counters import (
    COUNTED,
    RATED_SHARE,
    REGISTER_SIZES,
    ROLLED_FROM,
    ROLLED_TO,
    SLACK_US,
    TIME_STAMP,
    US_PER_H,
    Decision,
    StepKind,
    StepState,
)
from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.rollups import Rollups

RETURNS_WITHIN: Final = 3
"""Samples after a doubtful one that may contradict it; a counter that stays is believed."""
EXCHANGE_NEAR_US: Final = 3_600_000_000
"""A meter's exchange is written down by people: the step that shows it may be so far from the time they give."""
ROUNDING: Final = 1e-6
"""Backwards by this share of a reading is rounding, where nobody knows how fast a counter may run."""

Times = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Register:
    """Where a counter begins again at zero, and how fast it can run (with a share to spare); infinite when unknown."""

    size: float = math.inf
    most_per_us: float = math.inf

    def most(self, passed_us: float) -> float:
        """Most that it can count in a time."""
        return self.most_per_us * (passed_us + SLACK_US)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A meter was exchanged at ``at`` (µs UTC): the old one's last reading, and the new one's first."""

    at: int
    last_old: float
    first_new: float


@dataclass(frozen=True, slots=True)
class Words:
    """What people said about one counter: exchanges in order of time, and decisions by the time of their sample."""

    exchanges: tuple[Exchange, ...] = ()
    decisions: Mapping[int, Decision] = field(default_factory=dict)
    recorded: tuple[tuple[int, int], ...] = ()
    """What time each of them is about, and when it was said."""

    def known(self, after: int, through: int) -> int:
        """When the last of what bears on a stretch of time was said; 0 when nothing was."""
        near = range(after - EXCHANGE_NEAR_US, through + EXCHANGE_NEAR_US + 1)
        return max((said for at, said in self.recorded if at in near), default=0)


NO_WORDS: Final = Words()


@dataclass(frozen=True, slots=True)
class Step:
    """From one good sample to the next, where what was counted is not their difference. Times µs UTC."""

    at: int
    before: int
    kind: StepKind
    state: StepState
    from_value: float
    to_value: float
    correction: float

    @property
    def counted(self) -> float:
        """What the step counts."""
        return self.to_value - self.from_value + self.correction

    @property
    def believed(self) -> bool:
        """Whether the reading at its end is one from which the counter goes on."""
        return self.kind is not StepKind.GLITCH


def registers_of(descriptions: Mapping[int, Mapping[str, object]]) -> dict[int, Register]:
    """Registers of all counters among points, which are described as the registry keeps them."""
    rates: dict[tuple[object, str], float] = {}
    for point in descriptions.values():
        for counted, (unit, factor) in COUNTED.items():
            if point["unit"] == unit and point.get("high") is not None:
                most = max(abs(_number(point.get("low"))), abs(_number(point["high"]))) * factor
                key = point["equipment"], counted
                rates[key] = max(rates.get(key, 0.0), most)
    return {
        number: Register(
            _size(point), RATED_SHARE * rates.get((point["equipment"], str(point["unit"])), math.inf) / US_PER_H
        )
        for number, point in descriptions.items()
        if point["kind"] == "CI" and point["unit"] != TIME_STAMP
    }


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _size(point: Mapping[str, object]) -> float:
    declared = point.get("rollover")
    if isinstance(declared, int | float):
        return float(declared)
    encoding = point["encoding"]
    assert isinstance(encoding, Mapping)  # noqa: S101 - as the registry writes it
    return REGISTER_SIZES.get(str(encoding["type"]), math.inf) * abs(_number(encoding["scale"]))


def find_steps(at: Times, value: Values, register: Register, words: Words = NO_WORDS) -> list[Step]:
    """Steps of one counter that need a correction, from its good samples in order of time; the first is believed."""
    return _Fold(at, value, register, words).steps() if len(at) > 1 else []


class _Fold:
    """Goes from believed reading to believed reading; only where something is odd there is anything to decide."""

    def __init__(self, at: Times, value: Values, register: Register, words: Words) -> None:
        self._at, self._value, self._register = at, value, register
        self._decisions = words.decisions
        delta = np.diff(value)
        self._odd = np.flatnonzero((delta < 0) | (delta > register.most_per_us * (np.diff(at) + SLACK_US))) + 1
        self._exchanges = self._assigned(words.exchanges)

    def steps(self) -> list[Step]:
        """All of them, in order of time."""
        found: list[Step] = []
        position = 1
        for place in sorted({*self._odd.tolist(), *self._exchanges}):
            if place >= position:  # else it lies inside of a glitch
                taken = self._take(place)
                found += taken
                position = place + len(taken)
        return found

    def _assigned(self, exchanges: Iterable[Exchange]) -> dict[int, Exchange]:
        """Which step each exchange explains: of those near the time that people gave the nearest that fits it."""
        found: dict[int, Exchange] = {}
        for exchange in exchanges:
            around = int(np.searchsorted(self._at, exchange.at))
            odd = self._odd
            distance = np.maximum(np.maximum(self._at[odd - 1] - exchange.at, exchange.at - self._at[odd]), 0)
            near = odd[np.argsort(distance, kind="stable")][: int((distance <= EXCHANGE_NEAR_US).sum())].tolist()
            inside = [around] if 0 < around < len(self._at) else []
            fitting = [place for place in (*inside, *near) if self._fits(place, exchange)]
            for place in (*fitting, *near, *inside)[:1]:
                found[place] = exchange
        return found

    def _fits(self, place: int, exchange: Exchange) -> bool:
        return 0 <= self._between(place, exchange) <= self._most(place - 1, place)

    def _between(self, place: int, exchange: Exchange) -> float:
        """What both meters counted in a step."""
        old, new = self._readings(place)
        return (exchange.last_old - old) + (new - exchange.first_new)

    def _take(self, place: int) -> list[Step]:
        decision = self._decisions.get(int(self._at[place]))
        if place in self._exchanges:
            return [self._exchanged(place, self._exchanges[place], decision)]
        if decision is not None:
            return [self._decided(place, decision)]
        end = self._returns(place)
        if end is not None:
            return [*(self._uncounted(n, StepKind.GLITCH) for n in range(place, end)), self._returned(place, end)]
        if len(self._at) - 1 - place < RETURNS_WITHIN:
            return [self._uncounted(n, StepKind.GLITCH, StepState.PENDING) for n in range(place, len(self._at))]
        return [self._settled(place)]

    def _returns(self, place: int) -> int | None:
        """Place of the reading that goes on from before as if there had been nothing."""
        anchor = place - 1
        for later in range(place + 1, min(place + 1 + RETURNS_WITHIN, len(self._at))):
            if later in self._exchanges:
                return None
            if 0 <= self._value[later] - self._value[anchor] <= self._most(anchor, later):
                return later
        return None

    def _settled(self, place: int) -> Step:
        old, new = self._readings(place)
        size, most = self._register.size, self._most(place - 1, place)
        if new > old:
            return self._uncounted(place, StepKind.SPIKE, StepState.QUARANTINED)
        if old > ROLLED_FROM * size and 0 <= new < ROLLED_TO * size and new - old + size <= most:
            return self._step(place, StepKind.ROLLOVER, StepState.SETTLED, new - old + size)
        known = math.isfinite(most)
        if old - new <= (self._register.most(0) if known else ROUNDING * abs(old)):
            return self._uncounted(place, StepKind.BACKSTEP)
        if 0 <= new <= (most if known else ROLLED_TO * old):
            return self._step(place, StepKind.RESET, StepState.SETTLED, new)
        return self._uncounted(place, StepKind.DROP, StepState.QUARANTINED)

    def _exchanged(self, place: int, exchange: Exchange, decision: Decision | None) -> Step:
        if self._fits(place, exchange) or decision is Decision.ACCEPT:
            return self._step(place, StepKind.EXCHANGE, StepState.SETTLED, self._between(place, exchange))
        state = StepState.QUARANTINED if decision is None else StepState.REJECTED
        return self._uncounted(place, StepKind.EXCHANGE, state)

    def _decided(self, place: int, decision: Decision) -> Step:
        old, new = self._readings(place)
        kind = StepKind.SPIKE if new > old else StepKind.DROP
        if decision is Decision.ACCEPT:
            return self._step(place, kind, StepState.ACCEPTED, new - old if new > old else new)
        return self._uncounted(place, kind, StepState.REJECTED if decision is Decision.REJECT else StepState.EXCHANGED)

    def _returned(self, place: int, end: int) -> Step:
        return self._step(end, StepKind.RETURN, StepState.SETTLED, float(self._value[end] - self._value[place - 1]))

    def _uncounted(self, place: int, kind: StepKind, state: StepState = StepState.SETTLED) -> Step:
        return self._step(place, kind, state, 0.0)

    def _step(self, place: int, kind: StepKind, state: StepState, counted: float) -> Step:
        old, new = self._readings(place)
        return Step(int(self._at[place]), int(self._at[place - 1]), kind, state, old, new, counted - (new - old))

    def _readings(self, place: int) -> tuple[float, float]:
        return float(self._value[place - 1]), float(self._value[place])

    def _most(self, anchor: int, place: int) -> float:
        return self._register.most(float(self._at[place] - self._at[anchor]))


@dataclass(frozen=True, slots=True)
class Steps:
    """Corrections of some counters as columns, sorted by point and time."""

    point: NDArray[np.int64]
    before: Times
    at: Times
    correction: Values

    @classmethod
    def of(cls, steps: Iterable[tuple[int, Step]]) -> "Steps":
        """Columns of steps with the number of their point."""
        rows = sorted((point, step.at, step.before, step.correction) for point, step in steps)
        point, at, before, correction = zip(*rows, strict=True) if rows else ((), (), (), ())
        return cls(
            np.array(point, np.int64),
            np.array(before, np.int64),
            np.array(at, np.int64),
            np.array(correction, np.float64),
        )


def corrections(rows: Rollups, edges: Times, steps: Steps) -> Values:
    """What the deltas of rows (of the buckets between ``edges``) must be corrected by.

    A step belongs to the bucket that its second sample lies in, unless the delta begins only there: what happened in a
    silence longer than the hold belongs to no interval that it does not lie in whole.
    """
    found = np.zeros(len(rows))
    bucket = np.searchsorted(edges, steps.at, "right") - 1
    inside = np.flatnonzero((bucket >= 0) & (bucket < len(edges) - 1))
    keys = list(zip(rows.point.tolist(), rows.bucket.tolist(), strict=True)) if len(inside) else []
    for number in inside.tolist():
        key = int(steps.point[number]), int(edges[bucket[number]])
        row = bisect_left(keys, key)
        if row < len(keys) and keys[row] == key and (steps.before[number] >= key[1] or not np.isnan(rows.start[row])):
            found[row] += steps.correction[number]
    return found


def corrected(rows: Rollups, edges: Times, steps: Steps) -> Values:
    """Deltas of rows that tell what was counted."""
    return rows.delta() + corrections(rows, edges, steps)


@dataclass(frozen=True, slots=True)
class Watch:
    """Finds rows of rollups in which a counter may have done something odd: all of them, and few others.

    The columns are by number of point: whether it is a counter, and the most that it can count in a µs.
    """

    counter: NDArray[np.bool_]
    most_per_us: Values

    @classmethod
    def of(cls, registers: Mapping[int, Register]) -> "Watch":
        """Watch over counters."""
        size = max(registers, default=-1) + 1
        counter, most = np.zeros(size, np.bool_), np.full(size, math.inf)
        for number, register in registers.items():
            counter[number], most[number] = True, register.most_per_us
        return cls(counter, most)

    def counters(self, point: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these points are counters."""
        known = point < len(self.counter)
        return known & self.counter[np.where(known, point, 0)] if len(self.counter) else known

    def odd(self, rows: Rollups) -> NDArray[np.int64]:
        """Points of rows with samples that fell, that came after a silence, or rose as no meter does in no time."""
        rows = rows.select(self.counters(rows.point) & (rows.count > 0))
        rise = rows.delta() - rows.fall
        suspect = (rows.fall < 0) | np.isnan(rows.start) | (rise > self.most_per_us[rows.point] * SLACK_US)
        return np.unique(rows.point[suspect])

    def odd_samples(self, samples: Samples, last: Values, last_at: Times) -> NDArray[np.int64]:
        """The same of good samples of counters, ordered; ``last`` are the readings before them, NaN where unknown."""
        point = samples.point.astype(np.int64)
        first = np.ones(len(point), np.bool_)
        first[1:] = point[1:] != point[:-1]
        before, before_at = last[point], last_at[point]
        before[1:] = np.where(first[1:], before[1:], samples.value[:-1])
        before_at[1:] = np.where(first[1:], before_at[1:], samples.at[:-1])
        rise = samples.value - before
        most = self.most_per_us[point] * (samples.at - before_at + SLACK_US)
        return np.unique(point[~((rise >= 0) & (rise <= most))])

"""What a bucket amounts to, worked out the slow way: one point, one bucket, one sample after the other."""

import math
from dataclasses import dataclass

from cityhall_bms.ports.history import Aggregation

HOLD_US = 900_000_000


@dataclass(frozen=True)
class Heard:
    at: int
    value: float
    good: bool
    hold_us: int = HOLD_US


@dataclass
class Figures:
    count: int = 0
    good_us: int = 0
    area: float = 0.0
    low: float = math.nan
    high: float = math.nan
    start: float = math.nan
    first: float = math.nan
    last: float = math.nan
    fall: float = 0.0

    @property
    def mean(self) -> float:
        return self.area / self.good_us if self.good_us else math.nan

    @property
    def known(self) -> bool:
        return bool(self.count or self.good_us or not math.isnan(self.start))

    def include(self, value: float) -> None:
        self.low = value if math.isnan(self.low) else min(self.low, value)
        self.high = value if math.isnan(self.high) else max(self.high, value)


def reference(samples: list[Heard], begin: int, end: int) -> Figures:
    """Figures of [begin, end); ``samples`` in order of time, of equal times the one recorded last stands last."""
    samples = [one for one, after in zip(samples, [*samples[1:], None], strict=True) if not after or after.at > one.at]
    figures = Figures()
    previous: float = math.nan
    for sample in samples:
        if sample.good and sample.at < begin:
            figures.start = sample.value if begin - sample.at < sample.hold_us else math.nan
    previous = figures.start
    for index, sample in enumerate(samples):
        if not sample.good:
            continue
        following = samples[index + 1].at if index + 1 < len(samples) else 10**18
        held_until = min(following, sample.at + sample.hold_us, end)
        held = held_until - max(sample.at, begin)
        if held > 0:
            figures.good_us += held
            figures.area += sample.value * held
            figures.include(sample.value)
        if begin <= sample.at < end:
            figures.count += 1
            figures.include(sample.value)
            if figures.count == 1:
                figures.first = sample.value
            figures.last = sample.value
            if not math.isnan(previous):
                figures.fall += min(0.0, sample.value - previous)
            previous = sample.value
    return figures


def figure(figures: Figures, aggregation: Aggregation) -> float:
    """What history answers for an interval with these figures."""
    held = figures.low if figures.good_us else math.nan
    change = figures.last - (figures.first if math.isnan(figures.start) else figures.start)
    return {
        Aggregation.MEAN: figures.mean,
        Aggregation.MIN: figures.low,
        Aggregation.MAX: figures.high,
        Aggregation.FIRST: figures.first if figures.count else held,
        Aggregation.LAST: figures.last if figures.count else held,
        Aggregation.COUNT: float(figures.count),
        Aggregation.DELTA: change if figures.count else 0.0 if figures.good_us else math.nan,
    }[aggregation]

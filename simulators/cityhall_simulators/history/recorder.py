"""A city lived through at full speed: what its sensors showed, day by day."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.description import Building
from cityhall_simulators.fault_desk import FaultDesk
from cityhall_simulators.history.days import Span
from cityhall_simulators.runtime import City


@dataclass(frozen=True, slots=True)
class FaultChange:
    """A fault that is switched on or off at the first sample not before ``at`` (local time with its zone)."""

    at: datetime
    name: str
    target: str | None
    on: bool


@dataclass(frozen=True, slots=True)
class RecordedDay:
    """What was shown: a row per moment, a column per point."""

    day: date
    times_us: NDArray[np.int64]
    values: NDArray[np.float64]
    bad: NDArray[np.bool_]


def record(
    building: Building,
    seed: int,
    span: Span,
    truth_file: Path,
    changes: Sequence[FaultChange] = (),
    *,
    on_step: Callable[[], None] = lambda: None,
) -> Iterator[RecordedDay]:
    """Every day of a span, one in memory at a time; ``truth_file`` gets a line per fault switched, in plant time."""
    city = City(building, seed, next(span.moments(span.first)))
    desk = FaultDesk(city, lambda: city.local, truth_file)
    waiting = sorted(changes, key=lambda change: change.at)
    fresh = True
    for day in span.days:
        times_us = span.times_us(day)
        values = np.empty((len(times_us), len(building.points)))
        bad = np.empty(values.shape, dtype=np.bool_)
        for row, local in enumerate(span.moments(day)):
            if not fresh:  # the city was made for the very first moment
                city.advance(local, float(span.interval_s))
            fresh = False
            while waiting and waiting[0].at <= local:
                _switch(desk, waiting.pop(0))
            values[row], bad[row] = city.shown, city.bad
            on_step()
        yield RecordedDay(day, times_us, values, bad)


def _switch(desk: FaultDesk, change: FaultChange) -> None:
    if change.on:
        desk.on(change.name, change.target)
    else:
        desk.off(change.name, change.target)

"""A city lived through at full speed: what its sensors showed, day by day."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.description import Point
from cityhall_simulators.fault_desk import FaultDesk
from cityhall_simulators.history.days import Span
from cityhall_simulators.runtime import City
from cityhall_simulators.scenarios import Run, ScenarioPlayer, Strike


@dataclass(frozen=True, slots=True)
class RecordedDay:
    """What was shown: a row per moment, a column per point."""

    day: date
    times_us: NDArray[np.int64]
    values: NDArray[np.float64]
    bad: NDArray[np.bool_]


def record(
    run: Run,
    span: Span,
    strikes: Sequence[Strike],
    truth_file: Path,
    on_step: Callable[[], None] = lambda: None,
    points: Sequence[Point] | None = None,
) -> Iterator[RecordedDay]:
    """Every day of a span, one in memory at a time; ``truth_file`` gets a line per fault switched, in plant time.

    A fault begins and ends with the first moment that is not before its own. Of some ``points`` only they are kept;
    the whole building lives all the same.
    """
    kept = np.array([point.index for point in (run.building.points if points is None else points)], np.intp)
    city = City(run.building, run.seed, run.start)
    player = ScenarioPlayer(strikes, FaultDesk(city, lambda: city.local, truth_file))
    elapsed_s = 0
    for day in span.days:
        times_us = span.times_us(day)
        values = np.empty((len(times_us), len(kept)))
        bad = np.empty(values.shape, dtype=np.bool_)
        for row, local in enumerate(span.moments(day)):
            if elapsed_s:  # the city was made for the very first moment
                city.advance(local, float(span.interval_s))
            player.play(elapsed_s)
            values[row], bad[row] = city.shown[kept], (city.bad | city.unheard)[kept]
            elapsed_s += span.interval_s
            on_step()
        yield RecordedDay(day, times_us, values, bad)

"""Years of history from a file: what is read, where it goes."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.ports.history import Window


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What a file says of itself. Days are numbered from one; ``edges`` are the midnights around them, µs UTC.

    ``sets`` are the points that share a row of history, by their numbers, each point in one set.
    """

    digest: str
    provenance: str
    interval_us: int
    edges: tuple[int, ...]
    sets: tuple[NDArray[np.uint32], ...]

    @property
    def source(self) -> str:
        """Name of the file among the sources of history."""
        return f"import:{self.digest[:16]}"

    @property
    def window(self) -> Window:
        """The whole time."""
        return Window(self.edges[0], self.edges[-1])

    @property
    def days(self) -> int:
        """How many days there are."""
        return len(self.edges) - 1

    def day(self, number: int) -> Window:
        """The time of one day."""
        return Window(self.edges[number - 1], self.edges[number])


@dataclass(frozen=True, slots=True)
class DayOfSamples:
    """Samples of one day: a row per point, a column per moment (µs UTC, ascending)."""

    point: NDArray[np.uint32]
    at: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]


class HistoryFile(Protocol):
    """An opened and checked file. Reading raises ``HistoryFileError``."""

    @property
    def plan(self) -> ImportPlan:
        """What it holds."""
        ...

    def read_day(self, number: int) -> DayOfSamples:
        """Samples of a day, points ascending by number."""
        ...


class ImportStore(Protocol):
    """History, as an import writes it. Every method raises ``HistoryUnavailableError`` when it cannot be reached."""

    async def begin(self, plan: ImportPlan) -> int:
        """Make room for a file, and give how many of its days are stored already.

        ``RefusedError`` when the time is not over yet, or when history already has samples of it from elsewhere.
        """
        ...

    async def store(self, plan: ImportPlan, number: int, day: DayOfSamples) -> None:
        """Write a day and the progress in one transaction; a day that is stored already is skipped."""
        ...

    async def finish(self, plan: ImportPlan) -> int:
        """Bring every figure up to date after the last day; gives the samples stored of this file."""
        ...

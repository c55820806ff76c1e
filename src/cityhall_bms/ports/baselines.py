"""Baselines, savings and non-routine adjustments: what is asked about them, and what people do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cityhall_bms.domain.energy.baseline_book import AdjustmentRecord, BaselineRecord, DayClass
from cityhall_bms.domain.energy.baselines import ModelKind
from cityhall_bms.domain.energy.fit_statistics import FitStatistics, Limits
from cityhall_bms.domain.energy.measures import IpmvpOption
from cityhall_bms.domain.energy.savings import Savings
from cityhall_bms.ports.history import Window


@dataclass(frozen=True, slots=True)
class BaselineWish:
    """Which model somebody wants of which meter and period; the cooling range is °C, known_at µs UTC (none: now)."""

    baseline: str
    meter: str
    model: ModelKind
    option: IpmvpOption
    window: Window
    cooling: tuple[float, float]
    note: str
    known_at: int | None = None


@dataclass(frozen=True, slots=True)
class AdjustmentWish:
    """What somebody knows that changed besides; times µs UTC, none for what lasts."""

    adjustment: str
    meter: str
    begin: int
    until: int | None
    kwh_per_day: float
    days: DayClass
    reason: str
    evidence: str


@dataclass(frozen=True, slots=True)
class BaselinePage:
    """Baselines, the newest first; ``next_place`` is where the next page begins."""

    baselines: Sequence[BaselineRecord]
    next_place: int | None


@dataclass(frozen=True, slots=True)
class AdjustmentPage:
    """Adjustments, the newest first."""

    adjustments: Sequence[AdjustmentRecord]
    next_place: int | None


@dataclass(frozen=True, slots=True)
class SavingsQuestion:
    """Savings of a meter by the baseline in force, or by the one that is named, in a reporting period.

    With less than the least coverage it is refused unless ``provisional``; ``known_at`` is µs UTC.
    """

    meter: str
    window: Window
    baseline: str = ""
    provisional: bool = False
    known_at: int | None = None


@dataclass(frozen=True, slots=True)
class SavingsAnswer:
    """What was saved, by which baseline, with which adjustments, and whether it is surer than asked."""

    baseline: BaselineRecord
    adjustments: Sequence[AdjustmentRecord]
    savings: Savings
    limits: Limits
    known_at: int
    provisional: bool
    """The coverage is under the least that a final figure needs."""


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """A recorded baseline beside a library's fit of the same data, on the intervals of which both tell something."""

    software: str
    """Name and version of the other library."""
    ours: FitStatistics
    theirs: FitStatistics
    difference_percent: float
    """Of the sums that both tell, theirs less ours."""
    apart_percent: float
    """Root mean square of the difference by interval, of the mean."""


class BaselineView(Protocol):
    """All of them as they stand. Raises ``EventLogUnavailableError`` when it cannot be reached."""

    async def page(self, meter: str | None, limit: int, before: int | None) -> BaselinePage:
        """One page of baselines; ``before`` is the place that the page before gave."""
        ...

    async def get(self, baseline: str) -> BaselineRecord | None:
        """One baseline, or none."""
        ...

    async def in_force(self, meter: str) -> BaselineRecord | None:
        """The baseline of a meter that was adopted last."""
        ...

    async def adjustments(self, meter: str | None, limit: int, before: int | None) -> AdjustmentPage:
        """One page of adjustments, withdrawn ones among them."""
        ...

    async def touching(self, meter: str, window: Window) -> Sequence[AdjustmentRecord]:
        """Adjustments of a meter that touch a window, also withdrawn ones, in the order of their begin."""
        ...


class BaselineDesk(Protocol):
    """What people do. ``RefusedError`` for what makes no sense, ``NotFoundError`` for what nobody knows.

    ``HistoryUnavailableError`` and ``EventLogUnavailableError`` as their logs.
    """

    async def fit(self, wish: BaselineWish, *, by: str) -> BaselineRecord:
        """Fit one and write it down, accepted or not."""
        ...

    async def adopt(self, baseline: str, *, by: str, comment: str) -> BaselineRecord:
        """Take one into use for its meter."""
        ...

    async def adjust(self, wish: AdjustmentWish, *, by: str) -> AdjustmentRecord:
        """Write down what changed besides."""
        ...

    async def withdraw(self, adjustment: str, *, by: str, reason: str) -> AdjustmentRecord:
        """Take an adjustment back."""
        ...

    async def second_opinion(self, baseline: str) -> SecondOpinion:
        """Fit the same data with another library; ``MissingLibraryError`` where it is not installed."""
        ...

    async def savings(self, question: SavingsQuestion) -> SavingsAnswer:
        """What was saved."""
        ...

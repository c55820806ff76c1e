"""Energy conservation measures: what is asked about them, and what people do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.measures import Definition, Measure, Measurement, MeasureStatus


@dataclass(frozen=True, slots=True)
class MeasureFilter:
    """Which measures: of a status, of a commodity."""

    status: MeasureStatus | None = None
    commodity: Commodity | None = None


@dataclass(frozen=True, slots=True)
class MeasurePage:
    """Measures, the newest first; ``next_place`` is where the next page begins."""

    measures: Sequence[Measure]
    next_place: int | None


class MeasureView(Protocol):
    """All measures as they stand. Raises ``EventLogUnavailableError`` when it cannot be reached."""

    async def page(self, which: MeasureFilter, limit: int, before: int | None) -> MeasurePage:
        """One page; ``before`` is the place that the page before gave."""
        ...


class MeasureDesk(Protocol):
    """What people do about measures; each word is an event. What it answers is the log, not a view that lags.

    ``RefusedError`` for what makes no sense, ``NotFoundError`` for meters, equipment and measures that nobody knows.
    """

    async def get(self, measure: str) -> Measure:
        """Give one."""
        ...

    async def propose(self, measure: str, definition: Definition, *, by: str) -> Measure:
        """Register one under a name; ``RefusedError`` where the name is taken."""
        ...

    async def revise(self, measure: str, definition: Definition, *, by: str) -> Measure:
        """Say anew what it is, until it is verified."""
        ...

    async def move(self, measure: str, status: MeasureStatus, *, by: str, start: str, comment: str) -> Measure:
        """Bring it to another status; ``start`` is the first day (ISO) on which it is in place."""
        ...

    async def measured(self, measure: str, measurement: Measurement, *, by: str) -> Measure:
        """Record what was measured; the newest counts."""
        ...

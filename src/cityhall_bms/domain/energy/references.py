"""Declared reference figures: amounts of years that nobody sampled, each with the document that it stands in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.comparison import COVERAGE_MIN, Figure, Subject
from cityhall_bms.domain.energy.periods import Period

Key = tuple[Commodity, str, str]


@dataclass(frozen=True, slots=True)
class DeclaredFigure:
    """An amount of a period in the commodity's unit: of the whole site, of a tenant, or of one meter."""

    commodity: Commodity
    period: Period
    amount: float
    source: str
    tenant: str = ""
    meter: str = ""


@dataclass(frozen=True)
class References:
    """What a site declares, and how complete data must be to be compared."""

    declared: tuple[DeclaredFigure, ...] = ()
    coverage_min: float = field(default=COVERAGE_MIN)
    """Share of a period for which good data are asked, 0..1."""

    def figure(self, subject: Subject, period: Period) -> Figure | None:
        """Declared amount of a period: its own, or the sum of shorter ones that make it up without a hole; else none.

        The longest that fits goes first, so that a half-year which was declared as such is not added up from months.
        """
        parts = self._tiles((subject.commodity, subject.tenant, subject.meter), period.first, period.until)
        if parts is None:
            return None
        sources = dict.fromkeys(part.source for part in parts)
        return Figure(period, sum(part.amount for part in parts), 1.0, declared="; ".join(sources))

    def _tiles(self, key: Key, first: date, until: date) -> tuple[DeclaredFigure, ...] | None:
        if first == until:
            return ()
        for part in self._beginning.get((key, first), ()):
            if part.period.until <= until:
                rest = self._tiles(key, part.period.until, until)
                if rest is not None:
                    return (part, *rest)
        return None

    @cached_property
    def _beginning(self) -> Mapping[tuple[Key, date], tuple[DeclaredFigure, ...]]:
        """By what they are of and the day on which they begin, the longest first."""
        found: dict[tuple[Key, date], tuple[DeclaredFigure, ...]] = {}
        for part in sorted(self.declared, key=lambda part: part.period.until, reverse=True):
            key = (part.commodity, part.tenant, part.meter)
            found[key, part.period.first] = (*found.get((key, part.period.first), ()), part)
        return found

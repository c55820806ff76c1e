"""Carbon: what was used in a year times the factor that was published for that year, and no other year's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Final

from cityhall_bms.domain.energy.commodities import Commodity

ALL: Final = ""
"""Category of a factor that holds for every user."""


@dataclass(frozen=True, slots=True)
class CarbonFactor:
    """kgCO2e per unit of a commodity, for what was used in one year (CE); ``published`` is the day it became known."""

    commodity: Commodity
    year: int
    kg_per_unit: float
    source: str
    category: str = ALL
    published: date | None = None
    """None: it was known before this service was."""


@dataclass(frozen=True, slots=True)
class AppliedFactor:
    """The factor that a year is told by; ``provisional`` when it is the last one of an earlier year."""

    factor: CarbonFactor
    provisional: bool


@dataclass(frozen=True)
class CarbonFactors:
    """All factors of a site. ``category`` is the class of users that it belongs to where factors differ by class."""

    factors: tuple[CarbonFactor, ...] = ()
    category: str = field(default=ALL)

    def of(self, commodity: Commodity, year: int, known_on: date) -> AppliedFactor | None:
        """Factor for what was used in a year, by what was published by a day (included); none where there is none.

        A factor counts for its own year alone. A year without one is told by the last before it, marked provisional,
        until its own is published; a factor of the same year that is published again is another version of it, and
        what was told before can be asked for as of that day.
        """
        known = [entry for entry in self._by_year.get(commodity, ()) if _known(entry, known_on) and entry.year <= year]
        if not known:
            return None
        newest = known[-1]
        return AppliedFactor(newest, newest.year != year)

    @cached_property
    def _by_year(self) -> Mapping[Commodity, tuple[CarbonFactor, ...]]:
        """Factors that hold for this site; of one year its own category after that of all, the latest version last."""
        found: dict[Commodity, tuple[CarbonFactor, ...]] = {}
        for entry in sorted(self._own(), key=lambda e: (e.year, e.category != ALL, e.published or date.min)):
            found[entry.commodity] = (*found.get(entry.commodity, ()), entry)
        return found

    def _own(self) -> Iterable[CarbonFactor]:
        return (entry for entry in self.factors if entry.category in {ALL, self.category})


@dataclass(frozen=True, slots=True)
class CarbonOfYear:
    """Emissions of a part of a year (CE); ``kg`` is none where the amount or its factor is not known."""

    year: int
    amount: float | None
    coverage: float
    applied: AppliedFactor | None

    @property
    def kg(self) -> float | None:
        """KgCO2e."""
        if self.amount is None or self.applied is None:
            return None
        return self.amount * self.applied.factor.kg_per_unit


def _known(entry: CarbonFactor, day: date) -> bool:
    return entry.published is None or entry.published <= day

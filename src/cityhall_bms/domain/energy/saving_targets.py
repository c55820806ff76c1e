"""Targets of a year: what may be used at most, or collected at least, and how a year goes toward it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.comparison import Figure
from cityhall_bms.domain.energy.forecast import Forecast

PRIORITY: Final = 4
"""Priority of a target's alarm where none is given: for the engineer's next working day."""


class TargetKind(StrEnum):
    """How a target is told."""

    SAVING_ON_BASE_YEAR = "saving_on_base_year"
    """Percent less than the commodity's base year."""
    SAVING_ON_YEAR_BEFORE = "saving_on_year_before"
    """Percent less than the year before."""
    AT_MOST = "at_most"
    """An amount."""
    AT_LEAST = "at_least"
    """An amount that is good to exceed, as rainwater used."""

    @property
    def relative(self) -> bool:
        """Whether it is a percentage of another year's amount."""
        return self in {TargetKind.SAVING_ON_BASE_YEAR, TargetKind.SAVING_ON_YEAR_BEFORE}


class Outlook(StrEnum):
    """What the forecast says of a target."""

    MET = "met"
    """The whole interval keeps it (or the year is over and did)."""
    LIKELY = "likely"
    """The expected amount keeps it, the interval does not."""
    UNLIKELY = "unlikely"
    """The expected amount misses it, the interval does not."""
    MISSED = "missed"
    """The whole interval misses it (or the year is over and did)."""
    UNKNOWN = "unknown"
    """There is no forecast, or none that says how sure it is."""


@dataclass(frozen=True, slots=True)
class EnergyTarget:
    """One target of a year (CE): for the site, a tenant, or one meter. ``amount`` is % where the kind is relative."""

    name: str
    year: int
    commodity: Commodity
    kind: TargetKind
    amount: float
    tenant: str = ""
    meter: str = ""
    priority: int = PRIORITY
    text_zh: str = ""
    text_en: str = ""
    source: str = ""
    """Why it holds: a law, a plan."""

    def limit(self, reference: Figure | None) -> float | None:
        """Amount of the whole year that is asked for; none where the year that it is a part of is not known whole."""
        if not self.kind.relative:
            return self.amount
        if reference is None or reference.value is None:
            return None
        return reference.value * (1.0 - self.amount / 100.0)


@dataclass(frozen=True, slots=True)
class Progress:
    """How a year goes. ``share`` is the part of the year that is over, 0..1, on the linear plan."""

    target: EnergyTarget
    limit: float | None
    used: Figure | None
    share: float
    seasonal_share: float | None
    forecast: Forecast
    reference: Figure | None = None

    @property
    def progress_percent(self) -> float | None:
        """What was used so far, % of the target's amount."""
        return _percent(self.used, self.limit)

    @property
    def linear_pace_percent(self) -> float | None:
        """What was used so far, % of what the linear plan has until now."""
        return _percent(self.used, self.limit, self.share)

    @property
    def seasonal_pace_percent(self) -> float | None:
        """What was used so far, % of what the target has until now if the year has the shape of those before."""
        return None if self.seasonal_share is None else _percent(self.used, self.limit, self.seasonal_share)

    @property
    def outlook(self) -> Outlook:
        """What the forecast says."""
        seen = self.forecast
        if self.limit is None or seen.expected is None or seen.low is None or seen.high is None:
            return Outlook.UNKNOWN
        at_least = self.target.kind is TargetKind.AT_LEAST
        worst, best = (seen.low, seen.high) if at_least else (seen.high, seen.low)
        if self._keeps(worst, self.limit):
            return Outlook.MET
        if not self._keeps(best, self.limit):
            return Outlook.MISSED
        return Outlook.LIKELY if self._keeps(seen.expected, self.limit) else Outlook.UNLIKELY

    def _keeps(self, amount: float, limit: float) -> bool:
        return amount >= limit if self.target.kind is TargetKind.AT_LEAST else amount <= limit


def _percent(used: Figure | None, limit: float | None, share: float = 1.0) -> float | None:
    if used is None or used.value is None or not limit or not share:
        return None
    return used.value / (limit * share) * 100.0

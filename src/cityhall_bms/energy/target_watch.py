"""How the targets of a year are going."""

from dataclasses import replace
from datetime import date

import numpy as np

from cityhall_bms.domain.energy.comparison import Figure, Subject
from cityhall_bms.domain.energy.forecast import YEARS_MAX, foresee, seasonal_share
from cityhall_bms.domain.energy.periods import MONTHS, Period, months_between, share_of_year, year_period
from cityhall_bms.domain.energy.saving_targets import EnergyTarget, Progress, TargetKind
from cityhall_bms.energy.comparing import AS_MEASURED, MONTH, Against, Comparer, How


class TargetWatch:
    """Progress, pace and forecast of targets; what is not covered is unknown unless asked for as provisional."""

    def __init__(self, comparer: Comparer) -> None:
        self._comparer = comparer

    async def progress(self, target: EnergyTarget, how: How = AS_MEASURED, on: date | None = None) -> Progress:
        """How one target is going today, or how it went at the begin of a day. Raises what the meter reader raises."""
        comparer = self._comparer
        subject = comparer.subject(target.commodity, target.tenant, target.meter)
        year, today = year_period(target.year), comparer.today(how.known_at)
        today = today if on is None else min(on, today)
        elapsed = year.elapsed(today)
        over = 0 if elapsed is None else months_between(year.first, elapsed.until.replace(day=1))
        reference = await self._reference(subject, target, how)
        first = year_period(target.year - YEARS_MAX).first
        months = await comparer.covered(subject, Period(first, year.until), MONTH, how)
        past, own = months[:-MONTHS].reshape(-1, MONTHS), months[-MONTHS:]
        # A month that goes on is not half of one: only those that are over say something of the others.
        own = np.where(np.arange(MONTHS) < over, own, np.nan)
        share = share_of_year(min(today, year.until), target.year)
        return Progress(
            target=target,
            limit=target.limit(reference),
            used=None if elapsed is None else await self._figure(subject, elapsed, how),
            share=share,
            seasonal_share=seasonal_share(past, share * MONTHS),
            forecast=foresee(own, past),
            reference=reference,
        )

    async def _reference(self, subject: Subject, target: EnergyTarget, how: How) -> Figure | None:
        if not target.kind.relative:
            return None
        base = target.kind is TargetKind.SAVING_ON_BASE_YEAR
        against = Against.BASE_YEAR if base else Against.YEAR_BEFORE
        year = self._comparer.reference_year(target.commodity, target.year, against)
        return None if year is None else await self._figure(subject, year_period(year), how)

    async def _figure(self, subject: Subject, period: Period, how: How) -> Figure:
        """Figure of a period; its value is unknown where it is not covered and nothing provisional was asked for."""
        found = await self._comparer.figure(subject, period, how)
        thin = found.coverage < self._comparer.coverage_min and not how.provisional
        return replace(found, value=None) if thin else found

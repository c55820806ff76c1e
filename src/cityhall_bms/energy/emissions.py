"""Carbon of what was used, by the factor of each year in it."""

from collections.abc import Iterator

from cityhall_bms.domain.energy.carbon import CarbonFactors, CarbonOfYear
from cityhall_bms.domain.energy.comparison import Subject
from cityhall_bms.domain.energy.periods import Period, year_period
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.energy.comparing import AS_MEASURED, Comparer, How


class Emissions:
    """Emissions of periods as far as their days are over."""

    def __init__(self, comparer: Comparer, factors: CarbonFactors) -> None:
        self._comparer = comparer
        self._factors = factors

    async def of(self, subject: Subject, period: Period, how: How = AS_MEASURED) -> list[CarbonOfYear]:
        """Emissions by year of the activity, oldest first.

        ``RefusedError`` where a year's part is not covered and nothing provisional was asked for; a year of which
        nothing is known has no amount. With ``known_at`` by the factors that were published by that day.
        """
        elapsed = self._comparer.elapsed(period, how.known_at)
        day = self._comparer.today(how.known_at)
        found = []
        for part in _years(elapsed):
            figure = await self._comparer.figure(subject, part, how)
            if figure.value is not None and figure.coverage < self._comparer.coverage_min and not how.provisional:
                covered = f"{figure.coverage * 100:.1f}"
                msg = (
                    f"{part.name} 資料完整率 {covered} %；可要求暫列數字 / "
                    f"{part.name} is covered to {covered} % only; ask for provisional figures"
                )
                raise RefusedError(msg)
            applied = self._factors.of(subject.commodity, part.first.year, day)
            found.append(CarbonOfYear(part.first.year, figure.value, figure.coverage, applied))
        return found


def _years(period: Period) -> Iterator[Period]:
    first = period.first
    while first < period.until:
        until = min(year_period(first.year).until, period.until)
        yield Period(first, until)
        first = until

"""What a measure's meters had before and after it, day beside day."""

from datetime import date

from cityhall_bms.domain.energy.before_after import BeforeAfter, Beside, match, periods
from cityhall_bms.domain.energy.comparison import Subject
from cityhall_bms.domain.energy.measures import Measure
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.energy.comparing import AS_MEASURED, DAY, Comparer, How


class MatchedDays:
    """Compares the weeks after a measure with weeks before it."""

    def __init__(self, comparer: Comparer) -> None:
        self._comparer = comparer

    async def of(self, measure: Measure, weeks: int, beside: Beside, how: How = AS_MEASURED) -> BeforeAfter:
        """Compare so many weeks; ``RefusedError`` where it is not in place that long, has no meter, or days lack."""
        if not measure.start:
            msg = f"措施 {measure.measure} 尚未啟用 / measure {measure.measure} is not in place yet"
            raise RefusedError(msg)
        if not measure.definition.meters:
            msg = f"措施 {measure.measure} 無計量表 / measure {measure.measure} has no meter"
            raise RefusedError(msg)
        before, after = periods(date.fromisoformat(measure.start), weeks, beside)
        if after.until > self._comparer.today(how.known_at):
            msg = f"{after.until} 起才可比較 / {weeks} weeks are over on {after.until}; ask for fewer, or then"
            raise RefusedError(msg)
        subject = Subject(measure.definition.commodity, dict.fromkeys(measure.definition.meters, 1.0))
        had = await self._comparer.covered(subject, before, DAY, how)
        has = await self._comparer.covered(subject, after, DAY, how)
        minimum = self._comparer.coverage_min
        return match((before, had), (after, has), coverage_min=minimum, provisional=how.provisional)

"""Baselines fitted to what meters and the weather station measured, and the savings that they tell of."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.energy.baseline_book import (
    ADJUSTMENT_STREAMS,
    BASELINE_STREAMS,
    OPTIONS,
    AdjustmentRecord,
    BaselineFitted,
    BaselineRecord,
    NonRoutineAdjusted,
    adjust,
    adopt,
    fold_adjustment,
    fold_baseline,
    withdraw,
)
from cityhall_bms.domain.energy.baselines import Fit, Observed, fit_baseline, measured, recorded
from cityhall_bms.domain.energy.conditions import Conditions, months_of
from cityhall_bms.domain.energy.fit_statistics import Grain, fit_statistics
from cityhall_bms.domain.energy.measures import IpmvpOption
from cityhall_bms.domain.energy.savings import extra_use, savings
from cityhall_bms.domain.errors import ConcurrencyError, NotFoundError, RefusedError
from cityhall_bms.domain.events import Event, StoredEvent
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.baselines import (
    AdjustmentWish,
    BaselineView,
    BaselineWish,
    SavingsAnswer,
    SavingsQuestion,
    SecondOpinion,
)
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.energy import MeterReader
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.queries import HistoryQueries
from cityhall_bms.ports.reference_models import ReferenceModels

DAY_US: Final = 86_400_000_000
DAYS_MAX: Final = {Grain.DAY: 1_100, Grain.HOUR: 400}
"""Longest period of a model, days: three years, and a year with a month for hours."""
READ_MAX: Final = 1_000
STATION: Final = "Weather_Station"
OUTDOOR: Final = "OAT"


@dataclass(frozen=True, slots=True)
class Sources:
    """Where what was measured comes from."""

    reader: MeterReader
    queries: HistoryQueries
    ids: Mapping[str, int]
    """Numbers of points by name."""
    models: ReferenceModels


class Baselining:
    """See :class:`~cityhall_bms.ports.baselines.BaselineDesk`."""

    def __init__(self, site: Site, sources: Sources, view: BaselineView, events: EventLog, clock: Clock) -> None:
        self._site = site
        self._zone = ZoneInfo(site.time_zone)
        self._limits = site.performance.limits
        self._sources = sources
        self._view = view
        self._events = events
        self._clock = clock

    async def fit(self, wish: BaselineWish, *, by: str) -> BaselineRecord:
        """Fit a model and write it down, accepted or not; ``RefusedError`` where nothing can be fitted."""
        if wish.option not in OPTIONS:
            msg = f"選項 {wish.option} 不以基準線計量 / option {wish.option} is not measured by a baseline; B and C are"
            raise RefusedError(msg)
        now = self._clock.now()
        self._check_period(wish.window, wish.model.grain, now)
        point = self._temperature_point()
        observed = await self._observed(wish.meter, point, wish.window, wish.model.grain, wish.option, wish.known_at)
        try:
            # A year of hours takes a tenth of a second of a core, which the feed must not wait for.
            fit = await asyncio.to_thread(fit_baseline, wish.model, observed, self._limits, wish.cooling)
        except ValueError as error:
            msg = f"資料不足以擬合基準線 / nothing can be fitted: {error}"
            raise RefusedError(msg) from error
        event = self._fitted(wish, fit, point, by, now)
        record = fold_baseline(None, await self._first(BASELINE_STREAMS + wish.baseline, event, by))
        assert record is not None  # noqa: S101 - it was just fitted
        return record

    async def adopt(self, baseline: str, *, by: str, comment: str) -> BaselineRecord:
        """Take one into use; ``RefusedError`` when it was not accepted."""
        found: BaselineRecord | None = None
        for entry in await self._events.read(limit=READ_MAX, stream=BASELINE_STREAMS + baseline):
            found = fold_baseline(found, entry)
        if found is None:
            raise _unknown_baseline(baseline)
        event = adopt(found, by=by, at=self._clock.now(), comment=comment)
        appended = Append(BASELINE_STREAMS + baseline, [event], by, found.version)
        [entry] = await self._events.append([appended])
        adopted = fold_baseline(found, entry)
        assert adopted is not None  # noqa: S101 - it was there before
        return adopted

    async def adjust(self, wish: AdjustmentWish, *, by: str) -> AdjustmentRecord:
        """Write down what changed besides."""
        self._site.metering.meter(wish.meter)
        event = NonRoutineAdjusted(
            adjustment=wish.adjustment,
            meter=wish.meter,
            begin=wish.begin,
            until=wish.until,
            kwh_per_day=wish.kwh_per_day,
            days=wish.days.value,
            reason=wish.reason,
            evidence=wish.evidence,
            by=by,
            at=self._clock.now(),
        )
        entry = await self._first(ADJUSTMENT_STREAMS + wish.adjustment, adjust(event), by)
        record = fold_adjustment(None, entry)
        assert record is not None  # noqa: S101 - it was just made
        return record

    async def withdraw(self, adjustment: str, *, by: str, reason: str) -> AdjustmentRecord:
        """Take an adjustment back."""
        found: AdjustmentRecord | None = None
        for entry in await self._events.read(limit=READ_MAX, stream=ADJUSTMENT_STREAMS + adjustment):
            found = fold_adjustment(found, entry)
        if found is None:
            msg = f"沒有調整 {adjustment} / no adjustment has this name; GET /api/v1/energy/adjustments lists them"
            raise NotFoundError(msg)
        event = withdraw(found, by=by, at=self._clock.now(), reason=reason)
        [entry] = await self._events.append([Append(ADJUSTMENT_STREAMS + adjustment, [event], by, found.version)])
        gone = fold_adjustment(found, entry)
        assert gone is not None  # noqa: S101 - it was there before
        return gone

    async def savings(self, question: SavingsQuestion) -> SavingsAnswer:
        """What was saved; ``RefusedError`` within the baseline's own period, or with too little coverage."""
        record = await self._baseline_of(question)
        fitted, grain = record.fitted, record.kind.grain
        now = self._clock.now()
        self._check_period(question.window, grain, now)
        if question.window.start < fitted.until:
            msg = "報告期不得與基準期重疊 / the reporting period begins before the baseline's ends"
            raise RefusedError(msg)
        observed = await self._observed(
            fitted.meter,
            fitted.temperature_point,
            question.window,
            grain,
            IpmvpOption(fitted.option),
            question.known_at,
        )
        known_at = now if question.known_at is None else question.known_at
        touching = await self._view.touching(fitted.meter, question.window)
        adjustments = [adjustment for adjustment in touching if adjustment.counted_at(known_at)]
        extras = [adjustment.extra for adjustment in adjustments]
        extra = extra_use(extras, observed.at, question.window.end, observed.conditions)
        found = savings(record.yardstick, observed, extra)
        short = found.coverage * 100.0 < self._limits.interval_coverage
        if short and not question.provisional:
            share = f"{found.coverage * 100:.1f} % < {self._limits.interval_coverage:g} %"
            msg = f"報告期資料涵蓋不足，可要求暫定值 / too little is covered, {share}; ask for provisional=true"
            raise RefusedError(msg)
        return SavingsAnswer(record, adjustments, found, self._limits, known_at, provisional=short)

    async def second_opinion(self, baseline: str) -> SecondOpinion:
        """Fit the same data, as known when ours was fitted, with another library."""
        record = await self._view.get(baseline)
        if record is None:
            raise _unknown_baseline(baseline)
        fitted, option = record.fitted, IpmvpOption(record.fitted.option)
        window = Window(fitted.first, fitted.until)
        point, grain = fitted.temperature_point, record.kind.grain
        observed = await self._observed(fitted.meter, point, window, grain, option, fitted.known_at)
        theirs = await self._sources.models.fit(record.kind, observed, self._site.time_zone)
        told = record.yardstick.model.predict(observed.conditions)
        both = observed.known & np.isfinite(told) & np.isfinite(theirs.told)
        used, ours, other = observed.used[both], told[both], theirs.told[both]
        return SecondOpinion(
            software=theirs.software,
            ours=fit_statistics(used, ours, record.yardstick.model.parameters),
            theirs=fit_statistics(used, other, theirs.parameters),
            difference_percent=100.0 * float(other.sum() / ours.sum() - 1.0),
            apart_percent=100.0 * float(np.sqrt(np.square(other - ours).mean()) / used.mean()),
        )

    async def _baseline_of(self, question: SavingsQuestion) -> BaselineRecord:
        if question.baseline:
            named = await self._view.get(question.baseline)
            if named is None:
                raise _unknown_baseline(question.baseline)
            if question.meter and question.meter != named.fitted.meter:
                msg = f"基準線 {question.baseline} 屬於 {named.fitted.meter} / this baseline is of {named.fitted.meter}"
                raise RefusedError(msg)
            return named
        self._site.metering.meter(question.meter)
        found = await self._view.in_force(question.meter)
        if found is None:
            msg = f"{question.meter} 尚無採用之基準線 / no baseline of {question.meter} was adopted"
            raise NotFoundError(msg)
        return found

    async def _observed(
        self, meter: str, point: str, window: Window, grain: Grain, option: IpmvpOption, known_at: int | None
    ) -> Observed:
        """What was measured; intervals that are not covered well are NaN."""
        self._site.metering.meter(meter)
        if point not in self._sources.ids:
            msg = f"沒有溫度點 {point} / no point is named {point}"
            raise NotFoundError(msg)
        amounts = await self._sources.reader.amounts([meter], window, grain.value, known_at=known_at)
        weather = await self._sources.queries.intervals_of(
            [self._sources.ids[point]], window, grain.value, Aggregation.MEAN, self._site.time_zone, known_at
        )
        temperature = _lined_up(amounts.at, weather.at, weather.value[0])
        covered = (
            _lined_up(amounts.at, weather.at, weather.coverage[0]) * 100.0 >= self._limits.interval_coverage - 1e-9
        )
        calendar = self._site.schedules.calendar()
        outdoor = np.asarray(np.where(covered, temperature, np.nan), np.float64)
        whole = option is IpmvpOption.C
        return Observed(
            at=amounts.at,
            used=measured(amounts.value[0], amounts.coverage[0], self._limits, zero_is_missing=whole),
            conditions=Conditions.of(amounts.at, outdoor, self._zone, calendar),
            month=months_of(amounts.at, self._zone),
        )

    def _temperature_point(self) -> str:
        """Outdoor temperature by the site's word, or of its weather station; ``RefusedError`` where there is none."""
        if self._site.performance.temperature_point:
            return self._site.performance.temperature_point
        for point in self._site.points.values():
            if point.role == OUTDOOR and self._site.equipment[point.equipment].brick_class == STATION:
                return point.name
        msg = "案場沒有氣象站外氣溫度 / the site has no weather station with an outdoor temperature (OAT)"
        raise RefusedError(msg)

    async def _first(self, stream: str, event: Event, by: str) -> StoredEvent:
        try:
            [entry] = await self._events.append([Append(stream, [event], by, 0)])
        except ConcurrencyError as error:
            name = stream.partition("/")[2]
            msg = f"{name} 已存在 / the name {name} is taken"
            raise RefusedError(msg) from error
        return entry

    def _fitted(self, wish: BaselineWish, fit: Fit, point: str, by: str, now: int) -> BaselineFitted:
        return BaselineFitted(
            baseline=wish.baseline,
            meter=wish.meter,
            model=wish.model.value,
            option=wish.option.value,
            first=wish.window.start,
            until=wish.window.end,
            known_at=now if wish.known_at is None else wish.known_at,
            temperature_point=point,
            coefficients=fit.model.coefficients(),
            statistics=recorded(fit.statistics),
            months=recorded(fit.months),
            refused=[reason.value for reason in fit.refused],
            limits=asdict(self._limits),
            intervals=fit.intervals,
            missing=fit.missing,
            outliers=list(fit.outliers),
            coldest=fit.coldest,
            warmest=fit.warmest,
            note=wish.note,
            by=by,
            at=now,
            cooling_low=wish.cooling[0],
            cooling_high=wish.cooling[1],
        )

    @staticmethod
    def _check_period(window: Window, grain: Grain, now: int) -> None:
        if window.end > now:
            msg = "期間尚未結束 / the period is not over yet"
            raise RefusedError(msg)
        if window.end - window.start > DAYS_MAX[grain] * DAY_US:
            most = DAYS_MAX[grain]
            msg = f"期間最長 {most} 天 / a period of this model has {most} days at most"
            raise RefusedError(msg)


def _lined_up(at: NDArray[np.int64], other: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values at the times of another column; NaN where there is none."""
    found = np.full(len(at), np.nan)
    _, mine, theirs = np.intersect1d(at, other, assume_unique=True, return_indices=True)
    found[mine] = values[theirs]
    return found


def _unknown_baseline(name: str) -> NotFoundError:
    msg = f"沒有基準線 {name} / no baseline is named {name}; GET /api/v1/energy/baselines lists them"
    return NotFoundError(msg)

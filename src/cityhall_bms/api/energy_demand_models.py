"""What answers about demand look like."""

from enum import StrEnum

import numpy as np
from pydantic import Field

from cityhall_bms.api.models import Model, Time
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.energy.demand import WINDOW_US, DemandNow
from cityhall_bms.domain.energy.demand_meters import SUPPLY, DemandMeters, DemandSource
from cityhall_bms.domain.energy.demand_peaks import Peak
from cityhall_bms.domain.energy.shedding import SheddingPlan
from cityhall_bms.domain.energy.tariffs import TariffPeriod
from cityhall_bms.energy.demand_calendar import MonthPeaks, PeakCalendar
from cityhall_bms.energy.demand_watch import DemandSight


class DemandState(StrEnum):
    """Where the forecast stands against what the contract allows."""

    UNKNOWN = "unknown"
    """Too little is known, or there is no contract."""
    NORMAL = "normal"
    HIGH = "high"
    """Above what loads are restored below."""
    NEAR = "near"
    """Loads are shed from here on."""
    OVER = "over"

    @classmethod
    def of(cls, share: float, plan: SheddingPlan) -> "DemandState":
        """State of a forecast as a share of the limit."""
        if np.isnan(share):
            return cls.UNKNOWN
        if share > 1.0:
            return cls.OVER
        if share >= plan.shed_at:
            return cls.NEAR
        return cls.HIGH if share >= plan.restore_below else cls.NORMAL


class DemandRow(Model):
    """One meter in the running quarter hour; null is unknown."""

    meter: str = Field(description="Name of the meter; `supply` is what the utility bills.", examples=[SUPPLY])
    text_zh: str
    text_en: str
    source: DemandSource = Field(description="Counter: what it counted; power: the mean of its power.")
    so_far_kwh: float | None
    power_kw: float | None = Field(description="Mean of the last three minutes.")
    forecast_kw: float | None = Field(description="Demand of the window if the rest goes on as the last three minutes.")
    coverage: float = Field(description="Share of the window so far that is known, 0..1.")
    last_kw: float | None = Field(description="Demand of the window before.")
    last_coverage: float


class DemandNowAnswer(Model):
    """The running quarter hour of every meter, and what the contract allows."""

    at: Time
    window_from: Time
    window_to: Time
    elapsed_s: float
    state: DemandState
    period: TariffPeriod | None = Field(description="Period of the tariff; null without a contract.")
    limit_kw: float | None = Field(description="What the contract allows in this period.")
    headroom_kw: float | None = Field(description="What is left of it by the forecast of `supply`; may be below zero.")
    shed_from_kw: float | None = Field(description="Forecast from which loads are shed.")
    tariff: str | None = Field(examples=["tpc_hv_three_stage@2025-10-01"])
    meters: list[DemandRow]

    @classmethod
    def of(cls, meters: DemandMeters, sight: DemandSight, plan: SheddingPlan, chosen: list[int]) -> "DemandNowAnswer":
        """Some rows of a tick; the first row is what is billed."""
        now, limit = sight.now, sight.limit
        limit_kw = None if limit is None else limit.limit_kw
        forecast = _number(now.forecast_kw[0])
        return cls(
            at=to_rfc3339(now.at) or "",
            window_from=to_rfc3339(now.begin) or "",
            window_to=to_rfc3339(now.begin + WINDOW_US) or "",
            elapsed_s=now.elapsed_s,
            state=DemandState.of(sight.share(0), plan),
            period=None if limit is None else limit.period,
            limit_kw=limit_kw,
            headroom_kw=None if limit_kw is None or forecast is None else round(limit_kw - forecast, 3),
            shed_from_kw=None if limit_kw is None else limit_kw * plan.shed_at,
            tariff=None if limit is None else limit.tariff,
            meters=[_row(meters, now, row) for row in chosen],
        )


class PeakAnswer(Model):
    """A greatest quarter hour; null where too little is known, unless it is asked for as provisional."""

    kw: float | None
    at: Time | None = Field(description="Begin of the quarter hour.")
    coverage: float = Field(description="Share of its quarters that are known, 0..1.")
    provisional: bool = Field(description="Less than 95 % of the quarters are known.")

    @classmethod
    def of(cls, peak: Peak, *, provisional: bool) -> "PeakAnswer":
        """Give the answer's form."""
        told = bool(peak.at) and (provisional or not peak.provisional)
        kw, at = (round(peak.kw, 3), to_rfc3339(peak.at)) if told else (None, None)
        return cls(kw=kw, at=at, coverage=peak.coverage, provisional=peak.provisional)


class PeriodPeakAnswer(Model):
    """Greatest quarter hour of a month in a period of the tariff, and what the contract allows in it."""

    period: TariffPeriod
    text_zh: str
    text_en: str
    peak: PeakAnswer
    limit_kw: float | None
    over_kw: float | None = Field(description="What the peak is above the limit; 0 when it is not.")


class MonthPeaksAnswer(Model):
    """Greatest quarter hours of a month."""

    month_from: Time
    month_to: Time
    peak: PeakAnswer
    periods: list[PeriodPeakAnswer]

    @classmethod
    def of(cls, month: MonthPeaks, *, provisional: bool) -> "MonthPeaksAnswer":
        """Give the answer's form."""
        periods = []
        for part in month.periods:
            peak = PeakAnswer.of(part.peak, provisional=provisional)
            told = peak.kw is not None and part.limit_kw is not None
            over = max(round(peak.kw - part.limit_kw, 3), 0.0) if told else None  # type: ignore[operator]
            texts = part.period.text_zh, part.period.text_en
            periods.append(
                PeriodPeakAnswer(
                    period=part.period, text_zh=texts[0], text_en=texts[1], peak=peak, limit_kw=part.limit_kw,
                    over_kw=over,
                )
            )  # fmt: skip
        return cls(
            month_from=to_rfc3339(month.begin) or "",
            month_to=to_rfc3339(month.end) or "",
            peak=PeakAnswer.of(month.peak, provisional=provisional),
            periods=periods,
        )


class DayPeak(Model):
    """One of the highest days."""

    day: str = Field(examples=["2026-07-01"])
    roc_day: str = Field(examples=["115-07-01"])
    peak: PeakAnswer


class PeakCalendarAnswer(Model):
    """The peak calendar of a meter."""

    meter: str
    source: DemandSource
    time_zone: str
    months: list[MonthPeaksAnswer]
    days: list[DayPeak]

    @classmethod
    def of(cls, found: PeakCalendar, time_zone: str, *, provisional: bool) -> "PeakCalendarAnswer":
        """Give the answer's form."""
        return cls(
            meter=found.meter,
            source=found.source,
            time_zone=time_zone,
            months=[MonthPeaksAnswer.of(month, provisional=provisional) for month in found.months],
            days=[
                DayPeak(
                    day=day.isoformat(),
                    roc_day=f"{day.year - 1911}-{day:%m-%d}",
                    peak=PeakAnswer.of(peak, provisional=True),
                )
                for day, peak in found.days
            ],
        )


def _row(meters: DemandMeters, now: DemandNow, row: int) -> DemandRow:
    return DemandRow(
        meter=meters.names[row],
        text_zh=meters.texts[row].zh,
        text_en=meters.texts[row].en,
        source=meters.sources[row],
        so_far_kwh=_number(now.so_far_kwh[row]),
        power_kw=_number(now.power_kw[row]),
        forecast_kw=_number(now.forecast_kw[row]),
        coverage=round(float(now.coverage[row]), 4),
        last_kw=_number(now.last_kw[row]),
        last_coverage=round(float(now.last_coverage[row]), 4),
    )


def _number(value: np.float64) -> float | None:
    return None if np.isnan(value) else round(float(value), 3)

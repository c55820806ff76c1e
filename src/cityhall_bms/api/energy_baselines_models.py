"""Forms of what is told about baselines, savings and adjustments."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cityhall_bms.api.energy_query import Period, percentage, shown
from cityhall_bms.api.models import Model, Text, Time
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.energy import baseline_book
from cityhall_bms.domain.energy.baselines import ModelKind, Refusal
from cityhall_bms.domain.energy.fit_statistics import FitStatistics, Grain
from cityhall_bms.domain.energy.measures import IpmvpOption
from cityhall_bms.domain.energy.periods import Period as KnownPeriod
from cityhall_bms.ports import baselines as ports
from cityhall_bms.ports.baselines import SavingsAnswer


class Statistics(Model):
    """How well a model fits (ASHRAE Guideline 14)."""

    n: int = Field(description="Intervals.", examples=[365])
    parameters: int = Field(description="Fitted numbers, balance points among them.", examples=[4])
    mean: float = Field(description="Of what was measured, per interval.", examples=[58852.6])
    r2: float
    r2_adjusted: float
    cvrmse: float = Field(description="%", examples=[1.83])
    nmbe: float = Field(description="%", examples=[0.0])
    autocorrelation: float = Field(description="Of neighbouring errors.")
    independent: float = Field(description="How many independent intervals they are worth.")

    @classmethod
    def of(cls, found: FitStatistics) -> "Statistics":
        """Give the answer's form."""
        return cls(
            n=found.n,
            parameters=found.parameters,
            mean=found.mean,
            r2=found.r2,
            r2_adjusted=found.r2_adjusted,
            cvrmse=found.cvrmse,
            nmbe=found.nmbe,
            autocorrelation=found.autocorrelation,
            independent=found.independent,
        )


class RefusedBy(Model):
    """A limit that is not kept."""

    code: Refusal
    text: Text


class Baseline(Model):
    """A model of what a meter would have counted, and what was decided about it."""

    baseline: str = Field(examples=["MAIN-103"])
    meter: str = Field(examples=["TCH.ELEC.MAIN"])
    unit: str = Field(examples=["kWh"])
    model: ModelKind
    interval: Grain = Field(description="Length of the model's intervals.")
    option: IpmvpOption = Field(description="IPMVP option.")
    period: Period
    known_at: Time = Field(description="The record as of this moment was fitted.")
    temperature_point: str
    coefficients: dict[str, Any]
    cooling_range: list[float] = Field(description="Where a balance point of cooling was looked for, °C.")
    statistics: Statistics
    months: Statistics | None = Field(description="Of the sums of months; null for hours.")
    accepted: bool
    refused: list[RefusedBy]
    limits: dict[str, float]
    intervals: int = Field(examples=[365])
    missing: int = Field(description="Intervals without use or weather.", examples=[3])
    outliers: list[Time] = Field(description="Intervals far above the others; they are not left out.")
    coldest: float = Field(description="°C")
    warmest: float = Field(description="°C")
    note: str
    fitted_by: str
    fitted_at: Time
    adopted_by: str | None
    adopted_at: Time | None
    comment: str

    @classmethod
    def of(cls, record: baseline_book.BaselineRecord, unit: str, period: KnownPeriod) -> "Baseline":
        """Give the answer's form."""
        fitted = record.fitted
        return cls(
            baseline=fitted.baseline,
            meter=fitted.meter,
            unit=unit,
            model=record.kind,
            interval=record.kind.grain,
            option=IpmvpOption(fitted.option),
            period=Period.of(period),
            known_at=to_rfc3339(fitted.known_at) or "",
            temperature_point=fitted.temperature_point,
            coefficients=fitted.coefficients,
            cooling_range=[fitted.cooling_low, fitted.cooling_high],
            statistics=Statistics.of(record.yardstick.statistics),
            months=Statistics.of(FitStatistics(**fitted.months)) if fitted.months else None,
            accepted=record.accepted,
            refused=[RefusedBy(code=r, text=Text(zh=r.text[0], en=r.text[1])) for r in record.refusals],
            limits=fitted.limits,
            intervals=fitted.intervals,
            missing=fitted.missing,
            outliers=[to_rfc3339(at) or "" for at in fitted.outliers],
            coldest=fitted.coldest,
            warmest=fitted.warmest,
            note=fitted.note,
            fitted_by=fitted.by,
            fitted_at=to_rfc3339(fitted.at) or "",
            adopted_by=record.adopted_by or None,
            adopted_at=to_rfc3339(record.adopted_at),
            comment=record.comment,
        )


class BaselinePage(Model):
    """Some baselines, the newest first, and where to go on."""

    items: list[Baseline]
    next: str | None


class SecondOpinion(Model):
    """A baseline beside another library's fit of the same data, on the intervals of which both tell something."""

    library: str = Field(examples=["opendsm 1.2.7"])
    ours: Statistics
    theirs: Statistics
    difference_percent: float = Field(description="Of the sums that both tell, theirs less ours.", examples=[0.04])
    apart_percent: float = Field(
        description="Root mean square of the difference by interval, of the mean.", examples=[1.3]
    )

    @classmethod
    def of(cls, found: ports.SecondOpinion) -> "SecondOpinion":
        """Give the answer's form."""
        return cls(
            library=found.software,
            ours=Statistics.of(found.ours),
            theirs=Statistics.of(found.theirs),
            difference_percent=found.difference_percent,
            apart_percent=found.apart_percent,
        )


class Adjustment(Model):
    """Use that is no part of a baseline."""

    adjustment: str = Field(examples=["NRA-104-01"])
    meter: str = Field(examples=["TCH.ELEC.MAIN"])
    begin: Time
    until: Time | None = Field(description="Excluded; null: it lasts.")
    kwh_per_day: float = Field(description="Positive where more is used now.", examples=[410.5])
    days: baseline_book.DayClass
    reason: str = Field(examples=["新增 18 座充電樁"])
    evidence: str = Field(examples=["驗收紀錄 104-03"])
    made_by: str
    made_at: Time
    withdrawn_by: str | None
    withdrawn_at: Time | None
    withdrawn_for: str

    @classmethod
    def of(cls, record: baseline_book.AdjustmentRecord) -> "Adjustment":
        """Give the answer's form."""
        made = record.made
        return cls(
            adjustment=made.adjustment,
            meter=made.meter,
            begin=to_rfc3339(made.begin) or "",
            until=to_rfc3339(made.until),
            kwh_per_day=made.kwh_per_day,
            days=baseline_book.DayClass(made.days),
            reason=made.reason,
            evidence=made.evidence,
            made_by=made.by,
            made_at=to_rfc3339(made.at) or "",
            withdrawn_by=record.withdrawn_by or None,
            withdrawn_at=to_rfc3339(record.withdrawn_at),
            withdrawn_for=record.withdrawn_for,
        )


class AdjustmentPage(Model):
    """Some adjustments, the newest first, and where to go on."""

    items: list[Adjustment]
    next: str | None


class SavingsColumns(Model):
    """Per interval; null where nothing can be said."""

    at: list[Time] = Field(description="Begin of each.")
    baseline: list[float | None]
    adjustment: list[float | None]
    used: list[float | None]
    saved: list[float | None]


class Savings(Model):
    """What was avoided: baseline for the weather that was, plus adjustments, less what was used."""

    baseline: str = Field(examples=["MAIN-103"])
    meter: str = Field(examples=["TCH.ELEC.MAIN"])
    unit: str = Field(examples=["kWh"])
    option: IpmvpOption
    period: Period
    known_at: Time
    modelled: float | None = Field(description="What the baseline tells.", examples=[21400941.7])
    adjusted: float | None = Field(description="What was used besides, by the adjustments.", examples=[0.0])
    used: float | None = Field(description="What was measured.", examples=[21243969.6])
    saved: float | None = Field(description="Negative where more was used.", examples=[156972.1])
    saved_percent: float | None = Field(description="Of baseline and adjustments, not rounded.", examples=[0.7335])
    saved_shown: str | None = percentage("Saved")
    uncertainty: float | None = Field(description="Half width at `confidence`.", examples=[42636.9])
    uncertainty_percent: float | None = Field(description="Of the saving.", examples=[27.16])
    confidence: float = Field(examples=[0.68])
    proven: bool = Field(description="The saving is surer than the limit of its uncertainty asks.")
    accepted: bool = Field(description="The baseline keeps its limits.")
    coverage: float = Field(description="Share of the period that is in the totals, 0..1.", examples=[1.0])
    provisional: bool = Field(description="Less is covered than a final figure needs.")
    intervals: int
    beyond: int = Field(description="Intervals whose weather was outside what the model knows.")
    adjustments: list[str] = Field(description="Adjustments that are counted.", examples=[["NRA-104-01"]])
    columns: SavingsColumns | None = Field(description="Per interval, where asked for.")

    @classmethod
    def of(cls, answer: SavingsAnswer, asked: KnownPeriod, unit: str, confidence: float, *, columns: bool) -> "Savings":
        """Give the answer's form."""
        found, fitted = answer.savings, answer.baseline.fitted
        modelled, adjusted, used, saved = (
            _number(found.total(column)) for column in (found.baseline, found.extra, found.used, found.saved)
        )
        expected = None if modelled is None or adjusted is None else modelled + adjusted
        percent = None if saved is None or not expected else 100.0 * saved / expected
        return cls(
            baseline=fitted.baseline,
            meter=fitted.meter,
            unit=unit,
            option=IpmvpOption(fitted.option),
            period=Period.of(asked),
            known_at=to_rfc3339(answer.known_at) or "",
            modelled=modelled,
            adjusted=adjusted,
            used=used,
            saved=saved,
            saved_percent=percent,
            saved_shown=shown(percent),
            uncertainty=_number(found.uncertainty),
            uncertainty_percent=_number(found.uncertainty_share),
            confidence=confidence,
            proven=found.proven(answer.limits),
            accepted=answer.baseline.accepted,
            coverage=found.coverage,
            provisional=answer.provisional,
            intervals=len(found.at),
            beyond=found.beyond,
            adjustments=[record.made.adjustment for record in answer.adjustments],
            columns=_columns(answer) if columns else None,
        )


def _columns(answer: SavingsAnswer) -> SavingsColumns:
    found = answer.savings
    return SavingsColumns(
        at=[to_rfc3339(int(at)) or "" for at in found.at],
        baseline=_numbers(found.baseline),
        adjustment=_numbers(found.extra),
        used=_numbers(found.used),
        saved=_numbers(found.saved),
    )


def _numbers(column: NDArray[np.float64]) -> list[float | None]:
    return [_number(value) for value in column.tolist()]


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None

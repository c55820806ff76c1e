"""Baselines and non-routine adjustments as they are recorded: what was fitted, who adopted it, what changed besides.

A baseline is never changed: another one is fitted, and adopted. What is in force for a meter is what was adopted last.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from cityhall_bms.domain.energy.baselines import ModelKind, Refusal, model_of, statistics_of
from cityhall_bms.domain.energy.measures import IpmvpOption
from cityhall_bms.domain.energy.savings import Extra, Yardstick
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import EVENT_TYPES, Event, StoredEvent, stored

BASELINE_STREAMS: Final = "baseline/"
ADJUSTMENT_STREAMS: Final = "non-routine/"
"""What the streams of all baselines, and of all adjustments, start with."""
OPTIONS: Final = (IpmvpOption.B, IpmvpOption.C)
"""Options of the IPMVP that a baseline of a meter measures by: a part with meters of its own, or the whole."""


class DayClass(StrEnum):
    """Days on which a non-routine amount is used."""

    EVERY_DAY = "every_day"
    WORKDAYS = "workdays"


@stored
@dataclass(frozen=True, slots=True)
class BaselineFitted(Event):
    """A model was fitted to a period of a meter; times are µs UTC, ``until`` excluded.

    ``known_at`` is the state of the record that it was fitted to, so that the same question gives the same numbers for
    ever. ``limits`` are those it was held to, ``refused`` names those that it does not keep; ``cooling_low``
    and ``cooling_high`` (°C) are where a balance point of cooling was looked for.
    """

    baseline: str
    meter: str
    model: str
    option: str
    first: int
    until: int
    known_at: int
    temperature_point: str
    coefficients: dict[str, Any]
    statistics: dict[str, Any]
    months: dict[str, Any]
    refused: list[str]
    limits: dict[str, float]
    intervals: int
    missing: int
    outliers: list[int]
    coldest: float
    warmest: float
    note: str
    by: str
    at: int
    cooling_low: float = 18.0
    cooling_high: float = 24.0


@stored
@dataclass(frozen=True, slots=True)
class BaselineAdopted(Event):
    """Somebody took a baseline into use for its meter; it replaces whichever was."""

    baseline: str
    meter: str
    comment: str
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class NonRoutineAdjusted(Event):
    """Use that is no part of a baseline was recorded with its evidence: kWh per day, positive where more is used now.

    Times are µs UTC, ``until`` excluded and none for what lasts.
    """

    adjustment: str
    meter: str
    begin: int
    until: int | None
    kwh_per_day: float
    days: str
    reason: str
    evidence: str
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class NonRoutineWithdrawn(Event):
    """An adjustment counts no more, for any period."""

    adjustment: str
    reason: str
    by: str
    at: int


@dataclass(frozen=True, slots=True)
class BaselineRecord:
    """One baseline as it stands."""

    fitted: BaselineFitted
    adopted_by: str = ""
    adopted_at: int | None = None
    comment: str = ""
    version: int = 1
    position: int = 0
    """Of its newest event."""

    @property
    def accepted(self) -> bool:
        """Whether it keeps all limits."""
        return not self.fitted.refused

    @property
    def kind(self) -> ModelKind:
        """Which model."""
        return ModelKind(self.fitted.model)

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Limits that it does not keep."""
        return tuple(Refusal(name) for name in self.fitted.refused)

    @property
    def yardstick(self) -> Yardstick:
        """What savings are measured with."""
        fitted = self.fitted
        return Yardstick(
            self.kind,
            model_of(self.kind, fitted.coefficients),
            statistics_of(fitted.statistics),
            fitted.coldest,
            fitted.warmest,
        )


@dataclass(frozen=True, slots=True)
class AdjustmentRecord:
    """One adjustment as it stands."""

    made: NonRoutineAdjusted
    withdrawn_by: str = ""
    withdrawn_at: int | None = None
    withdrawn_for: str = ""
    version: int = 1
    position: int = 0

    def counted_at(self, known_at: int) -> bool:
        """Whether it was known, and not withdrawn, at a time (µs UTC)."""
        return self.made.at <= known_at and (self.withdrawn_at is None or self.withdrawn_at > known_at)

    @property
    def extra(self) -> Extra:
        """As savings count it."""
        made = self.made
        return Extra(made.begin, made.until, made.kwh_per_day, workdays_only=made.days == DayClass.WORKDAYS)


def fold_baseline(record: BaselineRecord | None, entry: StoredEvent) -> BaselineRecord | None:
    """Baseline after one entry of its stream; what cannot follow, or is of a newer version, changes nothing."""
    match entry.event() if entry.type in EVENT_TYPES else None:
        case BaselineFitted() as fitted if record is None:
            return BaselineRecord(fitted, version=entry.version, position=entry.position)
        case BaselineAdopted() as adopted if record is not None:
            return replace(
                record,
                adopted_by=adopted.by,
                adopted_at=adopted.at,
                comment=adopted.comment,
                version=entry.version,
                position=entry.position,
            )
    return record


def fold_adjustment(record: AdjustmentRecord | None, entry: StoredEvent) -> AdjustmentRecord | None:
    """Adjustment after one entry of its stream."""
    match entry.event() if entry.type in EVENT_TYPES else None:
        case NonRoutineAdjusted() as made if record is None:
            return AdjustmentRecord(made, version=entry.version, position=entry.position)
        case NonRoutineWithdrawn() as withdrawn if record is not None and record.withdrawn_at is None:
            return replace(
                record,
                withdrawn_by=withdrawn.by,
                withdrawn_at=withdrawn.at,
                withdrawn_for=withdrawn.reason,
                version=entry.version,
                position=entry.position,
            )
    return record


def adopt(record: BaselineRecord, *, by: str, at: int, comment: str) -> BaselineAdopted:
    """Decide to use a baseline; refused when it does not keep its limits, with every reason."""
    if not record.accepted:
        zh = "、".join(reason.text[0] for reason in record.refusals)
        en = "; ".join(reason.text[1] for reason in record.refusals)
        msg = f"基準線未達驗收標準：{zh} / this baseline is not accepted: {en}"
        raise RefusedError(msg)
    return BaselineAdopted(record.fitted.baseline, record.fitted.meter, comment, by, at)


def adjust(event: NonRoutineAdjusted) -> NonRoutineAdjusted:
    """Decide an adjustment; refused without reason or evidence, without an amount, or when it ends before it begins."""
    if not (event.reason.strip() and event.evidence.strip()):
        msg = "非例行調整需填事由與佐證 / a non-routine adjustment needs its reason and its evidence"
        raise RefusedError(msg)
    if event.kwh_per_day == 0.0:
        msg = "調整量不得為零 / an adjustment of nothing is none"
        raise RefusedError(msg)
    if event.until is not None and event.until <= event.begin:
        msg = "結束須晚於開始 / an adjustment ends after it begins"
        raise RefusedError(msg)
    return event


def withdraw(record: AdjustmentRecord, *, by: str, at: int, reason: str) -> NonRoutineWithdrawn:
    """Decide to take an adjustment back; refused when that was done, or without a reason."""
    if record.withdrawn_at is not None:
        msg = f"調整已由 {record.withdrawn_by} 撤回 / {record.made.adjustment} was withdrawn by {record.withdrawn_by}"
        raise RefusedError(msg)
    if not reason.strip():
        msg = "撤回需填事由 / a withdrawal needs a reason"
        raise RefusedError(msg)
    return NonRoutineWithdrawn(record.made.adjustment, reason, by, at)

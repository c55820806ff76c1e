"""Shapes of answers about the past: trends, time in state, reports, and the building as it was."""

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from cityhall_bms.api.models import Alarm, Event, Model, PointName, Severity, Text, Time


class TrendMethod(StrEnum):
    """How a long time is made to fit a screen."""

    MINMAX = "minmax"
    LTTB = "lttb"


class AsKnown(Model):
    """An answer that can be asked for as it was at a time."""

    as_known_at: Time | None = Field(None, description="The record as it was then; null: as it is now.")


class Trend(AsKnown):
    """One point over a long time, as columns of equal length."""

    point: PointName
    unit: str = Field(examples=["°C"])
    time_zone: str = Field(examples=["Asia/Taipei"])
    method: TrendMethod
    interval: str | None = Field(
        None, description="Length of a bucket; of a line, of the interval that a value stood in (null: samples).",
        examples=["1d"],
    )  # fmt: skip
    t: list[Time]
    v: list[float | None] = Field(description="Mean of the bucket, or the value; null parts a line.")
    low: list[float | None] | None = Field(None, description="Least value; `minmax` only, as what follows.")
    high: list[float | None] | None = None
    first: list[float | None] | None = None
    last: list[float | None] | None = None
    coverage: list[float] | None = Field(None, description="Share of the bucket that good samples stand for.")


class StateDuration(Model):
    """Time in one state."""

    state: float | None = Field(description="Null: in the states, or between the limits, that were asked for.")
    text: Text | None
    seconds: list[float]


class Durations(AsKnown):
    """For how long a point was in which state, by interval. Only good time counts."""

    point: PointName
    interval: str = Field(examples=["1d"])
    time_zone: str
    t: list[Time]
    states: list[StateDuration]
    coverage: list[float] = Field(description="Share of each interval of which the state is known.")


class HistoryColumn(Model):
    """One point's figures."""

    point: PointName
    unit: str = Field(examples=["kWh"])
    v: list[float | None]
    coverage: list[float]


class History(AsKnown):
    """Figures of many points; the intervals are the same for all."""

    interval: str = Field(examples=["1mo"])
    aggregation: str = Field(examples=["delta"])
    time_zone: str
    t: list[Time]
    points: list[HistoryColumn]


class DemandColumn(Model):
    """One point's greatest quarter hours."""

    point: PointName
    unit: str = Field(examples=["kW"])
    v: list[float | None]
    at: list[Time | None] = Field(description="Begin of the quarter hour.")
    coverage: list[float] = Field(description="Share of that quarter hour that good samples stand for.")


class DemandMaxima(AsKnown):
    """Demand maxima of many points; the intervals are the same for all."""

    interval: str = Field(examples=["1mo"])
    time_zone: str
    t: list[Time]
    points: list[DemandColumn]


class PointsThen(Model):
    """Points as columns of equal length."""

    names: list[PointName]
    v: list[float | None] = Field(description="Null where the quality was bad.")
    q: list[Severity]
    reason: list[str | None]
    t: list[Time | None] = Field(description="When the value was measured.")


class DeviceThen(Model):
    """A device that had been heard of."""

    name: str
    state: Literal["online", "offline"]
    since: Time | None
    reason: str


class State(AsKnown):
    """The building at a moment. A device that is not named had not been tried yet."""

    at: Time
    position: int = Field(description="Event position that alarms and devices reflect.")
    points: PointsThen
    alarms: list[Alarm] = Field(description="Those that were not normal, in the operators' order.")
    devices: list[DeviceThen]


class ExplainedSamples(Model):
    """A point that the rule looked at, with its samples around the raising as they were known then."""

    point: PointName
    text: Text
    role: str
    unit: str
    part: str = Field(description="value, limit, prerequisite, command or watched", examples=["value"])
    t: list[Time]
    v: list[float | None]
    q: list[Severity]
    decided: int | None = Field(description="Place of the sample that stood when it rang; null: none did.")


class ExplainedRule(Model):
    """The rule in the wording that was in force."""

    id: str
    version: int
    fingerprint: str = Field(description="SHA-256 of the canonical definition.")
    since: Time
    position: int = Field(description="Event that put it in force.")
    definition: dict[str, Any] = Field(description="As in a rule file: limits, deadband, delays, prerequisites.")


class Explanation(Model):
    """Why an alarm rang: every link of the chain, each with where it can be found."""

    alarm: str
    occurrence: int
    why: Text
    raised: Event = Field(description="The entry of the event log, with its hash.")
    observed_at: Time
    value: float | None
    limit: float | None
    telemetry_position: int = Field(description="Place in the telemetry log of the batch that made it ring.")
    rule: ExplainedRule | None = Field(description="Null when it rang before rules were written down.")
    calendar: str | None = Field(None, description="Calendar entry that the rule asked; null: it asked none.")
    looked_at: int = Field(description="How many points the rule looked at; `inputs` has a hundred of them at most.")
    inputs: list[ExplainedSamples] = Field(description="Empty when the site no longer has what it was bound to.")

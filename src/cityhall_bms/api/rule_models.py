"""Forms of questions and answers about rules."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cityhall_bms.api import models
from cityhall_bms.api.alarms import Words
from cityhall_bms.api.times import Moment

AnswerName = Literal["false", "true", "unknown", "not_applicable"]


class Draft(BaseModel):
    """A wording to try, as the text of a rule file or as its keys; a version is added where it has none."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"toml": '[[rule]]\nid = "H13"\nequipment_class = "Air_Handling_Unit"\n...'}},
    )

    toml: str | None = Field(None, max_length=20_000)
    definition: dict[str, Any] | None = None


class RuleMistake(models.Model):
    """One mistake of a wording."""

    field: str = Field(examples=["rule H13, condition"])
    message: str = Field(examples=["column 8: nothing is named SATT"])
    remedy: str


class RuleCheck(models.Model):
    """How a wording would be read."""

    mistakes: list[RuleMistake] = Field(description="Every one of them; empty: it could be kept as a draft.")
    version: int | None = Field(description="What it would get; null with mistakes.")
    definition: dict[str, Any] | None = Field(description="In full, with what was left at its default.")


class Promotion(BaseModel):
    """Who has a draft take effect, and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reason": "一年只誤報兩次，漏報為零"}})

    reason: Words = Field(min_length=1)


class BacktestOrder(BaseModel):
    """What history a rule is to be tested on."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={"example": {"from": "2026-01-01T00:00:00+08:00", "to": "2026-07-01T00:00:00+08:00"}},
    )

    start: Moment = Field(alias="from", description="Start, included.")
    end: Moment = Field(alias="to", description="End, excluded.")
    step_s: float = Field(60.0, ge=1, le=3600, strict=True, description="Between two steps of the engine.")


class RuleLine(models.Model):
    """One rule of the list."""

    id: str = Field(examples=["H13"])
    version: int
    enabled: bool = Field(description="False for a draft of a rule that does not run yet, or no more.")
    origin: Literal["file", "promoted", "draft"] = Field(description="Whose wording is in force.")
    priority: int
    equipment_class: list[str]
    text: models.Text
    source: str
    bound: int = Field(description="Subjects that it is applied to.")
    not_applicable: int = Field(description="Units of its class that lack what it needs; they are never counted as OK.")
    active: int = Field(description="Subjects for which it stands now.")
    answers: dict[AnswerName, int] = Field(description="What it says of its subjects, as of the last ten seconds.")
    draft: int | None = Field(description="Version of its draft.")
    shadow: bool = Field(description="Whether the draft runs beside it without ringing.")
    parked: str | None = Field(description="Why it is not evaluated.")


class RulePage(models.Model):
    """Some rules by id, and where to go on."""

    items: list[RuleLine]
    next: str | None


class PointLimit(models.Model):
    """A number beyond which a point alone has a rule say yes."""

    point: str
    rule: str = Field(examples=["W01-90"])
    side: Literal["low", "high"]
    value: float = Field(description="In the point's unit.")
    reached: bool = Field(description="Whether the number itself is beyond already: 'at least' and not 'more than'.")
    mean_s: float = Field(description="Length of the mean that is compared, s; 0: the present value is.")
    priority: int
    conditional: bool = Field(description="Whether the rule has a prerequisite, like that a fan runs.")
    applies: bool = Field(description="Whether the rule judges the point now: its prerequisite is known to hold.")


class PointLimits(models.Model):
    """Limits of some points; what no rule in force says has none."""

    items: list[PointLimit]


class RuleWording(models.Model):
    """How a rule is or was written."""

    version: int
    fingerprint: str
    at: models.Time
    by: str
    definition: dict[str, Any]


class RuleSubject(models.Model):
    """What a rule says of one subject."""

    subject: str
    equipment: str
    answer: AnswerName
    active: bool


class RuleLacking(models.Model):
    """A unit that a rule is NOT-APPLICABLE to, and what it lacks."""

    equipment: str
    missing: list[str] = Field(description="Roles that it does not have.")
    reason: str = Field(description="Why, in words.")


class RuleEvidence(models.Model):
    """That a wording was tested on history."""

    backtest: str
    digest: str
    start: models.Time = Field(serialization_alias="from")
    end: models.Time = Field(serialization_alias="to")
    summary: dict[str, Any]


class RulePromotion(models.Model):
    """How the wording in force became it."""

    version: int
    fingerprint: str
    at: models.Time
    by: str
    reason: str
    evidence: dict[str, Any]


class ShadowDayView(models.Model):
    """What a draft would have rung on one day of the building."""

    day: str = Field(examples=["2026-07-01"])
    raised: int
    subjects: int
    standing_s: float


class ShadowView(models.Model):
    """A draft that runs beside the active rule."""

    since: models.Time
    by: str
    days: list[ShadowDayView]


class RuleView(models.Model):
    """All about one rule."""

    line: RuleLine
    definition: dict[str, Any] | None = Field(description="In force; null for a draft of a new rule.")
    versions: list[RuleWording] = Field(description="Every wording that took effect, oldest first.")
    subjects: list[RuleSubject]
    not_applicable: list[RuleLacking]
    draft: RuleWording | None
    backtest: RuleEvidence | None = Field(description="Latest one of this very draft; without it nothing is promoted.")
    shadow: ShadowView | None
    promotion: RulePromotion | None


class RuleState(models.Model):
    """What became of a rule by a request."""

    id: str
    version: int = Field(description="Version of its stream in the event log.")
    draft: RuleWording | None
    shadow: bool
    promotion: RulePromotion | None


class BacktestView(models.Model):
    """A backtest and how far it is."""

    id: str = Field(examples=["20261130T201500-3f9a1c07"])
    rule: str
    fingerprint: str
    state: Literal["waiting", "running", "done", "failed"]
    asked_by: str
    asked_at: models.Time
    ended_at: models.Time | None
    start: models.Time = Field(serialization_alias="from")
    end: models.Time = Field(serialization_alias="to")
    step_s: float
    progress: float = Field(description="Share that is done, 0 to 1.")
    summary: dict[str, Any] | None
    digest: str | None = Field(description="SHA-256 of the result.")
    reason: str | None = Field(description="Why it failed.")
    result: str | None = Field(description="Where the result is.")


class BacktestPage(models.Model):
    """Some backtests, the newest first, and where to go on."""

    items: list[BacktestView]
    next: str | None

"""Load shedding: its steps and how far they are taken, and the answer to what is proposed."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from cityhall_bms.api.access import Who
from cityhall_bms.api.alarms import Words
from cityhall_bms.api.models import Model, Time
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.energy.shedding import Phase, SheddingMode, SheddingState, ShedStep
from cityhall_bms.ports.access import Permission

router = APIRouter(prefix="/energy/demand/shedding", tags=["energy"])


class StepState(StrEnum):
    """How far a step is."""

    READY = "ready"
    TAKEN = "taken"
    NOT_TAKEN = "not_taken"
    """It was tried, and no point followed; passed over until everything is given back."""
    NOT_HERE = "not_here"
    """The site has no point for it."""


class StepAnswer(Model):
    """One step of the plan."""

    step: str = Field(examples=["charging"])
    text_zh: str
    text_en: str
    state: StepState
    points: int = Field(description="How many points it has at this site.")
    since: Time | None
    following: list[str] = Field(description="Points that hold what was asked of them.")
    failed: dict[str, str] = Field(description="Points that do not, and why.")


class UnderWayAnswer(Model):
    """The step between its proposal and its outcome."""

    step: str
    restore: bool = Field(description="Whether it is given back.")
    phase: Phase
    at: Time
    by: str


class SheddingAnswer(Model):
    """Where load shedding stands."""

    mode: SheddingMode
    shed_at: float = Field(description="Share of the limit from which loads are shed.")
    restore_below: float
    steps: list[StepAnswer]
    under_way: UnderWayAnswer | None
    version: int


class Answer(BaseModel):
    """What a person says to a proposal."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"accepted": True, "reason": "同意限流"}})

    accepted: StrictBool
    reason: Annotated[Words, Field(description="Why; a refusal is heard for a quarter of an hour.")] = ""


@router.get("", responses=responses(503))
async def get_shedding(services: Services) -> SheddingAnswer:
    """Every step of the plan, what is taken, and what is proposed or under way."""
    return _answer(services, await services.energy.demand.shedding.state())


@router.post("/answer", responses=responses(409, 415, 422, 503))
async def answer_shedding(services: Services, who: Who, body: Answer) -> SheddingAnswer:
    """Accept or decline what is proposed; 409 when nothing is."""
    await who.require(Permission.COMMAND)
    desk = services.energy.demand.shedding
    return _answer(services, await desk.answer(accepted=body.accepted, by=who.name, reason=body.reason))


def _answer(services: ApiServices, state: SheddingState) -> SheddingAnswer:
    desk = services.energy.demand.shedding
    open_ = state.under_way
    return SheddingAnswer(
        mode=desk.plan.mode,
        shed_at=desk.plan.shed_at,
        restore_below=desk.plan.restore_below,
        steps=[_step(step, desk.points[step.name], state) for step in desk.plan.steps],
        under_way=None
        if open_ is None
        else UnderWayAnswer(
            step=open_.step, restore=open_.restore, phase=open_.phase, at=to_rfc3339(open_.at) or "", by=open_.by
        ),
        version=state.version,
    )


def _step(step: ShedStep, points: int, state: SheddingState) -> StepAnswer:
    shed = state.shed(step.name)
    if shed is not None:
        how = StepState.TAKEN
    elif step.name in state.not_taken:
        how = StepState.NOT_TAKEN
    else:
        how = StepState.READY if points else StepState.NOT_HERE
    return StepAnswer(
        step=step.name,
        text_zh=step.text_zh,
        text_en=step.text_en,
        state=how,
        points=points,
        since=None if shed is None else to_rfc3339(shed.since),
        following=[] if shed is None else list(shed.done),
        failed=dict(state.not_taken.get(step.name, {}) if shed is None else shed.failed),
    )

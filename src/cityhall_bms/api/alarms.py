"""Alarms: the list, one alarm's life, and what operators do."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cityhall_bms.api import models
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import Services
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.site import System
from cityhall_bms.ports.read_models import AlarmFilter, AlarmTransition

TRANSITIONS_MAX = 1_000
NO_NUL = r"^[^\x00]*$"
"""The event log and its views keep every character but NUL."""

StateFilter = Literal[
    "open", "active", "unacknowledged", "shelved", "all",
    "NORM", "UNACK", "ACKED", "RTNUN", "LATUN", "LATAK", "SHLVD", "DSUPR", "OOSRV",
]  # fmt: skip

router = APIRouter(prefix="/alarms", tags=["alarms"])


Words = Annotated[str, StringConstraints(pattern=NO_NUL, max_length=1000)]
"""Text for people."""
Operator = Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=100)]


class Acknowledgement(BaseModel):
    """Who has seen the alarm."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"by": "王小明", "comment": "現場查看中"}})

    by: Operator
    comment: Words = ""


class Shelf(BaseModel):
    """For how long, and why, an alarm is put aside."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"by": "王小明", "duration_s": 1800, "reason": "濾網更換中"}}
    )

    by: Operator
    duration_s: float = Field(gt=0, le=86_400, allow_inf_nan=False)
    reason: Words = Field(min_length=1)


class Request(BaseModel):
    """Who asks."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"by": "王小明"}})

    by: Operator


def describe_transition(transition: AlarmTransition) -> models.Transition:
    """Give the answer's form."""
    return models.Transition(
        position=transition.position,
        at=to_rfc3339(transition.recorded_at) or "",
        type=transition.type,
        actor=transition.actor,
        alarm=models.Alarm.of(transition.alarm),
    )


@router.get("", responses=responses(400, 422, 503))
async def list_alarms(  # noqa: PLR0917 - one parameter per filter of the query string
    services: Services,
    state: Annotated[StateFilter, Query(description="A displayed state, or a group of them.")] = "open",
    system: Annotated[System | None, Query()] = None,
    priority: Annotated[int | None, Query(ge=1, le=4)] = None,
    equipment: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> models.AlarmPage:
    """Alarms in the operator's order: unacknowledged first, by priority, newest first."""
    which = AlarmFilter(state=state, system=system, priority=priority, equipment=equipment)
    try:
        page = await services.alarms.page(which, limit, cursor)
    except ValueError as error:
        raise HTTPException(400, str(error)) from error
    return models.AlarmPage(
        items=[models.Alarm.of(alarm) for alarm in page.alarms], next=page.next_cursor, position=page.position
    )


@router.get("/{alarm_id}", responses=responses(404, 503))
async def get_alarm(services: Services, alarm_id: str) -> models.AlarmHistory:
    """One alarm with its latest thousand transitions."""
    alarm = await services.alarms.get(alarm_id)
    if alarm is None:
        raise NotFoundError(_unknown(alarm_id))
    transitions = await services.alarms.newest_transitions_of(alarm_id, TRANSITIONS_MAX)
    return models.AlarmHistory(
        alarm=models.Alarm.of(alarm), transitions=[describe_transition(item) for item in transitions]
    )


@router.post("/{alarm_id}/acknowledge", responses=responses(404, 409, 415, 422, 503))
async def acknowledge_alarm(services: Services, alarm_id: str, body: Acknowledgement) -> models.Alarm:
    """Acknowledge an alarm; 409 when there is nothing to acknowledge."""
    return models.Alarm.of(await services.desk.acknowledge(alarm_id, by=body.by, comment=body.comment))


@router.post("/{alarm_id}/shelve", responses=responses(404, 409, 415, 422, 503))
async def shelve_alarm(services: Services, alarm_id: str, body: Shelf) -> models.Alarm:
    """Put an alarm aside with an end and a reason; 409 above its priority's maximum (priority 1: never)."""
    shelved = await services.desk.shelve(alarm_id, by=body.by, duration_s=body.duration_s, reason=body.reason)
    return models.Alarm.of(shelved)


@router.post("/{alarm_id}/unshelve", responses=responses(404, 409, 415, 422, 503))
async def unshelve_alarm(services: Services, alarm_id: str, body: Request) -> models.Alarm:
    """Take an alarm back before its shelf ends."""
    return models.Alarm.of(await services.desk.unshelve(alarm_id, by=body.by))


@router.post("/{alarm_id}/reset", responses=responses(404, 409, 415, 422, 503))
async def reset_alarm(services: Services, alarm_id: str, body: Request) -> models.Alarm:
    """Release the latch of an alarm whose condition is over; 409 while it lasts."""
    return models.Alarm.of(await services.desk.reset(alarm_id, by=body.by))


def _unknown(alarm_id: str) -> str:
    return f"no alarm is named {alarm_id}; GET /api/v1/alarms?state=all lists them"

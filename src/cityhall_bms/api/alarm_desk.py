"""What operators do to alarms: acknowledge, comment, shelve, reset, out of service and back."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, model_validator

from cityhall_bms.api import models
from cityhall_bms.api.access import Caller, Who
from cityhall_bms.api.alarms import NO_NUL, Words
from cityhall_bms.api.problems import Refusal, refusal_of, responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import Moment, to_us
from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.domain.errors import ForbiddenError
from cityhall_bms.ports.access import Permission
from cityhall_bms.ports.alarm_desk import Outcome

ALARMS_OF_A_REQUEST_MAX = 1_000

router = APIRouter(prefix="/alarms", tags=["alarms"])

AlarmId = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Reason = Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=1000)]


class Acknowledgement(BaseModel):
    """What whoever has seen the alarm has to say."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"comment": "現場查看中"}})

    comment: Words = ""


class Comment(BaseModel):
    """Something worth knowing about an alarm."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"comment": "已通知廠商，下午到場"}})

    comment: Reason


class Several(BaseModel):
    """Several alarms at once; each is decided on for itself."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"ids": ["CH-TRIP~TCH.B2.CN.CHC01"]}})

    ids: Annotated[list[AlarmId], Field(min_length=1, max_length=ALARMS_OF_A_REQUEST_MAX)]


class Acknowledgements(Several):
    """Which alarms were seen, and what there is to say."""

    comment: Words = ""


class Shelf(BaseModel):
    """Until when, and why, an alarm is put aside.

    ``duration_s`` or ``until``: not both. With ``one_shot`` it comes back with the end of the occurrence if that is
    sooner; without an end it is put aside for as long as its priority allows.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"duration_s": 1800, "reason": "濾網更換中"}}
    )

    duration_s: Annotated[float | None, Field(gt=0, le=86_400, allow_inf_nan=False, strict=True)] = None
    until: Moment | Literal["end_of_shift"] | None = None
    one_shot: StrictBool = False
    reason: Reason

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.duration_s is not None and self.until is not None:
            msg = "give duration_s or until, not both"
            raise ValueError(msg)
        if self.duration_s is None and self.until is None and not self.one_shot:
            msg = "give duration_s or until; only a shelf for one occurrence (one_shot) needs neither"
            raise ValueError(msg)
        return self

    def end(self, services: ApiServices) -> int | None:
        """End in µs UTC; none: as late as the priority allows."""
        now = services.clock.now()
        if self.duration_s is not None:
            return now + round(self.duration_s * 1e6)
        if self.until == "end_of_shift":
            return services.shifts.end_after(now)
        return None if self.until is None else to_us(self.until)


class OutOfService(BaseModel):
    """Under which permit, why, and until when an alarm is out of service; without an end as long as the permit."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"permit": "2026-07-01-1", "reason": "感測器送校"}}
    )

    permit: Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=100)]
    reason: Reason
    until: Moment | None = None


class AlarmResult(models.Model):
    """How one alarm of several fared: ``alarm`` as it stands afterwards, or ``refusal``, and nothing was recorded."""

    id: str
    status: int = Field(description="As if it had been asked for alone.", examples=[200])
    alarm: models.Alarm | None
    refusal: Refusal | None


class AlarmResults(models.Model):
    """How each alarm fared, in the order of the request; a name that was given twice counts once."""

    items: list[AlarmResult]
    done: int = Field(description="How many were recorded.")


@router.post("/acknowledgements", responses=responses(413, 415, 422, 503))
async def acknowledge_alarms(services: Services, who: Who, body: Acknowledgements) -> AlarmResults:
    """Acknowledge up to a thousand alarms; each is an event of its own, or told why not."""
    mine, refused = await split(who, body.ids)
    outcomes = await services.desk.acknowledge_each(mine, by=who.name, comment=body.comment)
    return _results(services, in_order(body.ids, outcomes, refused))


@router.post("/resets", responses=responses(413, 415, 422, 503))
async def reset_alarms(services: Services, who: Who, body: Several) -> AlarmResults:
    """Release the latches of up to a thousand alarms; each is an event of its own, or told why not."""
    mine, refused = await split(who, body.ids)
    return _results(services, in_order(body.ids, await services.desk.reset_each(mine, by=who.name), refused))


@router.post("/{alarm_id}/acknowledge", responses=responses(404, 409, 415, 422, 503))
async def acknowledge_alarm(services: Services, who: Who, alarm_id: str, body: Acknowledgement) -> models.Alarm:
    """Acknowledge an alarm; 409 when there is nothing to acknowledge."""
    await who.require(Permission.HANDLE_ALARMS, equipment_of(services, alarm_id))
    return _answer(services, await services.desk.acknowledge(alarm_id, by=who.name, comment=body.comment))


@router.post("/{alarm_id}/comments", responses=responses(404, 409, 415, 422, 503))
async def comment_alarm(services: Services, who: Who, alarm_id: str, body: Comment) -> models.Alarm:
    """Write something down about an alarm, whatever its state."""
    await who.require(Permission.HANDLE_ALARMS, equipment_of(services, alarm_id))
    return _answer(services, await services.desk.comment(alarm_id, by=who.name, comment=body.comment))


@router.post("/{alarm_id}/shelve", responses=responses(404, 409, 415, 422, 503))
async def shelve_alarm(services: Services, who: Who, alarm_id: str, body: Shelf) -> models.Alarm:
    """Put an alarm aside with an end and a reason; 409 above its priority's maximum (priority 1: never)."""
    await who.require(Permission.HANDLE_ALARMS, equipment_of(services, alarm_id))
    shelved = await services.desk.shelve(
        alarm_id, by=who.name, until=body.end(services), reason=body.reason, one_shot=body.one_shot
    )
    return _answer(services, shelved)


@router.post("/{alarm_id}/unshelve", responses=responses(404, 409, 415, 422, 503))
async def unshelve_alarm(services: Services, who: Who, alarm_id: str) -> models.Alarm:
    """Take an alarm back before its shelf ends."""
    await who.require(Permission.HANDLE_ALARMS, equipment_of(services, alarm_id))
    return _answer(services, await services.desk.unshelve(alarm_id, by=who.name))


@router.post("/{alarm_id}/reset", responses=responses(404, 409, 415, 422, 503))
async def reset_alarm(services: Services, who: Who, alarm_id: str) -> models.Alarm:
    """Release the latch of an alarm whose condition is over; 409 while it lasts."""
    await who.require(Permission.HANDLE_ALARMS, equipment_of(services, alarm_id))
    return _answer(services, await services.desk.reset(alarm_id, by=who.name))


@router.post("/{alarm_id}/out-of-service", responses=responses(404, 409, 415, 422, 503))
async def take_alarm_out_of_service(services: Services, who: Who, alarm_id: str, body: OutOfService) -> models.Alarm:
    """Take an alarm out of service under a permit that covers its equipment; it comes back by itself."""
    await who.require(Permission.HANDLE_ALARMS, equipment_of(services, alarm_id))
    until = None if body.until is None else to_us(body.until)
    out = await services.desk.take_out_of_service(
        alarm_id, by=who.name, permit=body.permit, reason=body.reason, until=until
    )
    return _answer(services, out)


@router.post("/{alarm_id}/return-to-service", responses=responses(404, 409, 415, 422, 503))
async def return_alarm_to_service(services: Services, who: Who, alarm_id: str) -> models.Alarm:
    """Give an alarm back to the operators before its time out of service ends."""
    await who.require(Permission.HANDLE_ALARMS, equipment_of(services, alarm_id))
    return _answer(services, await services.desk.return_to_service(alarm_id, by=who.name))


def equipment_of(services: ApiServices, alarm_id: str) -> str | None:
    """The equipment that an alarm is of; none for one that is of none, which concerns the whole building."""
    subject = alarm_id.partition("~")[2]
    if subject in services.site.equipment:
        return subject
    point = services.site.points.get(subject)
    return None if point is None else point.equipment


async def split(who: Caller, alarm_ids: Sequence[str]) -> tuple[list[str], list[Outcome]]:
    """Alarms in zones where somebody may handle them, and how the others fare."""
    mine: list[str] = []
    refused: list[Outcome] = []
    for alarm_id in dict.fromkeys(alarm_ids):
        try:
            await who.require(Permission.HANDLE_ALARMS, equipment_of(who.services, alarm_id))
        except ForbiddenError as error:
            refused.append(Outcome(alarm_id, None, error))
        else:
            mine.append(alarm_id)
    return mine, refused


def in_order(alarm_ids: Sequence[str], *parts: Sequence[Outcome]) -> list[Outcome]:
    """Outcomes in the order in which their alarms were named."""
    by_name = {outcome.alarm_id: outcome for part in parts for outcome in part}
    return [by_name[alarm_id] for alarm_id in dict.fromkeys(alarm_ids)]


def _answer(services: ApiServices, alarm: Alarm) -> models.Alarm:
    return models.Alarm.of(alarm, services.clock.now())


def _results(services: ApiServices, outcomes: Sequence[Outcome]) -> AlarmResults:
    items = [
        AlarmResult(
            id=outcome.alarm_id,
            status=200 if outcome.failure is None else refusal_of(outcome.failure)[0],
            alarm=None if outcome.alarm is None else _answer(services, outcome.alarm),
            refusal=None if outcome.failure is None else refusal_of(outcome.failure)[1],
        )
        for outcome in outcomes
    ]
    return AlarmResults(items=items, done=sum(item.alarm is not None for item in items))

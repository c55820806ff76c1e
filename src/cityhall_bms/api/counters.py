"""Counters: doubtful steps and their quarantine, exchanged meters, consumption with estimates."""

from collections.abc import Sequence
from typing import Annotated
from zoneinfo import ZoneInfo

import numpy as np
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from cityhall_bms.api.access import Who
from cityhall_bms.api.alarms import Words
from cityhall_bms.api.models import Model, PointName, Severity, Time
from cityhall_bms.api.points import checked_window, find_point
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import FromTime, Moment, ToTime, to_rfc3339, to_us
from cityhall_bms.domain.counters import TIME_STAMP, Decision, StepKind, StepState
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.site import Point, PointKind
from cityhall_bms.historian.intervals import interval_edges
from cityhall_bms.ports.access import Permission
from cityhall_bms.ports.counters import Consumption, CounterStep, Estimate
from cityhall_bms.ports.history import Window

INTERVALS_OF_AN_ANSWER_MAX = 20_000

router = APIRouter(prefix="/counters", tags=["counters"])


class Step(Model):
    """A step of a counter that does not count the difference of its readings."""

    point: PointName
    before: Time
    at: Time
    kind: StepKind
    state: StepState
    from_value: float = Field(examples=[84213.5])
    to_value: float = Field(examples=[0.0])
    counted: float = Field(description="What the step counts now, in the point's unit.", examples=[0.5])
    unit: str = Field(examples=["kWh"])


class StepList(Model):
    """Steps of counters."""

    items: list[Step]
    truncated: bool


class ConsumptionAnswer(Model):
    """What a counter counted, as columns of equal length."""

    point: PointName
    unit: str = Field(examples=["kWh"])
    interval: str = Field(examples=["1h"])
    estimate: Estimate
    time_zone: str = Field(examples=["Asia/Taipei"])
    t: list[Time] = Field(description="Begin of each interval.")
    v: list[float | None] = Field(description="What was counted; null where nothing is known.")
    q: list[Severity]
    estimated: list[float | None] = Field(description="Part of the value that was estimated; null where none was.")
    method: list[str | None] = Field(description="`measured`, or how the estimated part was made.")
    coverage: list[float] = Field(description="Share of the interval that good samples stand for, never estimates.")


class Decided(BaseModel):
    """What a step in quarantine counts, and who says so."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "at": "2026-07-01T02:15:00Z", "decision": "reject", "reason": "閘道重啟，讀值錯誤",
            }
        },
    )  # fmt: skip

    at: Moment = Field(description="Time of the sample that the step ends with, as the list gives it.")
    decision: Decision
    reason: Words = Field(min_length=1)


class Exchanged(BaseModel):
    """A meter was exchanged: when, its last reading, the first one of the new meter, and why."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "at": "2026-07-01T02:15:00Z", "last_old": 84213.5, "first_new": 0.0, "reason": "逾檢定年限",
            }
        },
    )  # fmt: skip

    at: Moment
    last_old: float = Field(allow_inf_nan=False, strict=True)
    first_new: float = Field(allow_inf_nan=False, strict=True)
    reason: Words = Field(min_length=1)


@router.get("/quarantine", responses=responses(422, 503))
async def list_quarantine(services: Services, limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> StepList:
    """Steps that count nothing until somebody decides, newest first."""
    return _listed(services, await services.counters.waiting(limit + 1), limit)


@router.get("/{name}/steps", responses=responses(400, 404, 409, 422, 503))
async def list_steps(
    services: Services,
    name: str,
    start: FromTime,
    end: ToTime,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> StepList:
    """Rollovers, resets, exchanges, glitches and doubtful steps of one counter, oldest first."""
    point = find_counter(services, name)
    window = checked_window(to_us(start), to_us(end), None)
    return _listed(services, await services.counters.steps(services.ids[point.name], window, limit + 1), limit)


@router.post("/{name}/decisions", status_code=202, responses=responses(404, 409, 415, 422, 503))
async def decide_step(services: Services, who: Who, name: str, body: Decided) -> None:
    """Decide what a step in quarantine counts; figures follow within seconds, and are restated."""
    point = find_counter(services, name)
    await who.require(Permission.EDIT_POINTS, point.equipment)
    await services.meters.decide(
        point.name, services.ids[point.name], at=to_us(body.at), decision=body.decision, reason=body.reason, by=who.name
    )


@router.post("/{name}/exchanges", status_code=202, responses=responses(404, 409, 415, 422, 503))
async def record_exchange(services: Services, who: Who, name: str, body: Exchanged) -> None:
    """Record that a meter was exchanged; figures follow within seconds, and are restated. 409 for a time to come."""
    point = find_counter(services, name)
    await who.require(Permission.EDIT_POINTS, point.equipment)
    await services.meters.exchange(
        point.name,
        at=to_us(body.at),
        last_old=body.last_old,
        first_new=body.first_new,
        reason=body.reason,
        by=who.name,
    )


@router.get("/{name}/consumption", responses=responses(400, 404, 409, 422, 503))
async def get_consumption(
    services: Services,
    name: str,
    start: FromTime,
    end: ToTime,
    interval: Annotated[str, Query(description="Length of an interval.")] = "1h",
    estimate: Annotated[Estimate, Query(description="How silences are spread over intervals.")] = Estimate.NONE,
) -> ConsumptionAnswer:
    """What a counter counted per interval of the building's local time; what is estimated is marked."""
    point, zone = find_counter(services, name), services.site.time_zone
    window = checked_window(to_us(start), to_us(end), interval)
    _check_size(window, interval, zone)
    found = await services.counters.consumption(services.ids[name], window, interval, estimate, zone)
    return _columns(point, interval, estimate, zone, found)


def find_counter(services: ApiServices, name: str) -> Point:
    """Point of that name, which is a counter; :class:`RefusedError` for any other."""
    point = find_point(services, name)
    if point.kind is not PointKind.CI or point.unit == TIME_STAMP:
        msg = f"{name} is no counter: it is {point.kind} in {point.unit or 'no unit'}"
        raise RefusedError(msg)
    return point


def _check_size(window: Window, interval: str, zone: str) -> None:
    count = len(interval_edges(window, interval, ZoneInfo(zone))) - 1
    if count > INTERVALS_OF_AN_ANSWER_MAX:
        msg = f"that would be {count} intervals: take longer ones, or a shorter time"
        raise RefusedError(msg)


def _listed(services: ApiServices, steps: Sequence[CounterStep], limit: int) -> StepList:
    return StepList(items=[_describe(services, step) for step in steps[:limit]], truncated=len(steps) > limit)


def _describe(services: ApiServices, step: CounterStep) -> Step:
    name = services.names.get(step.point, f"#{step.point}")
    known = services.site.points.get(name)
    return Step(
        point=name,
        before=to_rfc3339(step.before) or "",
        at=to_rfc3339(step.at) or "",
        kind=step.kind,
        state=step.state,
        from_value=step.from_value,
        to_value=step.to_value,
        counted=step.counted,
        unit=known.unit if known else "",
    )


def _columns(point: Point, interval: str, estimate: Estimate, zone: str, found: Consumption) -> ConsumptionAnswer:
    known, made_up = np.isfinite(found.value).tolist(), np.isfinite(found.estimated).tolist()
    return ConsumptionAnswer(
        point=point.name,
        unit=point.unit,
        interval=interval,
        estimate=estimate,
        time_zone=zone,
        t=[to_rfc3339(at) or "" for at in found.at.tolist()],
        v=[value if is_known else None for value, is_known in zip(found.value.tolist(), known, strict=True)],
        q=["bad" if not k else "uncertain" if m else "good" for k, m in zip(known, made_up, strict=True)],
        estimated=[value if m else None for value, m in zip(found.estimated.tolist(), made_up, strict=True)],
        method=[
            "measured" if k and not m else estimate.value if m else None for k, m in zip(known, made_up, strict=True)
        ],
        coverage=found.coverage.tolist(),
    )

"""History for screens and reports: trends, time in state, many points in one question, demand maxima."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, HTTPException, Query
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from cityhall_bms.api import models
from cityhall_bms.api import past_models as past
from cityhall_bms.api.past_models import TrendMethod
from cityhall_bms.api.points import HISTORY_BEGINS_US, checked_window, find_point, known_us
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import FromTime, KnownAt, Moment, ToTime, to_rfc3339, to_us
from cityhall_bms.domain import site
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.ports.history import Aggregation
from cityhall_bms.ports.queries import Band, Condition, Line

POINTS_MAX = 1_000

router = APIRouter(tags=["history"])


class Many(BaseModel):
    """Which points, which time and which intervals."""

    start: Moment = Field(alias="from", description="Start, included; RFC 3339 with offset.")
    end: Moment = Field(alias="to", description="End, excluded; RFC 3339 with offset.")
    names: str = Field("", max_length=60_000, description="Names with commas; or choose by what follows.")
    system: site.System | None = Field(None, description="Points of this system.")
    equipment: str | None = Field(None, max_length=200, description="Points of this equipment.")
    role: str | None = Field(None, max_length=100, description="Points with this role, as `kWh`.")
    interval: str = Field("1mo", description="Length of an interval: a minute or longer.")
    as_known_at: Moment | None = Field(None, description="The record as it was then (RFC 3339).")

    def points(self, services: ApiServices) -> list[site.Point]:
        """Points that are asked for; 400 for none, and for too many."""
        if self.names:
            chosen = [find_point(services, name) for name in dict.fromkeys(self.names.split(","))]
        else:
            chosen = [point for _, point in sorted(services.site.points.items()) if self._matches(services, point)]
        if not chosen or len(chosen) > POINTS_MAX:
            raise HTTPException(400, f"that is {len(chosen)} points: ask for 1 to {POINTS_MAX}, by `names` or `role`")
        return chosen

    def _matches(self, services: ApiServices, point: site.Point) -> bool:
        wanted = ((self.role, point.role), (self.equipment, point.equipment))
        if all(value is None for value in (self.role, self.equipment, self.system)):
            return False
        system = self.system is None or services.site.system_of(point) == self.system
        return system and all(value is None or value == has for value, has in wanted)


class ManyFigures(Many):
    """Which figure of them."""

    agg: Aggregation = Field(Aggregation.DELTA, description="Figure per interval; of a meter `delta` is consumption.")


@router.get("/history", responses=responses(400, 404, 422, 503))
async def get_history(services: Services, asked: Annotated[ManyFigures, Query()]) -> past.History:
    """Figures of many points at once, as for a report: the consumption of all meters by month."""
    points = asked.points(services)
    window = checked_window(to_us(asked.start), to_us(asked.end), asked.interval)
    zone = services.site.time_zone
    numbers = [services.ids[point.name] for point in points]
    try:
        table = await services.queries.intervals_of(
            numbers, window, asked.interval, asked.agg, zone, known_us(services, asked.as_known_at)
        )
    except RefusedError as error:
        raise HTTPException(400, str(error)) from error
    return past.History(
        interval=asked.interval,
        aggregation=asked.agg,
        time_zone=zone,
        as_known_at=known_text(asked.as_known_at),
        t=times(table.at),
        points=[
            past.HistoryColumn(point=point.name, unit=point.unit, v=numbers_of(values), coverage=shares.tolist())
            for point, values, shares in zip(points, table.value, table.coverage, strict=True)
        ],
    )


@router.get("/history/demand", responses=responses(400, 404, 422, 503))
async def get_demand(services: Services, asked: Annotated[Many, Query()]) -> past.DemandMaxima:
    """Greatest mean of a quarter hour in each day or month, and when it was: the demand that is billed."""
    points = asked.points(services)
    window = checked_window(to_us(asked.start), to_us(asked.end), asked.interval)
    zone = services.site.time_zone
    numbers = [services.ids[point.name] for point in points]
    try:
        found = await services.queries.demand(
            numbers, window, asked.interval, zone, known_us(services, asked.as_known_at)
        )
    except RefusedError as error:
        raise HTTPException(400, str(error)) from error
    return past.DemandMaxima(
        interval=asked.interval,
        time_zone=zone,
        as_known_at=known_text(asked.as_known_at),
        t=times(found.at),
        points=[
            past.DemandColumn(
                point=point.name,
                unit=point.unit,
                v=numbers_of(values),
                at=[
                    None if value is None else text for value, text in zip(numbers_of(values), times(when), strict=True)
                ],
                coverage=shares.tolist(),
            )
            for point, values, when, shares in zip(points, found.value, found.when, found.coverage, strict=True)
        ],
    )


@router.get("/points/{name}/trend", responses=responses(400, 404, 422, 503))
async def get_trend(  # noqa: PLR0917 - one parameter per part of the question
    services: Services,
    name: str,
    start: FromTime,
    end: ToTime,
    points: Annotated[int, Query(ge=3, le=5_000, description="Buckets, or values, at most.")] = 500,
    method: Annotated[TrendMethod, Query(description="Buckets that keep every spike, or a line.")] = TrendMethod.MINMAX,
    as_known_at: KnownAt = None,
) -> past.Trend:
    """One point over a long time, made to fit a screen. Answered from totals: a year takes no longer than a day."""
    point, zone = find_point(services, name), services.site.time_zone
    window = checked_window(to_us(start), to_us(end), None)
    trend = past.Trend(
        point=name, unit=point.unit, time_zone=zone, method=method, as_known_at=known_text(as_known_at), t=[], v=[]
    )
    asked = (services.ids[name], window, points, zone, known_us(services, as_known_at))
    try:
        if method is TrendMethod.LTTB:
            return _line(trend, await services.queries.line(*asked))
        return _band(trend, await services.queries.band(*asked))
    except RefusedError as error:
        raise HTTPException(400, str(error)) from error


def _line(trend: past.Trend, line: Line) -> past.Trend:
    return trend.model_copy(
        update={"interval": line.interval or None, "t": times(line.at), "v": numbers_of(line.value)}
    )


def _band(trend: past.Trend, band: Band) -> past.Trend:
    return trend.model_copy(
        update={
            "interval": band.interval,
            "t": times(band.at),
            "v": numbers_of(band.mean),
            "low": numbers_of(band.low),
            "high": numbers_of(band.high),
            "first": numbers_of(band.first),
            "last": numbers_of(band.last),
            "coverage": band.coverage.tolist(),
        }
    )


class AskedDurations(BaseModel):
    """Which time, which intervals, and which states."""

    start: Moment = Field(alias="from", description="Start, included; RFC 3339 with offset.")
    end: Moment = Field(alias="to", description="End, excluded; RFC 3339 with offset.")
    interval: str = Field("1d", description="Length of an interval.")
    state: list[float] = Field(default=[], max_length=64, description="Time in these states together.")
    above: float | None = Field(None, allow_inf_nan=False, description="Time above this value.")
    below: float | None = Field(None, allow_inf_nan=False, description="Time below this value.")
    as_known_at: Moment | None = Field(None, description="The record as it was then (RFC 3339).")

    def condition(self) -> Condition | None:
        """In our terms; none when each state is asked for by itself."""
        if self.state and (self.above is not None or self.below is not None):
            raise HTTPException(400, "ask for states, or for `above` and `below`")
        if not self.state and self.above is None and self.below is None:
            return None
        return Condition(tuple(self.state), self.above, self.below)


@router.get("/points/{name}/durations", responses=responses(400, 404, 422, 503))
async def get_durations(services: Services, name: str, asked: Annotated[AskedDurations, Query()]) -> past.Durations:
    """For how long a point was in each state, in some states, or beyond a limit; seconds of good time."""
    point = find_point(services, name)
    window, condition = checked_window(to_us(asked.start), to_us(asked.end), asked.interval), asked.condition()
    zone = services.site.time_zone
    try:
        found = await services.queries.durations(
            services.ids[name], window, asked.interval, condition, zone, known_us(services, asked.as_known_at)
        )
    except RefusedError as error:
        raise HTTPException(400, str(error)) from error
    rows = list(found.values) if condition is None else [None]
    return past.Durations(
        point=name,
        interval=asked.interval,
        time_zone=zone,
        as_known_at=known_text(asked.as_known_at),
        t=times(found.at),
        states=[
            past.StateDuration(state=state, text=_state_text(point, state), seconds=seconds.tolist())
            for state, seconds in zip(rows, found.seconds, strict=True)
        ],
        coverage=found.coverage.tolist(),
    )


def known_text(time: Moment | None) -> str | None:
    """Text of a time that may be left out."""
    return None if time is None else to_rfc3339(max(to_us(time), HISTORY_BEGINS_US))


def times(at: NDArray[np.int64]) -> list[str]:
    """Texts of times."""
    return [to_rfc3339(time) or "" for time in at.tolist()]


def numbers_of(values: NDArray[np.float64]) -> list[float | None]:
    """Numbers of an answer: null where there is none."""
    return [value if np.isfinite(value) else None for value in values.tolist()]


def _state_text(point: site.Point, state: float | None) -> models.Text | None:
    if state is None or not state.is_integer() or int(state) not in point.states:
        return None
    return models.Text.of(point.states[int(state)])

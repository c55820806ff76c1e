"""Demand: the running quarter hour, its stream, and the peak calendar."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from cityhall_bms.api.energy_demand_models import DemandNowAnswer, PeakCalendarAnswer
from cityhall_bms.api.places import RECONNECT_MS
from cityhall_bms.api.problems import responses
from cityhall_bms.api.seats import OneStream
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import WrittenDay
from cityhall_bms.domain.energy.demand_meters import SUPPLY
from cityhall_bms.domain.errors import HistoryUnavailableError, NotFoundError, RefusedError
from cityhall_bms.energy.demand_watch import DemandSight

TOP_MAX: Final = 100

router = APIRouter(prefix="/energy/demand", tags=["energy"])

MeterNames = Annotated[
    list[str], Query(alias="meter", description="Meters to tell; all of them if none is named.", max_length=200)
]


def _chosen(services: Services, names: MeterNames = []) -> list[int]:  # noqa: B006 - never changed
    """Rows of the meters that are asked for. A dependency, because a refusal must come before a stream begins."""
    meters = services.energy.demand.watch.meters
    if not len(meters):
        msg = "本案場沒有電力計量表 / this site has no meter of electricity with points: describe some in meters.toml"
        raise NotFoundError(msg)
    return [meters.row(name) for name in names] or list(range(len(meters)))


Chosen = Annotated[list[int], Depends(_chosen)]


@router.get("", responses=responses(404, 422, 503))
async def get_running_demand(services: Services, chosen: Chosen) -> DemandNowAnswer:
    """The running quarter hour: what each meter took so far, what it will come to, and what the contract allows.

    Limit, state and headroom are those of `supply`, what the utility bills. 503 in the first seconds after a start.
    """
    sight = services.energy.demand.watch.sight
    if sight is None:
        msg = "the running quarter hour is not known yet"
        raise HistoryUnavailableError(msg)
    return _answer(services, sight, chosen)


@router.get("/stream", response_class=EventSourceResponse, responses=responses(404, 422), dependencies=[OneStream])
async def demand_stream(services: Services, chosen: Chosen) -> AsyncIterator[ServerSentEvent]:
    """The same every five seconds, as events `demand`. What was missed is not repeated: the next one says it all."""
    yield ServerSentEvent(comment="demand", retry=RECONNECT_MS)
    number = 0
    while True:
        sight = await services.energy.demand.watch.after(number)
        number = sight.number
        answer = _answer(services, sight, chosen)
        yield ServerSentEvent(raw_data=answer.model_dump_json(), event="demand", id=str(number))


@router.get("/peaks", responses=responses(400, 404, 422, 503))
async def get_demand_peaks(
    services: Services,
    first: Annotated[WrittenDay, Query(alias="from", description="A day of the first month.", examples=["2026-01-01"])],
    last: Annotated[WrittenDay, Query(alias="to", description="A day of the last month.", examples=["2026-12-31"])],
    meter: Annotated[str, Query(max_length=200)] = SUPPLY,
    top: Annotated[int, Query(ge=1, le=TOP_MAX, description="How many of the highest days.")] = 10,
    provisional: Annotated[bool, Query(description="Tell also what rests on less than 95 % of its quarters.")] = False,  # noqa: FBT002
) -> PeakCalendarAnswer:
    """The peak calendar: per month and tariff period the greatest quarter hour and when it was; the highest days."""
    if first > last:
        raise HTTPException(400, "'from' must not be after 'to'")
    try:
        found = await services.energy.demand.calendar.of(meter, first, last, top)
    except RefusedError as error:
        raise HTTPException(400, str(error)) from error
    return PeakCalendarAnswer.of(found, services.site.time_zone, provisional=provisional)


def _answer(services: ApiServices, sight: DemandSight, chosen: list[int]) -> DemandNowAnswer:
    return DemandNowAnswer.of(services.energy.demand.watch.meters, sight, services.site.shedding, chosen)

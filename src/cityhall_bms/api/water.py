"""Water: leaks by what flows at night, what the rain gave, use per person."""

from datetime import date, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Query
from pydantic import Field

from cityhall_bms.api.alarms import NO_NUL
from cityhall_bms.api.energy_query import Figure, HowAsked, Period, PeriodQuery, percentage, shown
from cityhall_bms.api.history import numbers_of
from cityhall_bms.api.models import Model, Text, Time
from cityhall_bms.api.points import known_us
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import KnownAt, WrittenDay, to_rfc3339
from cityhall_bms.domain.energy import comparison
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.night_flow import NightLimits, loss_m3_per_day
from cityhall_bms.domain.energy.periods import Period as KnownPeriod
from cityhall_bms.domain.energy.periods import parse_period
from cityhall_bms.domain.energy.water_use import litres_per_person_day, pace_percent, progress_percent, rain_ratio
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.wall_clock import local_day
from cityhall_bms.energy.comparing import How
from cityhall_bms.energy.water import NightFlow
from cityhall_bms.rules.book import worded
from cityhall_bms.rules.files import library
from cityhall_bms.rules.night_limits import night_limits

NIGHTS_SHOWN: Final = 28
METERS_MAX: Final = 200
FIRST_DAY: Final = date(1990, 1, 1)
LAST_DAY: Final = date(2199, 12, 31)

router = APIRouter(prefix="/water", tags=["water"])

Day = Annotated[WrittenDay | None, Query(ge=FIRST_DAY, le=LAST_DAY)]
MeterName = Annotated[str, Field(max_length=100, pattern=NO_NUL)]


class Limits(Model):
    """What is too much at night, m³/h; ratio, floor and rest stand in the rules that ring for it."""

    ratio: float = Field(examples=[1.3])
    floor_m3h: float = Field(examples=[0.1])
    rest_m3h: float = Field(examples=[0.02])
    high_nights: int = Field(examples=[3])
    rest_nights: int = Field(examples=[7])
    usual_days: int = Field(examples=[28])


class MeterNights(Model):
    """One meter's nights; null where a night, or what is usual, is not known."""

    meter: str = Field(examples=["TCH.WATER.WM03"])
    text: Text
    rests: bool = Field(description="Nothing should flow there at night.")
    minimum_m3h: list[float | None] = Field(description="Lowest mean of an hour in each night.")
    usual_m3h: list[float | None] = Field(description="Median of the nights before each.")
    leak: bool = Field(description="Whether a leak stood in the last night.")
    high_run: int = Field(description="Nights on end in which the minimum was too high, up to the last.")
    rest_run: int = Field(description="Nights on end in which something flowed where nothing should.")
    legitimate_m3h: float | None = Field(description="What may flow at night; null when nobody knows.")
    legitimate_by: str = Field(description="`configured`, or `usual`: the median; empty when nobody knows.")
    loss_m3_per_day: float | None = Field(description="What the leak costs a day; null without a leak.")


class NightFlows(Model):
    """Night flow of meters; lists have an entry for each of `nights`."""

    nights: list[str] = Field(description="Dates on which the nights end.", examples=[["2026-07-01"]])
    as_known_at: Time | None
    limits: Limits
    leaks: int
    items: list[MeterNights]


class Rainwater(Model):
    """What the rain gave in a period, and how its year's target goes."""

    period: Period
    provisional: bool
    tap: Figure = Field(description="City water, m³.")
    rain: Figure = Field(description="Rain used, m³.")
    ratio_percent: float | None = Field(description="Share of all water that was rain, %.", examples=[0.16])
    target: str | None = Field(description="Name of the target of the year; null when there is none.")
    target_m3: float | None = Field(examples=[150.0])
    used_this_year: Figure = Field(description="Rain used from the year's beginning to the end of the period, m³.")
    progress_percent: float | None = Field(description="Of the year's target.", examples=[74.6667])
    progress_shown: str | None = percentage("Of the year's target")
    pace_percent: float | None = Field(description="Of what the linear plan has by then.", examples=[149.3333])
    pace_shown: str | None = percentage("Of what the linear plan has by then")


class WaterUse(Model):
    """City water and rain per person and calendar day."""

    period: Period
    provisional: bool
    tap: Figure
    rain: Figure
    staff: int | None = Field(description="People by the site's facts.", examples=[6000])
    litres_per_person_day: float | None = Field(description="City water.", examples=[64.68])
    litres_shown: str | None = Field(description="Rounded half up to two decimals.", examples=["64.68"])


@router.get("/night-flow", responses=responses(400, 404, 409, 422, 503))
async def get_night_flow(
    services: Services,
    first: Annotated[Day, Query(description="First night, by the date on which it ends.")] = None,
    last: Annotated[Day, Query(description="Last night; null: the last that is over.")] = None,
    meter: Annotated[list[MeterName] | None, Query(max_length=METERS_MAX)] = None,
    as_known_at: KnownAt = None,
) -> NightFlows:
    """Least flow of every night, what is usual, and leaks: of the last four weeks unless nights are named."""
    known_at = known_us(services, as_known_at)
    today = local_day(ZoneInfo(services.site.time_zone), services.clock.now())
    end = last or today
    if end > today:
        raise HTTPException(400, "that night is still to come")
    begin = first or end - timedelta(days=NIGHTS_SHOWN - 1)
    found = await services.environment.water.night_flow(meter or [], begin, end, await _limits(services), known_at)
    items = [_meter_nights(found, row) for row in range(len(found.meters))]
    return NightFlows(
        nights=[date.fromordinal(day).isoformat() for day in found.nights.day.tolist()],
        as_known_at=to_rfc3339(known_at),
        limits=Limits(
            ratio=found.limits.ratio,
            floor_m3h=found.limits.floor_m3h,
            rest_m3h=found.limits.rest_m3h,
            high_nights=found.limits.high_nights,
            rest_nights=found.limits.rest_nights,
            usual_days=found.limits.usual_days,
        ),
        leaks=sum(item.leak for item in items),
        items=items,
    )


@router.get("/rainwater", responses=responses(404, 409, 422, 503))
async def get_rainwater(services: Services, period: PeriodQuery, how: HowAsked) -> Rainwater:
    """Rain used in a period, its share of all water, and the progress and pace of the year's target.

    409 where less is covered than figures need and `provisional` was not asked for.
    """
    asked = services.energy.comparison.comparer.elapsed(parse_period(period))
    tap, rain = (
        await _figure(services, Commodity.WATER, asked, how),
        await _figure(services, Commodity.RAINWATER, asked, how),
    )
    year = (asked.until - timedelta(days=1)).year
    so_far = KnownPeriod(date(year, 1, 1), asked.until)
    used = rain if so_far == asked else await _figure(services, Commodity.RAINWATER, so_far, how)
    target = services.environment.water.rain_target(year)
    amount = None if target is None else target.amount
    ratio = rain_ratio(rain.value, tap.value)
    progress, pace = progress_percent(used.value, amount), pace_percent(used.value, amount, asked.until, year)
    return Rainwater(
        period=Period.of(asked),
        provisional=any(_thin(services, figure) for figure in (tap, rain, used)),
        tap=Figure.of(tap),
        rain=Figure.of(rain),
        ratio_percent=None if ratio is None else 100.0 * ratio,
        target=None if target is None else target.name,
        target_m3=amount,
        used_this_year=Figure.of(used),
        progress_percent=progress,
        progress_shown=shown(progress),
        pace_percent=pace,
        pace_shown=shown(pace),
    )


@router.get("/use", responses=responses(404, 409, 422, 503))
async def get_water_use(services: Services, period: PeriodQuery, how: HowAsked) -> WaterUse:
    """City water and rain of a period, and city water per person and day.

    409 where less is covered than figures need and `provisional` was not asked for.
    """
    asked = services.energy.comparison.comparer.elapsed(parse_period(period))
    tap = await _figure(services, Commodity.WATER, asked, how)
    rain = await _figure(services, Commodity.RAINWATER, asked, how)
    staff = services.site.facts.staff
    litres = litres_per_person_day(tap.value, staff, asked.days)
    return WaterUse(
        period=Period.of(asked),
        provisional=_thin(services, tap) or _thin(services, rain),
        tap=Figure.of(tap),
        rain=Figure.of(rain),
        staff=staff,
        litres_per_person_day=litres,
        litres_shown=shown(litres),
    )


async def _limits(services: ApiServices) -> NightLimits:
    rules = worded(services.rules.catalogue.described, await services.rules.view.records())
    return night_limits(rules, {rule.id: rule for rule in library()}, services.environment.water.plan)


async def _figure(services: ApiServices, commodity: Commodity, period: KnownPeriod, how: How) -> comparison.Figure:
    """Amount of a commodity, none where no meter counts it; ``RefusedError`` where it is thin and nobody asked so."""
    comparer = services.energy.comparison.comparer
    found = await comparer.figure(comparer.subject(commodity), period, how)
    if _thin(services, found) and not how.provisional:
        share = f"{found.coverage * 100:.1f}"
        msg = (
            f"{commodity.text_zh} {period.name} 資料完整率 {share} %；可要求暫列數字 / "
            f"{commodity.text_en} of {period.name} is covered to {share} %; ask for provisional figures"
        )
        raise RefusedError(msg)
    return found


def _thin(services: ApiServices, figure: comparison.Figure) -> bool:
    return figure.value is not None and figure.coverage < services.energy.comparison.comparer.coverage_min


def _meter_nights(found: NightFlow, row: int) -> MeterNights:
    leak = bool(found.found.leaking(found.limits)[row, -1])
    legitimate, by = found.legitimate_m3h(row, -1)
    minimum = numbers_of(found.nights.minimum[row])
    newest = next((value for value in reversed(minimum) if value is not None), None)
    known = leak and legitimate is not None and newest is not None
    return MeterNights(
        meter=found.meters[row].name,
        text=Text(zh=found.meters[row].text_zh, en=found.meters[row].text_en),
        rests=found.circuits[row].rests,
        minimum_m3h=minimum,
        usual_m3h=numbers_of(found.found.usual[row]),
        leak=leak,
        high_run=int(found.found.high_run[row, -1]),
        rest_run=int(found.found.rest_run[row, -1]),
        legitimate_m3h=legitimate,
        legitimate_by=by,
        loss_m3_per_day=loss_m3_per_day(newest or 0.0, legitimate or 0.0) if known else None,
    )

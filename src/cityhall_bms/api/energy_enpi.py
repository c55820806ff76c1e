"""Energy performance indicators: as they stand, beside target, year before and base year."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import Field

from cityhall_bms.api.energy_query import Period, PeriodQuery, percentage, shown
from cityhall_bms.api.models import Model, Text
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import Services
from cityhall_bms.domain.energy.performance import Better
from cityhall_bms.domain.energy.periods import parse_period
from cityhall_bms.energy import performing

router = APIRouter(prefix="/energy", tags=["energy"])


class Reading(Model):
    """An indicator over some months."""

    period: Period
    value: float | None = Field(
        description="Null where nothing can be said, or too little is covered.", examples=[108.8]
    )
    shown: str | None = Field(description="Rounded half up to two decimals.", examples=["108.80"])
    coverage: float = Field(description="Of the worst of its meters, 0..1.", examples=[0.998])

    @classmethod
    def of(cls, reading: performing.Reading) -> "Reading":
        """Give the answer's form."""
        period = Period.of(reading.period)
        return cls(period=period, value=reading.value, shown=shown(reading.value), coverage=reading.coverage)


class Indicator(Model):
    """One indicator."""

    id: str = Field(examples=["eui"])
    text: Text
    unit: str = Field(examples=["kWh/m²"])
    better: Better
    now: Reading
    year_before: Reading
    trend_percent: float | None = Field(description="Change against the year before, not rounded.", examples=[-1.17])
    trend_shown: str | None = percentage("Change against the year before")
    base: float | None = Field(description="In the base year: as declared, else as calculated.", examples=[145.4])
    target: float | None = Field(examples=[105.0])
    target_reached: bool | None = Field(description="Null without a target or a value.")
    provisional: bool = Field(description="It rests on less coverage than a final figure needs.")
    missing: Text | None = Field(description="What the site does not tell, without which there is no value.")

    @classmethod
    def of(cls, standing: performing.Standing, least: float) -> "Indicator":
        """Give the answer's form; ``least`` is the coverage (0..1) of a final figure."""
        what, value = standing.indicator, standing.now.value
        missing = standing.missing
        return cls(
            id=what.id,
            text=Text(zh=what.text_zh, en=what.text_en),
            unit=what.unit,
            better=what.better,
            now=Reading.of(standing.now),
            year_before=Reading.of(standing.before),
            trend_percent=standing.trend_percent,
            trend_shown=shown(standing.trend_percent),
            base=standing.base_value,
            target=what.target,
            target_reached=None if value is None else what.reached(value),
            provisional=value is not None and standing.now.coverage < least,
            missing=None if missing is None else Text(zh=missing[0], en=missing[1]),
        )


class IndicatorList(Model):
    """All indicators of a site."""

    items: list[Indicator]


@router.get("/enpi", responses=responses(400, 404, 409, 422, 503))
async def list_indicators(
    services: Services,
    month: PeriodQuery | None = None,
    provisional: Annotated[bool, Query(description="Also with too little coverage; it is marked then.")] = False,  # noqa: FBT002
) -> IndicatorList:
    """Every indicator up to a month (`104-06`); without one up to the last month that is over."""
    until = None
    if month is not None:
        asked = parse_period(month)
        if not asked.whole_months:
            raise HTTPException(400, "`month` is a whole month, like 104-06")
        until = asked.until
    found = await services.energy.performance.indicators.all(until, provisional=provisional)
    least = services.site.performance.limits.interval_coverage / 100.0
    return IndicatorList(items=[Indicator.of(standing, least) for standing in found])

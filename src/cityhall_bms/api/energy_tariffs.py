"""Tariffs: what counts when, what energy cost, the bill of a month, and what another contract would have made of it."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import numpy as np
from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from cityhall_bms.api import energy_bill_models as bill_models
from cityhall_bms.api import energy_tariff_models as models
from cityhall_bms.api.energy_meters_models import figures
from cityhall_bms.api.exports import CSV, streamed
from cityhall_bms.api.history import known_text, times
from cityhall_bms.api.models import Text
from cityhall_bms.api.points import checked_window, known_us
from cityhall_bms.api.problems import responses
from cityhall_bms.api.seats import OneExport
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import FromTime, Moment, ToTime, to_rfc3339, to_us
from cityhall_bms.domain.energy.meters import Meter, Tenant
from cityhall_bms.domain.energy.periods import Period, months_of, parse_period
from cityhall_bms.domain.energy.tariffs import PERIODS, Capacity
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.wall_clock import local_day
from cityhall_bms.energy.billing import Scenario, Terms
from cityhall_bms.energy.costing import INTERVALS, CostAnswer, CostQuestion, names_asked
from cityhall_bms.ports.counters import Estimate

NAMES_MAX = 400
INTERVALS_MAX = 300_000
"""Rows times intervals of one answer."""
YEAR_MONTHS = 12
KW_MAX = 1_000_000

router = APIRouter(tags=["energy"])

Provisional = Annotated[bool, Query(description="Also figures under the least coverage; they are marked.")]
TariffName = Annotated[str | None, Query(max_length=60, description="As if this tariff had been in force.")]
Kilowatts = Annotated[float | None, Field(ge=0, le=KW_MAX, allow_inf_nan=False)]


class AskedCosts(BaseModel):
    """Whose cost, when, and in which intervals."""

    start: Moment = Field(alias="from", description="Start, included; RFC 3339 with offset.")
    end: Moment = Field(alias="to", description="End, excluded; RFC 3339 with offset.")
    interval: str = Field("1mo", description=f"One of {', '.join(INTERVALS)}.")
    meters: str = Field("", max_length=20_000, description="Names with commas; without any name the billing meters.")
    tenants: str = Field("", max_length=20_000, description="Names with commas.")
    tariff: str | None = Field(None, max_length=60, description="As if this tariff had been in force.")
    estimate: Estimate = Field(Estimate.NONE, description="How silences are spread.")
    provisional: bool = Field(False, description="Also figures under the least coverage; they are marked.")  # noqa: FBT003
    as_known_at: Moment | None = Field(None, description="The record as it was then (RFC 3339).")


class AskedCostFile(AskedCosts):
    """The same as a file."""

    language: Literal["zh", "en"] = Field("zh", description="Language of the headings.")


class AskedWhatIf(BaseModel):
    """Which months, and what would have been otherwise."""

    period: str = Field("", max_length=40, description="Whole months, like `115`; empty: the last twelve.")
    tariff: str | None = Field(None, max_length=60, description="As if this tariff had been in force.")
    regular_kw: Kilowatts = Field(None, description="Capacities in kW; if one is told, the others are as told or 0.")
    half_peak_kw: Kilowatts = None
    non_summer_kw: Kilowatts = None
    saturday_half_peak_kw: Kilowatts = None
    off_peak_kw: Kilowatts = None
    estimate: Estimate = Field(Estimate.NONE, description="How silences are spread.")
    provisional: bool = Field(False, description="Also months under the least coverage; they are marked.")  # noqa: FBT003
    as_known_at: Moment | None = Field(None, description="The record as it was then (RFC 3339).")

    def kw(self) -> dict[Capacity, Decimal] | None:
        """Capacities of the scenario; none where nothing was told of them."""
        told = {capacity: getattr(self, f"{capacity.value}_kw") for capacity in Capacity}
        if all(value is None for value in told.values()):
            return None
        return {capacity: Decimal(repr(value or 0.0)) for capacity, value in told.items()}


@router.get("/energy/tariffs")
async def get_tariffs(services: Services) -> models.TariffsAnswer:
    """Tariffs that are known, the contracts of the site, and what counts now."""
    book = services.site.tariffs
    return models.TariffsAnswer(
        now=_now(services),
        contracts=[models.Contract.of(contract) for contract in book.contracts],
        billing_meters=list(book.billing.meters),
        coverage_min_percent=100.0 * book.billing.coverage_min,
        tariffs=[models.Tariff.of(tariff) for tariff in book.tariffs],
        off_peak_days=[
            models.OffPeakYear(
                year=of_year.year,
                days=[day.isoformat() for day in of_year.days],
                source=of_year.source,
                derived=of_year.derived,
            )
            for of_year in book.off_peak_days.values()
        ],
    )


@router.get("/energy/tariffs/periods", responses=responses(400, 404, 409, 422))
async def get_tariff_periods(
    services: Services, start: FromTime, end: ToTime, tariff: TariffName = None
) -> models.PeriodsAnswer:
    """Periods of a stretch of time, with the price of energy; whole days."""
    window = checked_window(to_us(start), to_us(end), None)
    book = services.site.tariffs
    periods = book.periods(window.start, window.end, tariff)
    ends = [*periods.edges[1:].tolist(), periods.end]
    zone = ZoneInfo(services.site.time_zone)
    first, last = local_day(zone, window.start), local_day(zone, window.end - 1)
    return models.PeriodsAnswer(
        tariff_versions=list(book.versions_in(first, last + timedelta(days=1), tariff)),
        items=[
            models.PeriodSpan(
                start=to_rfc3339(begin) or "",
                end=to_rfc3339(until) or "",
                period=PERIODS[code],
                price=price if np.isfinite(price) else None,
            )
            for begin, until, code, price in zip(
                periods.edges.tolist(), ends, periods.codes.tolist(), periods.price.tolist(), strict=True
            )
        ],
    )


@router.get("/energy/costs", responses=responses(400, 404, 409, 422, 503))
async def get_costs(services: Services, asked: Annotated[AskedCosts, Query()]) -> models.CostsAnswer:
    """What energy cost, for meters and tenants. 409 for days whose prices nobody knows."""
    ask, found = await _costs(services, asked)
    return models.CostsAnswer(
        interval=asked.interval,
        time_zone=services.site.time_zone,
        estimate=asked.estimate,
        as_known_at=known_text(asked.as_known_at),
        t=times(found.costs.at),
        end=to_rfc3339(found.costs.end) or "",
        tariff_versions=list(found.tariff_versions),
        coverage_min_percent=100.0 * services.site.tariffs.billing.coverage_min,
        rows=_rows(services, ask, found),
    )


@router.get(
    "/exports/costs.csv",
    response_class=StreamingResponse,
    responses={**responses(400, 404, 409, 422, 503), **CSV},
    dependencies=[OneExport],
)
async def export_costs(services: Services, asked: Annotated[AskedCostFile, Query()]) -> StreamingResponse:
    """What energy cost, one row per interval and meter or tenant (conventions: `docs/reference/csv.md`)."""
    ask, found = await _costs(services, asked)
    lines = services.energy.cost_lines(ask, found, asked.language)
    return await streamed(lines, f"costs-{services.site.code}.csv")


@router.get("/energy/bill", responses=responses(400, 404, 409, 422, 503))
async def get_bill(
    services: Services,
    month: Annotated[str, Query(max_length=20, description="`115-07` or `2026-07`.")],
    power_factor: Annotated[int | None, Query(ge=0, le=100, description="Per cent, instead of the measured.")] = None,
    estimate: Annotated[Estimate, Query(description="How silences are spread.")] = Estimate.NONE,
    provisional: Provisional = False,  # noqa: FBT002
    as_known_at: Annotated[Moment | None, Query(description="The record as it was then (RFC 3339).")] = None,
) -> bill_models.BillAnswer:
    """Bill of a month under the contract in force, line by line. 409 where less is known than a bill needs."""
    ask = Terms(provisional, estimate, known_us(services, as_known_at))
    found = await services.energy.bills.bill(_period(month), ask, power_factor=power_factor)
    bounds = found.measured.period.bounds(ZoneInfo(services.site.time_zone))
    return bill_models.bill_answer(found, list(services.site.tariffs.billing.meters), bounds, ask)


@router.get("/energy/what-if", responses=responses(400, 404, 409, 422, 503))
async def get_what_if(services: Services, asked: Annotated[AskedWhatIf, Query()]) -> bill_models.WhatIfAnswer:
    """Months under another tariff or other capacities, and the best regular capacity, beside what was billed."""
    period = _period(asked.period) if asked.period else _past_year(services)
    kw = asked.kw()
    ask = Terms(asked.provisional, asked.estimate, known_us(services, asked.as_known_at))
    found = await services.energy.bills.what_if(period, Scenario(asked.tariff, kw), ask)
    return bill_models.what_if_answer(period.name, found, kw)


def _now(services: ApiServices) -> models.Now | None:
    book, at = services.site.tariffs, services.clock.now()
    day = local_day(ZoneInfo(services.site.time_zone), at)
    try:
        version = book.tariff_on(book.contract_on(day).tariff, day)
        periods = book.periods(at, at + 1)
    except RefusedError:
        return None
    place = periods.place_of(np.array([at]))[0]
    period, price = PERIODS[periods.codes[place]], float(periods.price[place])
    return models.Now(
        tariff_version=version.version,
        season=version.season_on(day),
        period=period,
        period_text=models.period_text(period),
        price=price if np.isfinite(price) else None,
        limit_kw=float(book.limit_kw(day, period)),
    )


async def _costs(services: ApiServices, asked: AskedCosts) -> tuple[CostQuestion, CostAnswer]:
    """Question and answer; 400 for more than an answer should carry."""
    if asked.interval not in INTERVALS:
        raise HTTPException(400, f"interval '{asked.interval}' is unknown; take one of {', '.join(INTERVALS)}")
    tenants = _names(asked.tenants)
    ask = CostQuestion(
        meters=names_asked(_names(asked.meters), tenants, services.site.tariffs),
        tenants=tenants,
        window=checked_window(to_us(asked.start), to_us(asked.end), None),
        interval=asked.interval,
        tariff=asked.tariff,
        estimate=asked.estimate,
        known_at=known_us(services, asked.as_known_at),
        provisional=asked.provisional,
    )
    found = await services.energy.costs.costs(ask)
    if found.costs.kwh.size > INTERVALS_MAX:
        raise HTTPException(400, f"that would be {found.costs.kwh.size} intervals: take longer ones or fewer meters")
    return ask, found


def _rows(services: ApiServices, ask: CostQuestion, found: CostAnswer) -> list[models.CostRow]:
    metering, costs = services.site.metering, found.costs
    subjects: list[tuple[str | None, str | None, Meter | Tenant]] = [
        *((name, None, metering.meters[name]) for name in ask.meters),
        *((None, name, metering.tenants[name]) for name in ask.tenants),
    ]
    return [
        models.CostRow(
            meter=meter,
            tenant=tenant,
            text=Text(zh=subject.text_zh, en=subject.text_en),
            kwh=figures(costs.kwh[row]),
            cost=figures(costs.cost[row]),
            estimated=costs.estimated[row].tolist(),
            coverage=costs.coverage[row].tolist(),
            provisional=found.provisional[row].tolist(),
            periods=[
                _period_cost(found, row, code)
                for code in range(len(PERIODS))
                if np.isfinite(found.periods.coverage[row, code])
            ],
        )
        for row, (meter, tenant, subject) in enumerate(subjects)
    ]


def _period_cost(found: CostAnswer, row: int, code: int) -> models.PeriodCost:
    kwh, cost = float(found.periods.kwh[row, code]), float(found.periods.cost[row, code])
    return models.PeriodCost(
        period=PERIODS[code],
        text=models.period_text(PERIODS[code]),
        kwh=kwh if np.isfinite(kwh) else None,
        cost=cost if np.isfinite(cost) else None,
        coverage=float(found.periods.coverage[row, code]),
        provisional=bool(found.periods_provisional[row, code]),
    )


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if len(names) > NAMES_MAX:
        raise HTTPException(400, f"at most {NAMES_MAX} names at once")
    return names


def _period(text: str) -> Period:
    try:
        return parse_period(text)
    except ValueError as error:
        raise HTTPException(400, str(error)) from error


def _past_year(services: ApiServices) -> Period:
    """The last twelve months that are over."""
    this = local_day(ZoneInfo(services.site.time_zone), services.clock.now()).replace(day=1)
    months = this.year * YEAR_MONTHS + this.month - 1 - YEAR_MONTHS
    return months_of(date(months // YEAR_MONTHS, months % YEAR_MONTHS + 1, 1), YEAR_MONTHS)

"""Charging of vehicles: what it took, and the petrol and carbon that it saved."""

from fastapi import APIRouter
from pydantic import Field

from cityhall_bms.api.energy_query import Period, PeriodQuery
from cityhall_bms.api.models import Model, Time
from cityhall_bms.api.points import known_us
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import Services
from cityhall_bms.api.times import KnownAt, to_rfc3339
from cityhall_bms.domain.energy.periods import parse_period
from cityhall_bms.domain.energy.shedding import SheddingMode, SheddingPlan, Split
from cityhall_bms.energy.vehicle_use import MonthOfCharging

router = APIRouter(prefix="/energy", tags=["energy"])


class Factors(Model):
    """What a kWh is reckoned to replace."""

    km_per_kwh: float = Field(examples=[6.0])
    petrol_km_per_l: float = Field(examples=[15.0])
    petrol_kgco2_per_l: float = Field(examples=[2.263])
    source: str


class Sharing(Model):
    """How stations share the current of their feeder."""

    feeder_limit_a: float = Field(description="Of all stations together, A per phase.", examples=[300.0])
    split: Split
    automatic: bool = Field(description="Whether limits are given; else the site only proposes, or leaves it.")


class ChargingMonth(Model):
    """One month; null where something is not known."""

    begin: Time
    kwh: float | None = Field(examples=[4_120.5])
    coverage: float = Field(description="Share of the month that good data stand for, 0..1.")
    provisional: bool = Field(description="Less is known than figures need, or the grid's factor is an earlier year's.")
    petrol_l: float | None = Field(description="Petrol avoided, L.", examples=[1_648.2])
    petrol_kgco2: float | None = Field(description="Its carbon, kgCO2e.")
    grid_kgco2: float | None = Field(description="Carbon of the power, by the factor of its year, kgCO2e.")
    saved_kgco2: float | None


class Charging(Model):
    """Charging by month; the factors are null when the site has none."""

    period: Period
    as_known_at: Time | None
    factors: Factors | None
    sharing: Sharing | None = Field(description="Null where stations share nothing.")
    months: list[ChargingMonth]


@router.get("/charging", responses=responses(400, 409, 422, 503))
async def get_charging(services: Services, period: PeriodQuery, as_known_at: KnownAt = None) -> Charging:
    """Power that charged vehicles, month by month, with the petrol and carbon that it saved."""
    known_at = known_us(services, as_known_at)
    asked = services.energy.comparison.comparer.elapsed(parse_period(period))
    plan = services.environment.vehicles.plan
    needed = services.energy.comparison.comparer.coverage_min
    months = await services.environment.vehicles.months(asked, known_at)
    return Charging(
        period=Period.of(asked),
        as_known_at=to_rfc3339(known_at),
        factors=None
        if plan is None
        else Factors(
            km_per_kwh=plan.km_per_kwh,
            petrol_km_per_l=plan.petrol_km_per_l,
            petrol_kgco2_per_l=plan.petrol_kgco2_per_l,
            source=plan.source,
        ),
        sharing=_sharing(services.site.shedding),
        months=[_month(month, needed) for month in months],
    )


def _sharing(plan: SheddingPlan) -> Sharing | None:
    if plan.charging is None:
        return None
    return Sharing(
        feeder_limit_a=plan.charging.feeder_limit_a,
        split=plan.charging.split,
        automatic=plan.mode is SheddingMode.AUTOMATIC,
    )


def _month(month: MonthOfCharging, needed: float) -> ChargingMonth:
    saved = month.saved
    return ChargingMonth(
        begin=to_rfc3339(month.at) or "",
        kwh=month.kwh,
        coverage=month.coverage,
        provisional=month.coverage < needed or (month.factor is not None and month.factor.provisional),
        petrol_l=None if saved is None else saved.petrol_l,
        petrol_kgco2=None if saved is None else saved.petrol_kg,
        grid_kgco2=None if saved is None else saved.grid_kg,
        saved_kgco2=None if saved is None else saved.saved_kg,
    )

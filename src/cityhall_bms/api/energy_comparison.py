"""Comparison of what was used with the same period of another year, and its carbon."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from cityhall_bms.api.energy_query import Figure, HowAsked, Named, Period, PeriodQuery, Subject, percentage, shown
from cityhall_bms.api.models import Model
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import Services
from cityhall_bms.domain.energy.carbon import CarbonOfYear
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.periods import parse_period
from cityhall_bms.domain.roc import roc_year
from cityhall_bms.energy.comparing import Against

router = APIRouter(prefix="/energy", tags=["energy"])


class Comparison(Model):
    """What was used, what it is compared with, and what was saved."""

    subject: Subject
    asked: Period
    against: Against
    running: bool = Field(description="The period goes on: its elapsed days are compared with the same ones.")
    provisional: bool = Field(description="Either side has less coverage than is asked.")
    current: Figure
    reference: Figure
    difference: float = Field(description="Current less reference, in the unit.", examples=[-3547200.0])
    saving_percent: float | None = Field(description="Saved of the reference, %, not rounded.", examples=[25.4243])
    saving_shown: str | None = percentage("Saved of the reference")


class YearOfCarbon(Model):
    """Emissions of a part of one year."""

    year: int = Field(examples=[2015])
    roc_year: int = Field(examples=[104])
    amount: float | None = Field(examples=[10404800.0])
    coverage: float
    kg: float | None = Field(
        description="kgCO2e; null where the amount or a factor is not known.", examples=[5462520.0]
    )
    factor: float | None = Field(description="kgCO2e per unit.", examples=[0.525])
    factor_roc_year: int | None = Field(description="Year that the factor was published for.", examples=[104])
    factor_source: str | None
    factor_published: str | None = Field(description="Day on which this version became known; null: long known.")
    provisional: bool = Field(description="The year has no factor yet: the last one before it is used.")

    @classmethod
    def of(cls, found: CarbonOfYear) -> "YearOfCarbon":
        """Give the answer's form."""
        factor = None if found.applied is None else found.applied.factor
        return cls(
            year=found.year,
            roc_year=roc_year(found.year),
            amount=found.amount,
            coverage=found.coverage,
            kg=found.kg,
            factor=None if factor is None else factor.kg_per_unit,
            factor_roc_year=None if factor is None else roc_year(factor.year),
            factor_source=None if factor is None else factor.source,
            factor_published=None if factor is None or factor.published is None else factor.published.isoformat(),
            provisional=found.applied is not None and found.applied.provisional,
        )


class Carbon(Model):
    """Emissions of a period."""

    subject: Subject
    period: Period
    kg: float | None = Field(description="Of all years together; null where one is not known.", examples=[5462520.0])
    provisional: bool
    years: list[YearOfCarbon]


@router.get("/comparison", responses=responses(404, 409, 422, 503))
async def compare_periods(  # noqa: PLR0917 - one parameter per part of the question
    services: Services,
    commodity: Annotated[Commodity, Query()],
    period: PeriodQuery,
    how: HowAsked,
    against: Annotated[Against, Query()] = Against.BASE_YEAR,
    tenant: Named = "",
    meter: Named = "",
) -> Comparison:
    """Compare a period with the same one of the base year, or of the year before.

    409 where less than 95 % of either side is covered and `provisional` was not asked for.
    """
    comparer = services.energy.comparison.comparer
    subject = comparer.subject(commodity, tenant, meter)
    found = await comparer.compare(subject, parse_period(period), against, how)
    told = found.comparison
    return Comparison(
        subject=Subject.of(subject),
        asked=Period.of(found.asked),
        against=against,
        running=found.running,
        provisional=told.provisional,
        current=Figure.of(told.current),
        reference=Figure.of(told.reference),
        difference=told.difference,
        saving_percent=told.saving_percent,
        saving_shown=shown(told.saving_percent),
    )


@router.get("/carbon", responses=responses(404, 409, 422, 503))
async def get_carbon(
    services: Services,
    period: PeriodQuery,
    how: HowAsked,
    commodity: Annotated[Commodity, Query()] = Commodity.ELECTRICITY,
    tenant: Named = "",
    meter: Named = "",
) -> Carbon:
    """Emissions of a period, each year by its own factor; with `as_known_at` by the factors that were known then."""
    comparer = services.energy.comparison.comparer
    subject, asked = comparer.subject(commodity, tenant, meter), parse_period(period)
    years = [YearOfCarbon.of(year) for year in await services.energy.comparison.emissions.of(subject, asked, how)]
    amounts = [year.kg for year in years if year.kg is not None]
    thin = any(year.coverage < comparer.coverage_min for year in years)
    return Carbon(
        subject=Subject.of(subject),
        period=Period.of(comparer.elapsed(asked, how.known_at)),
        kg=sum(amounts) if len(amounts) == len(years) else None,
        provisional=thin or any(year.provisional for year in years),
        years=years,
    )

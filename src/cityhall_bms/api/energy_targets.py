"""Targets of a year: how each is going, and what the year will come to."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from cityhall_bms.api.energy_query import Figure, HowAsked, Subject, percentage, shown
from cityhall_bms.api.models import Model, Text
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import WrittenDay
from cityhall_bms.domain.energy.forecast import Basis
from cityhall_bms.domain.energy.saving_targets import EnergyTarget, Outlook, Progress, TargetKind
from cityhall_bms.domain.roc import ce_year, roc_year
from cityhall_bms.domain.site import Site
from cityhall_bms.energy.comparing import How

On = Annotated[
    WrittenDay | None,
    Query(description="How it went at the begin of this day: the days before it count.", examples=["2015-07-01"]),
]

router = APIRouter(prefix="/energy/targets", tags=["energy"])


class Forecast(Model):
    """What the whole year will come to, by its months so far and the shape of the years before."""

    basis: Basis
    months: int = Field(description="Months of this year that it rests on.")
    years: int = Field(description="Years before that it rests on.")
    expected: float | None
    low: float | None = Field(description="Lower end of the 90 % prediction interval.")
    high: float | None = Field(description="Its upper end.")


class Target(Model):
    """A target, how it is going, and its outlook. Amounts are in the unit of the commodity."""

    name: str = Field(examples=["SAVE-104"])
    text: Text
    source: str
    year: int = Field(examples=[2015])
    roc_year: int = Field(examples=[104])
    subject: Subject
    kind: TargetKind
    amount: float = Field(description="As it is told: %, or an amount.", examples=[1.0])
    limit: float | None = Field(description="Amount of the whole year; null where the reference is not known.")
    limit_per_m2: float | None = Field(description="The same per m² of the site, or of the tenant (EUI).")
    reference: Figure | None
    used: Figure | None = Field(description="So far; its value is null where it is not covered.")
    provisional: bool = Field(description="`used` or `reference` has less coverage than is asked.")
    year_elapsed: float = Field(description="Share of the year on the linear plan, a twelfth a month.", examples=[0.5])
    progress_shown: str | None = percentage("Used so far, of the target")
    linear_pace_shown: str | None = percentage("Used so far, of what the linear plan has until now")
    seasonal_pace_shown: str | None = percentage("Used so far, of what the years before had until then")
    forecast: Forecast
    forecast_per_m2: float | None
    outlook: Outlook

    @classmethod
    def of(cls, progress: Progress, subject: Subject, coverage_min: float, area_m2: float | None) -> "Target":
        """Give the answer's form."""
        target, seen = progress.target, progress.forecast
        sides = [figure for figure in (progress.used, progress.reference) if figure is not None]
        return cls(
            name=target.name,
            text=Text(zh=target.text_zh, en=target.text_en),
            source=target.source,
            year=target.year,
            roc_year=roc_year(target.year),
            subject=subject,
            kind=target.kind,
            amount=target.amount,
            limit=progress.limit,
            limit_per_m2=_per_m2(progress.limit, area_m2),
            reference=None if progress.reference is None else Figure.of(progress.reference),
            used=None if progress.used is None else Figure.of(progress.used),
            provisional=any(figure.coverage < coverage_min for figure in sides),
            year_elapsed=progress.share,
            progress_shown=shown(progress.progress_percent),
            linear_pace_shown=shown(progress.linear_pace_percent),
            seasonal_pace_shown=shown(progress.seasonal_pace_percent),
            forecast=Forecast(
                basis=seen.basis,
                months=seen.months,
                years=seen.years,
                expected=seen.expected,
                low=seen.low,
                high=seen.high,
            ),
            forecast_per_m2=_per_m2(seen.expected, area_m2),
            outlook=progress.outlook,
        )


class TargetList(Model):
    """Targets in the order of the site folder."""

    items: list[Target]


@router.get("", responses=responses(409, 422, 503))
async def list_energy_targets(
    services: Services,
    how: HowAsked,
    on: On = None,
    year: Annotated[int | None, Query(ge=50, le=2200, description="ROC or CE; without it all.", examples=[104])] = None,
) -> TargetList:
    """Every target of a year, how it is going and what it will come to."""
    wanted = [
        target
        for target in services.site.energy_book.targets
        if year is None or target.year == ce_year(year)
    ]  # fmt: skip
    return TargetList(items=[await _told(services, target, how, on) for target in wanted])


@router.get("/{name}", responses=responses(404, 409, 422, 503))
async def get_energy_target(services: Services, name: str, how: HowAsked, on: On = None) -> Target:
    """One target."""
    return await _told(services, services.site.energy_book.target(name), how, on)


async def _told(services: ApiServices, target: EnergyTarget, how: How, on: date | None) -> Target:
    comparer = services.energy.comparison.comparer
    subject = comparer.subject(target.commodity, target.tenant, target.meter)
    progress = await services.energy.comparison.target_watch.progress(target, how, on)
    return Target.of(progress, Subject.of(subject), comparer.coverage_min, _area_m2(services.site, target))


def _area_m2(site: Site, target: EnergyTarget) -> float | None:
    """Area of what a target is of; none where it is not known, and for one meter."""
    if target.meter:
        return None
    return site.metering.tenants[target.tenant].area_m2 if target.tenant else site.facts.area_m2


def _per_m2(amount: float | None, area_m2: float | None) -> float | None:
    return None if amount is None or area_m2 is None else amount / area_m2

"""Energy conservation measures: proposed, put in place, measured, verified."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cityhall_bms.api import cursors
from cityhall_bms.api.access import Who
from cityhall_bms.api.alarms import NO_NUL, Words
from cityhall_bms.api.energy_query import HowAsked, Period, percentage, shown
from cityhall_bms.api.models import Model, Text, Time
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import Services
from cityhall_bms.api.times import WrittenDay, to_rfc3339
from cityhall_bms.domain.energy import before_after, measures
from cityhall_bms.domain.energy.before_after import Beside
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.measures import Definition, IpmvpOption, MeasureStatus
from cityhall_bms.domain.roc import YEARS
from cityhall_bms.ports.measures import MeasureFilter

router = APIRouter(prefix="/energy/measures", tags=["energy"])

MeasureName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
Line = Annotated[str, StringConstraints(pattern=NO_NUL, max_length=200)]
Names = Annotated[list[Line], Field(max_length=200)]
AMOUNT_MAX = 1e12
Amount = Annotated[float, Field(ge=-AMOUNT_MAX, le=AMOUNT_MAX, strict=True)]
Positive = Annotated[float, Field(ge=0.0, le=AMOUNT_MAX, strict=True)]
Day = Annotated[WrittenDay, Field(ge=date(YEARS.start, 1, 1), lt=date(YEARS.stop, 1, 1))]
EXAMPLE: dict[str, Any] = {
    "text_zh": "西側招牌燈 12 盞減為 4 盞", "text_en": "West sign: 12 to 4 lamps", "commodity": "electricity",
    "option": "A", "equipment": ["TCH.B2.CN.CHC01"], "deemed": 9072.0, "price_ntd": "3.79005",
}  # fmt: skip


class Described(BaseModel):
    """What a measure is. ``deemed`` is its saving a year, in the unit of the commodity."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE})

    text_zh: Line = Field(min_length=1)
    text_en: Line = Field(min_length=1)
    commodity: Commodity = Commodity.ELECTRICITY
    option: IpmvpOption = Field(description="IPMVP option.")
    meters: Names = []
    equipment: Names = []
    deemed: Amount = 0.0
    price_ntd: Decimal | None = Field(
        None, ge=0, max_digits=12, decimal_places=8, description="NT$ per unit, with all the decimals that it has."
    )
    cost_ntd: Positive | None = None
    baseline: Line = Field("", description="Identity of the baseline that its savings are calculated with.")

    def definition(self) -> Definition:
        """In our terms."""
        return Definition(
            text_zh=self.text_zh,
            text_en=self.text_en,
            commodity=self.commodity,
            option=self.option,
            meters=tuple(self.meters),
            equipment=tuple(self.equipment),
            deemed=self.deemed,
            price_ntd=self.price_ntd,
            cost_ntd=self.cost_ntd,
            baseline=self.baseline,
        )


class NewMeasure(Described):
    """A measure under a name of its own."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"measure": "ECM-104-01"} | EXAMPLE})

    measure: MeasureName


class Move(BaseModel):
    """Another status, and who says so."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"status": "in_place", "start": "2015-03-03"}}
    )

    status: MeasureStatus
    start: Day | None = Field(None, description="First day on which it is in place.")
    comment: Words = ""


class Measured(BaseModel):
    """What was measured: ``saved`` a year, by which method, from which days; the last days are excluded."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "saved": 8900.0, "uncertainty": 120.0, "method": "before_after", "before_first": "2015-02-03",
                "before_until": "2015-03-03", "after_first": "2015-03-03", "after_until": "2015-03-31",
            }
        },
    )  # fmt: skip

    saved: Amount
    uncertainty: Positive | None = None
    method: Line = Field(min_length=1)
    before_first: Day
    before_until: Day
    after_first: Day
    after_until: Day
    note: Words = ""

    def measurement(self) -> measures.Measurement:
        """In our terms."""
        return measures.Measurement(
            saved=self.saved,
            method=self.method,
            before=(self.before_first.isoformat(), self.before_until.isoformat()),
            after=(self.after_first.isoformat(), self.after_until.isoformat()),
            uncertainty=self.uncertainty,
            note=self.note,
        )


class Measurement(Model):
    """What was measured."""

    saved: float = Field(examples=[8900.0])
    uncertainty: float | None
    method: str
    before: list[str] = Field(description="First day, and the day after the last one.")
    after: list[str]
    note: str
    by: str
    at: Time


class Measure(Model):
    """One measure as it stands."""

    measure: str = Field(examples=["ECM-104-01"])
    status: MeasureStatus
    text: Text
    commodity: Commodity
    unit: str = Field(examples=["kWh"])
    option: IpmvpOption
    meters: list[str]
    equipment: list[str]
    start: str | None = Field(examples=["2015-03-03"])
    deemed: float = Field(description="Promised saving a year, in the unit.", examples=[9072.0])
    measurement: Measurement | None
    saving: float = Field(description="Saving a year: as measured, else as deemed.", examples=[8900.0])
    saving_ntd: int | None = Field(description="In whole NT$, fractions dropped.", examples=[33731])
    price_ntd: str | None = Field(examples=["3.79005"])
    cost_ntd: float | None
    payback_years: float | None
    baseline: str | None
    proposed_by: str
    proposed_at: Time
    verified_by: str | None
    changed_by: str
    changed_at: Time
    comment: str
    version: int

    @classmethod
    def of(cls, measure: measures.Measure) -> "Measure":
        """Give the answer's form."""
        what, found = measure.definition, measure.measurement
        return cls(
            measure=measure.measure,
            status=measure.status,
            text=Text(zh=what.text_zh, en=what.text_en),
            commodity=what.commodity,
            unit=what.commodity.unit,
            option=what.option,
            meters=list(what.meters),
            equipment=list(what.equipment),
            start=measure.start or None,
            deemed=what.deemed,
            measurement=None if found is None else _measurement(found),
            saving=measure.saving,
            saving_ntd=measure.money_ntd,
            price_ntd=None if what.price_ntd is None else str(what.price_ntd),
            cost_ntd=what.cost_ntd,
            payback_years=measure.payback_years,
            baseline=what.baseline or None,
            proposed_by=measure.proposed_by,
            proposed_at=to_rfc3339(measure.proposed_at) or "",
            verified_by=measure.verified_by or None,
            changed_by=measure.changed_by,
            changed_at=to_rfc3339(measure.changed_at) or "",
            comment=measure.comment,
            version=measure.version,
        )


class MeasurePage(Model):
    """Some measures, the newest first, and where to go on."""

    items: list[Measure]
    next: str | None


class BeforeAfter(Model):
    """Matched days before and after a measure, in its unit; a saving is positive where less was used."""

    measure: str
    unit: str
    before: Period
    after: Period
    days: int = Field(description="Days known on both sides.", examples=[28])
    mean_before: float = Field(description="A day.")
    mean_after: float
    saving_per_day: float
    saving_shown: str | None = percentage("Saved of what was used before")
    saving_per_year: float = Field(description="Of 365 such days: good for what does not follow the seasons.")
    error_per_year: float = Field(description="Half width of its 90 % interval.")
    provisional: bool = Field(description="Fewer pairs of days than are asked.")

    @classmethod
    def of(cls, measure: measures.Measure, found: before_after.BeforeAfter, coverage_min: float) -> "BeforeAfter":
        """Give the answer's form."""
        return cls(
            measure=measure.measure,
            unit=measure.definition.commodity.unit,
            before=Period.of(found.before),
            after=Period.of(found.after),
            days=found.days,
            mean_before=found.mean_before,
            mean_after=found.mean_after,
            saving_per_day=found.saving_per_day,
            saving_shown=shown(found.saving_percent),
            saving_per_year=found.saving_per_year,
            error_per_year=found.error_per_year,
            provisional=found.days < coverage_min * found.after.days,
        )


@router.get("", responses=responses(400, 422, 503))
async def list_measures(
    services: Services,
    status: Annotated[MeasureStatus | None, Query()] = None,
    commodity: Annotated[Commodity | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> MeasurePage:
    """Measures, the newest first."""
    which = MeasureFilter(status, commodity)
    page = await services.energy.comparison.measures.page(which, limit, cursors.place_of(cursor))
    return MeasurePage(
        items=[Measure.of(measure) for measure in page.measures], next=cursors.cursor_of(page.next_place)
    )


@router.post("", status_code=201, responses=responses(404, 409, 415, 422, 503))
async def propose_measure(services: Services, who: Who, body: NewMeasure) -> Measure:
    """Propose a measure; 409 where its name is taken."""
    desk = services.energy.comparison.measure_desk
    return Measure.of(await desk.propose(body.measure, body.definition(), by=who.name))


@router.get("/{measure}", responses=responses(404, 422, 503))
async def get_measure(services: Services, measure: MeasureName) -> Measure:
    """One measure."""
    return Measure.of(await services.energy.comparison.measure_desk.get(measure))


@router.put("/{measure}", responses=responses(404, 409, 415, 422, 503))
async def revise_measure(services: Services, who: Who, measure: MeasureName, body: Described) -> Measure:
    """Say anew what a measure is; 409 once it is verified, closed or withdrawn."""
    return Measure.of(await services.energy.comparison.measure_desk.revise(measure, body.definition(), by=who.name))


@router.post("/{measure}/status", responses=responses(404, 409, 415, 422, 503))
async def move_measure(services: Services, who: Who, measure: MeasureName, body: Move) -> Measure:
    """Approve, put in place (with its first day), verify (once measured), close or withdraw a measure."""
    start = "" if body.start is None else body.start.isoformat()
    desk = services.energy.comparison.measure_desk
    return Measure.of(await desk.move(measure, body.status, by=who.name, start=start, comment=body.comment))


@router.post("/{measure}/measurements", status_code=201, responses=responses(404, 409, 415, 422, 503))
async def record_measurement(services: Services, who: Who, measure: MeasureName, body: Measured) -> Measure:
    """Record what was measured; the newest counts, all are kept."""
    return Measure.of(await services.energy.comparison.measure_desk.measured(measure, body.measurement(), by=who.name))


@router.get("/{measure}/before-after", responses=responses(404, 409, 422, 503))
async def compare_before_after(
    services: Services,
    measure: MeasureName,
    how: HowAsked,
    weeks: Annotated[int, Query(ge=4, le=52, description="Length of either side.")] = 4,
    beside: Annotated[Beside, Query(description="Which days from before.")] = Beside.JUST_BEFORE,
) -> BeforeAfter:
    """Days after a measure beside days before it, the same weekdays; 409 where too few of them are covered."""
    found = await services.energy.comparison.measure_desk.get(measure)
    matched = await services.energy.comparison.matched_days.of(found, weeks, beside, how)
    return BeforeAfter.of(found, matched, services.energy.comparison.comparer.coverage_min)


def _measurement(found: measures.Measurement) -> Measurement:
    return Measurement(
        saved=found.saved,
        uncertainty=found.uncertainty,
        method=found.method,
        before=list(found.before),
        after=list(found.after),
        note=found.note,
        by=found.by,
        at=to_rfc3339(found.at) or "",
    )

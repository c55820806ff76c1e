"""Baselines fitted and adopted, what changed besides, and the savings that follow."""

from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from cityhall_bms.api import cursors
from cityhall_bms.api import energy_baselines_models as models
from cityhall_bms.api.access import Who
from cityhall_bms.api.alarms import NO_NUL, Words
from cityhall_bms.api.energy_query import Named, PeriodQuery, checked_period
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import KnownAt, WrittenDay, to_us
from cityhall_bms.domain.energy.baseline_book import BaselineRecord, DayClass
from cityhall_bms.domain.energy.baselines import COOLING_RANGE, ModelKind
from cityhall_bms.domain.energy.fit_statistics import CONFIDENCE
from cityhall_bms.domain.energy.measures import IpmvpOption
from cityhall_bms.domain.energy.periods import FORMS, Period, parse_period
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.wall_clock import instant_us, local_day
from cityhall_bms.ports.baselines import AdjustmentWish, BaselineWish, SavingsQuestion
from cityhall_bms.ports.history import Window

router = APIRouter(prefix="/energy", tags=["energy"])

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$"
Name = Annotated[str, StringConstraints(pattern=NAME)]
NamedPath = Annotated[str, Path(pattern=NAME)]
Day = Annotated[WrittenDay, Field(ge=date(1990, 1, 1), le=date(2200, 1, 1))]
MeterName = Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=60)]
Reason = Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=1000, strip_whitespace=True)]
PeriodText = Annotated[str, Field(max_length=40, description=f"{FORMS}."), AfterValidator(checked_period)]
Degrees = Annotated[float, Field(ge=-1.0, le=32.0, strict=True)]


class NewBaseline(BaseModel):
    """Which model to fit, of which meter, to which period; a period of a year or a little more."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "baseline": "MAIN-103", "meter": "TCH.ELEC.MAIN", "model": "cooling", "period": "103",
                "note": "五樓西側冰水主機汰換前",
            }
        },
    )  # fmt: skip

    baseline: Name
    meter: MeterName
    model: ModelKind = ModelKind.COOLING
    option: Annotated[
        IpmvpOption,
        Field(description="`C`: a whole building, whose zeros are missing. `B`: plant with meters of its own."),
    ] = IpmvpOption.C
    period: PeriodText
    cooling_low: Degrees = Field(COOLING_RANGE[0], description="Lowest balance point of cooling, °C.")
    cooling_high: Degrees = Field(COOLING_RANGE[1], description="Highest balance point of cooling, °C.")
    note: Words = ""

    @model_validator(mode="after")
    def _ordered(self) -> "NewBaseline":
        if self.cooling_low > self.cooling_high:
            msg = f"cooling_low ({self.cooling_low:g}) is above cooling_high ({self.cooling_high:g})"
            raise ValueError(msg)
        return self


class Adoption(BaseModel):
    """Who takes a baseline into use, and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"comment": "節能小組 104-01 會議決議"}})

    comment: Words = ""


class NewAdjustment(BaseModel):
    """What is used besides: how much a day, from which day on, until which day (excluded), and what shows it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "adjustment": "NRA-104-01", "meter": "TCH.ELEC.MAIN", "first": "2015-03-02", "kwh_per_day": 410.5,
                "days": "every_day", "reason": "新增 18 座充電樁", "evidence": "驗收紀錄 104-03",
            }
        },
    )  # fmt: skip

    adjustment: Name
    meter: MeterName
    first: Day
    until: Day | None = Field(None, description="Day after the last one; null: it lasts.")
    kwh_per_day: float = Field(
        ge=-1e9, le=1e9, allow_inf_nan=False, strict=True, description="Positive where more is used now."
    )
    days: DayClass = DayClass.EVERY_DAY
    reason: Reason
    evidence: Reason


class Withdrawal(BaseModel):
    """Who takes an adjustment back, and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reason": "重複登錄"}})

    reason: Reason


@router.get("/baselines", responses=responses(400, 422, 503))
async def list_baselines(
    services: Services,
    meter: Named = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> models.BaselinePage:
    """Baselines, accepted or not, the newest first."""
    page = await services.energy.performance.baselines.page(meter or None, limit, cursors.place_of(cursor))
    return models.BaselinePage(
        items=[_baseline(services, record) for record in page.baselines], next=cursors.cursor_of(page.next_place)
    )


@router.post("/baselines", status_code=201, responses=responses(404, 409, 415, 422, 503))
async def fit_baseline(services: Services, who: Who, body: NewBaseline) -> models.Baseline:
    """Fit a model and record it, with every limit that it does not keep. 409 when nothing can be fitted at all."""
    wish = BaselineWish(
        baseline=body.baseline,
        meter=body.meter,
        model=body.model,
        option=body.option,
        window=_window(services, parse_period(body.period)),
        cooling=(body.cooling_low, body.cooling_high),
        note=body.note,
    )
    return _baseline(services, await services.energy.performance.baseline_desk.fit(wish, by=who.name))


@router.get("/baselines/{baseline}", responses=responses(404, 422, 503))
async def get_baseline(services: Services, baseline: NamedPath) -> models.Baseline:
    """One baseline."""
    found = await services.energy.performance.baselines.get(baseline)
    if found is None:
        msg = f"沒有基準線 {baseline} / no baseline is named {baseline}; GET /api/v1/energy/baselines lists them"
        raise NotFoundError(msg)
    return _baseline(services, found)


@router.post("/baselines/{baseline}/adoption", responses=responses(404, 409, 415, 422, 503))
async def adopt_baseline(services: Services, who: Who, baseline: NamedPath, body: Adoption) -> models.Baseline:
    """Take a baseline into use for its meter, instead of the one before. 409 when it was not accepted."""
    desk = services.energy.performance.baseline_desk
    return _baseline(services, await desk.adopt(baseline, by=who.name, comment=body.comment))


@router.post("/baselines/{baseline}/second-opinion", responses=responses(404, 409, 422, 501, 503))
async def ask_second_opinion(services: Services, baseline: NamedPath) -> models.SecondOpinion:
    """Have another library fit the same data; it takes seconds to two minutes. 501 where it is not installed."""
    return models.SecondOpinion.of(await services.energy.performance.baseline_desk.second_opinion(baseline))


@router.get("/savings", responses=responses(400, 404, 409, 422, 503))
async def get_savings(  # noqa: PLR0917 - one parameter per part of the question
    services: Services,
    period: PeriodQuery,
    meter: Named = "",
    baseline: Named = "",
    provisional: Annotated[bool, Query(description="Also with too little coverage; it is marked then.")] = False,  # noqa: FBT002
    columns: Annotated[bool, Query(description="Every interval, too.")] = False,  # noqa: FBT002
    known_at: KnownAt = None,
) -> models.Savings:
    """What was saved in a period, by the baseline that is in force for a meter, or by the one that is named."""
    asked = parse_period(period)
    known = None if known_at is None else to_us(known_at)
    question = SavingsQuestion(meter, _window(services, asked), baseline, provisional, known)
    answer = await services.energy.performance.baseline_desk.savings(question)
    unit = _unit(services, answer.baseline.fitted.meter)
    return models.Savings.of(answer, asked, unit, CONFIDENCE, columns=columns)


@router.get("/adjustments", responses=responses(400, 422, 503))
async def list_adjustments(
    services: Services,
    meter: Named = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> models.AdjustmentPage:
    """Non-routine adjustments, the newest first, withdrawn ones among them."""
    page = await services.energy.performance.baselines.adjustments(meter or None, limit, cursors.place_of(cursor))
    items = [models.Adjustment.of(record) for record in page.adjustments]
    return models.AdjustmentPage(items=items, next=cursors.cursor_of(page.next_place))


@router.post("/adjustments", status_code=201, responses=responses(404, 409, 415, 422, 503))
async def add_adjustment(services: Services, who: Who, body: NewAdjustment) -> models.Adjustment:
    """Record use that is no part of the baseline, with what shows it."""
    zone = ZoneInfo(services.site.time_zone)
    wish = AdjustmentWish(
        adjustment=body.adjustment,
        meter=body.meter,
        begin=instant_us(zone, body.first, 0),
        until=None if body.until is None else instant_us(zone, body.until, 0),
        kwh_per_day=body.kwh_per_day,
        days=body.days,
        reason=body.reason,
        evidence=body.evidence,
    )
    return models.Adjustment.of(await services.energy.performance.baseline_desk.adjust(wish, by=who.name))


@router.post("/adjustments/{adjustment}/withdrawal", responses=responses(404, 409, 415, 422, 503))
async def withdraw_adjustment(
    services: Services, who: Who, adjustment: NamedPath, body: Withdrawal
) -> models.Adjustment:
    """Take an adjustment back: it counts no more for any period. 409 when that was done already."""
    desk = services.energy.performance.baseline_desk
    return models.Adjustment.of(await desk.withdraw(adjustment, by=who.name, reason=body.reason))


def _window(services: ApiServices, period: Period) -> Window:
    return Window(*period.bounds(ZoneInfo(services.site.time_zone)))


def _baseline(services: ApiServices, record: BaselineRecord) -> models.Baseline:
    zone = ZoneInfo(services.site.time_zone)
    period = Period(local_day(zone, record.fitted.first), local_day(zone, record.fitted.until))
    return models.Baseline.of(record, _unit(services, record.fitted.meter), period)


def _unit(services: ApiServices, meter: str) -> str:
    """Unit of a meter; of one that the site knows no more, nothing."""
    found = services.site.metering.meters.get(meter)
    return "" if found is None else found.commodity.unit

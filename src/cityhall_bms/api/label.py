"""The Intelligent Building label: what there is to show for each indicator."""

from fastapi import APIRouter
from pydantic import Field

from cityhall_bms.api.indoor_air import asked_window
from cityhall_bms.api.models import Model, Text, Time
from cityhall_bms.api.points import known_us
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import FromTime, KnownAt, ToTime, to_rfc3339
from cityhall_bms.domain.label import Evidence
from cityhall_bms.domain.label import Indicator as KnownIndicator
from cityhall_bms.ports.label import Fact as KnownFact
from cityhall_bms.ports.label import LabelQuestion
from cityhall_bms.reports.label import facts_of, tables_of
from cityhall_bms.reports.label_sources import LabelSources
from cityhall_bms.rules.book import taking_effect, worded
from cityhall_bms.rules.legal_means import legal_means

router = APIRouter(tags=["label"])


class Fact(Model):
    """A figure that sums up evidence; less than 95 % known is marked provisional."""

    name: str = Field(examples=["air_compliance"])
    text: Text
    value: float | None = Field(description="Null where nothing is known.", examples=[99.2])
    unit: str = Field(examples=["%"])
    coverage: float | None = Field(description="Share of the time that is known, 0..1; null for counts.")
    provisional: bool


class Indicator(Model):
    """One indicator of the edition."""

    name: str = Field(examples=["health"])
    text: Text
    evidence: list[Evidence]
    tables: list[str] = Field(description="Files of the evidence pack.", examples=[["air-compliance"]])
    facts: list[Fact]
    score: float | None = Field(description="Self-assessed, as the site says.")
    score_max: float | None
    remark: str
    attachments: list[str]


class Label(Model):
    """Indicators and what sums up their evidence; `cityhall-bms label-evidence` makes the pack."""

    edition: str
    level: str
    begin: Time
    end: Time
    as_known_at: Time
    items: list[Indicator]


@router.get("/label", responses=responses(400, 409, 422, 503))
async def get_label(services: Services, start: FromTime, end: ToTime, as_known_at: KnownAt = None) -> Label:
    """Evidence for the Intelligent Building label, indicator by indicator."""
    window, known_at = asked_window(start, end), known_us(services, as_known_at)
    question = LabelQuestion(window, services.clock.now() if known_at is None else known_at)
    sources = await _sources(services)
    return Label(
        edition=sources.plan.edition,
        level=sources.plan.level,
        begin=to_rfc3339(window.start) or "",
        end=to_rfc3339(window.end) or "",
        as_known_at=to_rfc3339(question.known_at) or "",
        items=[await _indicator(services, indicator, sources, question) for indicator in sources.plan.indicators],
    )


async def _indicator(
    services: ApiServices, indicator: KnownIndicator, sources: LabelSources, question: LabelQuestion
) -> Indicator:
    needed = services.site.energy_book.references.coverage_min
    return Indicator(
        name=indicator.name,
        text=Text.of(indicator.text),
        evidence=list(indicator.evidence),
        tables=[table.name for table in tables_of(indicator, sources, question)],
        facts=[_fact(fact, needed) for fact in await facts_of(indicator, sources, question)],
        score=indicator.score,
        score_max=indicator.score_max,
        remark=indicator.remark,
        attachments=list(indicator.attachments),
    )


def _fact(fact: KnownFact, needed: float) -> Fact:
    return Fact(
        name=fact.name,
        text=Text.of(fact.text),
        value=fact.value,
        unit=fact.unit,
        coverage=fact.coverage,
        provisional=fact.coverage is not None and fact.coverage < needed,
    )


async def _sources(services: ApiServices) -> LabelSources:
    records = await services.rules.view.records()
    described = services.rules.catalogue.described
    environment = services.environment
    return LabelSources(
        site=services.site,
        ids=services.ids,
        plan=services.label_plan,
        rules=taking_effect(described, records),
        limits=legal_means(worded(described, records).values(), environment.air.plan.brick_class),
        queries=services.queries,
        reader=services.energy.reader,
        air=environment.air,
        comfort=environment.comfort,
        air_record=environment.air_record,
        alarms=services.alarm_record,
        permits=services.permits,
        hand_overs=services.hand_overs,
        maintenance=services.maintenance.view,
        events=services.events,
    )

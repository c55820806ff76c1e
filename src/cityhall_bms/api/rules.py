"""Rules: what is in force and says what now; drafts, backtests, shadows and promotions."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Path, Query, Response

from cityhall_bms.api import cursors, models
from cityhall_bms.api import rule_models as forms
from cityhall_bms.api.access import Who
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import to_rfc3339, to_us
from cityhall_bms.domain.errors import NotFoundError, SiteError
from cityhall_bms.domain.rule_book import Promotion, RuleRecord, Wording, prevailing
from cityhall_bms.domain.site import Text
from cityhall_bms.ports.rule_views import Backtest, BacktestOrder, BacktestState, ShadowDay
from cityhall_bms.rules.book import definition, read_wording
from cityhall_bms.rules.catalogue import Entry
from cityhall_bms.rules.drafts import parse_draft
from cityhall_bms.rules.engine import Answer
from cityhall_bms.rules.model import Rule
from cityhall_bms.rules.runner import CHECKPOINT

SUBJECTS_MAX: Final = 10_000
JSON: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/json": {"schema": {"type": "object"}}}, "description": "The whole result."}
}

router = APIRouter(prefix="/rules", tags=["rules"])

Identity = Annotated[str, Path(pattern=r"^[A-Z0-9][A-Z0-9-]{0,39}$", examples=["H13"])]
Number = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,60}$")]


@router.get("", responses=responses(400, 422, 503))
async def list_rules(
    services: Services,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> forms.RulePage:
    """Rules by id, with what each is bound to and says now."""
    records, entries = await _book(services)
    after = cursors.decode(cursor) if cursor else ""
    names = [name for name in sorted({*entries, *(n for n, r in records.items() if r.draft)}) if name > after]
    lines = [_line(name, entries.get(name), records.get(name), services) for name in names[:limit]]
    return forms.RulePage(items=lines, next=cursors.encode(lines[-1].id) if len(names) > limit else None)


@router.get("/{rule}", responses=responses(404, 422, 503))
async def get_rule(services: Services, rule: Identity) -> forms.RuleView:
    """One rule: wording and versions, subjects and what it says of each, draft, evidence, shadow."""
    records, entries = await _book(services)
    entry, record = entries.get(rule), records.get(rule) or RuleRecord(rule)
    if entry is None and not record.versions and record.draft is None:
        raise NotFoundError(_unknown(rule))
    standing = () if entry is None else entry.standing[:SUBJECTS_MAX]
    seal = record.backtest
    return forms.RuleView(
        line=_line(rule, entry, record, services),
        definition=None if entry is None else definition(entry.rule),
        versions=[_wording(item) for item in record.versions],
        subjects=[
            forms.RuleSubject(
                subject=item.subject, equipment=item.equipment, answer=_name(item.answer), active=item.active
            )
            for item in standing
        ],
        not_applicable=[
            forms.RuleLacking(equipment=item.equipment, missing=list(item.missing), reason=item.reason)
            for item in (() if entry is None else entry.unbound)
        ],
        draft=_wording(record.draft) if record.draft else None,
        backtest=None
        if seal is None
        else forms.RuleEvidence(
            backtest=seal.backtest,
            digest=seal.digest,
            start=to_rfc3339(seal.first) or "",
            end=to_rfc3339(seal.until) or "",
            summary=dict(seal.summary),
        ),
        shadow=await _shadow(services, record),
        promotion=_promotion(record.promotion),
    )


@router.put("/{rule}/draft", responses=responses(400, 409, 415, 422, 503))
async def draft_rule(services: Services, who: Who, rule: Identity, body: forms.Draft) -> forms.RuleState:
    """Keep another wording of a rule, or a new rule, to be tested; 422 names every mistake and where it is."""
    if (body.toml is None) == (body.definition is None):
        raise HTTPException(400, "give either `toml` or `definition`")
    table = body.definition if body.toml is None else parse_draft(body.toml)
    return _state(await services.rules.desk.draft(rule, table or {}, by=who.name))


@router.post("/{rule}/check", responses=responses(400, 415, 422, 503))
async def check_rule(services: Services, rule: Identity, body: forms.Draft) -> forms.RuleCheck:
    """Read a wording as a draft would be, and keep nothing: what it says in full, or every mistake and where it is."""
    if (body.toml is None) == (body.definition is None):
        raise HTTPException(400, "give either `toml` or `definition`")
    try:
        table = body.definition if body.toml is None else parse_draft(body.toml)
        found = await services.rules.desk.check(rule, table or {})
    except SiteError as error:
        mistakes = [
            forms.RuleMistake(field=item.field, message=item.message, remedy=item.remedy) for item in error.problems
        ]
        return forms.RuleCheck(mistakes=mistakes, version=None, definition=None)
    return forms.RuleCheck(mistakes=[], version=found.version, definition=definition(found))


@router.delete("/{rule}/draft", responses=responses(409, 422, 503))
async def drop_rule_draft(services: Services, who: Who, rule: Identity) -> forms.RuleState:
    """Give a draft up."""
    return _state(await services.rules.desk.drop_draft(rule, by=who.name))


@router.post("/{rule}/shadow", responses=responses(409, 415, 422, 503))
async def start_rule_shadow(services: Services, who: Who, rule: Identity) -> forms.RuleState:
    """Let the draft run live beside the active rule; it rings nothing, and what it would have rung is counted."""
    return _state(await services.rules.desk.start_shadow(rule, by=who.name))


@router.delete("/{rule}/shadow", responses=responses(409, 422, 503))
async def end_rule_shadow(services: Services, who: Who, rule: Identity) -> forms.RuleState:
    """End that."""
    return _state(await services.rules.desk.end_shadow(rule, by=who.name))


@router.post("/{rule}/promote", responses=responses(409, 415, 422, 503))
async def promote_rule(services: Services, who: Who, rule: Identity, body: forms.Promotion) -> forms.RuleState:
    """Have the draft take effect; 409 without a backtest of that very draft."""
    days = await _shadow_days(services, await services.rules.desk.record(rule))
    return _state(await services.rules.desk.promote(rule, by=who.name, reason=body.reason, days=days))


@router.post("/{rule}/backtest", status_code=202, responses=responses(404, 409, 415, 422, 503))
async def backtest_rule(
    services: Services, who: Who, rule: Identity, body: forms.BacktestOrder, response: Response
) -> forms.BacktestView:
    """Have the draft tested on history in comparison with what is in force; without a draft what is in force."""
    order = BacktestOrder(to_us(body.start), to_us(body.end), round(body.step_s * 1e6))
    found = await services.rules.office.ask(rule, order, by=who.name)
    response.headers["Location"] = _address(found)
    return _backtest(found)


@router.get("/{rule}/backtests", responses=responses(400, 422, 503))
async def list_rule_backtests(
    services: Services,
    rule: Identity,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> forms.BacktestPage:
    """Backtests of a rule, the newest first."""
    found = await services.rules.backtests.page(rule, limit + 1, cursors.decode(cursor) if cursor else None)
    page = found[:limit]
    more = cursors.encode(page[-1].id) if len(found) > limit else None
    return forms.BacktestPage(items=[_backtest(item) for item in page], next=more)


@router.get("/{rule}/backtests/{identity}", responses=responses(404, 422, 503))
async def get_rule_backtest(services: Services, rule: Identity, identity: Number) -> forms.BacktestView:
    """One backtest, and how far it is."""
    return _backtest(await _found(services, rule, identity))


@router.get(
    "/{rule}/backtests/{identity}/result", response_class=Response, responses={**responses(404, 409, 422, 503), **JSON}
)
async def get_rule_backtest_result(services: Services, rule: Identity, identity: Number) -> Response:
    """The result, to the byte as it was digested (its SHA-256 is the `ETag`); times are µs since 1970 UTC."""
    found = await _found(services, rule, identity)
    body = await services.rules.backtests.result(identity)
    if body is None:
        raise HTTPException(409, f"backtest {identity} is {found.state}: it has no result")
    headers = {
        "ETag": f'"{found.digest}"',
        "Content-Disposition": f'attachment; filename="{rule}-{identity}.json"',
        "Cache-Control": "no-store",
    }
    return Response(body.encode(), media_type="application/json", headers=headers)


async def rules_in_force(services: ApiServices) -> dict[str, Entry]:
    """Give every rule that is in force, by id, with what it says now."""
    _, entries = await _book(services)
    return entries


async def _book(services: ApiServices) -> tuple[dict[str, RuleRecord], dict[str, Entry]]:
    records = dict(await services.rules.view.records())
    checkpoint = await services.events.checkpoint(CHECKPOINT)
    return records, services.rules.catalogue.entries(records, None if checkpoint is None else checkpoint.state)


def _line(name: str, entry: Entry | None, record: RuleRecord | None, services: ApiServices) -> forms.RuleLine:
    record = record or RuleRecord(name)
    rule = entry.rule if entry is not None else _other(record)
    answers = Counter(item.answer for item in (() if entry is None else entry.standing))
    return forms.RuleLine(
        id=name,
        version=rule.version,
        enabled=entry is not None,
        origin=_origin(entry, record, services.rules.catalogue.described.get(name)),
        priority=rule.priority,
        equipment_class=list(getattr(rule, "equipment_class", ())),
        text=models.Text.of(Text(rule.text_zh, rule.text_en)),
        source=rule.source,
        bound=0 if entry is None else len(entry.standing),
        not_applicable=0 if entry is None else len(entry.unbound),
        active=sum(item.active for item in (() if entry is None else entry.standing)),
        answers={_name(answer): answers[answer] for answer in Answer},
        draft=record.draft.version if record.draft else None,
        shadow=record.shadow is not None,
        parked=record.failure or "by a failure" if entry is not None and entry.parked else None,
    )


def _other(record: RuleRecord) -> Rule:
    """Rule of a record that is not in force: its draft, or its last wording."""
    wording = record.draft or record.versions[-1]
    rule = read_wording(wording.definition)
    if rule is None:
        msg = f"rule {record.rule} is written in a way that is not read any more"
        raise NotFoundError(msg)
    return rule


def _origin(entry: Entry | None, record: RuleRecord, file: Rule | None) -> Any:  # noqa: ANN401 - one of three words
    if entry is None:
        return "draft"
    return "file" if prevailing(record, None if file is None else file.version) is None else "promoted"


def _name(answer: Answer) -> Any:  # noqa: ANN401 - one of four words
    return answer.name.lower()


def _wording(wording: Wording) -> forms.RuleWording:
    return forms.RuleWording(
        version=wording.version,
        fingerprint=wording.fingerprint,
        at=to_rfc3339(wording.at) or "",
        by=wording.by,
        definition=dict(wording.definition),
    )


def _promotion(promotion: Promotion | None) -> forms.RulePromotion | None:
    if promotion is None:
        return None
    return forms.RulePromotion(
        version=promotion.version,
        fingerprint=promotion.fingerprint,
        at=to_rfc3339(promotion.at) or "",
        by=promotion.by,
        reason=promotion.reason,
        evidence=dict(promotion.evidence),
    )


def _state(record: RuleRecord) -> forms.RuleState:
    return forms.RuleState(
        id=record.rule,
        version=record.version,
        draft=_wording(record.draft) if record.draft else None,
        shadow=record.shadow is not None,
        promotion=_promotion(record.promotion),
    )


async def _shadow(services: ApiServices, record: RuleRecord) -> forms.ShadowView | None:
    """The days of a draft that runs as a shadow."""
    if record.shadow is None:
        return None
    days = await _shadow_days(services, record)
    return forms.ShadowView(
        since=to_rfc3339(record.shadow.since) or "",
        by=record.shadow.by,
        days=[
            forms.ShadowDayView(day=day.day, raised=day.raised, subjects=day.subjects, standing_s=day.standing_s)
            for day in days
        ],
    )


async def _shadow_days(services: ApiServices, record: RuleRecord) -> Sequence[ShadowDay]:
    if record.shadow is None:
        return ()
    zone, now = services.site.time_zone, services.clock.now()
    return await services.rules.view.shadow_days(record.rule, record.shadow.fingerprint, zone, now)


async def _found(services: ApiServices, rule: str, identity: str) -> Backtest:
    found = await services.rules.backtests.get(identity)
    if found.rule != rule:
        msg = f"backtest {identity} is of rule {found.rule}, not of {rule}"
        raise NotFoundError(msg)
    return found


def _backtest(found: Backtest) -> forms.BacktestView:
    return forms.BacktestView(
        id=found.id,
        rule=found.rule,
        fingerprint=found.fingerprint,
        state=found.state.value,
        asked_by=found.actor,
        asked_at=to_rfc3339(found.asked_at) or "",
        ended_at=to_rfc3339(found.ended_at),
        start=to_rfc3339(found.first) or "",
        end=to_rfc3339(found.until) or "",
        step_s=found.step_us / 1e6,
        progress=round(found.progress, 4),
        summary=None if found.summary is None else dict(found.summary),
        digest=found.digest,
        reason=found.reason or None,
        result=f"{_address(found)}/result" if found.state is BacktestState.DONE else None,
    )


def _address(found: Backtest) -> str:
    return f"/api/v1/rules/{found.rule}/backtests/{found.id}"


def _unknown(rule: str) -> str:
    return f"there is no rule {rule}; GET /api/v1/rules lists them"

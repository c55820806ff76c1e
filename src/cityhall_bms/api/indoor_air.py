"""Indoor air: means against the legal limits, compliance, exceedances with what was done, monitors."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Final

import numpy as np
from fastapi import APIRouter, HTTPException, Query

from cityhall_bms.api import indoor_air_models as models
from cityhall_bms.api.models import Text
from cityhall_bms.api.points import HISTORY_BEGINS_US, HISTORY_ENDS_US, known_us
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import FromTime, KnownAt, Moment, ToTime, to_rfc3339, to_us
from cityhall_bms.domain.indoor_air import Exceedance, LegalMean
from cityhall_bms.energy.indoor_air import Assessed, Assessment
from cityhall_bms.energy.interval_reading import STEP_S, STEP_US
from cityhall_bms.ports.air_record import AirEntry, AirEntryFilter, EntryKind
from cityhall_bms.ports.alarm_search import AlarmSearch
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.read_models import AlarmTransition
from cityhall_bms.rules.book import worded
from cityhall_bms.rules.legal_means import legal_means

LONGEST: Final = timedelta(days=366)
HOURS: Final = STEP_S / 3600.0
TRANSITIONS_MAX: Final = 1_000
ACTIONS_MAX: Final = 1_000
SUBJECTS_MAX: Final = 200
"""Points whose alarms are looked up for one answer; what exceeds beyond them is told without its alarm."""

router = APIRouter(prefix="/indoor-air", tags=["indoor air"])

Provisional = Annotated[bool, Query(description="Give figures of which less than 95 % is known, and mark them.")]


async def limits_of(services: ApiServices) -> list[LegalMean]:
    """Legal limits as the rules of this site state them now, also where such a rule does not ring."""
    rules = worded(services.rules.catalogue.described, await services.rules.view.records())
    return legal_means(rules.values(), services.environment.air.plan.brick_class)


def coverage_min(services: ApiServices) -> float:
    """Share of a time that must be known for its figure to be told, 0..1."""
    return services.site.energy_book.references.coverage_min


def asked_window(start: Moment, end: Moment) -> Window:
    """Window of a question; 400 when it is none, or longer than a year."""
    window = Window(to_us(start), to_us(end))
    if window.end <= window.start or not HISTORY_BEGINS_US <= window.start <= window.end <= HISTORY_ENDS_US:
        raise HTTPException(400, "`to` must be later than `from`")
    if end - start > LONGEST:
        raise HTTPException(400, f"at most {LONGEST.days} days at once")
    return window


@router.get("", responses=responses(400, 409, 422, 503))
async def get_indoor_air(
    services: Services,
    at: Annotated[Moment | None, Query(description="When the means end; null: now.")] = None,
    as_known_at: KnownAt = None,
) -> models.Air:
    """Means of every node against the legal limits, as of the last whole quarter of an hour."""
    now = services.clock.now()
    moment = now if at is None else to_us(at)
    if not HISTORY_BEGINS_US <= moment <= now:
        raise HTTPException(400, "`at` must lie between 1970 and the present")
    end = moment // STEP_US * STEP_US
    limits = await limits_of(services)
    known_at = known_us(services, as_known_at)
    found = await services.environment.air.assess(limits, Window(end - STEP_US, end), known_at)
    return models.Air(
        at=to_rfc3339(end) or "",
        as_known_at=to_rfc3339(known_at),
        limits=[_limit(services, limit) for limit in limits],
        items=[_node_air(services, found, row) for row in range(len(found.nodes))],
    )


@router.get("/compliance", responses=responses(400, 409, 422, 503))
async def get_indoor_air_compliance(
    services: Services,
    start: FromTime,
    end: ToTime,
    provisional: Provisional = False,  # noqa: FBT002
    as_known_at: KnownAt = None,
) -> models.Compliance:
    """Of the occupied hours, those inside the limits: by node and pollutant, and of all nodes together."""
    window, known_at = asked_window(start, end), known_us(services, as_known_at)
    found = await services.environment.air.assess(await limits_of(services), window, known_at)
    overall = found.overall()
    roles = [(item, found.compliance(item)) for item in found.limits]

    def share(known: int, inside: int, occupied: int) -> dict[str, object]:
        return share_of(known, inside, occupied, coverage_min(services), provisional=provisional)

    return models.Compliance(
        begin=to_rfc3339(int(found.at[0])) or "",
        end=to_rfc3339(int(found.at[-1]) + STEP_US) or "",
        as_known_at=to_rfc3339(known_at),
        schedule=services.environment.air.plan.schedule,
        occupied_hours=overall.occupied * HOURS,
        overall=models.Share(
            **share(int(overall.known.sum()), int(overall.inside.sum()), overall.occupied * len(found.nodes))
        ),
        items=[
            models.NodeCompliance(
                **_place(services, node),
                overall=models.Share(**share(int(overall.known[row]), int(overall.inside[row]), overall.occupied)),
                roles=[
                    models.RoleShare(
                        role=item.limit.role,
                        indicative=_indicative(services, item.limit),
                        **share(int(kept.known[row]), int(kept.inside[row]), kept.occupied),
                    )
                    for item, kept in roles
                    if item.measured[row]
                ],
            )
            for row, node in enumerate(found.nodes)
        ],
    )


@router.get("/exceedances", responses=responses(400, 409, 422, 503))
async def list_indoor_air_exceedances(
    services: Services, start: FromTime, end: ToTime, as_known_at: KnownAt = None
) -> models.Exceedances:
    """Times in which a mean exceeded its limit, with the alarm that stood and what was done."""
    window, known_at = asked_window(start, end), known_us(services, as_known_at)
    found = await services.environment.air.assess(await limits_of(services), window, known_at)
    exceeded = found.exceedances()
    which = AirEntryFilter(EntryKind.ACTION, window.start, window.end, known_at=known_at)
    actions = (await services.environment.air_record.page(which, ACTIONS_MAX)).entries
    subjects = dict.fromkeys(f"{found.nodes[item.node]}.{limit.role}" for limit, item in exceeded)
    alarms = {name: await _alarms_of(services, name, window) for name in list(subjects)[:SUBJECTS_MAX]}
    return models.Exceedances(
        begin=to_rfc3339(int(found.at[0])) or "",
        end=to_rfc3339(int(found.at[-1]) + STEP_US) or "",
        as_known_at=to_rfc3339(known_at),
        items=[_exceedance(services, found, limit, item, actions, alarms) for limit, item in exceeded],
    )


@router.get("/monitors", responses=responses(503))
async def list_indoor_air_monitors(services: Services) -> models.MonitorList:
    """Continuous monitors that each public area needs by its floor area, and those that it has."""
    return models.MonitorList(
        items=[
            models.Monitors(
                name=count.area.name,
                text=Text(zh=count.area.text_zh, en=count.area.text_en),
                area_m2=count.area.area_m2,
                open_space=count.area.open_space,
                needed=count.needed,
                nodes=list(count.nodes),
                enough=count.enough,
            )
            for count in services.environment.air.monitors()
        ]
    )


def share_of(known: int, inside: int, occupied: int, needed: float, *, provisional: bool) -> dict[str, object]:
    """Fields of a share; with less known than ``needed`` (0..1) no percentage, unless asked for as provisional."""
    coverage = known / occupied if occupied else None
    enough = coverage is not None and coverage >= needed
    told = known > 0 and (enough or provisional)
    return {
        "percent": 100.0 * inside / known if told else None,
        "coverage": coverage,
        "known_hours": known * HOURS,
        "inside_hours": inside * HOURS,
        "provisional": told and not enough,
    }


async def _alarms_of(services: ApiServices, subject: str, window: Window) -> Sequence[AlarmTransition]:
    """What happened to the alarms of a point since the window began: what was said of them may have been said later."""
    page = await services.alarm_record.search(AlarmSearch(start=window.start, subject=subject), TRANSITIONS_MAX, None)
    return page.transitions


def _exceedance(
    services: ApiServices,
    found: Assessment,
    limit: LegalMean,
    item: Exceedance,
    actions: Sequence[AirEntry],
    alarms: Mapping[str, Sequence[AlarmTransition]],
) -> models.Exceedance:
    node = found.nodes[item.node]
    begin, last = int(found.at[item.first]) + STEP_US, int(found.at[item.last]) + STEP_US
    lasts = item.last == len(found.at) - 1
    until = last + STEP_US
    return models.Exceedance(
        equipment=node,
        role=limit.role,
        indicative=_indicative(services, limit),
        limit=limit.limit,
        unit=limit.unit,
        begin=to_rfc3339(begin) or "",
        end=None if lasts else to_rfc3339(last),
        hours=(item.last - item.first + 1) * HOURS,
        occupied_hours=item.occupied * HOURS,
        worst=item.worst,
        worst_at=to_rfc3339(int(found.at[item.worst_at]) + STEP_US) or "",
        alarm=_alarm(alarms.get(f"{node}.{limit.role}", []), limit, begin - STEP_US, until),
        actions=[
            models.Action(entry=entry.position, by=entry.by, action=entry.note)
            for entry in actions
            if (entry.place, entry.name) == (node, limit.role) and begin - STEP_US <= entry.moment <= until
        ],
    )


def _alarm(
    transitions: Sequence[AlarmTransition], limit: LegalMean, begin: int, until: int
) -> models.LinkedAlarm | None:
    """The alarm of the limit's rule that stood at some time between; its newest state tells who acknowledged it."""
    mine = [item for item in transitions if item.alarm.rule == limit.rule]
    standing = [
        item
        for item in mine
        if item.alarm.raised_at is not None
        and item.alarm.raised_at <= until
        and (item.alarm.returned_at is None or item.alarm.returned_at >= begin or item.alarm.active)
    ]
    if not standing:
        return None
    newest = max(standing, key=lambda item: item.position).alarm
    said = dict.fromkeys(
        item.alarm.comment for item in sorted(standing, key=lambda item: item.position) if item.alarm.comment
    )
    return models.LinkedAlarm(
        alarm_id=newest.alarm_id,
        raised_at=to_rfc3339(newest.raised_at) or "",
        acknowledged_by=newest.acknowledged_by,
        comments=list(said),
    )


def _node_air(services: ApiServices, found: Assessment, row: int) -> models.NodeAir:
    means = [_mean(services, item, row) for item in found.limits if item.measured[row]]
    states = {mean.state for mean in means} or {"unknown"}
    worst = next(state for state in ("exceeded", "unknown", "inside") if state in states)
    return models.NodeAir(**_place(services, found.nodes[row]), state=worst, means=means)


def _mean(services: ApiServices, item: Assessed, row: int) -> models.Mean:
    mean = float(item.judged.mean[row, -1])
    known = bool(np.isfinite(mean))
    exceeded = bool(item.judged.exceeded[row, -1])
    return models.Mean(
        role=item.limit.role,
        mean=mean if known else None,
        state="exceeded" if exceeded else "inside" if known else "unknown",
        indicative=_indicative(services, item.limit),
    )


def _limit(services: ApiServices, limit: LegalMean) -> models.Limit:
    return models.Limit(
        role=limit.role,
        limit=limit.limit,
        unit=limit.unit,
        hours=limit.window_s / 3600.0,
        decimals=limit.decimals,
        rule=limit.rule,
        source=limit.source,
        indicative=_indicative(services, limit),
    )


def _indicative(services: ApiServices, limit: LegalMean) -> bool:
    return limit.role in services.environment.air.plan.indicative


def _place(services: ApiServices, equipment: str) -> dict[str, object]:
    _, floor, zone, _ = equipment.split(".")
    return {
        "equipment": equipment,
        "text": Text.of(services.site.equipment[equipment].text),
        "floor": floor,
        "zone": f"{floor}.{zone}",
    }

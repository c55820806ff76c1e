"""Why did it ring: the chain from samples and rule to the alarm."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query

from cityhall_bms.api import models, past_models
from cityhall_bms.api.events import describe_event
from cityhall_bms.api.history import numbers_of, times
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.alarms import AlarmRaised, stream_of
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Text
from cityhall_bms.ports.history import Window
from cityhall_bms.rules.book import in_force, rule_of
from cityhall_bms.rules.explaining import Input, inputs_of, reason
from cityhall_bms.rules.model import Rule

READ_EVENTS_MAX = 1_000
SAMPLES_MAX = 100_000
SHOWN_MAX_US = 2 * 60 * 60 * 1_000_000
"""Of a long delay its last two hours are shown."""
MINUTE_US = 60_000_000
INPUTS_MAX = 100

router = APIRouter(prefix="/explain", tags=["state"])


@router.get("/alarm/{alarm_id}", responses=responses(404, 422, 503))
async def explain_alarm(
    services: Services,
    alarm_id: str,
    occurrence: Annotated[int | None, Query(ge=1, description="Which time it rang; the last one if left out.")] = None,
) -> past_models.Explanation:
    """What made an alarm ring: samples, rule and limits as they were, and the reason in plain words."""
    entry, raised = await _raised(services, alarm_id, occurrence)
    found = in_force(await _stream(services, f"rule/{raised.rule}"), entry.position)
    rule = rule_of(found) if found else None
    inputs = inputs_of(rule, raised.subject, services.site, services.ids) if rule else []
    return past_models.Explanation(
        alarm=alarm_id,
        occurrence=raised.occurrence,
        why=models.Text.of(reason(rule, raised, inputs) if rule else Text(raised.text_zh, raised.text_en)),
        raised=describe_event(entry),
        observed_at=to_rfc3339(raised.observed_at) or "",
        value=raised.value,
        limit=raised.limit,
        telemetry_position=raised.telemetry_position,
        rule=_rule(found) if found else None,
        looked_at=len(inputs),
        inputs=[await _samples(services, item, rule, entry, raised) for item in inputs[:INPUTS_MAX]] if rule else [],
    )


async def _raised(services: ApiServices, alarm_id: str, occurrence: int | None) -> tuple[StoredEvent, AlarmRaised]:
    """The entry that says that it rang, the last one or that of an occurrence."""
    entries = [] if "\x00" in alarm_id else await _stream(services, stream_of(alarm_id))
    for entry in reversed(entries):
        event = entry.event() if entry.type == AlarmRaised.__name__ else None
        if isinstance(event, AlarmRaised) and occurrence in {None, event.occurrence}:
            return entry, event
    msg = f"no alarm {alarm_id} rang{f' a {occurrence}. time' if occurrence else ''}; GET /api/v1/alarms?state=all"
    raise NotFoundError(msg)


async def _stream(services: ApiServices, stream: str) -> list[StoredEvent]:
    entries: list[StoredEvent] = []
    while True:
        part = await services.events.read(entries[-1].position if entries else 0, READ_EVENTS_MAX, stream)
        entries += part
        if len(part) < READ_EVENTS_MAX:
            return entries


def _rule(entry: StoredEvent) -> past_models.ExplainedRule:
    return past_models.ExplainedRule(
        id=entry.payload["rule"],
        version=entry.payload["version"],
        fingerprint=entry.payload["fingerprint"],
        since=to_rfc3339(entry.recorded_at) or "",
        position=entry.position,
        definition=entry.payload["definition"],
    )


async def _samples(
    services: ApiServices, item: Input, rule: Rule, entry: StoredEvent, raised: AlarmRaised
) -> past_models.ExplainedSamples:
    """Samples from the one that stood when the delay began to a minute after, as known when the alarm was written."""
    point, began = item.point, raised.observed_at - min(round(rule.on_delay_s * 1e6), SHOWN_MAX_US)
    window = Window(began - item.quiet_us, raised.observed_at + MINUTE_US)
    series = await services.history.samples(services.ids[point.name], window, SAMPLES_MAX, entry.recorded_at)
    first = max(int(np.searchsorted(series.at, began, "right")) - 1, 0)
    at, value, quality = series.at[first:], series.value[first:], series.quality[first:]
    decided = int(np.searchsorted(at, raised.observed_at, "right")) - 1
    return past_models.ExplainedSamples(
        point=point.name,
        text=models.Text.of(point.text),
        role=point.role,
        unit=point.unit,
        part=item.part,
        t=times(at),
        v=numbers_of(value),
        q=[Quality(code).severity for code in quality.tolist()],
        decided=decided if decided >= 0 else None,
    )

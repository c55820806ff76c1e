"""The time machine: the whole building as it stood at a moment."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, HTTPException, Query

from cityhall_bms.api import models, past_models
from cityhall_bms.api.history import known_text
from cityhall_bms.api.points import HISTORY_BEGINS_US, known_us
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import KnownAt, Moment, to_rfc3339, to_us
from cityhall_bms.domain import site
from cityhall_bms.domain.live import LiveTable
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.history import Latest

router = APIRouter(tags=["state"])

SEVERITY = [Quality(code).severity for code in range(256)]
REASON = [Quality(code).reason for code in range(256)]


@router.get("/state", responses=responses(400, 422, 503))
async def get_state(
    services: Services,
    at: Annotated[Moment, Query(description="The moment; RFC 3339 with offset.")],
    system: Annotated[site.System | None, Query(description="Only this system.")] = None,
    as_known_at: KnownAt = None,
) -> past_models.State:
    """All values, alarms and devices as they stood, judged as the live table judges them.

    Samples of before the moment that were recorded later count, unless `as_known_at` leaves them out: with the moment
    itself the answer is what the console showed.
    """
    moment = to_us(at)
    if not HISTORY_BEGINS_US <= moment <= services.clock.now():
        raise HTTPException(400, "`at` must lie between 1970 and the present")
    stood = await services.past.stood(moment)
    latest = await services.queries.standing(moment, known_us(services, as_known_at))
    return past_models.State(
        at=to_rfc3339(moment) or "",
        as_known_at=known_text(as_known_at),
        position=stood.position,
        points=_points(services, latest, moment, system),
        alarms=[models.Alarm.of(alarm, moment) for alarm in stood.alarms if system is None or alarm.system == system],
        devices=[
            past_models.DeviceThen(
                name=name,
                state="online" if state.state == "online" else "offline",
                since=to_rfc3339(state.since),
                reason=state.reason,
            )
            for name, state in sorted(stood.devices.items())
        ],
    )


def _points(services: ApiServices, latest: Latest, moment: int, system: site.System | None) -> past_models.PointsThen:
    points = [
        point
        for _, point in sorted(services.site.points.items())
        if system is None or services.site.system_of(point) == system
    ]
    numbers = np.array([services.ids[point.name] for point in points], np.int64)
    table = LiveTable({services.ids[point.name]: point.scan_s for point in points})
    table.load(latest.point, latest.at, latest.value, latest.quality)
    codes = table.quality_now(moment)[numbers].tolist()
    values, times = table.value[numbers].tolist(), table.observed_at[numbers].tolist()
    severities = [SEVERITY[code] for code in codes]
    return past_models.PointsThen(
        names=[point.name for point in points],
        v=[
            value if severity != "bad" and np.isfinite(value) else None
            for value, severity in zip(values, severities, strict=True)
        ],
        q=severities,
        reason=[REASON[code] for code in codes],
        t=[to_rfc3339(time) if time else None for time in times],
    )

"""Alarm limits of points, as the rules in force have them."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from cityhall_bms.api.points import find_point
from cityhall_bms.api.problems import responses
from cityhall_bms.api.rule_models import PointLimit, PointLimits
from cityhall_bms.api.rules import rules_in_force
from cityhall_bms.api.services import Services

NAMES_MAX = 1_000

router = APIRouter(tags=["points"])


@router.get("/points/limits", responses=responses(400, 404, 422, 503))
async def point_limits(
    services: Services,
    names: Annotated[str, Query(min_length=1, max_length=60_000, description="Names of points, separated by commas.")],
) -> PointLimits:
    """Fixed numbers beyond which a rule in force says yes of a point alone, by rule.

    A rule that compares with another value (a set point, a command), or asks for more than one thing, has none.
    """
    wanted = {find_point(services, name).name for name in names.split(",") if name}
    if len(wanted) > NAMES_MAX:
        raise HTTPException(400, f"{len(wanted)} names are too many: {NAMES_MAX} at most")
    items = [
        PointLimit(
            point=limit.point,
            rule=entry.rule.id,
            side="high" if limit.is_upper else "low",
            value=limit.value,
            reached=limit.is_reached,
            mean_s=limit.mean_s,
            priority=limit.priority,
            conditional=entry.is_conditional,
            applies=entry.watches(limit.subject),
        )
        for entry in (await rules_in_force(services)).values()
        for limit in entry.limits
        if limit.point in wanted
    ]
    return PointLimits(items=items)

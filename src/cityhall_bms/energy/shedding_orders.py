"""What each point of a step is to hold, by what it holds now."""

from collections.abc import Callable, Mapping
from math import isfinite

from cityhall_bms.domain.energy.shedding import ActionKind, ShedAction, ShedStep
from cityhall_bms.domain.site import Site
from cityhall_bms.energy.shedding_desk import points_of

Value = Callable[[str], float | None]
"""Present good value of a point; none where nobody knows."""


def orders_of(site: Site, step: ShedStep, value: Value, turn: int = 0) -> dict[str, float | None]:
    """Orders of a step; points that hold what is asked of them already, or of which nobody knows, get none."""
    orders: dict[str, float | None] = {}
    for action in step.actions:
        single = ShedStep(step.name, step.text_zh, step.text_en, (action,))
        names = points_of(site, single)
        if action.kind is ActionKind.TURNS:
            names = names[turn % action.groups :: action.groups]
        for name in names:
            wanted = _wanted(action, value(name))
            if wanted is not None:
                orders[name] = wanted
    return orders


def before_of(orders: Mapping[str, float | None], value: Value) -> dict[str, float | None]:
    """What the points hold before they are ordered anything."""
    return {name: value(name) for name in orders}


def _wanted(action: ShedAction, present: float | None) -> float | None:
    if present is None or not isfinite(present):
        # A set value needs no present one, but whoever cannot be heard would not be proved to follow either.
        return None
    if action.kind is ActionKind.RAISE:
        raised = present + action.value
        raised = raised if action.most is None else min(raised, action.most)
        return raised if raised > present else None
    # A limit below the one that is asked for is left alone: shedding never takes a limit off.
    return action.value if present > action.value else None

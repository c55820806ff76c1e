"""Sharing current among charging stations below what the feeder and the contract leave.

An active car gets at least ``least_a`` per phase or nothing (IEC 61851-1); a station that is silent is left at
``least_a``, which is counted. Limits fall at once and rise step by step.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cityhall_bms.domain.energy.shedding import ChargingPlan, Split


@dataclass(frozen=True, slots=True)
class Station:
    """One station: ``cap_a`` is what it may get at most now; ``silent``: nobody hears from it."""

    wants: bool
    silent: bool = False
    cap_a: float = math.inf


def budget_a(plan: ChargingPlan, spare_kw: float) -> float:
    """Current per phase for all stations: the feeder's, or less where the contract leaves less power.

    ``spare_kw`` is contract x 0.95 less the forecast of the building without its stations. While it is unknown (NaN)
    the budget is the feeder's; each station is then to be capped at ``least_a``.
    """
    if math.isnan(spare_kw):
        return plan.feeder_limit_a
    return max(min(plan.feeder_limit_a, spare_kw * 1000.0 / (plan.volts * plan.phases)), 0.0)


def share(plan: ChargingPlan, stations: Sequence[Station], budget: float) -> list[float]:
    """Limit of each station, A per phase, whole; ``stations`` in the order in which their cars came.

    Silent stations keep the least, come what may: they cannot be told anything else. Those that want nothing are
    given nothing.
    """
    limits = [plan.least_a if station.silent else 0.0 for station in stations]
    left = budget - sum(limits)
    asking = [number for number, one in enumerate(stations) if one.wants and not one.silent]
    able = [number for number in asking if _most(plan, stations[number]) >= plan.least_a]
    served = able[: max(int(left // plan.least_a), 0)]
    if plan.split is Split.FIFO:
        return _first_come(plan, stations, served, limits, left)
    while served:
        equal = math.floor(left / len(served))
        small = [number for number in served if _most(plan, stations[number]) <= equal]
        for number in small or served:
            limits[number] = min(float(equal), _most(plan, stations[number]))
            left -= limits[number]
        # What those with a low cap leave is shared out again.
        served = [number for number in served if number not in small] if small else []
    return limits


def ramped(plan: ChargingPlan, current: float, target: float, passed_s: float) -> float:
    """Limit to set next: at most one change per ``step_s``; up by ``step_a``, down at once."""
    if passed_s < plan.step_s or target == current:
        return current
    if target < current:
        return target
    risen = min(target, current + plan.step_a)
    # Between nothing and the least there is nothing.
    return min(target, plan.least_a) if risen < plan.least_a else risen


def _most(plan: ChargingPlan, station: Station) -> float:
    return math.floor(min(plan.most_a, station.cap_a))


def _first_come(
    plan: ChargingPlan, stations: Sequence[Station], served: Sequence[int], limits: list[float], left: float
) -> list[float]:
    """Everybody who is served gets the least; what is left goes to those who came first."""
    for number in served:
        limits[number] = plan.least_a
    left -= plan.least_a * len(served)
    for number in served:
        more = math.floor(min(left, _most(plan, stations[number]) - plan.least_a))
        limits[number] += more
        left -= more
    return limits

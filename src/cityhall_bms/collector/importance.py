"""Which points are skipped first when what was read finds no room on its way to the log."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.site import Point, PointKind, Site, System


class Importance(IntEnum):
    """Classes of points; a scan counts as its most important point."""

    MINOR = 0
    """Comfort and trends: parking, environment."""
    ORDINARY = 1
    """Plant: air, chilled water, water supply."""
    ESSENTIAL = 2
    """Life safety and supply (fire, lifts, security, power), and every counter: what is billed and reported."""


WAITS_FROM: Final[Mapping[Importance, float]] = {
    Importance.MINOR: 0.5,
    Importance.ORDINARY: 0.75,
    Importance.ESSENTIAL: 1.0,
}
"""From which use of the queue on a class waits. What was read and taken is never thrown away for another."""
_MINOR: Final = frozenset({System.PARKING, System.ENVIRONMENT})
_ESSENTIAL: Final = frozenset({System.FIRE, System.LIFT, System.SECURITY, System.POWER})


def importance_of(point: Point, system: System) -> Importance:
    """Class of one point."""
    if point.kind is PointKind.CI or system in _ESSENTIAL:
        return Importance.ESSENTIAL
    return Importance.MINOR if system in _MINOR else Importance.ORDINARY


def importances(site: Site, ids: Mapping[str, int]) -> NDArray[np.uint8]:
    """Class of every point, at the place of its number."""
    classes = np.full(max(ids.values(), default=0) + 1, Importance.ORDINARY, np.uint8)
    for point in site.points.values():
        classes[ids[point.name]] = importance_of(point, site.system_of(point))
    return classes

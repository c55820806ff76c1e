"""Sensors that contradict each other: outdoor and mixed air, dew point and dry bulb."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.collector.grading_tables import RUN_STATUS, WEATHER_STATION
from cityhall_bms.domain.site import Site

OUTDOOR_ROLES: Final = ("OAT", "OA_T")
WET_ROLES: Final = ("DewPt", "WB", "OA_WB")
OUTDOOR_K: Final = 2.8
OUTDOOR_HOLD_S: Final = 3600.0
WET_K: Final = 0.5
"""Two sensors of a station may differ by this much; a wet bulb or dew point further above the dry bulb cannot be."""
MIXED_K: Final = 2.0
MIXED_HOLD_S: Final = 900.0
FRESH_US: Final = 900_000_000
"""A value that is older says nothing about another sensor."""


class Relation(NamedTuple):
    """``point`` must lie within the others' values, give or take ``slack``, while ``runs`` (a run status) is on."""

    point: int
    others: tuple[int, int]
    slack: float
    hold_s: float
    one_sided: bool = False
    """Only above the others is wrong."""
    runs: int = 0


def relations(site: Site, ids: Mapping[str, int]) -> list[Relation]:
    """Everything of a site that can contradict something else."""
    found: dict[tuple[str, str], int] = {(p.equipment, p.role): ids[p.name] for p in site.points.values()}
    stations = [name for name, one in site.equipment.items() if one.brick_class == WEATHER_STATION]
    station = next((found[name, "OAT"] for name in stations if (name, "OAT") in found), 0)
    made: list[Relation] = []
    for (equipment, role), point in found.items():
        dry = next((found[equipment, one] for one in OUTDOOR_ROLES if (equipment, one) in found), 0)
        runs = found.get((equipment, RUN_STATUS), 0)
        if role in OUTDOOR_ROLES and station and equipment not in stations:
            made.append(Relation(point, (station, station), OUTDOOR_K, OUTDOOR_HOLD_S))
        elif role in WET_ROLES and dry:
            made.append(Relation(point, (dry, dry), WET_K, 0.0, one_sided=True))
        elif role == "MAT" and (equipment, "RAT") in found and (dry or station):
            others = (found[equipment, "RAT"], dry or station)
            made.append(Relation(point, others, MIXED_K, MIXED_HOLD_S, runs=runs))
    return made


class CrossChecks:
    """Relations as columns, with since when each is violated; times are µs UTC."""

    def __init__(self, made: Sequence[Relation]) -> None:
        self._made = made
        self.points = np.array([one.point for one in made], np.intp)
        self.involved = np.unique([p for one in made for p in (one.point, *one.others)]).astype(np.intp)
        self._others = np.array([one.others for one in made], np.intp).reshape(-1, 2)
        self._slack = np.array([one.slack for one in made])
        self._hold_us = np.array([one.hold_s * 1e6 for one in made])
        self._below = np.array([not one.one_sided for one in made], np.bool_)
        self._runs = np.array([one.runs for one in made], np.intp)
        self._since = np.zeros(len(made), np.int64)

    def adopt(self, other: "CrossChecks") -> None:
        """Take over since when relations that both know are violated."""
        since = dict(zip(other._made, other._since.tolist(), strict=True))  # noqa: SLF001 - of its own class
        self._since[:] = [since.get(one, 0) for one in self._made]

    def contradicted(
        self,
        chosen: NDArray[np.intp],
        value: NDArray[np.float64],
        heard_at: NDArray[np.int64],
        running: NDArray[np.bool_],
        now: int,
    ) -> NDArray[np.bool_]:
        """Which of the chosen relations are violated for long enough.

        ``value`` (NaN: not good), ``heard_at`` and ``running`` are the site's columns by point id.
        """
        point, others = self.points[chosen], self._others[chosen]
        both = value[others]
        fresh = (np.abs(now - heard_at[others]) <= FRESH_US).all(axis=1) & np.isfinite(both).all(axis=1)
        runs = self._runs[chosen]
        applies = fresh & ((runs == 0) | running[runs])
        slack = self._slack[chosen]
        wrong = value[point] > both.max(axis=1) + slack
        wrong |= self._below[chosen] & (value[point] < both.min(axis=1) - slack)
        wrong &= applies
        since = np.where(wrong, np.where(self._since[chosen] == 0, now, self._since[chosen]), 0)
        self._since[chosen] = since
        lasting: NDArray[np.bool_] = wrong & (now - since >= self._hold_us[chosen])
        return lasting

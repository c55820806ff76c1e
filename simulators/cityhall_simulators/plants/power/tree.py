"""Who feeds whom, from the utility's two lines down to every load, read from the description of the building.

``fed_by`` makes the branches (line, transformer, panel, meter) and the leaves (:mod:`cityhall_simulators.feeders` finds
them in the ``load`` of meters and panels, which also names uses of :mod:`uses` that are no plant: ``plugs``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from cityhall_simulators.description import Equipment, load_building
from cityhall_simulators.feeders import terms
from cityhall_simulators.plants.common import Column, Columns, read_only
from cityhall_simulators.plants.power.uses import uses
from cityhall_simulators.plants.site import WHOLE_BUILDING, whole_site

POWER_COLUMN: Final = {"UPS": "_in_kw"} | dict.fromkeys(
    ("LTG", "HWD", "ELV", "ESC", "FCU", "EF", "WPP", "SMP", "RWS", "FPP", "SMK"), "_kw"
)
"""Where a type keeps its power; all others have a point of it."""
_PRODUCERS: Final = frozenset({"PV"})


@dataclass(frozen=True, slots=True)
class Leaves:
    """Plant behind the meters or panels of one level: ``share[m, k]`` is 1 where ``m`` feeds the ``k``-th unit."""

    codes: tuple[str, ...]
    share: Column

    def kw(self, plants: Mapping[str, Columns]) -> Column:
        """Power of the plant behind each meter or panel; production counts against it."""
        power = [power_of(plants, code) for code in self.codes]
        return np.asarray(self.share @ np.concatenate(power), dtype=np.float64)


def power_of(plants: Mapping[str, Columns], code: str) -> Column:
    """Power of each unit of a type, kW."""
    return plants[code][POWER_COLUMN.get(code, "kW")]


@dataclass(frozen=True, slots=True)
class Tree:
    """Incidence of feeders: each matrix has a row per feeder and a column per thing fed, in the order of units."""

    metered: Leaves
    """Plant behind sub-meters."""
    direct: Leaves
    """Plant that hangs on a panel without a meter between."""
    meter_uses: Column
    panel_uses: Column
    meters: Column
    """Panels x meters."""
    panels: Column
    """Transformers x panels."""
    lines: Column
    """Incoming lines x transformers."""
    bays: Column
    """Switchgear bays x transformers; the rows of the incoming bays are empty."""


@cache
def tree() -> Tree:
    """Of the whole building."""
    by_name = {item.name: item for item in load_building(WHOLE_BUILDING).equipment}
    return Tree(
        metered=_leaves(by_name, "EM"),
        direct=_leaves(by_name, "LVP"),
        meter_uses=_uses_of("EM"),
        panel_uses=_uses_of("LVP"),
        meters=_incidence(by_name, "LVP", "EM"),
        panels=_incidence(by_name, "TR", "LVP"),
        lines=_incidence(by_name, "HVM", "TR"),
        bays=_incidence(by_name, "GIS", "TR"),
    )


def _terms(code: str) -> list[list[str]]:
    return [terms(text) for text in whole_site().loads[code]]


def _leaves(by_name: Mapping[str, Equipment], feeder: str) -> Leaves:
    named = {term.partition("@")[0].partition("#")[0] for each in _terms(feeder) for term in each}
    codes = tuple(code for code in whole_site().units if code in named)
    share = [_incidence(by_name, feeder, code) * (-1.0 if code in _PRODUCERS else 1.0) for code in codes]
    return Leaves(codes, read_only(np.hstack(share) if share else np.zeros((whole_site().units[feeder], 0))))


def _uses_of(feeder: str) -> Column:
    names = uses().names
    return read_only(np.array([[float(name in each) for name in names] for each in _terms(feeder)]))


def _incidence(by_name: Mapping[str, Equipment], feeder: str, fed: str) -> Column:
    site = whole_site()
    found = np.zeros((site.units[feeder], site.units[fed]))
    for item in by_name.values():
        if item.type.code == fed:
            for above in _above(by_name, item, feeder):
                found[above.unit, item.unit] = 1.0
    return read_only(found)


def _above(by_name: Mapping[str, Equipment], item: Equipment, feeder: str) -> list[Equipment]:
    """Feeders of a type over a piece of plant, directly or through switches between."""
    directly = [by_name[name] for name in item.fed_by]
    found = [above for above in directly if above.type.code == feeder]
    if found:
        return found
    return [above for switch in directly if switch.type.code == "ATS" for above in _above(by_name, switch, feeder)]

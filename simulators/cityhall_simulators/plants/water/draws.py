"""Who draws water, and how much: one column of drivers times one matrix of shares. m³/h throughout."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Mask
from cityhall_simulators.plants.moment import Moment
from cityhall_simulators.plants.site import whole_site
from cityhall_simulators.plants.water.cycle import part_within

_NIGHT: Final = {"people": 2.9, "food": 0.65}
"""Dispensers, ice machines, cisterns that never quite close: it never stops, and is no leak."""
_BUSY: Final = {"people": 28.4, "food": 20.65, "wash": 4.13, "irrigation": 8.0}
"""At full use, all meters of a kind together."""
_BASEMENT_WEIGHT: Final = 0.8
_VISITORS: Final = 0.15
"""Use by the visitors of the busiest hour, as a part of that by all staff."""
_DRIVERS: Final = ("night", "people", "food", "wash", "irrigation")
_IRRIGATION: Final = (5.0, 6.5)
_WET_MM: Final = 5.0
"""Rain of about a day after which nobody irrigates."""
_WASTE_PART: Final = 0.9
_SEEPAGE_M3_H, _FLOOD_M3_H, _RAMP_M2 = 0.1, 15.0, 150.0
_ROOF_SHARES: Final = np.array([0.26, 0.25, 0.25, 0.24])
_PIT_SHARES: Final = np.array([0.27, 0.23, 0.26, 0.24])


@dataclass(frozen=True, slots=True)
class Meters:
    """What the water meters measure, by their ``load``: ``kind`` or ``kind*part``."""

    kinds: tuple[str, ...]
    parts: Column
    matrix: Column
    """m³/h of each meter per unit of each driver."""

    def of(self, *kinds: str) -> Mask:
        """Meters of these kinds."""
        return np.array([kind in kinds for kind in self.kinds])


@cache
def meters() -> Meters:
    """The meters of the building."""
    site = whole_site()
    texts = [load.partition("*") for load in site.loads["WM"]]
    kinds = tuple(kind for kind, _, _ in texts)
    parts = np.array([float(part or 1.0) for _, _, part in texts])
    for unit, floor in enumerate(site.floors["WM"]):
        parts[unit] *= _BASEMENT_WEIGHT if kinds[unit] == "people" and floor in {"B1", "B2"} else 1.0
    matrix = np.zeros((len(kinds), len(_DRIVERS)))
    for kind, busy in _BUSY.items():
        units = np.array([k == kind for k in kinds])
        share = parts * units / (parts * units).sum()
        matrix[:, _DRIVERS.index(kind)] = busy * share
        matrix[:, 0] += _NIGHT.get(kind, 0.0) * share
    return Meters(kinds, parts, matrix)


@cache
def units_of(*kinds: str) -> Mask:
    """Which meters are of these kinds."""
    return meters().of(*kinds)


def drivers(moment: Moment, wet_mm: float, dt_s: float) -> Column:
    """How much each kind of use is under way, 0..1; the first is always 1."""
    kitchen = part_within(moment.hour, dt_s, 9.0, 15.5) * (0.35 + 0.65 * np.exp(-(((moment.hour - 12.9) / 1.4) ** 2)))
    washing = part_within(moment.hour, dt_s, 9.0, 16.5) * np.exp(-moment.rain_mm_h)
    sprinkling = part_within(moment.hour, dt_s, *_IRRIGATION) if wet_mm < _WET_MM else 0.0
    return np.array(
        [
            1.0,
            moment.occupancy + _VISITORS * moment.visitors,
            moment.workday * kitchen,
            moment.workday * washing,
            sprinkling,
        ]
    )


def waste_m3_h(around: Around) -> Column:
    """What runs into each of the four waste tanks: used water, seepage, and rain from the ramps."""
    flow = around.plants["WM"]["Flow"]
    used = _WASTE_PART * float(flow[units_of("people", "food", "wash", "hot")].sum())
    ramps = around.moment.rain_mm_h / 1000.0 * _RAMP_M2
    flooded = around.plants["SMP"]["_fault_high"].reshape(len(_PIT_SHARES), -1).any(axis=1)
    return _PIT_SHARES * (used + ramps) + _SEEPAGE_M3_H + _FLOOD_M3_H * flooded


def lifted_m3_h(around: Around) -> Column:
    """What the building draws from each of the four roof tanks."""
    flow = around.plants["WM"]["Flow"]
    from_roof = units_of("people", "food", "wash", "irrigation", "tower", "hot")
    return _ROOF_SHARES * float(flow[from_roof].sum())

"""Supply fans with a drive that holds the pressure in the duct, and their filters."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cityhall_simulators.plants.air.moist import KWH_M3_K
from cityhall_simulators.plants.common import Column

REFERENCE_DSP_PA: Final = 350.0
FILTER_CLEAN_PA: Final = 80.0
FILTER_CHANGED_PA: Final = 240.0
"""Maintenance changes a filter before its alarm at 250 Pa."""
FILTER_DUE_PA: Final = 300.0
"""At its reference flow no filter gets this far, also where a slow fan hides it."""
_FILTER_PA_H: Final = 170.0 / (90.0 / 7.0 * 5.0 * 9.5)
"""A filter goes from 80 to 250 Pa in 90 days of the calendar, by working in office hours."""
_FILTER_CLOGGED_PA: Final = 600.0
_FILTER_SENSOR_MAX_PA: Final = 495.0
_CLOSED_PA: Final = 1_385.0
"""What the fan gives at full speed against closed boxes."""
_DUCT_PA: Final = 800.0
"""Loss of coil and duct at design flow."""


@dataclass(frozen=True, slots=True)
class Duct:
    """Pressures and flow; ``part`` is the share of the design flow."""

    part: Column
    static_pa: Column


def dusty_pa(filter_pa: Column, clogged: Column) -> Column:
    """Drop over a filter at its reference flow, with what has clogged it."""
    return filter_pa + _FILTER_CLOGGED_PA * clogged


def loss_pa(dust_pa: Column) -> Column:
    """Pressure between fan and duct sensor at design flow."""
    return _DUCT_PA + dust_pa


def speed_for(part: Column, static_pa: Column, loss: Column) -> Column:
    """Speed 0..1 at which the fan keeps a static pressure at a flow (fan laws: pressure ~ speed²)."""
    return np.minimum(1.0, np.sqrt((static_pa + loss * part * part) / _CLOSED_PA))


def blown(speed: Column, wanted_part: Column, loss: Column) -> Duct:
    """What a fan at ``speed`` gives: boxes throttle what is too much; wide open they take what there is."""
    head_pa = _CLOSED_PA * speed * speed
    part = np.minimum(wanted_part, np.sqrt(head_pa / (REFERENCE_DSP_PA + loss)))
    return Duct(part, head_pa - loss * part * part)


def warmed_k(kw: Column, flow_m3_h: Column) -> Column:
    """How much warmer the air leaves the fan: all its power ends there."""
    return kw / (KWH_M3_K * np.maximum(1_000.0, flow_m3_h))


def filtered(filter_pa: Column, clogged: Column, flow_part: Column, on: Column, dt_s: float) -> tuple[Column, Column]:
    """Drop at reference flow a step later, and what the sensor shows at this part of it.

    The drop is proportional to the flow: air creeps between the fibres. A filter that is due is changed.
    """
    loaded = filter_pa + on * (_FILTER_PA_H * dt_s / 3600.0)
    due = (loaded * flow_part >= FILTER_CHANGED_PA) | (loaded >= FILTER_DUE_PA)
    loaded = np.where(due & (clogged == 0.0), FILTER_CLEAN_PA, loaded)
    return loaded, np.minimum(_FILTER_SENSOR_MAX_PA, dusty_pa(loaded, clogged) * flow_part)

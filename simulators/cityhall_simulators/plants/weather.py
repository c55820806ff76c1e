"""Weather stations: what their instruments show of the weather around them."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Columns, Plant, full, lag, slow_noise

_LUX_PER_W_M2: Final = 110.0
"""Luminous efficacy of daylight."""
_RAIN_HOUR_S: Final = 1_800.0
"""A rain gauge's hourly rain follows the intensity with the delay of half an hour on average."""


def initial(units: int) -> Columns:
    """Columns of weather stations before the first step."""
    return full(units, OAT=28.0, RH=70.0, WB=24.0, Solar=0.0, Rain=0.0, WindSpd=2.0, WindDir=90.0, Lux=0.0)


def step(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:
    """A station shows the weather around it; wind is gusty, rain is that of about the last hour."""
    moment = around.moment
    units = len(columns["OAT"])
    gusts = slow_noise(moment.epoch_s * 5.0, 4.0, units)
    return columns | {
        "OAT": np.full(units, moment.outdoor_t),
        "RH": np.full(units, moment.outdoor_rh),
        "WB": np.full(units, moment.outdoor_wb),
        "Solar": np.full(units, moment.solar_w_m2),
        "Rain": lag(columns["Rain"], moment.rain_mm_h, dt_s, _RAIN_HOUR_S),
        "WindSpd": np.maximum(0.1, moment.wind_m_s * (1.0 + 0.2 * gusts) + 0.2 * rng.standard_normal(units)),
        "WindDir": np.mod(moment.wind_deg + 20.0 * gusts, 360.0),
        "Lux": np.full(units, _LUX_PER_W_M2 * moment.solar_w_m2),
    }


PLANTS: Final[Mapping[str, Plant]] = {"WX": Plant(initial, step)}

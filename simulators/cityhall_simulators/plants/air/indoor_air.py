"""Indoor air nodes: they feel their room, and what comes in from street and car park."""

import math
from functools import cache
from typing import Final

import numpy as np

from cityhall_simulators.plants.air import places, room
from cityhall_simulators.plants.common import Around, Column, Columns, Mask, full, lag, sound
from cityhall_simulators.plants.moment import Moment

_NODE_TAU_S: Final = 300.0
_AIR_TAU_S: Final = 600.0
_STREET_PM25: Final = 22.0
"""Yearly mean of the outdoor air in µg/m³."""
_COARSE: Final = 1.9
"""PM10 over PM2.5 outdoors."""
_PM25_ENTERS, _PM10_ENTERS = 0.62, 0.48
"""Part of the dust that filters and gaps let in."""
_FOOD_HALL_PPM: Final = 300.0
_CAR_PARK_SHARE: Final = 0.10
"""Part of the car park's carbon monoxide that reaches the lobbies of the basements."""
_CROWD_PPM, _SMOKE_UG_M3, _GLUE_PPM, _PAINT_PPM, _EXHAUST_PPM = 900.0, 70.0, 0.15, 1.0, 22.0
"""What the faults add: a crowd, smoke from outside, new furniture, fresh paint, exhaust gas."""


def initial(units: int) -> Columns:
    """Columns of nodes in ordinary offices at night."""
    columns = full(units, T=26.0, RH=56.0, CO2=450.0, CO=0.6, PM25=14.0, PM10=28.0, TVOC=0.15, HCHO=0.016)
    return columns | sound(units, "co2", "co", "pm25", "hcho", "tvoc")


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Follow the room within minutes."""
    moment = around.moment
    handler, fan_coil, basement = places.node_rooms()
    zones, rooms = around.plants["AHU"], around.plants["FCU"]
    wave = room.wander(moment.epoch_s / 3.0, _phase(len(basement)))
    room_t = np.where(basement, rooms["ZoneT"][fan_coil], zones["RAT"][handler])
    room_rh = np.where(basement, 56.0 + 2.0 * wave, zones["RA_RH"][handler])
    stale = 1.0 - np.where(basement, rooms["RunSts"][fan_coil], zones["RunSts"][handler])
    street = _street_pm25(moment)
    pm25 = 2.0 + _PM25_ENTERS * street * (1.0 + 0.08 * wave) + _SMOKE_UG_M3 * own["_fault_pm25"]
    pm10 = 5.0 + _PM10_ENTERS * _COARSE * street * (1.0 + 0.08 * wave) + 5.0 * moment.occupancy
    paint = 0.07 + 0.05 * moment.occupancy + 0.09 * stale + 0.02 * wave + _PAINT_PPM * own["_fault_tvoc"]
    glue = 0.012 + 0.006 * stale + 0.0006 * (own["T"] - 26.0) + 0.001 * wave + _GLUE_PPM * own["_fault_hcho"]
    return own | {
        "T": lag(own["T"], room_t + 0.2 * wave, dt_s, _NODE_TAU_S),
        "RH": lag(own["RH"], room_rh, dt_s, _NODE_TAU_S),
        "CO2": lag(own["CO2"], _co2_ppm(own, around, basement, wave), dt_s, _AIR_TAU_S),
        "CO": lag(own["CO"], _co_ppm(own, around, basement, wave), dt_s, _AIR_TAU_S),
        "PM25": lag(own["PM25"], pm25, dt_s, _AIR_TAU_S),
        "PM10": lag(own["PM10"], pm10 + _SMOKE_UG_M3 * own["_fault_pm25"], dt_s, _AIR_TAU_S),
        "TVOC": lag(own["TVOC"], paint, dt_s, _AIR_TAU_S),
        "HCHO": lag(own["HCHO"], np.maximum(0.002, glue), dt_s, _AIR_TAU_S),
    }


@cache
def _phase(units: int) -> Column:
    return 0.9 * np.arange(units, dtype=np.float64)


def _street_pm25(moment: Moment) -> float:
    """Dust outdoors in µg/m³: most in early spring, least in summer; rain washes it out, days differ."""
    season = 1.0 + 0.22 * math.cos(2.0 * math.pi * (moment.day_of_year - 60) / 365.0)
    days = 1.0 + 0.20 * math.sin(moment.epoch_s / 52_000.0) + 0.10 * math.sin(moment.epoch_s / 19_700.0)
    return _STREET_PM25 * season * days / (1.0 + 0.03 * min(10.0, moment.rain_mm_h))


def _co2_ppm(own: Columns, around: Around, basement: Mask, wave: Column) -> Column:
    """Upstairs what the zone has; in the basements what the guests of the food hall breathe."""
    moment = around.moment
    handler, _, _ = places.node_rooms()
    hall = room.OUTDOOR_CO2_PPM + _FOOD_HALL_PPM * moment.visitors + 60.0 * moment.occupancy + 20.0
    zone = around.plants["AHU"]["RA_CO2"][handler]
    return np.where(basement, hall, zone) + 12.0 * wave + _CROWD_PPM * own["_fault_co2"]


def _co_ppm(own: Columns, around: Around, basement: Mask, wave: Column) -> Column:
    car_park = float(around.plants["PKG"]["CO"].mean())
    return 0.6 + 0.15 * wave + _CAR_PARK_SHARE * min(40.0, car_park) * basement + _EXHAUST_PPM * own["_fault_co"]

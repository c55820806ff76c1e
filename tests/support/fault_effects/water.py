"""What the faults of water systems look like."""

import numpy as np
from numpy.typing import NDArray
from tests.support.fault_effects.effect import Effect

_LEVEL_METERS_M3 = (50_000.0, 130_000.0)
"""Registers of the meters of the floors; inlets and towers stand higher, all others lower."""
_SAMPLES = 30


def _restless(status: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a status changed often within the last samples."""
    status = np.atleast_1d(status)
    changes = np.concatenate(([0.0], np.abs(np.diff(status)) > 0.0))
    sums = np.concatenate(([0.0], np.cumsum(changes)))
    back = np.maximum(np.arange(len(status)) + 1 - _SAMPLES, 0)
    recent: NDArray[np.bool_] = sums[1:] - sums[back] >= 6.0
    return recent


def _of_a_floor(volume_m3: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (volume_m3 > _LEVEL_METERS_M3[0]) & (volume_m3 < _LEVEL_METERS_M3[1])


EFFECTS = {
    # domain.md W01; a float valve fills and a weir empties within an hour
    "tank_overflow": Effect(lambda v: (v("Lvl") > 95.0) & (v("HiAlm") == 1), onset_s=4_500, release_s=1_800),
    "tank_empty": Effect(lambda v: (v("Lvl") < 15.0) & (v("LoAlm") == 1), onset_s=1_800, release_s=10_800),
    "fire_tank_low": Effect(
        lambda v: (v("Lvl") < 90.0) & (v("LoAlm") == 1) & (v("Lvl") > 60.0), onset_s=1_800, release_s=3_600
    ),
    # domain.md W02
    "sump_high": Effect(lambda v: (v("HiLvlAlm") == 1) & (v("TripAlm") == 0)),
    "sump_pump_fail": Effect(
        lambda v: (v("HiLvlAlm") == 1) & (v("TripAlm") == 1), onset_s=5_400, release_s=1_800, hours=(10.0, 17.0)
    ),
    "sump_cycling": Effect(lambda v: _restless(v("RunSts")), onset_s=3_600, release_s=3_600, hours=(10.0, 17.0)),
    "pump_alternation_lost": Effect(lambda v: v("LocRem") == 0),
    "pump_trip_water": Effect(lambda v: (v("TripAlm") == 1) & (v("RunSts") == 0)),
    # domain.md W03
    "water_leak": Effect(lambda v: v("LeakAlm") == 1),
    "night_leak": Effect(lambda v: (v("Flow") > 2.95) & _of_a_floor(v("Vol"))),
    "pipe_burst": Effect(lambda v: v("Flow") > 70.0),
    "meter_battery_low": Effect(lambda v: v("BattPct") < 10.0),
    # domain.md W04
    "uv_lamp_off": Effect(lambda v: v("UvSts") == 0),
    "rain_turbid": Effect(lambda v: v("Turb") > 4.0, onset_s=600, release_s=7_200),
    "rain_topup_stuck": Effect(lambda v: v("Lvl") > 94.0, onset_s=18_000, release_s=1_200),
    # domain.md W05; the dispenser's own alarm waits half an hour
    "dispenser_cold": Effect(
        lambda v: (v("TankT") < 90.0) & (v("HeatEn") == 1) & (v("AlmSum") == 1),
        onset_s=5_400,
        release_s=2_400,
        hours=(8.0, 17.0),
    ),
    "dispenser_outside_schedule": Effect(
        lambda v: (v("HeatEn") == 1) & (v("AlmSum") == 1) & (v("TankT") > 90.0) & (v("FltDays") > 0.0),
        onset_s=2_400,
        hours=(19.0, 23.0),
    ),
    "dispenser_filter_due": Effect(lambda v: (v("FltDays") <= 0.0) & (v("AlmSum") == 1)),
}

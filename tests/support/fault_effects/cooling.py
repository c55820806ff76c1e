"""What faults of the chilled water plant look like: the conditions of rules G02 to G04 and H01 to H12, and others."""

import numpy as np
from numpy.typing import NDArray
from tests.support.fault_effects.effect import Effect, Look

WATER_KWH_M3_K = 1.163
KW_PER_RT = 3.517
DAY = (9.5, 17.0)
"""When the lead chiller has run for long."""


def running(v: Look) -> NDArray[np.bool_]:
    return v("RunSts") == 1


def absent(v: Look) -> NDArray[np.bool_]:
    return (v("StartCmd") == 1) & (v("RunSts") == 0)


def heat_imbalance(v: Look) -> NDArray[np.float64]:
    """Part of the rejected heat that nothing accounts for."""
    rejected = WATER_KWH_M3_K * v("CDW_Flow") * (v("CDWL_T") - v("CDWE_T"))
    taken = WATER_KWH_M3_K * v("CHW_Flow") * (v("CHWR_T") - v("CHWS_T"))
    return np.abs(rejected - taken - v("kW")) / np.maximum(rejected, 1.0)


def lost_m3_h(v: Look) -> NDArray[np.float64]:
    """Evaporation and blow-down as they follow from the heat rejected: 680 kWh a cubic metre, six cycles."""
    rejected = WATER_KWH_M3_K * v("CDW_Flow") * np.maximum(v("CDWR_T") - v("CDWS_T"), 0.0)
    return rejected / 680.0 * 6.0 / 5.0


EFFECTS = {
    "chiller_trip": Effect(lambda v: (v("AlmSum") == 1) & (v("FaultCode") == 7) & (v("RunSts") == 0)),
    "chiller_start_fail": Effect(
        lambda v: (v("EnableCmd") == 1) & (v("RunSts") == 0) & (v("AlmSum") == 0), hours=(8.0, 17.4)
    ),
    "chiller_local": Effect(lambda v: v("LocRem") == 0),
    "chiller_capacity_loss": Effect(
        lambda v: running(v) & (v("CHWS_T") > v("CHWS_SP") + 1.2) & (np.abs(v("CHWR_T") - v("CHWS_T")) < 1.5),
        onset_s=600.0,
        release_s=600.0,
        hours=DAY,
    ),
    "chiller_overcooling": Effect(
        lambda v: running(v) & (v("CHWS_T") < 4.0), onset_s=600.0, release_s=300.0, hours=DAY
    ),
    "chiller_short_cycling": Effect(lambda v: (v("AlmSum") == 1) & (v("FaultCode") == 3)),
    "fouled_evaporator": Effect(
        lambda v: running(v) & (v("CHWS_T") - v("EvapSatT") > 2.5), onset_s=600.0, release_s=600.0, hours=DAY
    ),
    "fouled_condenser": Effect(
        lambda v: running(v) & (v("CondSatT") - v("CDWL_T") > 3.0), onset_s=600.0, release_s=600.0, hours=DAY
    ),
    "bearing_hot": Effect(lambda v: running(v) & (v("BrgT") > 80.0), onset_s=900.0, release_s=900.0, hours=DAY),
    "winding_hot": Effect(lambda v: running(v) & (v("WindT") > 110.0), onset_s=900.0, release_s=900.0, hours=DAY),
    "oil_pressure_low": Effect(lambda v: running(v) & (v("OilP") < 100.0) & (v("OilP") > 20.0), hours=DAY),
    "refrigerant_leak": Effect(lambda v: v("RefLeak") > 30.0, onset_s=120.0, release_s=600.0),
    "flow_meter_offset": Effect(
        lambda v: running(v) & (v("CapPct") > 20.0) & (heat_imbalance(v) > 0.10), onset_s=300.0, hours=DAY
    ),
    "low_delta_t": Effect(
        lambda v: (v("ChOnCnt") > 0) & (v("CHW_Flow") > 900.0) & (v("CHWR_T") - v("CHWS_T") < 2.2),
        onset_s=5400.0,
        release_s=5400.0,
        hours=DAY,
    ),
    # A sound plant needs 0.78 to 0.95 kW/RT (domain reference 3.2), the upper end of it at small loads only.
    "plant_inefficient": Effect(
        lambda v: (v("Cool_kW") > 1500.0) & (v("Plant_kW") * KW_PER_RT / np.maximum(v("Cool_kW"), 1.0) > 0.92),
        onset_s=300.0,
        release_s=300.0,
        hours=(10.0, 17.0),
    ),
    "tower_overcooling": Effect(
        lambda v: (v("CDW_Flow") > 100.0) & (v("CDWS_SP") - v("CDWS_T") > 0.7),
        onset_s=900.0,
        release_s=900.0,
        hours=DAY,
    ),
    "conductivity_high": Effect(lambda v: v("Cond") > 2000.0, onset_s=1800.0, release_s=1800.0),
    "ph_low": Effect(lambda v: v("pH") < 7.0, onset_s=1800.0, release_s=1800.0),
    "se_pipe_leak": Effect(lambda v: (v("SeLeak") == 1) & (v("SePipeP") < 200.0)),
    "makeup_leak": Effect(lambda v: v("MkupFlow") > 1.5 * lost_m3_h(v) + 2.0),
    "tower_fan_fail": Effect(absent, hours=(8.0, 17.4)),
    "tower_fouled": Effect(lambda v: running(v) & (v("SpdFb") > 97.0), onset_s=900.0, release_s=600.0, hours=DAY),
    "tower_vibration": Effect(lambda v: (v("VibAlm") == 1) & (v("RunSts") == 0)),
    "basin_low": Effect(lambda v: v("BasinLvl") < 20.0, onset_s=1200.0, release_s=600.0),
    "pump_fail": Effect(absent, hours=(8.0, 17.4)),
    "pump_coupling": Effect(lambda v: running(v) & (v("FlowSw") == 0) & (v("DP") < 10.0), hours=(8.0, 17.4)),
    "pump_trip": Effect(lambda v: (v("TripAlm") == 1) & (v("RunSts") == 0)),
    "pump_local": Effect(lambda v: v("LocRem") == 0),
}

"""What faults of the electricity look like: the conditions of rules E01 to E13, H17 and of the meter balance."""

import numpy as np
from numpy.typing import NDArray
from tests.support.fault_effects.effect import Effect, Look

HIGH_V, LOW_V = 22_800.0, 380.0
CONTRACT_KW = 5_000.0


def volts_pu(v: Look) -> NDArray[np.float64]:
    """Voltages in parts of the nominal one, a row per pair of phases; a sub-meter has only their mean."""
    try:
        return np.array([v("V12"), v("V23"), v("V31")]) / HIGH_V
    except KeyError:
        return np.atleast_2d(v("Vavg")) / LOW_V


def unbalance(v: Look) -> NDArray[np.float64]:
    """Greatest departure from the mean, as a part of it (NEMA MG 1)."""
    volts = volts_pu(v)
    mean = np.maximum(volts.mean(axis=0), 0.1)
    return np.abs(volts - mean).max(axis=0) / mean


def power_agreement(v: Look) -> NDArray[np.float64]:
    """Power as shown over power as it follows from voltage, current and power factor."""
    apparent_kva = np.sqrt(3.0) * v("Vavg") * v("Iavg") / 1000.0
    return v("kW") / np.maximum(apparent_kva * v("PF"), 0.1)


def hottest(v: Look) -> NDArray[np.float64]:
    return np.maximum.reduce([v("WindT_U"), v("WindT_V"), v("WindT_W")])


EFFECTS = {
    "overvoltage": Effect(lambda v: volts_pu(v).min(axis=0) > 1.10),
    "undervoltage": Effect(lambda v: volts_pu(v).max(axis=0) < 0.90),
    "voltage_unbalance": Effect(lambda v: unbalance(v) > 0.02),
    "phase_loss": Effect(lambda v: (volts_pu(v).min(axis=0) < 0.7) & (volts_pu(v).max(axis=0) > 0.9)),
    "frequency_low": Effect(lambda v: v("Hz") < 59.5),
    "supply_loss": Effect(lambda v: volts_pu(v).max(axis=0) < 0.01),
    # Each line usually carries about half of the demand, never above half of the contract.
    "demand_peak": Effect(
        lambda v: v("Dmd15") > 0.52 * CONTRACT_KW, onset_s=1800.0, release_s=1800.0, hours=(10.0, 16.0)
    ),
    "harmonics": Effect(lambda v: (v("THDv") > 5.0) & (v("THDi") > 20.0)),
    "panel_trip": Effect(lambda v: (v("AcbTrip") == 1) & (v("AcbSts") == 0) & (v("kW") < 1.0)),
    "pf_bank_failure": Effect(lambda v: (v("AlmSum") == 1) & (v("StepsOn") == 0) & (v("PF") < 0.95)),
    "pf_leading": Effect(lambda v: (v("PF") < 0.0) & (v("PF") > -0.98)),
    "gis_trip": Effect(lambda v: (v("TripRly") == 1) & (v("CbSts") == 0)),
    "gis_sf6_leak": Effect(lambda v: v("Sf6Low") == 1, onset_s=1200.0, release_s=1500.0),
    "breaker_bad": Effect(lambda v: v("CbSts") == 3),
    "transformer_hot": Effect(lambda v: (hottest(v) > 130.0) & (v("FanSts") == 0), onset_s=3600.0, release_s=1200.0),
    "transformer_trip": Effect(lambda v: (v("TmpTrip") == 1) & (v("kW") < 1.0)),
    "transformer_overload": Effect(lambda v: v("LoadPct") > 100.0),
    "ups_on_battery": Effect(lambda v: v("OnBattSec") > 5.0),
    "ups_overload": Effect(lambda v: v("OutPct") > 100.0),
    "ups_bypass": Effect(lambda v: (v("Bypass") == 1) & (v("OutSrc") == 4)),
    "ups_battery_hot": Effect(lambda v: v("BattT") > 40.0, onset_s=1500.0, release_s=600.0),
    "ups_test_failed": Effect(lambda v: v("TestRes") == 3),
    "battery_aged": Effect(lambda v: v("CellRmax") > 1.25 * 0.82, onset_s=600.0, release_s=600.0),
    "battery_voltage": Effect(lambda v: v("StrV") > 1.05 * 125.0),
    "gen_start_fail": Effect(lambda v: (v("StartFail") == 1) & (v("RunSts") == 0)),
    "gen_not_auto": Effect(lambda v: v("Mode") != 2),
    "gen_fuel_low": Effect(lambda v: v("FuelLvl") < 25.0, onset_s=1800.0, release_s=300.0),
    "gen_coolant_hot": Effect(lambda v: v("CoolT") > 95.0, onset_s=900.0, release_s=300.0),
    "gen_oil_low": Effect(lambda v: (v("RunSts") == 1) & (v("OilP") < 150.0)),
    "gen_battery_low": Effect(lambda v: v("BattV") < 24.0),
    "ats_fault": Effect(lambda v: v("Fault") == 1),
    "fuel_tank_low": Effect(lambda v: v("Lvl") < 50.0, onset_s=3_600.0, release_s=1_800.0),
    "fuel_leak": Effect(lambda v: v("LeakAlm") == 1),
    "meter_dead": Effect(lambda v: (v("kW") < 0.05) & (v("Iavg") < 0.2) & (v("Vavg") > 300.0)),
    # An old air conditioner left on shows in the power factor by day too, when the floor uses power of its own.
    "night_load": Effect(lambda v: (v("kW") > 30.0) & (v("PF") < 0.945)),
    "meter_ct_wrong": Effect(lambda v: (power_agreement(v) < 0.8) & (v("Iavg") > 0.5)),
    "lights_outside_schedule": Effect(
        lambda v: (v("OnSts") == 1) & (v("OnCmd") == 0) & (v("OvrMin") == 0), hours=(5.0, 7.0)
    ),
    "pv_fault": Effect(lambda v: (v("Sts") == 7) & (v("Fault") > 0)),
}

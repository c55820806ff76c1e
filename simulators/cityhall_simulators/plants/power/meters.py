"""Electricity meters: what flows through a sub-meter, and what the two main meters measure."""

from functools import cache
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, demand_15_min, full, slow_noise, sound
from cityhall_simulators.plants.power.grid import DISTURBANCES, HIGH_V, LOW_V, SQRT3, lines_at, rerouted, siblings
from cityhall_simulators.plants.power.tree import tree
from cityhall_simulators.plants.power.uses import uses_kw

_LEFT_ON_KW, _LEFT_ON_PF = 30.0, 0.82
"""An old air conditioner that nobody switches off."""
_WRONG_RATIO: Final = 0.6
_AMPS_MAX: Final = 600.0
_PULSES_FROM_KWH: Final = 20_000_000.0
_LINE_TIE: Final = siblings((1, 2), (2, 1))
OVERVOLTAGE: Final = DISTURBANCES["overvoltage"][0]
HARMONICS: Final = (4.2, 16.0)
"""What a bad source of harmonics adds to the distortion of voltage and current, in percent points."""


def initial_main(units: int) -> Columns:
    """Columns of main meters at 22.8 kV."""
    return full(
        units, V12=HIGH_V, V23=HIGH_V, V31=HIGH_V, I1=35.0, I2=35.0, I3=35.0, kW=1400.0, kVAR=250.0, kVA=1425.0,
        PF=0.98, Hz=60.0, kWh=20_812_345.0, kVARh=3_104_220.0, THDv=2.4, THDi=8.0, Dmd15=0.0, PulseMin=812_345.0,
        _window=-1.0, _window_s=0.0, _window_kws=0.0,
    ) | sound(units, *DISTURBANCES, "frequency", "harmonics", "supply_loss", "demand_peak")  # fmt: skip


def initial_sub(units: int) -> Columns:
    """Columns of low-voltage sub-meters; ``_kw`` is what really flows, ``_own_kw`` the part without plant."""
    unit = np.arange(units, dtype=np.float64)
    return (
        full(
            units, kW=20.0, PF=0.97, Vavg=LOW_V, Iavg=30.0, Dmd15=0.0, _kw=20.0, _own_kw=5.0, _window=-1.0,
            _window_s=0.0, _window_kws=0.0,
        )
        | {"kWh": 120_000.0 + 13_777.0 * unit}
        | sound(units, "overvoltage", "meter_dead", "ct_wrong", "night_load")
    )  # fmt: skip


def step_sub(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Measure what the branch feeds; a dead meter shows nothing, one with a wrong transformer ratio too little."""
    branch, epoch_s = tree(), around.moment.epoch_s
    wave = slow_noise(epoch_s * 4.0, 90.0, len(columns["kW"]))
    own_kw = (branch.meter_uses @ uses_kw(around.moment, around.supply)) * _weights() * (1.0 + 0.03 * wave)
    left_on_kw = _LEFT_ON_KW * around.supply.normal * columns["_fault_night_load"]
    own_kw = own_kw + left_on_kw
    true_kw = own_kw + branch.metered.kw(around.plants)
    alive = 1.0 - columns["_fault_meter_dead"]
    # Lifts that brake feed their neighbours: the panel sees it, a meter that counts one way does not.
    kw = np.maximum(0.0, true_kw) * alive * (1.0 - (1.0 - _WRONG_RATIO) * columns["_fault_ct_wrong"])
    flow_kw = np.abs(true_kw)
    pf = _power_factors() + 0.004 * wave
    pf = pf + (_LEFT_ON_PF - pf) * left_on_kw / np.maximum(flow_kw, _LEFT_ON_KW)
    volts = _low_volts(around, true_kw) * (1.0 + (OVERVOLTAGE - 1.0) * columns["_fault_overvoltage"])
    amps = flow_kw * alive / pf * 1000.0 / (SQRT3 * np.maximum(volts, 1.0))
    return (
        columns
        | demand_15_min(columns, kw, epoch_s, dt_s)
        | {
            "kW": kw, "kWh": columns["kWh"] + kw * dt_s / 3600.0, "PF": pf, "Vavg": volts, "Iavg": amps,
            "_kw": true_kw, "_own_kw": own_kw,
        }
    )  # fmt: skip


def _low_volts(around: Around, true_kw: Column) -> Column:
    """Voltage at each sub-meter. In the dark only a circuit that a generator feeds has any."""
    mean_pu = lines_at(around).volts_pu.mean(axis=0)
    drop = 0.006 * slow_noise(around.moment.epoch_s, 22.0, len(true_kw))
    fed = _line_of_meter() @ mean_pu if around.supply.normal else around.supply.essential * (true_kw > 0.0)
    return np.asarray(LOW_V * fed * (1.0 + drop), dtype=np.float64)


def step_main(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Measure what the transformers of each line take; a line whose bay is open gives its load to the other."""
    branch, lines, epoch_s = tree(), lines_at(around), around.moment.epoch_s
    closed = 1.0 - around.plants["GIS"]["_fault_gis_trip"][:2]
    kw = rerouted(branch.lines @ around.plants["TR"]["kW"], closed, _LINE_TIE)
    kvar = rerouted(branch.lines @ around.plants["TR"]["_kvar"], closed, _LINE_TIE)
    kwh = columns["kWh"] + kw * dt_s / 3600.0
    return (
        columns
        | electrical(kw, kvar, HIGH_V * lines.volts_pu, _AMPS_MAX)
        | demand_15_min(columns, kw, epoch_s, dt_s)
        | distortion(columns, epoch_s, 2.4, 8.0)
        | {
            "Hz": lines.hz,
            "kWh": kwh,
            "kVARh": columns["kVARh"] + np.maximum(kvar, 0.0) * dt_s / 3600.0,
            # One pulse per kilowatt-hour, counted beside the register as the utility does.
            "PulseMin": np.floor(kwh) - _PULSES_FROM_KWH,
        }
    )


def electrical(kw: Column, kvar: Column, volts: Column, amps_max: float) -> Columns:
    """What a three-phase meter shows of power and voltages (rows 1-2, 2-3, 3-1); a leading power factor is negative."""
    kva = np.hypot(kw, kvar)
    # Current transformers saturate.
    amps = np.minimum(kva * 1000.0 / (SQRT3 * np.maximum(volts.mean(axis=0), 1.0)), amps_max / 1.01)
    pf = np.where(kva > 0.5, kw / np.maximum(kva, 0.5), 1.0)
    return {
        "V12": volts[0], "V23": volts[1], "V31": volts[2],
        "I1": 0.99 * amps, "I2": amps, "I3": 1.01 * amps,
        "kW": kw, "kVAR": kvar, "kVA": kva, "PF": np.where(kvar < 0.0, -pf, pf),
    }  # fmt: skip


def distortion(columns: Columns, epoch_s: float, volts: float, amps: float) -> Columns:
    """Harmonic distortion around what is usual, in percent."""
    wave = slow_noise(epoch_s, volts, len(columns["kW"]))
    bad = columns["_fault_harmonics"]
    return {
        "THDv": volts + 0.25 * wave + HARMONICS[0] * bad,
        "THDi": amps + 0.8 * wave + HARMONICS[1] * bad,
    }


@cache
def _weights() -> Column:
    """No two tenants and no two floors use the same."""
    units = tree().meter_uses.shape[0]
    return np.asarray(1.0 + 0.08 * ((3.0 * np.arange(units)) % 5.0 - 2.0) / 2.0, dtype=np.float64)


@cache
def _power_factors() -> Column:
    units = tree().meter_uses.shape[0]
    return np.asarray(0.972 + 0.004 * np.cos(1.7 * np.arange(units)), dtype=np.float64)


@cache
def _line_of_meter() -> Column:
    branch = tree()
    return np.asarray((branch.lines @ branch.panels @ branch.meters).T, dtype=np.float64)

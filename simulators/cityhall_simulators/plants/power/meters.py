"""Electricity meters: the main is the sum of its sub-meters and of everything unmetered."""

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, demand_15_min, full, slow_noise
from cityhall_simulators.plants.power.loads import loads_kw, unmetered_kw

_MAIN_V = 22_800.0
_LOW_V = 380.0
_OVERVOLTAGE = 1.13


def initial_main(units: int) -> Columns:
    """Columns of main meters at 22.8 kV."""
    return full(
        units, V12=_MAIN_V, V23=_MAIN_V, V31=_MAIN_V, I1=70.0, I2=70.0, I3=70.0, kW=2800.0, kVAR=500.0, kVA=2850.0,
        PF=0.98, Hz=60.0, kWh=20_812_345.0, kVARh=3_104_220.0, THDv=2.4, THDi=8.0, Dmd15=0.0, PulseMin=812_345.0,
        _rest_kw=0.0, _window=-1.0, _window_s=0.0, _window_kws=0.0, _fault_overvoltage=0.0,
    )  # fmt: skip


def initial_sub(units: int) -> Columns:
    """Columns of low-voltage sub-meters."""
    unit = np.arange(units, dtype=np.float64)
    return full(
        units, kW=20.0, PF=0.97, Vavg=_LOW_V, Iavg=30.0, Dmd15=0.0, _window=-1.0, _window_s=0.0, _window_kws=0.0,
        _fault_overvoltage=0.0,
    ) | {"kWh": 120_000.0 + 13_777.0 * unit}  # fmt: skip


def step_sub(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:
    """Measure one load per meter."""
    kw = loads_kw(around)
    pf = np.clip(0.975 + 0.01 * slow_noise(around.moment.epoch_s, 21.0, len(kw)), 0.9, 0.999)
    swell = np.where(columns["_fault_overvoltage"] > 0.0, _OVERVOLTAGE, 1.0)
    volts = (
        _LOW_V
        * swell
        * (1.0 + 0.008 * slow_noise(around.moment.epoch_s, 22.0, len(kw)) + 0.0004 * _jitter(rng, len(kw)))
    )
    return (
        columns
        | demand_15_min(columns, kw, around.moment.epoch_s, dt_s)
        | {
            "kW": kw,
            "kWh": columns["kWh"] + kw * dt_s / 3600.0,
            "PF": pf,
            "Vavg": volts,
            "Iavg": kw / pf * 1000.0 / (np.sqrt(3.0) * volts),
        }
    )


def step_main(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:
    """Measure the sum of the sub-meters and the rest, shared by the incoming lines."""
    units = len(columns["kW"])
    rest_kw = unmetered_kw(around)
    kw = np.full(units, (around.total("EM", "kW") + rest_kw) / units)
    pf = np.clip(0.98 + 0.006 * slow_noise(around.moment.epoch_s, 23.0, units), 0.9, 0.999)
    kva = kw / pf
    kvar = np.sqrt(np.maximum(kva**2 - kw**2, 0.0))
    kwh = columns["kWh"] + kw * dt_s / 3600.0
    return (
        columns
        | _voltages(columns, kva, around, rng)
        | demand_15_min(columns, kw, around.moment.epoch_s, dt_s)
        | {
            "kW": kw,
            "kVA": kva,
            "kVAR": kvar,
            "PF": pf,
            "Hz": 60.0 + 0.03 * slow_noise(around.moment.epoch_s * 7.0, 24.0, units),
            "kWh": kwh,
            "kVARh": columns["kVARh"] + kvar * dt_s / 3600.0,
            "THDv": 2.5 + 0.3 * slow_noise(around.moment.epoch_s, 25.0, units),
            "THDi": 8.0 + 1.5 * slow_noise(around.moment.epoch_s, 26.0, units),
            # One pulse per kilowatt-hour, counted beside the register as the utility does.
            "PulseMin": np.floor(kwh) - 20_000_000.0,
            "_rest_kw": np.full(units, rest_kw / units),
        }
    )


def _voltages(columns: Columns, kva: Column, around: Around, rng: np.random.Generator) -> Columns:
    units = len(kva)
    swell = np.where(columns["_fault_overvoltage"] > 0.0, _OVERVOLTAGE, 1.0)
    found: Columns = {}
    for phase, (volts, amps) in enumerate((("V12", "I1"), ("V23", "I2"), ("V31", "I3"))):
        drift = 0.006 * slow_noise(around.moment.epoch_s, 30.0 + phase * 0.1, units)
        found[volts] = _MAIN_V * swell * (1.0 + drift + 0.0003 * _jitter(rng, units))
        found[amps] = kva * 1000.0 / (np.sqrt(3.0) * found[volts]) * (1.0 + 0.01 * (phase - 1))
    return found


def _jitter(rng: np.random.Generator, units: int) -> Column:
    return rng.uniform(-1.0, 1.0, units)

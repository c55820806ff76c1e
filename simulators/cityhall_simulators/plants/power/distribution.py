"""Transformers and low-voltage panels: they share what the main meters measure, less the transformers' losses."""

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, demand_15_min, full, lag, slow_noise

_RATED_KW = 1500.0
_IRON_LOSS_KW, _COPPER_LOSS_KW = 2.4, 9.0
_LOW_V = 380.0
_FAN_ON_C, _ALARM_C, _TRIP_C = 100.0, 140.0, 150.0


def initial_transformer(units: int) -> Columns:
    """Columns of transformers at half load."""
    return full(
        units, WindT_U=75.0, WindT_V=76.0, WindT_W=75.0, CoreT=80.0, FanSts=0.0, FanMode=1.0, TmpAlm=0.0, TmpTrip=0.0,
        LoadPct=50.0, kW=750.0, kWh=4_120_000.0, LossKW=5.0,
    )  # fmt: skip


def initial_panel(units: int) -> Columns:
    """Columns of closed panels."""
    return full(
        units, V12=_LOW_V, V23=_LOW_V, V31=_LOW_V, I1=0.0, I2=0.0, I3=0.0, kW=0.0, kVAR=0.0, kVA=0.0, PF=0.98, Hz=60.0,
        kWh=2_960_000.0, kVARh=590_000.0, THDv=2.5, THDi=9.0, Dmd15=0.0, AcbSts=1.0, AcbTrip=0.0, BusT=42.0,
        _window=-1.0, _window_s=0.0, _window_kws=0.0,
    )  # fmt: skip


def step_transformer(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """They share what the main meters measure."""
    feed_kw = around.total("HVM", "kW")
    kw = feed_kw * _shares(len(columns["kW"]))
    part = kw / _RATED_KW
    hot = 45.0 + 60.0 * part**1.6
    windings = {
        name: lag(columns[name], hot + number, dt_s, 1800.0)
        for number, name in enumerate(("WindT_U", "WindT_V", "WindT_W"))
    }
    hottest = np.maximum.reduce(list(windings.values()))
    return (
        columns
        | windings
        | {
            "CoreT": lag(columns["CoreT"], hot + 4.0, dt_s, 3600.0),
            "FanSts": (hottest > _FAN_ON_C).astype(np.float64),
            "TmpAlm": (hottest > _ALARM_C).astype(np.float64),
            "TmpTrip": (hottest > _TRIP_C).astype(np.float64),
            "LoadPct": 100.0 * part,
            "kW": kw,
            "LossKW": _IRON_LOSS_KW + _COPPER_LOSS_KW * part**2,
            "kWh": columns["kWh"] + kw * dt_s / 3600.0,
        }
    )


def step_panel(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:
    """They share what the transformers give."""
    feed_kw = around.total("TR", "kW") - around.total("TR", "LossKW")
    units = len(columns["kW"])
    kw = feed_kw * _shares(units)
    pf = np.clip(0.98 + 0.006 * slow_noise(around.moment.epoch_s, 27.0, units), 0.9, 0.999)
    kva = kw / pf
    kvar = np.sqrt(np.maximum(kva**2 - kw**2, 0.0))
    found: Columns = {}
    for phase, (volts, amps) in enumerate((("V12", "I1"), ("V23", "I2"), ("V31", "I3"))):
        drift = 0.008 * slow_noise(around.moment.epoch_s, 28.0 + phase * 0.1, units)
        found[volts] = _LOW_V * (1.0 + drift + 0.0003 * rng.uniform(-1.0, 1.0, units))
        found[amps] = kva * 1000.0 / (np.sqrt(3.0) * found[volts]) * (1.0 + 0.01 * (phase - 1))
    return (
        columns
        | found
        | demand_15_min(columns, kw, around.moment.epoch_s, dt_s)
        | {
            "kW": kw,
            "kVAR": kvar,
            "kVA": kva,
            "PF": pf,
            "Hz": 60.0 + 0.03 * slow_noise(around.moment.epoch_s * 7.0, 24.0, units),
            "kWh": columns["kWh"] + kw * dt_s / 3600.0,
            "kVARh": columns["kVARh"] + kvar * dt_s / 3600.0,
            "THDv": 2.5 + 0.3 * slow_noise(around.moment.epoch_s, 29.0, units),
            "THDi": 9.0 + 1.5 * slow_noise(around.moment.epoch_s, 31.0, units),
            "BusT": lag(columns["BusT"], 35.0 + 0.012 * kw, dt_s, 1800.0),
        }
    )


def _shares(units: int) -> Column:
    """No two feeders carry the same."""
    weights = 1.0 + 0.12 * ((2.0 * np.arange(units)) % 5.0)
    return np.asarray(weights / weights.sum(), dtype=np.float64)

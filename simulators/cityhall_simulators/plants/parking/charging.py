"""Charging stations that share one feeder."""

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, Mask, full, lag, slow_noise

_CURRENT_MIN_A, _CURRENT_MAX_A = 6.0, 32.0
_AVAILABLE, _CHARGING, _SUSPENDED, _FINISHING, _FAULTED = 0.0, 2.0, 3.0, 5.0, 8.0
_GROUND_FAILURE = 3.0


def initial(units: int) -> Columns:
    """Every second station has a car that still wants most of a session."""
    plugged = (np.arange(units) % 2 == 0).astype(np.float64)
    return full(
        units, Status=0.0, ErrCode=0.0, kW=0.0, SessKWh=0.0, V=220.0, A=0.0, Offered=0.0, LimitA=32.0, ConnTemp=30.0,
        kWh=18_420.0, _idle_s=0.0, _fault_ground=0.0,
    ) | {"_plugged": plugged, "_need_kwh": 11.0 * plugged}  # fmt: skip


def step(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:
    """Cars come, charge under their share of the feeder, finish and leave."""
    plugged, need_kwh, session_kwh, idle_s = _cars(columns, around, dt_s, rng)
    faulted = columns["_fault_ground"] > 0.0
    asking = (plugged > 0.0) & (need_kwh > 0.0) & ~faulted
    offered = _share(asking, columns["LimitA"], around.site.parameters["feeder_limit_a"])
    amps = np.where(faulted, 0.0, lag(columns["A"], np.where(asking, offered, 0.0), dt_s, 3.0))
    amps = np.where(amps < 0.05, 0.0, amps)
    volts = 220.0 * (1.0 + 0.008 * slow_noise(around.moment.epoch_s, 61.0, len(amps)))
    energy_kwh = volts * amps / 1000.0 * dt_s / 3600.0
    finished = (plugged > 0.0) & ~asking
    status = np.select(
        [faulted, asking & (offered > 0.0), asking, finished], [_FAULTED, _CHARGING, _SUSPENDED, _FINISHING], _AVAILABLE
    )
    return columns | {
        "Status": status,
        "ErrCode": np.where(faulted, _GROUND_FAILURE, 0.0),
        "Offered": offered,
        "A": amps,
        "V": volts,
        "kW": volts * amps / 1000.0,
        "kWh": columns["kWh"] + energy_kwh,
        "SessKWh": session_kwh + energy_kwh,
        "ConnTemp": lag(columns["ConnTemp"], around.moment.outdoor_t + 0.6 * amps, dt_s, 120.0),
        "_plugged": plugged,
        "_need_kwh": np.maximum(0.0, need_kwh - energy_kwh),
        "_idle_s": idle_s,
    }


def _cars(
    columns: Columns, around: Around, dt_s: float, rng: np.random.Generator
) -> tuple[Column, Column, Column, Column]:
    """Who is plugged, what the car still needs, what the session has had, how long it has stood finished."""
    units = len(columns["Status"])
    arrives = (columns["_plugged"] == 0.0) & (rng.random(units) < 1.0 - np.exp(-dt_s * around.moment.occupancy / 300.0))
    idle_s = np.where((columns["_plugged"] > 0.0) & (columns["_need_kwh"] <= 0.0), columns["_idle_s"] + dt_s, 0.0)
    leaves = idle_s > 120.0
    plugged = np.where(arrives, 1.0, np.where(leaves, 0.0, columns["_plugged"]))
    need_kwh = np.where(arrives, rng.uniform(6.0, 18.0, units), columns["_need_kwh"])
    session_kwh = np.where(arrives, 0.0, columns["SessKWh"])
    return plugged, need_kwh, session_kwh, idle_s


def _share(asking: Mask, limit_a: Column, feeder_a: float) -> Column:
    """Equal shares; an active car gets at least 6 A or nothing."""
    equal_a = feeder_a / max(1.0, float(asking.sum()))
    offered = np.minimum(np.minimum(limit_a, equal_a), _CURRENT_MAX_A)
    return np.where(asking & (offered >= _CURRENT_MIN_A), offered, 0.0)

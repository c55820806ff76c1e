"""Workstations and controllers of the building's own network, and the telephone exchange. All of them on UPS."""

import numpy as np

from cityhall_simulators.plants.common import Around, Columns, full, lag, slow_noise, sound

_CPU_PERCENT, _CPU_BUSY_PERCENT = 18.0, 8.0
_LAG_S, _LAG_BUSY_S, _LAG_FAULT_S = 0.2, 0.12, 240.0
_DISK_FULL_PERCENT, _DISK_TAU_S = 97.0, 120.0
_LOGS_PERCENT, _LOG_PERIOD_S = 6.0, 30.0 * 86_400.0
_TRUNKS_BUSY_PERCENT, _EXTENSIONS_BUSY = 34.0, 180.0
_FULL_PERCENT = 97.0
_BLOCKED_PER_H, _BLOCKED_FULL_PER_H = 2.0, 60.0
"""Calls that find no trunk on a working day, and when hardly one is free."""


def initial_controller(units: int) -> Columns:
    """Columns of controllers on line."""
    own = full(units, Online=1.0, CpuPct=_CPU_PERCENT, DiskPct=47.0, PollLagS=_LAG_S)
    return own | sound(units, "offline", "disk", "lag")


def initial_exchange(units: int) -> Columns:
    """Columns of a quiet exchange."""
    own = full(units, TrunkBusy=0.0, TrunkAlm=0.0, ExtBusy=0.0, PsuAlm=0.0, Temp=24.0, BlockedCalls=1_210.0)
    return own | full(units, _blocked=1_210.0) | sound(units, "busy", "trunk")


def step_controller(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Busier while people work; logs fill the disk until they are deleted each month.

    Whoever cannot be reached is known by its last values.
    """
    units = len(columns["CpuPct"])
    moment = around.moment
    noise = slow_noise(moment.epoch_s, 71.0, units)
    offline = columns["_fault_offline"] > 0.0
    cpu = _CPU_PERCENT + _CPU_BUSY_PERCENT * moment.occupancy + 3.0 * noise
    lag_s = _LAG_S + _LAG_BUSY_S * moment.occupancy + 0.04 * noise
    logs = _LOGS_PERCENT * ((moment.epoch_s / _LOG_PERIOD_S + np.arange(units) / units) % 1.0)
    disk = np.where(columns["_fault_disk"] > 0.0, _DISK_FULL_PERCENT, 41.0 + np.arange(units) % 7 + logs)
    return columns | {
        "Online": 1.0 - columns["_fault_offline"],
        "CpuPct": np.where(offline, columns["CpuPct"], cpu),
        "DiskPct": lag(columns["DiskPct"], disk, dt_s, _DISK_TAU_S),
        "PollLagS": np.where(columns["_fault_lag"] > 0.0, _LAG_FAULT_S, np.where(offline, columns["PollLagS"], lag_s)),
    }


def step_exchange(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """As busy as the offices; full trunks turn calls away."""
    units = len(columns["Temp"])
    moment = around.moment
    noise = slow_noise(moment.epoch_s, 72.0, units)
    busy = moment.occupancy * (1.0 + 0.12 * noise)
    full_up = columns["_fault_busy"] > 0.0
    blocked_per_h = np.where(full_up, _BLOCKED_FULL_PER_H, _BLOCKED_PER_H * moment.occupancy)
    blocked = columns["_blocked"] + blocked_per_h * dt_s / 3_600.0
    return columns | {
        "TrunkBusy": np.where(full_up, _FULL_PERCENT, 2.0 + _TRUNKS_BUSY_PERCENT * busy),
        "TrunkAlm": columns["_fault_trunk"],
        "ExtBusy": np.round(_EXTENSIONS_BUSY * busy),
        "PsuAlm": np.full(units, 1.0 - around.supply.normal),
        "Temp": 24.0 + 0.4 * noise,
        "BlockedCalls": np.floor(blocked),
        "_blocked": blocked,
    }

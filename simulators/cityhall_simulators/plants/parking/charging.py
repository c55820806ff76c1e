"""Charging stations that share one feeder.

Each station's day is planned at midnight: whether a car comes in the morning and another one after lunch, when, until
when, and what it wants. Within a step a car takes what the time it was there allows, never more than it wants; so a
session's energy is the same whether time passes in seconds or in half-hours.
"""

import math

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.plants.common import Around, Column, Columns, Mask, free, full, held, lag, slow_noise, sound
from cityhall_simulators.plants.moment import Moment

_CURRENT_MIN_A, _CURRENT_MAX_A, _VOLTS = 6.0, 32.0, 220.0
_AVAILABLE, _PREPARING, _CHARGING, _SUSPENDED_EVSE, _SUSPENDED_EV = 0.0, 1.0, 2.0, 3.0, 4.0
_UNAVAILABLE, _FAULTED = 7.0, 8.0
_GROUND_FAILURE, _OVER_CURRENT = 3.0, 6.0
_PREPARING_H = 20.0 / 3600.0
_NEVER_H = 99.0
_TAKEN_ON_WORKDAYS, _TAKEN_ON_DAYS_OFF = (0.95, 0.85), (0.12, 0.10)
"""How likely a station is used in the morning and in the afternoon."""
_NEED_KWH, _NEED_MORE_KWH = 8.0, 8.5
_WARM_K_PER_A, _HOT_CONNECTOR_C, _CONNECTOR_TAU_S = 0.6, 95.0, 120.0

_SESSIONS = ("1", "2")
_Pair = NDArray[np.float64]
"""One row for the morning's cars, one for the afternoon's."""


def initial(units: int) -> Columns:
    """Nobody is there, and nobody is expected before the first plan is made."""
    return (
        full(
            units, Status=_AVAILABLE, ErrCode=0.0, kW=0.0, SessKWh=0.0, V=_VOLTS, A=0.0, Offered=0.0,
            LimitA=_CURRENT_MAX_A, ConnTemp=30.0, kWh=18_420.0, _day=-1.0, _plugged=0.0,
        )
        | {f"_{what}_{session}": np.full(units, _NEVER_H) for what in ("arrive", "leave") for session in _SESSIONS}
        | {f"_need_{session}": np.zeros(units) for session in _SESSIONS}
        | free(units, "LimitA")
        | sound(units, "ground", "current", "hot", "offline")
    )  # fmt: skip


def step(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:
    """Cars come, charge under their share of the feeder, wait and leave."""
    moment, hours = around.moment, dt_s / 3600.0
    arrive, leave, need = _plan(columns, moment, rng.random((6, len(columns["kW"]))))
    faulted = columns["_fault_ground"] + columns["_fault_current"] > 0.0
    dead = (columns["_fault_offline"] > 0.0) | (around.supply.normal <= 0.0)
    there_h = np.minimum(leave, moment.hour) - np.maximum(arrive + _PREPARING_H, moment.hour - hours)
    there_h = np.where((need > 0.0) & ~(faulted | dead), np.maximum(there_h, 0.0), 0.0)
    limit_a = held(columns, "LimitA", np.full_like(need[0], _CURRENT_MAX_A))
    offered = _share(there_h[0] + there_h[1] > 0.0, limit_a, around.site.parameters["feeder_limit_a"])
    volts = _VOLTS * (1.0 + 0.008 * slow_noise(moment.epoch_s, 61.0, len(offered)))
    taken = np.minimum(need, volts * offered / 1000.0 * there_h)
    kw = (taken[0] + taken[1]) / hours
    amps = kw * 1000.0 / volts
    plugged = (arrive <= moment.hour) & (moment.hour < leave)
    status = _status(plugged, arrive, need - taken, offered, moment.hour)
    warm = np.where(columns["_fault_hot"] > 0.0, _HOT_CONNECTOR_C, moment.outdoor_t + _WARM_K_PER_A * amps)
    return (
        columns
        | {
            "Status": np.where(faulted, _FAULTED, np.where(dead, _UNAVAILABLE, status)),
            "ErrCode": np.maximum(
                _GROUND_FAILURE * columns["_fault_ground"], _OVER_CURRENT * columns["_fault_current"]
            ),
            "kW": kw,
            "SessKWh": _session_kwh(
                columns["SessKWh"], taken, (arrive <= moment.hour) & (arrive > moment.hour - hours)
            ),
            "kWh": columns["kWh"] + kw * hours,
            "V": volts * around.supply.normal,
            "A": amps,
            "Offered": offered,
            "LimitA": limit_a,
            "ConnTemp": lag(columns["ConnTemp"], warm, dt_s, _CONNECTOR_TAU_S),
            "_day": np.full_like(kw, math.floor(moment.epoch_s / 86_400.0)),
            "_plugged": (plugged[0] | plugged[1]).astype(np.float64),
        }
        | _kept(arrive, leave, need - taken)
    )


def _plan(columns: Columns, moment: Moment, chance: _Pair) -> tuple[_Pair, _Pair, _Pair]:
    """Arrival, departure (local hours) and energy still wanted (kWh) of the day's two cars."""
    if columns["_day"][0] == math.floor(moment.epoch_s / 86_400.0):
        return _kept_pair(columns, "arrive"), _kept_pair(columns, "leave"), _kept_pair(columns, "need")
    likely = np.array(_TAKEN_ON_WORKDAYS if moment.workday else _TAKEN_ON_DAYS_OFF)[:, None]
    arrive = np.stack([7.6 + 1.5 * chance[0], 12.7 + 1.0 * chance[1]])
    leave = np.stack([12.0 + 0.5 * chance[1], 17.3 + 0.9 * chance[0]])
    need = _NEED_KWH + _NEED_MORE_KWH * chance[2:4]
    return np.where(chance[4:6] < likely, arrive, _NEVER_H), leave, np.asarray(need, dtype=np.float64)


def _kept_pair(columns: Columns, what: str) -> _Pair:
    return np.array([columns[f"_{what}_{session}"] for session in _SESSIONS])


def _kept(arrive: _Pair, leave: _Pair, need: _Pair) -> Columns:
    """The plan as columns, one for each session."""
    pairs = {"arrive": arrive, "leave": leave, "need": need}
    return {f"_{what}_{session}": pair[row] for what, pair in pairs.items() for row, session in enumerate(_SESSIONS)}


def _share(asking: Mask, limit_a: Column, feeder_a: float) -> Column:
    """Equal shares among as many as the feeder can give 6 A each, the first stations first; the others wait."""
    able = asking & (limit_a >= _CURRENT_MIN_A)
    served = able & (np.cumsum(able) <= math.floor(feeder_a / _CURRENT_MIN_A))
    equal_a = feeder_a / max(1.0, float(served.sum()))
    return np.where(served, np.minimum(limit_a, min(equal_a, _CURRENT_MAX_A)), 0.0)


def _status(plugged: NDArray[np.bool_], arrive: _Pair, need: _Pair, offered: Column, hour: float) -> Column:
    """State of a sound station by its car: wants more, is full, has just come; none."""
    wanting = plugged & (need > 1e-9)
    fresh = plugged & (hour < arrive + _PREPARING_H)
    charging = np.where(offered > 0.0, _CHARGING, _SUSPENDED_EVSE)
    with_car = np.where(fresh[0] | fresh[1], _PREPARING, np.where(wanting[0] | wanting[1], charging, _SUSPENDED_EV))
    return np.where(plugged[0] | plugged[1], with_car, _AVAILABLE)


def _session_kwh(before: Column, taken: _Pair, came: NDArray[np.bool_]) -> Column:
    """A new car begins from zero; the last session's energy stands until then."""
    goes_on: Column = before + taken[0] + taken[1]
    return np.where(came[1], taken[1], np.where(came[0], taken[0], goes_on))

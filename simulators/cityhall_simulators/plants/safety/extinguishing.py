"""Water and foam against fire: pumps, alarm valves, end-of-line test pipes, foam zones.

The fire main stands at 700 kPa, the ends of its branches at 250 to 500 kPa by height (domain reference, section 3.2).
"""

from datetime import date
from functools import cache
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, full, lag, slow_noise, sound
from cityhall_simulators.plants.safety.places import LEVELS, level_of

_STANDING_KPA, _PUMPED_KPA, _UNPUMPED_KPA = 700.0, 720.0, 420.0
_PUMP_HEAD_KPA, _LEAKING_KPA = 15.0, 560.0
_DRIFT_KPA = 4.0
_PUMP_KW: Final = np.array([75.0, 75.0, 55.0, 3.7])
"""Main, standby, foam and jockey pump."""
_END_LOW_KPA, _END_HIGH_KPA, _END_LEAKING_KPA = 260.0, 490.0, 60.0
_FOAM_FULL_PERCENT = 96.0
_UTC_OFFSET_S, _UNIX_DAY = 8 * 3_600.0, date(1970, 1, 1).toordinal()
_TEST_HOUR = 10.0


def initial_pump(units: int) -> Columns:
    """Columns of pumps at rest, ready, the main under pressure."""
    ready = full(
        units, RunSts=0.0, PwrSts=1.0, TripAlm=0.0, AutoPos=1.0, OutP=_STANDING_KPA, _main_kpa=_STANDING_KPA, _kw=0.0
    )
    return ready | sound(units, "run", "manual", "power", "trip", "pressure")


def initial_valve(units: int) -> Columns:
    """Columns of open valves without flow."""
    return full(units, FlowSw=0.0, SupvVlv=1.0, Pup=700.0, Pdn=690.0) | sound(units, "flow", "tamper")


def initial_end(units: int) -> Columns:
    """Columns of test pipes under pressure."""
    return full(units, LastTest=0.0) | sound(units, "pressure") | {"P": _end_kpa()}


def initial_foam(units: int) -> Columns:
    """Columns of foam zones at rest."""
    return full(units, DlgVlv=0.0, FlowSw=0.0, ConcLvl=_FOAM_FULL_PERCENT) | sound(units, "flow")


def step_foam(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """An open deluge valve empties the concentrate tank within the hour; it is filled again by the next shift."""
    flows = columns["_fault_flow"]
    level = np.where(
        flows > 0.0,
        lag(columns["ConcLvl"], 0.0, dt_s, 3_000.0),
        lag(columns["ConcLvl"], _FOAM_FULL_PERCENT, dt_s, 10_000.0),
    )
    return columns | {"DlgVlv": flows, "FlowSw": flows, "ConcLvl": level}


def step_valve(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Pressure of the main before the clack, a little less behind it, far less while water flows."""
    flows = columns["_fault_flow"]
    drift = _DRIFT_KPA * slow_noise(around.moment.epoch_s, 11.0, len(flows))
    before = around.plants["FPP"]["_main_kpa"][0] + drift
    return columns | {
        "FlowSw": flows,
        "SupvVlv": 1.0 - columns["_fault_tamper"],
        "Pup": before,
        "Pdn": lag(columns["Pdn"], before - 10.0 - 150.0 * flows, dt_s, 5.0),
    }


def step_pump(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Falling pressure starts the main pump, or the standby one when the main cannot run; the jockey joins in."""
    powered = (1.0 - columns["_fault_power"]) * around.supply.essential
    automatic, sound_motor = 1.0 - columns["_fault_manual"], 1.0 - columns["_fault_trip"]
    able = powered * sound_motor
    ready = able * automatic
    water = min(1.0, around.total("ACV", "FlowSw"))
    foam = min(1.0, around.total("FOM", "FlowSw"))
    demand = np.array([water, water * (1.0 - ready[0]), foam, water])
    running = np.maximum(demand * ready, columns["_fault_run"] * able)
    pumped = max(running[0], running[1])
    target = _STANDING_KPA + water * ((_PUMPED_KPA if pumped else _UNPUMPED_KPA) - _STANDING_KPA)
    main_kpa = lag(columns["_main_kpa"], target, dt_s, 5.0)
    drift = _DRIFT_KPA * slow_noise(around.moment.epoch_s, 12.0, len(running))
    outlet = np.where(columns["_fault_pressure"] > 0.0, _LEAKING_KPA, main_kpa + drift + _PUMP_HEAD_KPA * running)
    return columns | {
        "RunSts": running,
        "PwrSts": powered,
        "TripAlm": columns["_fault_trip"],
        "AutoPos": automatic,
        "OutP": lag(columns["OutP"], outlet, dt_s, 5.0),
        "_main_kpa": main_kpa,
        "_kw": running * _PUMP_KW,
    }


def step_end(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Static pressure at the farthest branch of each level, tested once a month."""
    moment = around.moment
    units = len(columns["P"])
    lost_kpa = _STANDING_KPA - around.plants["FPP"]["_main_kpa"][0]
    usual = _end_kpa() - 0.5 * lost_kpa + _DRIFT_KPA * slow_noise(moment.epoch_s, 13.0, units)
    target = np.where(columns["_fault_pressure"] > 0.0, _END_LEAKING_KPA, usual)
    now_s = moment.epoch_s - _UNIX_DAY * 86_400.0 - _UTC_OFFSET_S
    before, latest = _test_times(moment.year, _month(moment.year, moment.day_of_year), units)
    return columns | {
        "P": lag(columns["P"], target, dt_s, 60.0),
        "LastTest": np.where(now_s >= latest, latest, before),
    }


@cache
def _end_kpa() -> Column:
    """The higher, the less; pressure reducers keep the lower levels within the range."""
    levels = level_of("EOL")
    return np.asarray(_END_HIGH_KPA - (_END_HIGH_KPA - _END_LOW_KPA) * levels / (len(LEVELS) - 2.0), dtype=np.float64)


@cache
def _month(year: int, day_of_year: int) -> int:
    return date.fromordinal(date(year, 1, 1).toordinal() + day_of_year - 1).month


@cache
def _test_times(year: int, month: int, units: int) -> tuple[Column, Column]:
    """Last month's and this month's tests as UTC seconds: one level after the other, every second day."""
    day = 2.0 * (np.arange(units) % 14) + 1.0

    def of_month(first: date) -> Column:
        unix_day = np.asarray(first.toordinal() - _UNIX_DAY + day, dtype=np.float64)
        return unix_day * 86_400.0 + _TEST_HOUR * 3_600.0 - _UTC_OFFSET_S

    return of_month(date(year - (month == 1), (month - 2) % 12 + 1, 1)), of_month(date(year, month, 1))

"""Emergency generators and their fuel: they start when the utility is gone, and once a week for a test."""

from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, full, lag, slow_noise, sound
from cityhall_simulators.plants.power.grid import LOW_V, SQRT3

_TEST_KW: Final = 280.0
"""On the load bank: above the 30 % of rated load that a test needs."""
_TEST_WEEKDAY: Final = 2
"""Wednesday."""
_TEST_BEGINS_H: Final = np.array((10.0, 11.0))
_TEST_H: Final = 0.5
_STARTED_S, _ON_BUSBAR_S, _COOLS_DOWN_S = 8.0, 12.0, 180.0
_OFF, _AUTOMATIC = 0.0, 2.0
_START_FAILURE: Final = 4.0
_DAY_TANK_L, _DAY_TANK_PCT, _DRAINED_PCT = 1_000.0, 88.0, 18.0
_L_PER_KWH, _IDLE_L_PER_H = 0.26, 8.0
_FUEL_TANK_L, _ORDER_BELOW_L, _FILL_TO_L, _LOW_PCT = 10_000.0, 7_400.0, 8_800.0, 25.0
_FORGOTTEN_L: Final = 3_800.0
_OIL_KPA, _OIL_LOW_KPA = 420.0, 115.0
_COLD_C, _WARM_C, _HOT_C = 42.0, 84.0, 101.0
_BATTERY_V, _BATTERY_CHARGED_V, _BATTERY_LOW_V = 27.2, 28.1, 22.9
_DAY_S: Final = 86_400.0
_UNIX_EPOCH_S: Final = 719_163.0 * _DAY_S + 8.0 * 3600.0
"""1970-01-01 00:00 UTC counted as :attr:`Moment.epoch_s` counts, in local seconds since day 0."""


def initial_generator(units: int) -> Columns:
    """Columns of generators that stand ready. ``_waited_s`` counts from the call to start."""
    return full(
        units, Mode=_AUTOMATIC, RunSts=0.0, AlmSum=0.0, TripCode=0.0, V12=0.0, V23=0.0, V31=0.0, I1=0.0, I2=0.0,
        I3=0.0, kW=0.0, Hz=60.0, PF=1.0, kWh=18_400.0, OilP=0.0, CoolT=_COLD_C, Rpm=0.0, BattV=_BATTERY_V,
        FuelLvl=_DAY_TANK_PCT, StartFail=0.0, RunHr=312.0, Starts=640.0, CbSts=0.0, LastTest=0.0, _waited_s=0.0,
        _cooling_s=0.0, _testing=0.0, _step_s=0.0, _taken_l=0.0,
    ) | sound(
        units, "gen_start_fail", "gen_not_auto", "gen_fuel_low", "gen_coolant_hot", "gen_oil_low", "gen_battery_low"
    )  # fmt: skip


def step_generator(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Run while the utility is away, during the weekly test, and while somebody tries a weak engine."""
    able = can_start(columns)
    dark = around.supply.normal == 0.0
    tested_h, testing = _test(around.moment.epoch_s, dt_s)
    waited_s = np.where(dark & (able > 0.0), columns["_waited_s"] + dt_s, 0.0)
    called = waited_s >= _STARTED_S
    cooling_s = np.where(called, _COOLS_DOWN_S, np.maximum(0.0, columns["_cooling_s"] - dt_s))
    tried = columns["_fault_gen_oil_low"]
    tests = np.where((testing + tried > 0.0) & (able > 0.0), 1.0, 0.0)
    running = np.where(called | (cooling_s > 0.0), 1.0, tests) * (1.0 - columns["_fault_gen_start_fail"])
    hours = np.where(called | (tried > 0.0), dt_s / 3600.0, tested_h * able)
    kw = _load_kw(columns, around, able) if dark else _TEST_KW * tests
    used_kwh = kw * dt_s / 3600.0 if dark else _TEST_KW * hours
    fuel = _fuel(columns, used_kwh, hours, dt_s)
    missed_start = (running == 0.0) & (tested_h * able > 0.0) & (columns["RunSts"] == 0.0)
    return (
        columns
        | _engine(columns, running, around, dt_s)
        | _electric(columns, kw, running, around)
        | fuel
        | {
            "Mode": np.where(columns["_fault_gen_not_auto"] > 0.0, _OFF, _AUTOMATIC),
            "RunSts": running,
            "StartFail": columns["_fault_gen_start_fail"],
            "TripCode": _START_FAILURE * columns["_fault_gen_start_fail"],
            "kWh": columns["kWh"] + used_kwh,
            "RunHr": columns["RunHr"] + hours,
            "Starts": columns["Starts"] + ((running > columns["RunSts"]) | missed_start),
            "CbSts": (called & (waited_s >= _ON_BUSBAR_S)).astype(np.float64),
            "LastTest": np.where(able > 0.0, np.maximum(columns["LastTest"], _last_test(around)), columns["LastTest"]),
            "_waited_s": waited_s,
            "_cooling_s": cooling_s,
            "_testing": tests,
            "_step_s": np.full_like(kw, dt_s),
        }
    )


def can_start(columns: Columns) -> Column:
    """Which would start if the utility went away."""
    return (1.0 - columns["_fault_gen_start_fail"]) * (1.0 - columns["_fault_gen_not_auto"])


def _test(epoch_s: float, dt_s: float) -> tuple[Column, Column]:
    """Hours of the weekly test within the step that ends now, and whether it is going on at its end."""
    day_s = epoch_s % _DAY_S
    if (int(epoch_s // _DAY_S) + 6) % 7 != _TEST_WEEKDAY:
        return np.zeros(2), np.zeros(2)
    begins_s = _TEST_BEGINS_H * 3600.0
    ends_s = begins_s + _TEST_H * 3600.0
    within_s = np.clip(np.minimum(day_s, ends_s) - np.maximum(day_s - dt_s, begins_s), 0.0, None)
    return within_s / 3600.0, ((begins_s < day_s) & (day_s <= ends_s)).astype(np.float64)


def _last_test(around: Around) -> Column:
    """When the last weekly test ended, in Unix seconds."""
    epoch_s = around.moment.epoch_s
    days_since = ((int(epoch_s // _DAY_S) + 6) % 7 - _TEST_WEEKDAY) % 7
    ended_s = (epoch_s // _DAY_S - days_since) * _DAY_S + (_TEST_BEGINS_H + _TEST_H) * 3600.0
    return np.where(ended_s > epoch_s, ended_s - 7.0 * _DAY_S, ended_s) - _UNIX_EPOCH_S


def _load_kw(columns: Columns, around: Around, able: Column) -> Column:
    """The essential panel's load, shared by the generators that were on its busbar when the step began."""
    carries = np.where(columns["CbSts"].any(), columns["CbSts"], able) * around.supply.essential
    return carries / max(1.0, float(carries.sum())) * around.total("LVP", "kW")


def _engine(columns: Columns, running: Column, around: Around, dt_s: float) -> Columns:
    wave = slow_noise(around.moment.epoch_s, 70.0, len(running))
    hot = columns["_fault_gen_coolant_hot"]
    coolant = (_COLD_C + (_WARM_C - _COLD_C) * running) * (1.0 - hot) + _HOT_C * hot + 0.5 * wave
    oil = running * (_OIL_KPA + (_OIL_LOW_KPA - _OIL_KPA) * columns["_fault_gen_oil_low"] + 3.0 * wave)
    battery = _BATTERY_V + (_BATTERY_CHARGED_V - _BATTERY_V) * running + 0.03 * wave
    weak = columns["_fault_gen_battery_low"]
    alarms = ("gen_start_fail", "gen_fuel_low", "gen_coolant_hot", "gen_oil_low", "gen_battery_low")
    return {
        "AlmSum": np.maximum.reduce([columns[f"_fault_{name}"] for name in alarms]),
        "CoolT": lag(columns["CoolT"], coolant, dt_s, 240.0),
        "OilP": lag(columns["OilP"], oil, dt_s, 2.0),
        "Rpm": lag(columns["Rpm"], 1800.0 * running, dt_s, 2.0),
        "BattV": battery * (1.0 - weak) + _BATTERY_LOW_V * weak,
    }


def _electric(columns: Columns, kw: Column, running: Column, around: Around) -> Columns:
    """Voltage while it runs; on the load bank the power factor is one, on the busbar the panel's."""
    volts = LOW_V * running * (1.0 + 0.003 * slow_noise(around.moment.epoch_s, 71.0, len(kw)))
    panel_pf = float(np.abs(around.plants["LVP"]["PF"]).min())
    pf = np.where(columns["CbSts"] > 0.0, panel_pf, 1.0)
    amps = kw / pf * 1000.0 / (SQRT3 * np.maximum(volts, 1.0)) * running
    swing = 0.08 * slow_noise(around.moment.epoch_s * 5.0, 72.0, len(kw)) * running
    return {
        "kW": kw, "PF": pf, "Hz": 60.0 + swing, "V12": volts, "V23": 0.999 * volts, "V31": 1.001 * volts,
        "I1": 0.99 * amps, "I2": amps, "I3": 1.01 * amps,
    }  # fmt: skip


def _fuel(columns: Columns, used_kwh: Column, hours: Column, dt_s: float) -> Columns:
    """The day tank is kept full from the main tank; what the engine burns is missing there."""
    burnt_pct = (used_kwh * _L_PER_KWH + hours * _IDLE_L_PER_H) / _DAY_TANK_L * 100.0
    drained = columns["_fault_gen_fuel_low"]
    left = np.maximum(0.0, columns["FuelLvl"] - burnt_pct)
    level = lag(left, _DAY_TANK_PCT + (_DRAINED_PCT - _DAY_TANK_PCT) * drained, dt_s, 600.0)
    return {"FuelLvl": level, "_taken_l": np.maximum(0.0, level - left) / 100.0 * _DAY_TANK_L}


def initial_tank(units: int) -> Columns:
    """Columns of fuel tanks; ``_ordered`` is 1 while a tanker fills them."""
    return full(units, Lvl=86.0, LeakAlm=0.0, LowAlm=0.0, Vol=8_600.0, _ordered=0.0) | sound(
        units, "fuel_leak", "fuel_low"
    )


def step_tank(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Give fuel to the day tanks, and order more in time; a leak loses a little within hours.

    A tank that nobody refilled goes on with what is left of it.
    """
    litres = np.maximum(0.0, columns["Vol"] - around.plants["GEN"]["_taken_l"])
    leaking, forgotten = columns["_fault_fuel_leak"], columns["_fault_fuel_low"]
    ordered = np.where(litres < _ORDER_BELOW_L, 1.0, columns["_ordered"] * (litres < _FILL_TO_L - 50.0))
    target = np.where(leaking > 0.0, 0.7 * _FUEL_TANK_L, np.where(ordered > 0.0, _FILL_TO_L, litres))
    target = np.where(forgotten > 0.0, _FORGOTTEN_L, target)
    litres = np.where(
        leaking > 0.0, np.minimum(litres, lag(litres, target, dt_s, 86_400.0)), lag(litres, target, dt_s, 1_200.0)
    )
    level = litres / _FUEL_TANK_L * 100.0
    return columns | {
        "Vol": litres,
        "Lvl": level,
        "LeakAlm": leaking,
        "LowAlm": (level < _LOW_PCT).astype(np.float64),
        "_ordered": ordered,
    }

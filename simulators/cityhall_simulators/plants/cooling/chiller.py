"""What both kinds of chiller have in common: water on both sides, refrigerant between, power, counters, faults."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, Mask, free, full, held, lag, sound
from cityhall_simulators.plants.cooling.lines import KW_PER_RT, WATER_KWH_M3_K

HIGH_PRESSURE, LOW_EVAPORATOR, NO_CHILLED, NO_CONDENSER, LOW_OIL, HOT_MOTOR = 7.0, 3.0, 4.0, 5.0, 1.0, 2.0
_WATER_TAU_S: Final = 15.0
_REFRIGERANT_TAU_S: Final = 60.0
_STANDING_TAU_S: Final = 6.0 * 3600.0
_FLOWING_M3_H: Final = 5.0
_FOULED_EVAPORATOR_K: Final = 2.2
_FOULED_CONDENSER_K: Final = 2.8
_KW_PER_K_OF_LIFT: Final = 0.025
_SCALED_KW: Final = 0.42
"""Power on top while scale covers every condenser of the plant."""
_STANDING_C: Final = 24.0


@dataclass(frozen=True, slots=True)
class Machine:
    """A kind of chiller: which lines it is, how large, how good."""

    lines: slice
    capacity_kw: float
    condenser_m3_h: float
    kw_per_rt: float
    curve: float
    """Added at the square of a load one half above or below the best one."""
    best_part: float
    kw_per_k: float
    """Per K of condenser water above 30 °C."""
    idle_kw: float
    most_kw: float

    def power_kw(self, taken_kw: Column, entering_c: Column, worse: Column) -> Column:
        """Power of machines that take so much heat; ``worse`` is 1 for sound ones."""
        away = (taken_kw / self.capacity_kw - self.best_part) * 2.0
        each = (self.kw_per_rt + self.curve * away * away) * (1.0 + self.kw_per_k * (entering_c - 30.0))
        return np.minimum(np.maximum(taken_kw / KW_PER_RT * each * worse, self.idle_kw), self.most_kw)


def initial(units: int, **counters: float) -> Columns:
    """Columns of chillers that stand ready, in remote."""
    columns = full(
        units, RunSts=0.0, LocRem=1.0, AlmSum=0.0, FaultCode=0.0, EnableCmd=0.0, CHWS_SP=7.0, CHWS_T=12.0, CHWR_T=12.0,
        CHW_Flow=0.0, CDWE_T=26.0, CDWL_T=26.0, EvapP=420.0, CondP=680.0, OilP=0.0, EvapSatT=12.0, CondSatT=26.0,
        DischT=30.0, kW=0.0, _cdw_m3_h=0.0, _taken_kw=0.0, _state_s=86_400.0, **counters,
    )  # fmt: skip
    faults = sound(units, "trip", "start", "cycling", "local", "weak", "cold", "evaporator", "condenser")
    return columns | faults | free(units, "EnableCmd", "CHWS_SP")


def step(own: Columns, around: Around, machine: Machine, dt_s: float) -> Columns:
    """The columns that both kinds have, after ``dt_s``."""
    plants = around.plants
    lines = machine.lines
    primary = plants["PCHP"]
    running = primary["_runs"][lines]
    chilled_m3_h = primary["_line_m3_h"][lines]
    flowing = chilled_m3_h > _FLOWING_M3_H
    returning_c = _standing(own["CHWR_T"], plants["SCHP"]["_return_t"][lines], flowing, dt_s)
    aimed_kw = plants["SCHP"]["_taken_kw"][lines]
    pull = WATER_KWH_M3_K * np.maximum(chilled_m3_h, _FLOWING_M3_H)
    supply_c = lag(own["CHWS_T"], returning_c - aimed_kw / pull, dt_s, _WATER_TAU_S)
    # Water that is colder than it returns was cooled here; a machine that stands takes nothing.
    taken_kw = np.maximum(returning_c - supply_c, 0.0) * pull * running
    supply_c = np.where(flowing, supply_c, _standing(own["CHWS_T"], own["CHWS_T"], flowing, dt_s))
    condenser = _condenser_side(own, around, machine, taken_kw, dt_s)
    hours = dt_s / 3600.0
    same = running == own["RunSts"]
    return own | condenser | {
        "RunSts": running,
        "LocRem": 1.0 - own["_fault_local"],
        "EnableCmd": primary["_enabled"][lines],
        "CHWS_SP": held(own, "CHWS_SP", plants["PLT"]["CHWS_SP"]),
        "CHWS_T": supply_c,
        "CHWR_T": returning_c,
        "CHW_Flow": chilled_m3_h,
        "kWh": own["kWh"] + condenser["kW"] * hours,
        "RunHr": own["RunHr"] + running * hours,
        "Starts": own["Starts"] + (running > own["RunSts"]),
        "_state_s": np.where(same, own["_state_s"] + dt_s, dt_s),
        "_taken_kw": taken_kw,
    } | _refrigerant(own, machine, taken_kw, running, (supply_c, condenser["CDWL_T"]), dt_s)  # fmt: skip


def _condenser_side(own: Columns, around: Around, machine: Machine, taken_kw: Column, dt_s: float) -> Columns:
    """Power, and condenser water that carries away exactly the heat taken and the power."""
    plants = around.plants
    running = plants["PCHP"]["_runs"][machine.lines]
    flow = plants["CWP"]["_line_m3_h"][machine.lines]
    header_c = plants["CT"]["_mixed_t"][machine.lines]
    entering_c = _standing(own["CDWE_T"], header_c, flow > _FLOWING_M3_H, dt_s)
    lift_k = _FOULED_EVAPORATOR_K * own["_fault_evaporator"] + _FOULED_CONDENSER_K * own["_fault_condenser"]
    worse = (1.0 + _KW_PER_K_OF_LIFT * lift_k) * (1.0 + _SCALED_KW * plants["PLT"]["_fault_scale"][0])
    kw = machine.power_kw(taken_kw, entering_c, worse) * running
    leaving_c = entering_c + (taken_kw + kw) / (WATER_KWH_M3_K * np.maximum(flow, 0.1 * machine.condenser_m3_h))
    return {"kW": kw, "CDWE_T": entering_c, "CDWL_T": np.minimum(leaving_c, 50.0), "_cdw_m3_h": flow}


def _refrigerant(
    own: Columns, machine: Machine, taken_kw: Column, running: Column, water_c: tuple[Column, Column], dt_s: float
) -> Columns:
    """Saturation temperatures stand off the water by load and by dirt; pressures follow them."""
    part = taken_kw / machine.capacity_kw
    supply_c, leaving_c = water_c
    below_k = running * (0.9 + 0.7 * part + _FOULED_EVAPORATOR_K * own["_fault_evaporator"])
    above_k = running * (0.9 + 0.8 * part + _FOULED_CONDENSER_K * own["_fault_condenser"])
    # The approaches move slowly, the water underneath does not.
    evaporating = supply_c - lag(own["CHWS_T"] - own["EvapSatT"], below_k, dt_s, _REFRIGERANT_TAU_S)
    condensing = leaving_c + lag(own["CondSatT"] - own["CDWL_T"], above_k, dt_s, _REFRIGERANT_TAU_S)
    return {
        "EvapSatT": evaporating,
        "CondSatT": condensing,
        "EvapP": saturation_kpa(evaporating),
        "CondP": saturation_kpa(condensing),
        "DischT": lag(own["DischT"], 30.0 + running * (condensing - 20.0 + 9.0 * part), dt_s, 120.0),
    }


def alarms(own: Columns, around: Around, machine: Machine, warnings: Column) -> Columns:
    """What the panel reports: what stopped the machine first, then lost water, then what it runs on with."""
    plants = around.plants
    enabled, running = plants["PCHP"]["_enabled"][machine.lines], plants["PCHP"]["_runs"][machine.lines]
    stopped = enabled * (1.0 - running) * around.supply.normal * (own["_fault_start"] == 0.0)
    no_chilled = stopped * (plants["PCHP"]["_full_m3_h"][machine.lines] == 0.0)
    no_condenser = stopped * (plants["CWP"]["_full_m3_h"][machine.lines] == 0.0)
    code = np.where(no_chilled > 0.0, NO_CHILLED, np.where(no_condenser > 0.0, NO_CONDENSER, warnings))
    code = np.where(own["_fault_cycling"] > 0.0, LOW_EVAPORATOR, code)
    code = np.where(own["_fault_trip"] > 0.0, HIGH_PRESSURE, code)
    return {"AlmSum": (code > 0.0).astype(np.float64), "FaultCode": code}


def saturation_kpa(temperature_c: Column) -> Column:
    """Saturation pressure of R-134a, absolute, within 3 % for 0..45 °C."""
    return np.asarray(293.0 * np.exp(0.0307 * temperature_c), dtype=np.float64)


def _standing(before_c: Column, flowing_c: Column, flowing: Mask, dt_s: float) -> Column:
    """Temperature at a sensor: of the water that flows by, or of water that stands and takes on that of the room."""
    still = lag(before_c, _STANDING_C, dt_s, _STANDING_TAU_S)
    return np.where(flowing, flowing_c, still)

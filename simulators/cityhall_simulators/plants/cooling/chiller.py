"""Centrifugal chillers with their chilled-water loop and condenser water."""

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, full, lag

CAPACITY_KW = 600.0 * 3.517
WATER_KWH_M3_K = 1.163
LOOP_M3 = 14.0
"""Water between chiller and coils: what warms when the chiller stops."""
_HIGH_CONDENSER_PRESSURE = 7.0


def initial(units: int) -> Columns:
    """Columns of chillers that stand ready, in remote, and enabled."""
    return full(
        units, RunSts=1.0, LocRem=1.0, AlmSum=0.0, FaultCode=0.0, EnableCmd=1.0, CHWS_SP=7.0, DmdLimit=100.0,
        CHWS_T=7.0, CHWR_T=11.5, CHW_Flow=300.0, CHW_DP=75.0, CDWE_T=30.0, CDWL_T=35.0, CDW_Flow=360.0, EvapP=340.0,
        CondP=905.0, OilP=180.0, EvapSatT=5.0, CondSatT=37.0, OilT=48.0, BrgT=58.0, WindT=72.0, DischT=52.0,
        VanePos=60.0, AmpsPct=60.0, VfdHz=50.0, kW=250.0, kWh=3_184_220.0, CapPct=65.0, RefLeak=3.0, Starts=812.0,
        RunHr=21_480.0, _fault_trip=0.0, _schedule=1.0,
    )  # fmt: skip


def step(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Follow the schedule's edges and the commands; keep the supply at its set point as far as capacity goes."""
    enable = _scheduled(columns, around)
    tripped = columns["_fault_trip"] > 0.0
    on = ((enable > 0.0) & ~tripped).astype(np.float64)
    water = _water_side(columns, around, enable, on, dt_s)
    heat_kw = on * np.maximum(0.0, WATER_KWH_M3_K * water["CHW_Flow"] * (water["CHWR_T"] - water["CHWS_T"]))
    power_kw = heat_kw / 3.517 * 0.62 * (1.0 + 0.02 * (water["CDWE_T"] - 30.0)) + 18.0 * on
    capacity = heat_kw / CAPACITY_KW
    return (
        columns
        | water
        | _machine(columns, water, power_kw, heat_kw, dt_s, on)
        | {
            "EnableCmd": enable,
            "_schedule": np.full_like(enable, float(around.moment.air_conditioning)),
            "RunSts": on,
            "AlmSum": tripped.astype(np.float64),
            "FaultCode": np.where(tripped, _HIGH_CONDENSER_PRESSURE, 0.0),
            "kW": power_kw,
            "CapPct": 100.0 * capacity,
            "kWh": columns["kWh"] + power_kw * dt_s / 3600.0,
            "RunHr": columns["RunHr"] + on * dt_s / 3600.0,
            "Starts": columns["Starts"] + ((on > 0.0) & (columns["RunSts"] == 0.0)),
        }
    )


def _scheduled(columns: Columns, around: Around) -> Column:
    """The time clock acts at its edges only, so that an operator's command stays in between."""
    due = np.full_like(columns["EnableCmd"], float(around.moment.air_conditioning))
    return np.where(columns["_schedule"] != due, due, columns["EnableCmd"])


def _water_side(columns: Columns, around: Around, enable: Column, on: Column, dt_s: float) -> Columns:
    flow = lag(columns["CHW_Flow"], 300.0 * enable, dt_s, 8.0)
    flow = np.where(flow < 1.0, 0.0, flow)
    limit_kw = CAPACITY_KW * columns["DmdLimit"] / 100.0
    reachable = columns["CHWR_T"] - limit_kw / (WATER_KWH_M3_K * np.maximum(flow, 30.0))
    target = np.where(on > 0.0, np.maximum(columns["CHWS_SP"], reachable), columns["CHWR_T"])
    supply = lag(columns["CHWS_T"], target, dt_s, 15.0)
    # Coils take less from warm water, so a loop without a chiller settles near the rooms' temperature.
    load_kw = _cooling_kw(around) / len(on) * np.clip((25.0 - columns["CHWR_T"]) / 13.0, 0.0, 1.2) * (flow > 0.0)
    removed_kw = WATER_KWH_M3_K * flow * (columns["CHWR_T"] - supply) * on
    returned = columns["CHWR_T"] + (load_kw - removed_kw) / (LOOP_M3 * WATER_KWH_M3_K) * dt_s / 3600.0
    condenser_flow = lag(columns["CDW_Flow"], 360.0 * on, dt_s, 8.0)
    entering = lag(columns["CDWE_T"], max(18.0, around.moment.outdoor_wb + 3.5), dt_s, 120.0)
    rejected_k = removed_kw * 1.18 / (WATER_KWH_M3_K * np.maximum(condenser_flow, 60.0))
    return {
        "CHW_Flow": flow,
        "CHWS_T": supply,
        "CHWR_T": np.clip(returned, 4.0, 30.0),
        "CHW_DP": 75.0 * (flow / 300.0) ** 2,
        "CDW_Flow": np.where(condenser_flow < 1.0, 0.0, condenser_flow),
        "CDWE_T": entering,
        "CDWL_T": entering + rejected_k,
    }


def _machine(columns: Columns, water: Columns, power_kw: Column, heat_kw: Column, dt_s: float, on: Column) -> Columns:
    part = heat_kw / CAPACITY_KW
    evaporating = np.where(on > 0.0, water["CHWS_T"] - 1.0 - 0.9 * part, water["CHWS_T"])
    condensing = np.where(on > 0.0, water["CDWL_T"] + 0.9 + 0.8 * part, water["CDWL_T"])
    return {
        "EvapSatT": evaporating,
        "CondSatT": condensing,
        "EvapP": _saturation_kpa(evaporating),
        "CondP": _saturation_kpa(condensing),
        "OilP": lag(columns["OilP"], 182.0 * on, dt_s, 4.0),
        "OilT": lag(columns["OilT"], 30.0 + 20.0 * on, dt_s, 600.0),
        "BrgT": lag(columns["BrgT"], 32.0 + on * (22.0 + 8.0 * part), dt_s, 400.0),
        "WindT": lag(columns["WindT"], 34.0 + on * (28.0 + 22.0 * part), dt_s, 500.0),
        "DischT": lag(columns["DischT"], 30.0 + on * (17.0 + 9.0 * part), dt_s, 120.0),
        "VanePos": on * np.clip(18.0 + 78.0 * part, 0.0, 100.0),
        "AmpsPct": power_kw / 4.2,
        "VfdHz": on * np.clip(33.0 + 26.0 * part, 0.0, 60.0),
    }


def _saturation_kpa(temperature_c: Column) -> Column:
    """Saturation pressure of R-134a, absolute, within 3 % for 0..45 °C."""
    return np.asarray(293.0 * np.exp(0.0307 * temperature_c), dtype=np.float64)


def _cooling_kw(around: Around) -> float:
    """Heat that the building puts into the chilled water."""
    warm_k = max(0.0, around.moment.outdoor_t - 20.0) * float(around.moment.air_conditioning)
    return 1500.0 * around.moment.occupancy + 165.0 * warm_k

"""Headers of the whole plant: what the sum of its units amounts to, its set points, the quality of its water."""

import math
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Columns, free, full, lag, sound
from cityhall_simulators.plants.cooling import quality, sequence, tower
from cityhall_simulators.plants.cooling.lines import KW_PER_RT, WATER_KWH_M3_K, of_lines
from cityhall_simulators.plants.cooling.secondary import share_to_coils

_CONSUMERS: Final = ("CHC", "CHS", "PCHP", "SCHP", "CWP", "CT")
_FLOWING_M3_H: Final = 5.0
_WORTH_KW: Final = 100.0
"""Less cooling makes no meaningful figure of efficiency; the last one stays."""
_STANDING_TAU_S: Final = 1800.0
_CIRCULATING_TAU_S: Final = 60.0


def initial(units: int) -> Columns:
    """Columns of a plant at rest."""
    columns = full(
        units, CHWS_T=12.0, CHWR_T=12.0, CDWS_T=26.0, CDWR_T=26.0, CHW_Flow=0.0, CDW_Flow=0.0, DpEnd1=0.0, DpEnd2=0.0,
        BypVlv=0.0, CHWS_SP=7.0, CDWS_SP=29.0, DP_SP=150.0, SeqMode=sequence.AUTOMATIC, StageCmd=0.0, ChOnCnt=0.0,
        Cool_kW=0.0, Cool_kWh=2_840_000.0, Plant_kW=0.0, kWperRT=0.85, COP=4.1, OA_T=26.0, OA_RH=70.0, OA_WB=22.0,
        _flow_part=0.0, _byp_auto=0.0,
    )  # fmt: skip
    writable = free(units, "BypVlv", "CDWS_SP", "SeqMode", "StageCmd")
    return columns | writable | quality.initial(units) | sound(units, "low_delta", "scale", "cold_tower")


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Sum up, after everything else has moved."""
    water = _headers(own, around, dt_s)
    found = _energy(own, around, water, dt_s) | _controls(own, around, dt_s) | water
    moment = around.moment
    found |= {
        "OA_T": moment.outdoor_t,
        "OA_RH": min(max(moment.outdoor_rh, 0.0), 100.0),
        "OA_WB": moment.outdoor_wb,
        "ChOnCnt": float(around.plants["PCHP"]["_runs"].sum()),
        "_flow_part": share_to_coils(around),
    }
    found |= quality.after(own, around, dt_s)
    return own | {name: np.array([value]) for name, value in found.items()}


def _headers(own: Columns, around: Around, dt_s: float) -> dict[str, float]:
    plants = around.plants
    flow, condenser = of_lines(plants, "CHW_Flow"), of_lines(plants, "_cdw_m3_h")
    flow_m3_h, condenser_m3_h = float(flow.sum()), float(condenser.sum())
    loop_c = float(plants["SCHP"]["_return_t"][0])
    tau_s = _CIRCULATING_TAU_S if plants["SCHP"]["_flow_m3_h"][0] > 0.0 else _STANDING_TAU_S
    supply_c = float(lag(own["CHWS_T"], loop_c, dt_s, tau_s)[0])
    if flow_m3_h > _FLOWING_M3_H:
        supply_c = float(flow @ of_lines(plants, "CHWS_T")) / flow_m3_h
    tower_c = float(plants["CT"]["_mixed_t"][0])
    back_c = tower_c
    if condenser_m3_h > _FLOWING_M3_H:
        back_c = float(condenser @ of_lines(plants, "CDWL_T")) / condenser_m3_h
    end_kpa = float(plants["SCHP"]["_end_kpa"][0])
    return {
        "CHWS_T": supply_c,
        "CHWR_T": loop_c,
        "CDWS_T": tower_c,
        "CDWR_T": back_c,
        "CHW_Flow": flow_m3_h,
        "CDW_Flow": condenser_m3_h,
        "DpEnd1": end_kpa,
        "DpEnd2": end_kpa * (0.985 + 0.01 * math.sin(around.moment.epoch_s / 900.0)),
    }


def _energy(own: Columns, around: Around, water: dict[str, float], dt_s: float) -> dict[str, float]:
    plant_kw = sum(around.total(code, "kW") for code in _CONSUMERS)
    cool_kw = max(0.0, WATER_KWH_M3_K * water["CHW_Flow"] * (water["CHWR_T"] - water["CHWS_T"]))
    per_rt = float(own["kWperRT"][0])
    if cool_kw > _WORTH_KW:
        per_rt = min(max(plant_kw * KW_PER_RT / cool_kw, 0.36), 2.0)
    return {
        "Cool_kW": cool_kw,
        "Cool_kWh": float(own["Cool_kWh"][0]) + cool_kw * dt_s / 3600.0,
        "Plant_kW": plant_kw,
        "kWperRT": per_rt,
        "COP": KW_PER_RT / per_rt,
    }


def _controls(own: Columns, around: Around, dt_s: float) -> dict[str, float]:
    """Set points and commands that the plant finds by itself unless somebody commands them."""
    primary, secondary = around.plants["PCHP"], around.plants["SCHP"]
    full_m3_h = float(primary["_full_m3_h"].sum())
    excess = full_m3_h - float(secondary["_flow_m3_h"][0])
    bypass = 100.0 * max(0.0, excess) / full_m3_h if full_m3_h > 0.0 else 0.0
    mode = _held(own, "SeqMode", sequence.AUTOMATIC)
    count = float(own["StageCmd"][0]) if mode == sequence.MANUAL else float(primary["_enabled"].sum())
    return {
        "BypVlv": _held(own, "BypVlv", bypass),
        "_byp_auto": bypass,
        "CDWS_SP": tower.set_point_c(own, around.moment, dt_s),
        "SeqMode": mode,
        "StageCmd": _held(own, "StageCmd", count),
    }


def _held(own: Columns, role: str, automatic: float) -> float:
    commanded = float(own[f"_ovr_{role}"][0])
    return automatic if math.isnan(commanded) else commanded

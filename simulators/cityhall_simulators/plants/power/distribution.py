"""Low-voltage panels with their capacitor banks, and the transformers over them."""

from functools import cache
from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, demand_15_min, full, lag, slow_noise, sound
from cityhall_simulators.plants.power.grid import LOW_V, lines_at, rerouted, siblings
from cityhall_simulators.plants.power.meters import distortion, electrical
from cityhall_simulators.plants.power.tree import tree
from cityhall_simulators.plants.power.uses import uses_kw

_ESSENTIAL: Final = 4
"""The panel that the generators feed."""
_PEAK_PANELS: Final = (0, 4)
"""Where the extra load of a demand peak on each line sits: the panels without sub-meters."""
_PEAK_PART, _PEAK_MAX_KW = 1.01, 1_900.0
_AMPS_MAX: Final = 4_000.0
_PANEL_TIES: Final = siblings((1, 3), (2, 3), (3, 2), (4, 7), (5, 3), (6, 7), (7, 4))
_TRANSFORMER_TIES: Final = siblings((1, 2), (2, 1), (3, 5), (4, 5), (5, 3))
_PF_WITHOUT_BANK: Final = np.array((0.89, 0.90, 0.90, 0.93, 0.90, 0.975, 0.978))
_PF_WITH_BANK, _PF_LEADING = 0.985, 0.965
_BANKS: Final = 5
_STEP_KVAR, _STEPS = 80.0, 12

RATED_KVA: Final = np.array((2500.0, 2000.0, 2000.0, 2000.0, 2000.0))
_IRON_PART, _COPPER_PART = 0.0016, 0.0075
_MAGNETISING_PART, _LEAKAGE_PART = 0.004, 0.055
_FAN_ON_C, _FAN_OFF_C, _ALARM_C, _TRIP_C = 100.0, 90.0, 140.0, 150.0
_OVERLOAD_PART: Final = 1.06


def initial_panel(units: int) -> Columns:
    """Columns of closed panels. ``_rest_kw`` and ``_direct_kw`` are what no sub-meter sees."""
    return full(
        units, V12=LOW_V, V23=LOW_V, V31=LOW_V, I1=0.0, I2=0.0, I3=0.0, kW=0.0, kVAR=0.0, kVA=0.0, PF=0.98, Hz=60.0,
        kWh=2_960_000.0, kVARh=590_000.0, THDv=2.5, THDi=9.0, Dmd15=0.0, AcbSts=1.0, AcbTrip=0.0, BusT=42.0,
        _rest_kw=0.0, _direct_kw=0.0, _bank_kvar=0.0, _window=-1.0, _window_s=0.0, _window_kws=0.0,
    ) | sound(units, "panel_trip", "harmonics")  # fmt: skip


def step_panel(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Sum up what each panel feeds; a tripped one hands its load to a neighbour over the bus tie."""
    branch, epoch_s, supply = tree(), around.moment.epoch_s, around.supply
    metered_kw = branch.meters @ around.plants["EM"]["_kw"]
    direct_kw = branch.direct.kw(around.plants)
    wave = slow_noise(epoch_s * 2.0, 27.0, len(metered_kw))
    rest_kw = (branch.panel_uses @ uses_kw(around.moment, supply)) * (1.0 + 0.01 * wave)
    rest_kw = rest_kw + _peak_kw(around, float((metered_kw + direct_kw + rest_kw).sum()))
    kw = rerouted(
        _fed(metered_kw + direct_kw + rest_kw, supply.normal), 1.0 - columns["_fault_panel_trip"], _PANEL_TIES
    )
    needed_kvar = kw * np.tan(np.arccos(_PF_WITHOUT_BANK))
    bank_kvar = _compensation(around.plants["CAP"], kw, needed_kvar)
    kvar = needed_kvar - bank_kvar
    closed = 1.0 - columns["_fault_panel_trip"]
    return (
        columns
        | electrical(kw, kvar, _panel_volts(around, kw), _AMPS_MAX)
        | demand_15_min(columns, kw, epoch_s, dt_s)
        | distortion(columns, epoch_s, 2.5, 9.0)
        | {
            "Hz": _line_of_panel() @ lines_at(around).hz,
            "kWh": columns["kWh"] + kw * dt_s / 3600.0,
            "kVARh": columns["kVARh"] + np.maximum(kvar, 0.0) * dt_s / 3600.0,
            "AcbSts": closed,
            "AcbTrip": columns["_fault_panel_trip"],
            "BusT": lag(columns["BusT"], 34.0 + 0.012 * kw, dt_s, 1800.0),
            "_rest_kw": rest_kw,
            "_direct_kw": direct_kw,
            "_bank_kvar": bank_kvar,
        }
    )


def _fed(kw: Column, normal: float) -> Column:
    """In the dark whatever still runs hangs on the essential panel."""
    if normal:
        return kw
    fed = np.zeros_like(kw)
    fed[_ESSENTIAL] = kw.sum()
    return fed


def _peak_kw(around: Around, used_kw: float) -> Column:
    """Extra load, on the struck line, that brings the whole building above its contract."""
    missing_kw = max(0.0, _PEAK_PART * around.site.parameters["contract_kw"] - used_kw)
    extra = np.zeros(len(_PF_WITHOUT_BANK))
    struck = around.plants["HVM"]["_fault_demand_peak"] * around.supply.normal
    extra[list(_PEAK_PANELS)] = struck * min(missing_kw, _PEAK_MAX_KW)
    return extra


def _compensation(banks: Columns, kw: Column, needed_kvar: Column) -> Column:
    """What the banks give, trimmed to their target within the steps that they have; the risers have no bank."""
    kw, needed = kw[:_BANKS], needed_kvar[:_BANKS]
    wanted = needed - kw * np.tan(np.arccos(_PF_WITH_BANK))
    too_much = needed + kw * np.tan(np.arccos(_PF_LEADING))
    wanted = wanted + (too_much - wanted) * banks["_fault_pf_leading"]
    given = np.clip(wanted, 0.0, _STEP_KVAR * _STEPS) * (1.0 - banks["_fault_pf_bank_failure"])
    return np.concatenate((given, np.zeros(len(needed_kvar) - _BANKS)))


def _panel_volts(around: Around, kw: Column) -> Column:
    """Rows 1-2, 2-3, 3-1; the transformers' taps make up for the drop at half load."""
    wave = 0.004 * slow_noise(around.moment.epoch_s, 28.0, len(kw))
    if not around.supply.normal:
        fed = np.zeros((3, len(kw)))
        fed[:, _ESSENTIAL] = around.supply.essential
        return LOW_V * fed * (1.0 + wave)
    pu = lines_at(around).volts_pu @ _line_of_panel().T
    return np.asarray(LOW_V * pu * (1.004 + wave - 0.000_008 * kw), dtype=np.float64)


def initial_bank(units: int) -> Columns:
    """Columns of capacitor banks."""
    return full(units, PF=0.985, kVAR=100.0, StepsOn=2.0, OverT=0.0, AlmSum=0.0, AutoMan=1.0) | sound(
        units, "pf_bank_failure", "pf_leading"
    )


def step_bank(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Show what the bank of each of the first panels does."""
    panels = around.plants["LVP"]
    kvar = panels["_bank_kvar"][:_BANKS]
    return columns | {
        "PF": panels["PF"][:_BANKS],
        "kVAR": kvar,
        "StepsOn": np.ceil(kvar / _STEP_KVAR),
        "AlmSum": columns["_fault_pf_bank_failure"],
        "AutoMan": 1.0 - columns["_fault_pf_leading"],
    }


def initial_transformer(units: int) -> Columns:
    """Columns of transformers at half load. ``_kvar`` is what they and their panels need."""
    return full(
        units, WindT_U=75.0, WindT_V=76.0, WindT_W=75.0, CoreT=80.0, FanSts=0.0, FanMode=1.0, TmpAlm=0.0, TmpTrip=0.0,
        LoadPct=40.0, kW=800.0, kWh=4_120_000.0, LossKW=6.0, _kvar=150.0,
    ) | sound(units, "hot", "overload", "trip")  # fmt: skip


def step_transformer(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Carry the panels below and lose a little; one that is off leaves its panels to a sibling."""
    branch, panels, normal = tree(), around.plants["LVP"], around.supply.normal
    bays = around.plants["GIS"]["_fault_gis_trip"]
    energised = (1.0 - (bays @ branch.bays)) * (1.0 - columns["_fault_trip"]) * normal
    below_kw = branch.panels @ panels["kW"] * normal
    extra_kw = np.maximum(0.0, _OVERLOAD_PART * RATED_KVA - below_kw) * columns["_fault_overload"] * energised
    out_kw = rerouted(below_kw + extra_kw, energised, _TRANSFORMER_TIES) * normal
    out_kvar = rerouted(branch.panels @ panels["kVAR"] * normal, energised, _TRANSFORMER_TIES) * normal
    part = np.hypot(out_kw, out_kvar) / RATED_KVA
    loss_kw = (_IRON_PART + _COPPER_PART * part**2) * RATED_KVA * energised
    kw = out_kw + loss_kw
    return (
        columns
        | _temperatures(columns, part, dt_s)
        | {
            "LoadPct": np.minimum(100.0 * part, 150.0),
            "kW": kw,
            "LossKW": loss_kw,
            "kWh": columns["kWh"] + kw * dt_s / 3600.0,
            "_kvar": out_kvar + (_MAGNETISING_PART + _LEAKAGE_PART * part**2) * RATED_KVA * energised,
        }
    )


def _temperatures(columns: Columns, part: Column, dt_s: float) -> Columns:
    """Windings reach 62 °C at 30 % and 92 °C at 70 % load; the fan takes a fifth of the rise away."""
    failed = columns["_fault_hot"]
    rise = 71.0 * part**1.6 * (1.0 - 0.2 * columns["FanSts"])
    # Without any draught the cast resin settles just below its trip, whatever the load.
    target = (51.5 + rise) * (1.0 - failed) + np.minimum(143.5 + 4.0 * part, 148.0) * failed
    windings = {
        name: lag(columns[name], target + offset, dt_s, 1800.0)
        for name, offset in (("WindT_U", -0.8), ("WindT_V", 1.0), ("WindT_W", 0.0))
    }
    hottest = windings["WindT_V"]
    keeps_on = hottest > _FAN_ON_C - (_FAN_ON_C - _FAN_OFF_C) * columns["FanSts"]
    return windings | {
        "CoreT": lag(columns["CoreT"], target + 4.0, dt_s, 3600.0),
        "FanSts": keeps_on * (1.0 - failed),
        "TmpAlm": (hottest > _ALARM_C).astype(np.float64),
        "TmpTrip": np.maximum(hottest > _TRIP_C, columns["_fault_trip"]),
    }


@cache
def _line_of_panel() -> Column:
    branch = tree()
    return np.asarray((branch.lines @ branch.panels).T, dtype=np.float64)

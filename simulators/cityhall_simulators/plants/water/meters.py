"""Water meters: two inlets of the utility, and what stands behind them."""

import numpy as np

from cityhall_simulators.plants.common import Around, Column, Columns, full, slow_noise, sound
from cityhall_simulators.plants.water.draws import drivers, meters, units_of
from cityhall_simulators.plants.years import factor

_REGISTERS_M3 = {
    "inlet": 1_240_000.0, "people": 64_000.0, "food": 31_000.0, "wash": 9_400.0, "irrigation": 12_700.0,
    "tower": 148_000.0, "rain": 690.0, "hot": 24_600.0, "fire": 410.0,
}  # fmt: skip
_LEAK_M3_H, _NIGHT_LEAK_M3_H, _BURST_M3_H = 0.3, 3.0, 80.0
_BATTERY_YEARS = 10.0
_DAY_S = 86_400.0


def initial(units: int) -> Columns:
    """Columns of meters with the registers of a building in its second decade."""
    registers = np.array([_REGISTERS_M3[kind] for kind in meters().kinds]) * (1.0 + 0.004 * np.arange(units))
    return (
        full(units, Flow=0.0, LeakAlm=0.0, BattPct=90.0, _wet_mm=0.0)
        | {"Vol": np.round(registers, 2)}
        | sound(units, "leak", "night_leak", "burst", "battery")
    )


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Flow is the mean of the step; what fills tanks is that of the tanks' last step, drop for drop."""
    moment, known = around.moment, meters()
    wave = 1.0 + 0.06 * slow_noise(moment.epoch_s, 41.0, len(known.kinds))
    flow = known.matrix @ drivers(moment, float(own["_wet_mm"][0]), dt_s) * wave * factor(moment.year, "water")
    flow[units_of("hot")] = around.total("HWD", "_draw_m3_h")
    flow[units_of("tower")] = around.total("CT", "_makeup_m3_h")
    flow[units_of("rain")] = around.plants["RWS"]["_use_m3_h"][0]
    # The rain tank's tap stands behind the meter of its floor.
    flow[int(units_of("people").argmax())] += around.plants["RWS"]["_tap_m3_h"][0]
    filling, filled_m3 = _fillings(around)
    flow = flow + filling
    lost = (
        _LEAK_M3_H * own["_fault_leak"]
        + _NIGHT_LEAK_M3_H * own["_fault_night_leak"]
        + _BURST_M3_H * own["_fault_burst"]
    )
    return own | {
        "Flow": np.minimum(flow + lost, 200.0),
        "Vol": own["Vol"] + (flow - filling + lost) * (dt_s / 3600.0) + filled_m3,
        "LeakAlm": own["_fault_leak"].copy(),
        "BattPct": np.where(own["_fault_battery"] > 0.0, 6.0, _battery_percent(moment.epoch_s, len(flow))),
        "_wet_mm": own["_wet_mm"] * np.exp(-dt_s / _DAY_S) + moment.rain_mm_h * dt_s / 3600.0,
    }


def _fillings(around: Around) -> tuple[Column, Column]:
    """What inlets and fire fill passed in the tanks' last step: m³/h, and m³."""
    tanks, known = around.plants["TNK"], meters()
    found = []
    for role in ("_in_m3_h", "_in_m3"):
        whole, fire = float(tanks[role].sum()), float(tanks[role][-2:].sum())
        found.append(known.parts * (units_of("inlet") * whole + units_of("fire") * fire))
    return found[0], found[1]


def _battery_percent(epoch_s: float, units: int) -> Column:
    """Empties within ten years and is replaced at 15 %; each meter had its turn at another time."""
    age = np.mod(epoch_s / (_BATTERY_YEARS * 365.25 * _DAY_S) + 0.618034 * np.arange(units), 1.0)
    found: Column = 100.0 - 85.0 * age
    return found

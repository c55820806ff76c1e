"""Screw chillers, 200 RT, that took the place of an air-cooled one."""

from typing import Final

import numpy as np

from cityhall_simulators.plants.common import Around, Columns, full, lag
from cityhall_simulators.plants.cooling import chiller
from cityhall_simulators.plants.cooling.lines import SCREW, SCREW_KW

MACHINE: Final = chiller.Machine(
    lines=SCREW, capacity_kw=SCREW_KW, condenser_m3_h=145.0, kw_per_rt=0.75, curve=0.05, best_part=0.75,
    kw_per_k=0.006, idle_kw=8.0, most_kw=178.0,
)  # fmt: skip
_OIL_KPA: Final = 600.0


def initial(units: int) -> Columns:
    """Columns of chillers that stand ready; the first one has run least, so that it leads."""
    columns = chiller.initial(units, kWh=184_000.0, Starts=640.0) | full(units, SlidePct=0.0)
    hours: Columns = {"RunHr": 15_200.0 + 15.0 * np.arange(units, dtype=np.float64)}
    return columns | hours


def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    """Cool the water that flows by; show what the panel shows."""
    found = chiller.step(own, around, MACHINE, dt_s)
    on = found["RunSts"]
    part = found["_taken_kw"] / SCREW_KW
    return found | chiller.alarms(own, around, MACHINE, np.zeros_like(on)) | {
        "OilP": lag(own["OilP"], _OIL_KPA * on, dt_s, 4.0),
        "SlidePct": on * np.minimum(100.0, 20.0 + 80.0 * part),
    }  # fmt: skip

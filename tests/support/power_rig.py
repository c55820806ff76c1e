"""The electricity of the building with plain loads behind it: plant of other systems takes a fixed power."""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from tests.support.plant_rig import PlantRig

from cityhall_simulators.plants import power
from cityhall_simulators.plants.common import Around, Columns, Plant, full
from cityhall_simulators.plants.power.supply import supply_of
from cityhall_simulators.plants.power.tree import tree

LOADS_KW = {
    "CHC": 250.0, "CHS": 60.0, "CT": 8.0, "PCHP": 15.0, "SCHP": 9.0, "CWP": 30.0, "AHU": 10.0, "OAH": 8.0, "FCU": 0.2,
    "EF": 0.6, "PAC": 8.0, "ELV": 5.0, "ESC": 3.0, "EVSE": 2.5, "PKF": 6.0, "WPP": 2.0, "SMP": 0.5, "RWS": 0.4,
    "HWD": 1.2, "FPP": 0.0, "SMK": 0.0,
}  # fmt: skip
"""Of each unit while the utility is there."""
POWER_OF = {
    "CHC": "kW", "CHS": "kW", "CT": "kW", "PCHP": "kW", "SCHP": "kW", "CWP": "kW", "AHU": "kW", "OAH": "kW", "FCU": "_kw",
    "EF": "_kw", "PAC": "kW", "ELV": "_kw", "ESC": "_kw", "EVSE": "kW", "PKF": "kW", "WPP": "_kw", "SMP": "_kw",
    "RWS": "_kw", "HWD": "_kw", "FPP": "_kw", "SMK": "_kw", "LTG": "_kw", "UPS": "_in_kw", "AVR": "kW", "DWS": "kW",
}  # fmt: skip
"""Where a type's power stands: in its kW point (domain reference section 3.1), or hidden where it has none."""
ESSENTIAL = frozenset({"SMP", "PAC"})


def _load(code: str) -> Plant:
    column = POWER_OF[code]

    def step(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
        fed = around.supply.essential if code in ESSENTIAL else around.supply.normal
        return own | {column: np.full_like(own[column], LOADS_KW[code] * fed)}

    return Plant(lambda units: full(units, **{column: LOADS_KW[code]}), step)


class PowerRig(PlantRig):
    """All types of the electricity, and supply as it follows from them."""

    def __init__(self, local: datetime, seed: int = 5) -> None:
        loads = {code: _load(code) for code in LOADS_KW}
        super().__init__({**loads, **power.PLANTS}, local, seed)
        self.step(1.0)

    def step(self, dt_s: float) -> None:
        self.supply = supply_of(self.columns)
        super().step(dt_s)

    def sum(self, code: str, role: str = "kW") -> float:
        return float(self.column(code, role).sum())

    def panel_kw(self, number: int) -> float:
        return self.value("LVP", "kW", number - 1)

    def meters_of_panel(self, number: int) -> NDArray[np.intp]:
        """Sub-meters at a panel."""
        return np.flatnonzero(tree().meters[number - 1])

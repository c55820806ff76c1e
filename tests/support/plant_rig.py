"""A few plants run alone through plant time: settled, commanded, struck, without the rest of the city."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.plants.common import Around, Columns, Plant, Supply
from cityhall_simulators.plants.moment import moment_at
from cityhall_simulators.plants.site import whole_site


class PlantRig:
    """Plants of the whole building's units; they meet the weather and people of ``local`` and each other."""

    def __init__(
        self, plants: Mapping[str, Plant], local: datetime, seed: int = 5, parameters: Mapping[str, float] | None = None
    ) -> None:
        self.plants, self.local, self.seed = plants, local, seed
        self.site = replace(whole_site(), parameters={**whole_site().parameters, **(parameters or {})})
        self.supply = Supply()
        self.columns: dict[str, Columns] = {code: p.initial(self.site.units[code]) for code, p in plants.items()}
        self._chance = np.random.default_rng(seed)

    def step(self, dt_s: float) -> None:
        self.local += timedelta(seconds=dt_s)
        around = Around(moment_at(self.local, self.seed), self.site, self.columns, self.supply)
        for code, plant in self.plants.items():
            self.columns[code] = plant.step(self.columns[code], around, dt_s, self._chance)

    def run(self, seconds: float, dt_s: float = 1.0) -> None:
        for _ in range(round(seconds / dt_s)):
            self.step(dt_s)

    def run_until(self, local: datetime, dt_s: float) -> None:
        while self.local < local:
            self.step(dt_s)

    def column(self, code: str, role: str) -> NDArray[np.float64]:
        return self.columns[code][role]

    def value(self, code: str, role: str, unit: int = 0) -> float:
        return float(self.columns[code][role][unit])

    def fault(self, code: str, unit: int, name: str, *, active: bool = True) -> None:
        self._set(code, f"_fault_{name}", unit, float(active))

    def command(self, code: str, unit: int, role: str, value: float | None) -> None:
        self._set(code, f"_ovr_{role}", unit, np.nan if value is None else value)

    def _set(self, code: str, column: str, unit: int, value: float) -> None:
        changed = self.columns[code][column].copy()
        changed[unit] = value
        self.columns[code] = self.columns[code] | {column: changed}

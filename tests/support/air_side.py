"""The air side alone: its plants beside a chilled-water plant that always has what is wanted, and nothing on fire."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.plants.air import PLANTS
from cityhall_simulators.plants.common import Around, Columns, Supply
from cityhall_simulators.plants.moment import Moment, moment_at
from cityhall_simulators.plants.site import whole_site

TAIPEI = ZoneInfo("Asia/Taipei")


class AirSide:
    """Steps the air plants. Everything around them is an attribute that a test may set."""

    def __init__(self, local: datetime, *, seed: int = 1, settle_h: int = 48) -> None:
        site = whole_site()
        self.seed = seed
        self.water_t, self.water_part = 7.0, 1.0
        self.supply = Supply()
        self.outdoor_t: float | None = None
        """None: what the weather gives."""
        self.columns: dict[str, Columns] = {code: plant.initial(site.units[code]) for code, plant in PLANTS.items()}
        self.columns["FZN"] = {"State": np.zeros(site.units["FZN"])}
        self.columns["PKG"] = {"CO": np.full(site.units["PKG"], 6.0)}
        self.local = local - timedelta(hours=settle_h)
        self.run(settle_h * 3600.0 - 3600.0, 1800.0)
        self.run(3600.0, 60.0)

    @property
    def moment(self) -> Moment:
        moment = moment_at(self.local, self.seed)
        if self.outdoor_t is None:
            return moment
        return replace(moment, outdoor_t=self.outdoor_t, outdoor_rh=65.0, outdoor_wb=self.outdoor_t - 5.0)

    def step(self, dt_s: float) -> None:
        self.local += timedelta(seconds=dt_s)
        moment = self.moment
        water = {"CHWS_T": np.array([self.water_t]), "_flow_part": np.array([self.water_part])}
        if not moment.air_conditioning:
            water["_flow_part"] = np.zeros(1)
        around = Around(moment, whole_site(), self.columns, self.supply)
        self.columns["PLT"] = water
        for code, plant in PLANTS.items():
            self.columns[code] = plant.step(self.columns[code], around, dt_s, np.random.default_rng(0))

    def run(self, seconds: float, dt_s: float) -> None:
        for _ in range(round(seconds / dt_s)):
            self.step(dt_s)

    def set(self, code: str, unit: int, column: str, value: float) -> None:
        """A fault, a command or a set point of one unit."""
        changed = self.columns[code][column].copy()
        changed[unit] = value
        self.columns[code] = self.columns[code] | {column: changed}

    def get(self, code: str, column: str) -> NDArray[np.float64]:
        return self.columns[code][column]

    def coil_kw(self) -> float:
        return float(sum(self.columns[code]["_coil_kw"].sum() for code in ("AHU", "OAH", "FCU")))

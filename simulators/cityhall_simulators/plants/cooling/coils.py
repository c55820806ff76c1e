"""What the air side wants of the chilled water."""

from typing import Final

from cityhall_simulators.plants.common import Around
from cityhall_simulators.plants.cooling.lines import WATER_KWH_M3_K

COIL_K: Final = 6.2
"""Two-way valves let the water leave the coils that much warmer."""
_STRAY_M3_H: Final = 1350.0
"""Through valves that stay open and coils that do not need it."""
_SERVED: Final = ("AHU", "OAH", "FCU")


def coil_kw(around: Around) -> float:
    """Heat that the coils put into the chilled water."""
    return sum(float(around.plants[code]["_coil_kw"].sum()) for code in _SERVED)


def wanted_m3_h(around: Around, load_kw: float) -> float:
    """Flow that the coils' valves let through at full pressure."""
    if load_kw > 0.0 and around.plants["PLT"]["_fault_low_delta"][0] > 0.0:
        return _STRAY_M3_H
    return load_kw / (WATER_KWH_M3_K * COIL_K)

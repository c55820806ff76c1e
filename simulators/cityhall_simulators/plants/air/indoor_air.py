"""Indoor air: people breathe, the air conditioning holds the rest."""

import numpy as np

from cityhall_simulators.plants.common import Around, Columns, full, lag, slow_noise


def initial(units: int) -> Columns:
    """Columns of nodes in an ordinary office."""
    return full(units, T=26.0, RH=56.0, CO2=650.0, CO=0.6, PM25=14.0, PM10=28.0, TVOC=0.12, HCHO=0.015)


def step(columns: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:
    """Carbon dioxide follows occupancy within a quarter of an hour; the rest drifts within its usual band."""
    units = len(columns["T"])

    def drift(number: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return slow_noise(around.moment.epoch_s, 70.0 + number, units)

    warm = 26.0 if around.moment.air_conditioning else 26.0 + 0.25 * (around.moment.outdoor_t - 26.0)
    return columns | {
        "T": lag(columns["T"], warm + 0.5 * drift(0), dt_s, 600.0),
        "RH": lag(columns["RH"], 57.0 + 5.0 * drift(1), dt_s, 600.0),
        "CO2": lag(columns["CO2"], 430.0 + 380.0 * around.moment.occupancy + 30.0 * drift(2), dt_s, 900.0)
        + rng.uniform(-0.5, 0.5, units),
        "CO": 0.7 + 0.2 * drift(3),
        "PM25": 15.0 + 5.0 * drift(4),
        "PM10": 29.0 + 9.0 * drift(5),
        "TVOC": 0.14 + 0.05 * drift(6),
        "HCHO": 0.016 + 0.005 * drift(7),
    }

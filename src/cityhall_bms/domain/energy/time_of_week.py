"""Hourly baselines: time of the week and temperature (TOWT; Mathieu et al. 2011, LBNL-4944E; CalTRACK 2.0, 3.9).

Every hour of the week has its own level, and use follows the temperature in straight pieces: one set of slopes for the
hours in which the building is occupied, another for those in which it is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.energy.conditions import HOURS_OF_WEEK, Conditions

Floats = NDArray[np.float64]
EDGES: Final = (-1.0, 7.0, 13.0, 18.0, 24.0, 32.0)
"""Between pieces, °C (CalTRACK 3.9.4.2: 30, 45, 55, 65, 75 and 90 °F, to whole degrees)."""
HOURS_OF_PIECE: Final = 20
"""A piece with fewer hours is joined with its neighbour (CalTRACK 3.9.4.3)."""
OCCUPIED_SHARE: Final = 0.65
"""An hour of the week is occupied when so many of its hours lie above the model without hours (CalTRACK 3.9.3.3)."""
_HEATING_POINT, _COOLING_POINT = 10.0, 18.3
"""Balance points of that model, °C (CalTRACK 3.9.3.1: 50 and 65 °F)."""


@dataclass(frozen=True, slots=True)
class TimeOfWeekModel:
    """Level of each hour of the week, NaN where there was none, and slopes per piece of temperature, kWh per K."""

    levels: tuple[float, ...]
    occupied: tuple[bool, ...]
    edges_occupied: tuple[float, ...]
    slopes_occupied: tuple[float, ...]
    edges_empty: tuple[float, ...]
    slopes_empty: tuple[float, ...]

    @property
    def parameters(self) -> int:
        """How many numbers were fitted."""
        slopes = (any(self.occupied), self.slopes_occupied), (not all(self.occupied), self.slopes_empty)
        return int(np.isfinite(self.levels).sum()) + sum(len(found) for there, found in slopes if there)

    def predict(self, conditions: Conditions) -> Floats:
        """What an hour would have used, kWh; NaN without a temperature, or for an hour of the week never seen."""
        busy = np.array(self.occupied)[conditions.slot]
        busy_part = _pieces(conditions.temperature, self.edges_occupied) @ np.array(self.slopes_occupied)
        empty_part = _pieces(conditions.temperature, self.edges_empty) @ np.array(self.slopes_empty)
        return np.asarray(np.array(self.levels)[conditions.slot] + np.where(busy, busy_part, empty_part), np.float64)

    def coefficients(self) -> dict[str, Any]:
        """By name, as they are recorded; a level that is not known is null."""
        return {
            "levels": [None if np.isnan(level) else level for level in self.levels],
            "occupied": [slot for slot, busy in enumerate(self.occupied) if busy],
            "edges_occupied": list(self.edges_occupied),
            "slopes_occupied": list(self.slopes_occupied),
            "edges_empty": list(self.edges_empty),
            "slopes_empty": list(self.slopes_empty),
        }

    @classmethod
    def of(cls, coefficients: Mapping[str, Any]) -> "TimeOfWeekModel":
        """Read what was recorded."""
        busy = set(coefficients["occupied"])
        return cls(
            levels=tuple(np.nan if level is None else float(level) for level in coefficients["levels"]),
            occupied=tuple(slot in busy for slot in range(HOURS_OF_WEEK)),
            edges_occupied=tuple(coefficients["edges_occupied"]),
            slopes_occupied=tuple(coefficients["slopes_occupied"]),
            edges_empty=tuple(coefficients["edges_empty"]),
            slopes_empty=tuple(coefficients["slopes_empty"]),
        )


def fit_time_of_week(used: Floats, conditions: Conditions) -> TimeOfWeekModel:
    """Least squares over hours whose values are all known; ``ValueError`` for fewer than two weeks of them."""
    if len(used) < 2 * HOURS_OF_WEEK:
        msg = f"{len(used)} hours are too few for a baseline"
        raise ValueError(msg)
    occupied = _occupied(used, conditions)
    busy = occupied[conditions.slot]
    edges = [_edges(conditions.temperature[chosen]) for chosen in (busy, ~busy)]
    columns = np.hstack(
        [_pieces(conditions.temperature, e) * chosen[:, None] for e, chosen in zip(edges, (busy, ~busy), strict=True)]
    )
    # Taking each hour of the week's own mean off leaves the slopes alone to be solved (Frisch and Waugh): the same
    # numbers as with 168 more columns, at a hundredth of the work.
    hours = np.bincount(conditions.slot, minlength=HOURS_OF_WEEK)
    means = np.stack([_means(column, conditions.slot, hours) for column in columns.T], axis=1)
    mean_used = _means(used, conditions.slot, hours)
    slopes = np.linalg.lstsq(columns - means[conditions.slot], used - mean_used[conditions.slot], rcond=None)[0]
    levels = np.where(hours > 0, mean_used - means @ slopes, np.nan)
    count = len(edges[0]) + 1
    return TimeOfWeekModel(
        levels=tuple(levels.tolist()),
        occupied=tuple(occupied.tolist()),
        edges_occupied=edges[0],
        slopes_occupied=tuple(slopes[:count].tolist()),
        edges_empty=edges[1],
        slopes_empty=tuple(slopes[count:].tolist()),
    )


def _occupied(used: Floats, conditions: Conditions) -> NDArray[np.bool_]:
    """Hours of the week in which the building uses more than the weather tells."""
    weather = np.stack(
        [
            np.ones(len(used)),
            np.maximum(_HEATING_POINT - conditions.temperature, 0.0),
            np.maximum(conditions.temperature - _COOLING_POINT, 0.0),
        ],
        axis=1,
    )
    above = (used > weather @ np.linalg.lstsq(weather, used, rcond=None)[0]).astype(np.float64)
    hours = np.bincount(conditions.slot, minlength=HOURS_OF_WEEK)
    occupied: NDArray[np.bool_] = _means(above, conditions.slot, hours) > OCCUPIED_SHARE
    return occupied


def _edges(temperature: Floats) -> tuple[float, ...]:
    """Edges of the pieces that have enough hours; what is scarce belongs to the piece above, the last one below."""
    kept: list[float] = []
    last = -np.inf
    for edge in EDGES:
        if np.count_nonzero((temperature > last) & (temperature <= edge)) >= HOURS_OF_PIECE:
            kept.append(edge)
            last = edge
    while kept and np.count_nonzero(temperature > kept[-1]) < HOURS_OF_PIECE:
        kept.pop()
    return tuple(kept)


def _pieces(temperature: Floats, edges: tuple[float, ...]) -> Floats:
    """How much of the temperature lies in each piece; the columns add up to it."""
    bounds = np.array([-np.inf, *edges, np.inf])
    lows = np.where(np.isinf(bounds[:-1]), 0.0, bounds[:-1])
    first = np.minimum(temperature, bounds[1])[:, None]
    rest = np.clip(temperature[:, None], lows[1:], bounds[2:]) - lows[1:]
    return np.hstack([first, rest])


def _means(values: Floats, slot: NDArray[np.int64], hours: NDArray[np.intp]) -> Floats:
    return np.bincount(slot, weights=values, minlength=HOURS_OF_WEEK) / np.maximum(hours, 1)

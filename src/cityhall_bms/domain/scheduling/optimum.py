"""Optimum start: begin as early as the room needs, by how fast it came down on the days before.

An adaptive start of the usual kind (ASHRAE Handbook, HVAC Applications, "Optimum start"; one rate per room instead of
a model of the building): the minutes are the room's distance from its target over the rate it was seen to cool at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite, nan
from statistics import median
from typing import Final

import numpy as np
from numpy.typing import NDArray

DAYS_MIN: Final = 3
"""From fewer mornings nothing is learnt."""
RATE_MIN, RATE_MAX = 0.01, 0.5
"""°C a minute; what lies outside is no room that an air handler cools, and counts as the bound."""
SPAN: Final = 2
"""Intervals over which a rate is measured: half an hour of quarters."""


@dataclass(frozen=True, slots=True)
class Advice:
    """By how many minutes to begin early, and why."""

    minutes: int
    zh: str
    en: str


def learnt_rate(mornings: Sequence[NDArray[np.float64]], interval_min: float) -> float | None:
    """Rate (°C/min) at which a room came down: the median of the steepest falls of the mornings; none from too few.

    Each morning is means of equal intervals around a start; NaN where nothing is known.
    """
    rates = [rate for rate in (_steepest(morning, interval_min) for morning in mornings) if rate > 0.0]
    if len(rates) < DAYS_MIN:
        return None
    return min(max(median(rates), RATE_MIN), RATE_MAX)


def advise(room: float, target: float, rate: float | None, most_min: int) -> Advice:
    """How early to begin; what is not known leads to the plain time."""
    if not isfinite(room):
        return Advice(0, "室溫不明，依原訂時間啟動", "the room's temperature is not known: the plain time")
    if rate is None:
        return Advice(
            0,
            f"降溫速率資料未滿 {DAYS_MIN} 天，依原訂時間啟動",
            f"fewer than {DAYS_MIN} mornings to learn from: the plain time",
        )
    over = room - target
    if over <= 0.0:
        return Advice(0, f"室溫 {room:.1f} °C 已達目標", f"the room has {room:.1f} °C already")
    needed = ceil(over / rate)
    minutes = min(needed, most_min)
    bound_zh = f"（上限 {most_min} 分）" if needed > most_min else ""
    bound_en = f" (bounded to {most_min} min)" if needed > most_min else ""
    return Advice(
        minutes,
        f"室溫 {room:.1f} °C，目標 {target:.1f} °C，學得每分鐘 {rate:.3f} °C：提前 {minutes} 分{bound_zh}",
        f"{room:.1f} °C, target {target:.1f} °C, learnt {rate:.3f} °C/min: {minutes} min early{bound_en}",
    )


def _steepest(morning: NDArray[np.float64], interval_min: float) -> float:
    falls = morning[:-SPAN] - morning[SPAN:]
    known = falls[np.isfinite(falls)]
    return float(known.max()) / (SPAN * interval_min) if len(known) else nan

"""Water per person, and how much of it the rain gave. Amounts in m³; none where something is not known."""

from datetime import date
from typing import Final

from cityhall_bms.domain.energy.periods import share_of_year

LITRES_PER_M3: Final = 1_000.0


def litres_per_person_day(amount_m3: float | None, people: float | None, days: int) -> float | None:
    """Litres per person and calendar day."""
    if amount_m3 is None or not people or not days:
        return None
    return amount_m3 * LITRES_PER_M3 / (people * days)


def rain_ratio(rain_m3: float | None, tap_m3: float | None) -> float | None:
    """Share of all water that was rain, 0..1; none where either is unknown, or nothing was used."""
    if rain_m3 is None or tap_m3 is None or rain_m3 + tap_m3 <= 0.0:
        return None
    return rain_m3 / (rain_m3 + tap_m3)


def progress_percent(used_m3: float | None, target_m3: float | None) -> float | None:
    """What was used, % of the year's target."""
    return None if used_m3 is None or not target_m3 else used_m3 / target_m3 * 100.0


def pace_percent(used_m3: float | None, target_m3: float | None, until: date, year: int) -> float | None:
    """What was used, % of what the linear plan has until the begin of a day, every month having a twelfth."""
    progress, share = progress_percent(used_m3, target_m3), share_of_year(until, year)
    return None if progress is None or not share else progress / share

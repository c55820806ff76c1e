"""Figures of alarm handling by EEMUA 191 / IEC 62682: how much rings, what rings too much, and who answers when.

One function serves the record and a backtest. Drills and tests count in none of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.alarm_habits import (
    DAY_US,
    MINUTE_US,
    Actor,
    actors,
    chattering,
    fleeting,
    stale_at,
    stale_per_day,
    within,
)
from cityhall_bms.domain.annunciations import NEVER, Annunciations, Times
from cityhall_bms.domain.floods import FLOOD_BEGINS_ABOVE, WINDOW_US, Flood, floods, peak

HOUR_US: Final = 60 * MINUTE_US
BUSY_HOUR_ABOVE: Final = 30
BAD_ACTORS: Final = 10
PRIORITIES: Final = (1, 2, 3, 4)

ACKNOWLEDGE_WITHIN_S: Final[Mapping[int, float]] = {1: 60.0, 2: 300.0, 3: 1_800.0, 4: 8 * 3_600.0}
"""Target time to acknowledge per priority, s; of priority 4 it is a shift (`docs/reference/alarms.md`)."""


@dataclass(frozen=True, slots=True)
class Span:
    """Median and 95th percentile of how long something took, s; none without any."""

    number: int
    median_s: float | None
    p95_s: float | None


@dataclass(frozen=True, slots=True)
class Response:
    """How alarms of one priority were answered."""

    priority: int
    annunciations: int
    share: float
    """Of all annunciations, 0..1."""
    acknowledged: Span
    target_s: float
    inside_target: float | None
    """Share of those due that were acknowledged in time, 0..1; those whose time still runs are not due."""
    ended: Span


@dataclass(frozen=True, slots=True)
class AlarmFigures:
    """What one console bore between two times (µs UTC, ``until`` excluded). Shares are 0..1."""

    first: int
    until: int
    annunciations: int
    late: int
    """Occurrences that were found in late data and rang nowhere."""
    per_10_min: float
    per_hour: float
    per_day: float
    peak_10_min: int
    """Most within any ten minutes."""
    floods: tuple[Flood, ...]
    in_flood: float
    """Share of the time."""
    busy_10_min: float
    """Share of the ten-minute slots with more than ten."""
    busy_hours: float
    """Share of the hours with more than thirty."""
    chattering: tuple[Actor, ...]
    fleeting: int
    stale: int
    """Alarms that had been standing for more than a day at the end."""
    stale_per_day: int
    """Most that were stale on one day."""
    bad_actors: tuple[Actor, ...]
    """The ten that rang most."""
    top_10: float
    """Their share of all annunciations."""
    responses: tuple[Response, ...]
    """By priority."""
    unauthorised: int
    """How often an alarm was hidden without what the rules ask for."""


def figures(annunciations: Annunciations, first_us: int, until_us: int) -> AlarmFigures:
    """Figures between two times; rows from before ``first_us`` are welcome: floods and standing alarms reach in."""
    rows = annunciations.where(~annunciations.drill)
    told = rows.where(within(rows.rang, first_us, until_us))
    rang = np.sort(rows.rang[rows.rang < until_us])
    met = tuple(flood for flood in floods(rang, until_us) if flood.ended is None or flood.ended > first_us)
    worst = actors(told.names, told.alarm)[:BAD_ACTORS]
    lasted = max(until_us - first_us, 1)
    return AlarmFigures(
        first=first_us,
        until=until_us,
        annunciations=len(told),
        late=int(((rows.rang == NEVER) & within(rows.began, first_us, until_us)).sum()),
        per_10_min=len(told) * WINDOW_US / lasted,
        per_hour=len(told) * HOUR_US / lasted,
        per_day=len(told) * DAY_US / lasted,
        peak_10_min=peak(rang, first_us),
        floods=met,
        in_flood=sum(_overlap(flood, first_us, until_us) for flood in met) / lasted,
        busy_10_min=_busy(told.rang, first_us, until_us, WINDOW_US, FLOOD_BEGINS_ABOVE),
        busy_hours=_busy(told.rang, first_us, until_us, HOUR_US, BUSY_HOUR_ABOVE),
        chattering=chattering(rows, first_us, until_us),
        fleeting=int((fleeting(rows) & within(rows.began, first_us, until_us)).sum()),
        stale=int(stale_at(rows, until_us).sum()),
        stale_per_day=stale_per_day(rows, first_us, until_us),
        bad_actors=worst,
        top_10=sum(actor.share for actor in worst),
        responses=tuple(_response(told, priority, until_us) for priority in PRIORITIES),
        unauthorised=int(within(annunciations.unauthorised, first_us, until_us).sum()),
    )


def _overlap(flood: Flood, first: int, until: int) -> int:
    return min(until, until if flood.ended is None else flood.ended) - max(first, flood.began)


def _busy(rang: Times, first: int, until: int, slot_us: int, above: int) -> float:
    """Share of slots, counted from ``first``, in which more than ``above`` rang."""
    slots = -(-(until - first) // slot_us)
    number = np.bincount((rang - first) // slot_us, minlength=slots)
    return float((number > above).sum() / slots) if slots else 0.0


def _response(told: Annunciations, priority: int, until: int) -> Response:
    rows = told.where(told.priority == priority)
    target_s = ACKNOWLEDGE_WITHIN_S[priority]
    seen = rows.acknowledged < until
    took = rows.acknowledged - rows.rang
    in_time = seen & (took <= target_s * 1e6)
    due = (seen | (until - rows.rang > target_s * 1e6)) & ~rows.withdrawn
    over = (rows.ended < until) & ~rows.again
    return Response(
        priority=priority,
        annunciations=len(rows),
        share=len(rows) / len(told) if len(told) else 0.0,
        acknowledged=_span(took[seen]),
        target_s=target_s,
        inside_target=float(in_time.sum() / due.sum()) if due.any() else None,
        ended=_span((rows.ended - rows.began)[over]),
    )


def _span(took_us: NDArray[np.int64]) -> Span:
    if not len(took_us):
        return Span(0, None, None)
    median_s, p95_s = np.percentile(took_us, [50, 95]) / 1e6
    return Span(len(took_us), float(median_s), float(p95_s))

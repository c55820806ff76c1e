"""Copies a file of past samples into history: the file is its own log (docs/adr/0021-imported-history.md)."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.batch import point_set_id
from cityhall_bms.domain.errors import ConcurrencyError
from cityhall_bms.domain.events import HistoryImported
from cityhall_bms.domain.site import Site
from cityhall_bms.historian.columns import Samples, Scans
from cityhall_bms.historian.holds import Holds, Stretch
from cityhall_bms.historian.intervals import HOUR_US, LEVELS, MINUTE_US, floor_to
from cityhall_bms.historian.open_buckets import Touched, touched_between
from cityhall_bms.historian.rollups import Rollups, combine, rollup
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.history_import import DayOfSamples, HistoryFile, ImportPlan, ImportStore

ACTOR: Final = "import"
SET_POINTS_MIN: Final = 64
SET_POINTS_MAX: Final = 480
"""A scan of up to so many values stays in its page (migrations/0100_history.sql)."""


async def import_history(
    file: HistoryFile, store: ImportStore, events: EventLog, on_day: Callable[[int], None] = lambda _: None
) -> HistoryImported:
    """Load what is not loaded yet, and tell it once; ``on_day`` hears how many days are stored.

    May be ended at any moment and called again: it goes on after the last day that was committed.
    """
    plan = file.plan
    done = await store.begin(plan)
    on_day(done)
    for number in range(done + 1, plan.days + 1):
        day = await asyncio.to_thread(file.read_day, number)
        await store.store(plan, number, day)
        on_day(number)
    samples = await store.finish(plan)
    return await _tell(plan, samples, events)


async def _tell(plan: ImportPlan, samples: int, events: EventLog) -> HistoryImported:
    points = sum(len(points) for points in plan.sets)
    event = HistoryImported(
        plan.digest, plan.provenance, plan.window.start, plan.window.end, plan.interval_us // 1_000_000, points, samples
    )
    with suppress(ConcurrencyError):  # told by an earlier run
        await events.append([Append(f"history/{plan.source}", [event], ACTOR, expected_version=0)])
    return event


def finest_rollup_us(interval_us: int, edges: NDArray[np.int64]) -> int:
    """Length of the shortest rollup worth storing of samples at this interval, of days between these midnights.

    A bucket that holds one sample says no more than the sample, in ten times the space. Hours are stored always, and
    quarters where midnights are off the hour: days are summed from them.
    """
    if interval_us < MINUTE_US:
        return MINUTE_US
    off_hour = bool((edges % HOUR_US).any())
    return LEVELS["15m"] if interval_us < LEVELS["15m"] or off_hour else HOUR_US


def point_sets(site: Site, ids: Mapping[str, int], names: set[str]) -> tuple[NDArray[np.uint32], ...]:
    """Share points out to rows of history, neighbours together: whole scan classes of devices, until a row is full.

    The sets of live data follow devices, of which many have only a few points; the past needs no such small rows.
    """
    groups: dict[tuple[str, float], list[int]] = {}
    for point in site.points.values():
        if point.name in names:
            groups.setdefault((point.device, point.scan_s), []).append(ids[point.name])
    return tuple(np.array(points, np.uint32) for points in _filled(groups.values()))


def _filled(groups: Iterable[list[int]]) -> Iterator[list[int]]:
    waiting: list[int] = []
    for group in groups:
        waiting += group
        while len(waiting) > SET_POINTS_MAX:
            yield waiting[:SET_POINTS_MAX]
            waiting = waiting[SET_POINTS_MAX:]
        if len(waiting) >= SET_POINTS_MIN:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def scans_of(day: DayOfSamples, sets: tuple[NDArray[np.uint32], ...]) -> Scans:
    """Rows of history: set by set and in order of time, so that a point's day lies together on disk."""
    rows = [np.searchsorted(day.point, points) for points in sets]
    moments, lengths = len(day.at), np.array([len(points) for points in sets])
    at = np.tile(day.at, len(sets))
    return Scans(
        set_id=np.repeat(np.array([point_set_id(points) for points in sets], np.int64), moments),
        at=at,
        recorded_at=at,
        length=np.repeat(lengths, moments),
        point=np.concatenate([np.tile(points, moments) for points in sets]),
        value=np.concatenate([day.value[chosen].T.ravel() for chosen in rows]),
        quality=np.concatenate([day.quality[chosen].T.ravel() for chosen in rows]),
    )


def last_scans(scans: Scans, at: int) -> Scans:
    """Those of one moment: all that the newest values of every point can come from."""
    chosen = scans.at == at
    samples = np.repeat(chosen, scans.length)
    return Scans(
        scans.set_id[chosen],
        scans.at[chosen],
        scans.recorded_at[chosen],
        scans.length[chosen],
        scans.point[samples],
        scans.value[samples],
        scans.quality[samples],
    )


def samples_of(day: DayOfSamples, carried: Samples) -> Samples:
    """Samples of a day after those before it, sorted by point and time."""
    moments, points = len(day.at), len(day.point)
    at = np.tile(day.at, points)
    fresh = Samples(np.repeat(day.point, moments), at, at, day.value.ravel(), day.quality.ravel())
    if not len(carried):
        return fresh
    joined = Samples.join([carried, fresh])
    return joined.select(np.argsort(joined.point.astype(np.uint32), kind="stable"))


def stretch_of(plan: ImportPlan) -> Stretch:
    """What history must remember of an imported time."""
    finest_us = finest_rollup_us(plan.interval_us, np.array(plan.edges))
    return Stretch(plan.window.start, plan.window.end, plan.interval_us, finest_us)


@dataclass(frozen=True, slots=True)
class DayRollups:
    """Rows of one level that an imported day completes, and the time in which they begin."""

    level: str
    window: Window
    rows: Rollups


def rollups_of(samples: Samples, day: Window, finest_us: int, holds: Holds) -> list[DayRollups]:
    """Every level that is stored, from the day's samples and those before that are still held.

    Where midnight is off the hour, the hour that it lies in is summed up with the later of its two days.
    """
    begin = floor_to(day.start, HOUR_US)
    found: list[DayRollups] = []
    rows: Rollups | None = None
    for level, length in LEVELS.items():
        if length < finest_us:
            continue
        edges = np.arange(begin, floor_to(day.end, length) + 1, length)
        rows = rollup(samples, edges, holds=holds) if rows is None else combine(rows, edges)
        found.append(DayRollups(level, Window(begin, int(edges[-1])), rows))
    fitting = [part.rows for part in found if not (day.start % LEVELS[part.level] or day.end % LEVELS[part.level])]
    return [*found, DayRollups("1d", day, combine(fitting[-1], np.array([day.start, day.end])))]


def needed_after(samples: Samples, day: Window, holds: Holds) -> Samples:
    """Samples of a day that the next one must know."""
    return samples.select(samples.at >= holds.since(floor_to(day.end, HOUR_US)))


def unsettled(plan: ImportPlan, number: int, hold_us: int, *, shared: bool) -> Touched:
    """Hours that a day cannot sum up alone: a part of them, or samples in them (``shared``), came from elsewhere."""
    day = plan.day(number)
    spans: list[tuple[int, int]] = []
    if shared:
        spans.append((day.start, day.end + hold_us))
    if number == 1 and day.start % HOUR_US:
        spans.append((day.start, day.start))
    if number == plan.days:
        spans.append((day.end, day.end + hold_us))
    point = np.concatenate(plan.sets)
    parts = [touched_between(point, np.full(len(point), begin), np.full(len(point), end)) for begin, end in spans]
    return Touched(
        np.concatenate([part.hour for part in parts]) if parts else np.empty(0, np.int64),
        np.concatenate([part.block for part in parts]) if parts else np.empty(0, np.int64),
    )

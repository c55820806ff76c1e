"""What only memory tells of a value: spikes, counters that run wrong, flat lines, rates, contradictions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.collector import grading_tables as tables
from cityhall_bms.collector.grading_counters import Counters
from cityhall_bms.collector.grading_cross import CrossChecks, relations
from cityhall_bms.collector.grading_spikes import Spikes
from cityhall_bms.collector.grading_trends import Trends
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.quality import Quality, is_good
from cityhall_bms.domain.site import Point, PointKind, Site

HOUR_US: Final = 3_600_000_000
SETTLED_US: Final = 8 * 600_000_000
"""After a start or stop it takes this long until the value of an hour ago is of the same state."""
JUMPS_US: Final = 900_000_000
"""For this long after a start or stop a value may jump."""
KEPT_SELECTIONS: Final = 4096


@dataclass(frozen=True, slots=True)
class _Selection:
    """Places, within one group of points, that each check is about, and their rows in its columns.

    ``spike_runs`` and ``trend_runs`` are the run statuses of their units (0: none), ``rated`` says which trends have a
    rate that they must not exceed.
    """

    runs: NDArray[np.intp]
    spikes: NDArray[np.intp]
    spike_rows: NDArray[np.intp]
    spike_runs: NDArray[np.intp]
    counters: NDArray[np.intp]
    counter_rows: NDArray[np.intp]
    trends: NDArray[np.intp]
    trend_rows: NDArray[np.intp]
    trend_runs: NDArray[np.intp]
    rated: NDArray[np.bool_]
    involved: NDArray[np.intp]
    relations: NDArray[np.intp]
    relation_places: NDArray[np.intp]


class Behaviour:
    """Memory of all points of a site, as columns; one for a collector.

    Checks take quality away from good values only, and remember only values that they believe. Readings are taken in
    the order in which they come, and hold no point twice; ``now`` is µs UTC.
    """

    def __init__(self, site: Site, ids: Mapping[str, int], now: int) -> None:
        points = {ids[point.name]: point for point in site.points.values()}
        size = max(points, default=0) + 1
        runs = {p.equipment: number for number, p in points.items() if p.role == tables.RUN_STATUS}
        self._run_of = np.zeros(size, np.intp)
        for number, point in points.items():
            self._run_of[number] = runs.get(point.equipment, 0)
        self._is_run = np.zeros(size, np.bool_)
        self._is_run[list(runs.values())] = True
        self._running = np.zeros(size, np.bool_)
        self._turned_at = np.full(size, now, np.int64)
        self._supply_turned_at = np.full(size, now, np.int64)
        self._supplied = _supplied(site, ids)
        self._value = np.full(size, np.nan)
        self._heard_at = np.zeros(size, np.int64)
        floors = {number: _floor(point, site, runs) for number, point in points.items()}
        self._spike_row = _rows(size, [number for number, floor in floors.items() if floor is not None])
        self._spikes = Spikes(np.array([floors[number] for number in _members(self._spike_row)], np.float64))
        self._counter_row = _rows(
            size, [n for n, p in points.items() if p.kind is PointKind.CI and p.unit in tables.COUNTED]
        )
        self._counters = _counters([points[n] for n in _members(self._counter_row)], site)
        self._trend_row = _rows(size, [n for n, p in points.items() if _has_trend(p, site, runs)])
        self._trends = _trends([points[n] for n in _members(self._trend_row)], site, runs)
        self._rates = np.array([_rate(points[n], site) for n in _members(self._trend_row)], np.float64).reshape(-1, 2)
        self._cross = CrossChecks(relations(site, ids))
        self._selections: dict[bytes, _Selection] = {}

    @property
    def counter_rollovers(self) -> int:
        """Counters that ran full and began again at zero so far."""
        return self._counters.rollovers

    @property
    def counter_resets(self) -> int:
        """Counters that began anew so far."""
        return self._counters.resets

    def judge(self, readings: Readings, now: int) -> Readings:
        """Readings with the quality that the past leaves them."""
        chosen = self._selection(readings)
        value, at = readings.value, readings.observed_at
        good = is_good(readings.quality)
        quality = readings.quality.copy()
        if len(chosen.runs):
            self._note_runs(readings.point, value, good, chosen.runs, now)
        if len(chosen.spikes):
            self._doubt_spikes(chosen, value, good, quality, now)
        if len(chosen.counters):
            self._doubt_counters(chosen, value, at, good, quality)
        if len(chosen.trends):
            self._doubt_trends(chosen, readings.point, value, quality, now)
        if len(chosen.involved):
            self._doubt_contradictions(chosen, readings.point, value, quality, now)
        return readings if (quality == readings.quality).all() else replace(readings, quality=quality)

    def adopt(self, other: "Behaviour") -> None:
        """Take over what another one remembers of the points that both know (a site folder was changed)."""
        common = min(len(self._value), len(other._value))  # noqa: SLF001 - of its own class
        for column in ("_running", "_turned_at", "_supply_turned_at", "_value", "_heard_at"):
            getattr(self, column)[:common] = getattr(other, column)[:common]
        for row, memory in (("_spike_row", "_spikes"), ("_counter_row", "_counters"), ("_trend_row", "_trends")):
            mine, theirs = getattr(self, row)[:common], getattr(other, row)[:common]
            both = np.flatnonzero((mine >= 0) & (theirs >= 0))
            if len(both):
                getattr(self, memory).adopt(mine[both], getattr(other, memory), theirs[both])
        self._cross.adopt(other._cross)  # noqa: SLF001 - of its own class

    def _selection(self, readings: Readings) -> _Selection:
        if readings.partial:
            return self._select(readings.point)
        key = readings.point.tobytes()
        found = self._selections.get(key)
        if found is None:
            if len(self._selections) >= KEPT_SELECTIONS:
                self._selections.clear()
            found = self._selections[key] = self._select(readings.point)
        return found

    def _select(self, point: NDArray[np.uint32]) -> _Selection:
        spikes = np.flatnonzero(self._spike_row[point] >= 0)
        counters = np.flatnonzero(self._counter_row[point] >= 0)
        trends = np.flatnonzero(self._trend_row[point] >= 0)
        among = np.flatnonzero(np.isin(self._cross.points, point))
        order = np.argsort(point, kind="stable")
        places = order[np.searchsorted(point[order], self._cross.points[among])]
        return _Selection(
            runs=np.flatnonzero(self._is_run[point]),
            spikes=spikes,
            spike_rows=self._spike_row[point[spikes]],
            spike_runs=self._run_of[point[spikes]],
            counters=counters,
            counter_rows=self._counter_row[point[counters]],
            trends=trends,
            trend_rows=self._trend_row[point[trends]],
            trend_runs=self._run_of[point[trends]],
            rated=np.isfinite(self._rates[self._trend_row[point[trends]], 0]),
            involved=np.flatnonzero(np.isin(point, self._cross.involved)),
            relations=among,
            relation_places=places,
        )

    def _note_runs(
        self,
        point: NDArray[np.uint32],
        value: NDArray[np.float64],
        good: NDArray[np.bool_],
        runs: NDArray[np.intp],
        now: int,
    ) -> None:
        runs = runs[good[runs]]
        if not len(runs):
            return
        numbers, on = point[runs], value[runs] > 0
        changed = self._running[numbers] != on
        if not changed.any():
            return
        turned = numbers[changed]
        self._running[numbers] = on
        self._turned_at[turned] = now
        for number in turned.tolist():
            self._supply_turned_at[self._supplied[number]] = now

    def _doubt_spikes(
        self,
        chosen: _Selection,
        value: NDArray[np.float64],
        good: NDArray[np.bool_],
        quality: NDArray[np.uint8],
        now: int,
    ) -> None:
        fine = good[chosen.spikes]
        places, rows, run = _where(fine, chosen.spikes, chosen.spike_rows, chosen.spike_runs)
        if self._spikes.take(rows, value[places]):
            return
        may_jump = (run > 0) & (now - self._turned_at[run] < JUMPS_US)
        doubted = self._spikes.judge(rows, value[places], may_jump)
        quality[places[doubted]] = Quality.UNCERTAIN_SPIKE

    def _doubt_counters(
        self,
        chosen: _Selection,
        value: NDArray[np.float64],
        at: NDArray[np.int64],
        good: NDArray[np.bool_],
        quality: NDArray[np.uint8],
    ) -> None:
        places, rows = _where(good[chosen.counters], chosen.counters, chosen.counter_rows)
        doubted = self._counters.judge(rows, value[places], at[places])
        quality[places[doubted]] = Quality.UNCERTAIN_SPIKE

    def _doubt_trends(
        self,
        chosen: _Selection,
        point: NDArray[np.uint32],
        value: NDArray[np.float64],
        quality: NDArray[np.uint8],
        now: int,
    ) -> None:
        fine = is_good(quality[chosen.trends])
        places, rows, run, rated = _where(fine, chosen.trends, chosen.trend_rows, chosen.trend_runs, chosen.rated)
        told = value[places]
        self._trends.remember(rows, told, now)
        if self._trends.any_flat:
            lives = (run > 0) & ~(self._running[run] & (now - self._turned_at[run] >= HOUR_US))
            quality[places[self._trends.flat(rows, told) & ~lives]] = Quality.UNCERTAIN_FLATLINE
        if rated.any():
            self._doubt_rates(point, quality, (places[rated], rows[rated], run[rated], told[rated]), now)

    def _doubt_rates(
        self,
        point: NDArray[np.uint32],
        quality: NDArray[np.uint8],
        about: tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]],
        now: int,
    ) -> None:
        """``about``: places, rows, run statuses and values."""
        places, rows, run, told = about
        undisturbed = (run > 0) & (now - self._supply_turned_at[point[places]] >= SETTLED_US)
        limit = self._rates[rows, np.where(undisturbed, 0, 1)]
        limit[(run > 0) & (now - self._turned_at[run] < SETTLED_US)] = np.inf
        fast = self._trends.rate(rows, told, now) > limit
        quality[places[fast]] = Quality.UNCERTAIN_RATE

    def _doubt_contradictions(
        self,
        chosen: _Selection,
        point: NDArray[np.uint32],
        value: NDArray[np.float64],
        quality: NDArray[np.uint8],
        now: int,
    ) -> None:
        numbers = point[chosen.involved]
        self._value[numbers] = np.where(is_good(quality[chosen.involved]), value[chosen.involved], np.nan)
        self._heard_at[numbers] = now
        if not len(chosen.relations):
            return
        wrong = self._cross.contradicted(chosen.relations, self._value, self._heard_at, self._running, now)
        quality[chosen.relation_places[wrong]] = Quality.UNCERTAIN_CROSS


def _where(chosen: NDArray[np.bool_], *columns: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Of each column what is chosen; as a rule that is all, and then it is the columns themselves."""
    return columns if chosen.all() else tuple(column[chosen] for column in columns)


def _rows(size: int, members: list[int]) -> NDArray[np.intp]:
    """Row of every point id in the columns of a check; -1 where the check is not about it."""
    rows = np.full(size, -1, np.intp)
    rows[sorted(members)] = np.arange(len(members))
    return rows


def _members(rows: NDArray[np.intp]) -> list[int]:
    return [int(number) for number in np.flatnonzero(rows >= 0)]


def _counters(points: list[Point], site: Site) -> Counters:
    rates = tables.counter_rates(site)
    return Counters(
        np.array([tables.counter_size(point) for point in points], np.float64),
        np.array([rates.get((point.equipment, point.unit), np.inf) for point in points], np.float64),
    )


def _supplied(site: Site, ids: Mapping[str, int]) -> Mapping[int, NDArray[np.intp]]:
    """Points whose unit is fed, directly or through others, by the unit of a run status or by what that is part of."""
    above: dict[str, set[str]] = {}

    def sources(name: str) -> set[str]:
        if name not in above:
            above[name] = set()  # a loop in the description ends here
            for source in site.equipment[name].fed_by if name in site.equipment else ():
                above[name] |= {source} | sources(source)
        return above[name]

    points: dict[str, list[int]] = {}
    for point in site.points.values():
        points.setdefault(point.equipment, []).append(ids[point.name])
    found: dict[int, NDArray[np.intp]] = {}
    for run in (point for point in site.points.values() if point.role == tables.RUN_STATUS):
        wholes = {run.equipment, *site.equipment[run.equipment].part_of}
        fed = [number for name, numbers in points.items() if wholes & sources(name) for number in numbers]
        found[ids[run.name]] = np.array(fed, np.intp)
    return found


def _floor(point: Point, site: Site, runs: Mapping[str, int]) -> float | None:
    equipment = site.equipment[point.equipment]
    return tables.spike_floor(point, equipment, has_run_status=point.equipment in runs)


def _has_trend(point: Point, site: Site, runs: Mapping[str, int]) -> bool:
    equipment = site.equipment[point.equipment]
    flat = tables.must_move(point, equipment, has_run_status=point.equipment in runs)
    return flat or (equipment.brick_class, point.role) in tables.RATES


def _trends(points: list[Point], site: Site, runs: Mapping[str, int]) -> Trends:
    flat = [
        tables.must_move(point, site.equipment[point.equipment], has_run_status=point.equipment in runs)
        for point in points
    ]
    kelvin = [
        (tables.FLAT_K if point.unit == "°C" else 0.0) if one else np.nan
        for point, one in zip(points, flat, strict=True)
    ]
    share = [0.0 if point.unit == "°C" else tables.FLAT_SHARE for point in points]
    return Trends(
        np.array(kelvin, np.float64),
        np.array(share, np.float64),
        np.array([-np.inf if point.low is None else point.low for point in points], np.float64),
        np.array([np.inf if point.high is None else point.high for point in points], np.float64),
    )


def _rate(point: Point, site: Site) -> tuple[float, float]:
    return tables.RATES.get((site.equipment[point.equipment].brick_class, point.role), (np.nan, np.nan))

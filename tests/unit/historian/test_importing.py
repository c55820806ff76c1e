"""What an imported day amounts to: rows of history, rollups, hours that it cannot sum up alone."""

from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.support.reference_rollup import Heard, reference

from cityhall_bms.domain.site import Device, Encoding, Point, PointKind, Site, Text
from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.holds import Holds, Stretch
from cityhall_bms.historian.importing import (
    finest_rollup_us,
    last_scans,
    needed_after,
    point_sets,
    rollups_of,
    samples_of,
    scans_of,
    unsettled,
)
from cityhall_bms.historian.intervals import midnight_us
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.history_import import DayOfSamples, ImportPlan

MINUTE = 60_000_000
HOUR = 60 * MINUTE
TEXT = Text("名", "name")
NOTHING = Samples.join([])


def midnights(zone: str, days: int = 2) -> list[int]:
    return [midnight_us(date(2015, 7, 1 + day), ZoneInfo(zone)) for day in range(days + 1)]


def site(devices: dict[str, dict[float, int]]) -> tuple[Site, dict[str, int]]:
    """Devices with so many points of each scan period, and the points' numbers."""
    points = [
        Point(f"{device}.{scan_s}.{n}", TEXT, "E", "R", PointKind.AI, "", device, "x", Encoding(), None, None, scan_s)
        for device, periods in devices.items()
        for scan_s, count in periods.items()
        for n in range(count)
    ]
    described = {name: Device(name, TEXT, "modbus", {}) for name in devices}
    whole = Site("T", TEXT, "Asia/Taipei", True, (), (), {}, described, {point.name: point for point in points})
    return whole, {point.name: number for number, point in enumerate(points, 1)}


def test_small_scan_classes_share_a_row_and_large_ones_are_cut_where_a_page_ends() -> None:
    described, ids = site({"a": {1.0: 40, 5.0: 10}, "b": {1.0: 30}, "c": {1.0: 500}, "d": {1.0: 3}})

    sets = point_sets(described, ids, set(ids))

    assert [len(points) for points in sets] == [80, 480, 23]
    assert np.concatenate(sets).tolist() == list(ids.values())


def test_points_that_the_file_does_not_have_are_in_no_row() -> None:
    described, ids = site({"a": {1.0: 4}})

    sets = point_sets(described, ids, {"a.1.0.1", "a.1.0.3"})

    assert [points.tolist() for points in sets] == [[2, 4]]


@pytest.mark.parametrize(
    ("interval", "zone", "finest"),
    [
        (10_000_000, "Asia/Taipei", MINUTE),
        (MINUTE, "Asia/Taipei", 15 * MINUTE),
        (15 * MINUTE, "Asia/Taipei", HOUR),
        (HOUR, "Asia/Taipei", HOUR),
        (HOUR, "Asia/Kolkata", 15 * MINUTE),
    ],
)
def test_rollups_are_stored_where_they_say_more_than_the_samples(interval: int, zone: str, finest: int) -> None:
    assert finest_rollup_us(interval, np.array(midnights(zone))) == finest


def made_up_day(window: Window, interval: int, seed: int = 1) -> DayOfSamples:
    chance = np.random.default_rng(seed)
    at = np.arange(window.start, window.end, interval)
    value = chance.normal(20.0, 5.0, (3, len(at)))
    quality = np.where(chance.random(value.shape) < 0.1, 0x88, 0).astype(np.uint8)
    value[quality > 0] = np.nan
    return DayOfSamples(np.array([2, 31, 70], np.uint32), at, value, quality)


def heard(days: list[DayOfSamples], row: int, hold: int) -> list[Heard]:
    return [
        Heard(at, value, quality == 0, hold)
        for day in days
        for at, value, quality in zip(day.at.tolist(), day.value[row].tolist(), day.quality[row].tolist(), strict=True)
    ]


@pytest.mark.parametrize("zone", ["Asia/Taipei", "Asia/Kolkata", "Asia/Kathmandu"])
@pytest.mark.parametrize("interval", [5 * MINUTE, 15 * MINUTE, HOUR])
def test_every_stored_figure_of_two_days_is_that_of_the_slow_reference(zone: str, interval: int) -> None:
    edges = midnights(zone)
    finest = finest_rollup_us(interval, np.array(edges))
    stretch = Stretch(edges[0], edges[-1], interval, finest)
    holds = Holds((stretch,))
    days = [made_up_day(Window(*pair), interval, seed) for seed, pair in enumerate(pairwise(edges))]
    carried, found = NOTHING, {}
    for day, pair in zip(days, pairwise(edges), strict=True):
        samples = samples_of(day, carried)
        for part in rollups_of(samples, Window(*pair), finest, holds):
            for index in range(len(part.rows)):
                found[part.level, int(part.rows.bucket[index]), int(part.rows.point[index])] = part.rows.select(
                    slice(index, index + 1)
                )
        carried = needed_after(samples, Window(*pair), holds)

    lengths = {"15m": 15 * MINUTE, "1h": HOUR, "1d": 24 * HOUR}
    assert {level for level, _, _ in found} == {name for name, length in lengths.items() if length >= finest}
    for (level, bucket, point), row in found.items():
        samples_heard = heard(days, [2, 31, 70].index(point), stretch.hold_us)
        expected = reference(samples_heard, bucket, bucket + lengths[level])
        for name in ("count", "good_us", "low", "high", "start", "first", "last"):
            assert getattr(row, name)[0] == pytest.approx(getattr(expected, name), abs=0, nan_ok=True), (level, name)
        assert row.mean[0] == pytest.approx(expected.mean, rel=1e-12, nan_ok=True)
        assert row.fall[0] == pytest.approx(expected.fall, rel=1e-9)
    whole_hours = (edges[-1] // HOUR - edges[0] // HOUR) * 3
    assert sum(level == "1h" for level, _, _ in found) == whole_hours
    assert sum(level == "1d" for level, _, _ in found) == 6


def test_rows_of_a_day_stand_set_by_set_in_order_of_time() -> None:
    window = Window(*midnights("Asia/Taipei", 1))
    day = made_up_day(window, 6 * HOUR)
    sets = (np.array([70, 2], np.uint32), np.array([31], np.uint32))

    scans = scans_of(day, sets)

    assert scans.length.tolist() == [2] * 4 + [1] * 4
    assert scans.at.tolist() == day.at.tolist() * 2
    assert scans.point.tolist() == [70, 2] * 4 + [31] * 4
    assert scans.value[:2].tolist() == pytest.approx([day.value[2, 0], day.value[0, 0]], nan_ok=True)
    assert scans.quality[-1] == day.quality[1, -1]
    newest = last_scans(scans, int(day.at[-1]))
    assert newest.point.tolist() == [70, 2, 31]
    assert newest.value.tolist() == pytest.approx(day.value[[2, 0, 1], -1].tolist(), nan_ok=True)


def plan(zone: str) -> ImportPlan:
    return ImportPlan("d" * 64, "simulated", HOUR, tuple(midnights(zone)), (np.array([2, 31, 70], np.uint32),))


def hours_of(number: int, zone: str, *, shared: bool) -> list[int]:
    touched = unsettled(plan(zone), number, 3 * HOUR, shared=shared)
    assert set(touched.block.tolist()) <= {0, 2}
    return sorted({(hour - midnights(zone)[0]) // MINUTE for hour in touched.hour.tolist()})


def test_only_the_hours_after_the_last_day_and_parts_of_hours_are_left_to_be_summed_up_again() -> None:
    assert hours_of(1, "Asia/Taipei", shared=False) == []
    assert hours_of(2, "Asia/Taipei", shared=False) == [48 * 60 + 60 * hour for hour in range(4)]
    assert hours_of(1, "Asia/Kolkata", shared=False) == [-30]
    assert hours_of(2, "Asia/Kolkata", shared=False) == [48 * 60 - 30 + 60 * hour for hour in range(4)]


def test_a_day_that_others_wrote_into_is_summed_up_again_whole() -> None:
    assert hours_of(1, "Asia/Taipei", shared=True) == [60 * hour for hour in range(28)]

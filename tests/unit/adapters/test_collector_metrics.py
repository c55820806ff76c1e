"""What Prometheus hears of a collector."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client.parser import text_string_to_metric_families
from tests.support.fake_driver import fake_device, fake_point, fake_site
from tests.support.rig import Rig

from cityhall_bms.adapters.collector_metrics import watch_collector
from cityhall_bms.adapters.prometheus import Metrics
from cityhall_bms.domain.site import Encoding, Point, PointKind


def figures(metrics: Metrics) -> dict[str, float]:
    body, _ = metrics.render()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            found[sample.name + sample.labels.get("le", "")] = sample.value
    return found


def counter(number: int) -> Point:
    """An energy meter's register of 16 bits."""
    return replace(fake_point(number, "D1", 5.0), kind=PointKind.CI, unit="kWh", encoding=Encoding("uint16"))


@pytest.fixture
def meter() -> Rig:
    return Rig([fake_device("D1")], [counter(1)])


async def test_each_scan_is_counted_by_how_late_it_began_also_those_of_a_device_that_came_later(meter: Rig) -> None:
    metrics = Metrics(meter.clock, shared=False)
    watch_collector(metrics, meter.collector)
    devices = [fake_device("D1"), fake_device("D2")]
    points = [counter(1), fake_point(2, "D2", 5.0)]
    async with meter.running():
        await meter.clock.advance(60)
        await meter.collector.reconfigure(*fake_site(devices, points))
        await meter.clock.advance(60)
    found = figures(metrics)
    assert meter.collector.pollers[1].figures.scans > 10
    assert found["cityhall_collector_scan_late_seconds_count"] == found["cityhall_collector_scans"]
    assert found["cityhall_collector_scan_late_seconds_bucket0.02"] == found["cityhall_collector_scans"]


async def test_a_late_scan_is_not_among_those_in_time(meter: Rig) -> None:
    metrics = Metrics(meter.clock, shared=False)
    watch_collector(metrics, meter.collector)
    async with meter.running():
        await meter.clock.advance(1)
        meter.device("D1").latency_s = 5.5
        await meter.clock.advance(60)
    found = figures(metrics)
    assert found["cityhall_collector_scan_late_seconds_bucket0.2"] < found["cityhall_collector_scans"]


async def test_counters_that_ran_full_and_counters_that_fell_are_told_apart(meter: Rig) -> None:
    metrics = Metrics(meter.clock, shared=False)
    watch_collector(metrics, meter.collector)
    readings = iter([65_000.0, 100.0, *[200.0] * 3, *[50.0] * 1000])

    def values(points: NDArray[np.uint32], _now: int) -> NDArray[np.float64]:
        return np.full(len(points), next(readings))

    meter.device("D1").values = values
    async with meter.running():
        await meter.clock.advance(120)
    found = figures(metrics)
    assert (found["cityhall_collector_counter_rollovers"], found["cityhall_collector_counter_resets"]) == (1, 1)

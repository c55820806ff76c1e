"""What a collector tells Prometheus."""

from typing import Final

from cityhall_bms.adapters.prometheus import Metrics
from cityhall_bms.collector.collector import Collector

LATE_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
"""Bounds of the histogram of late scans; 0.02 is what a collector of 50,000 points keeps for 99 of 100."""


def watch_collector(metrics: Metrics, collector: Collector) -> None:
    """Publish the figures of a collector, also of devices that it gets later."""
    watch = metrics.watch
    watch("collector_scans", "Polls that were answered.", lambda: collector.scans)
    watch("collector_samples", "Samples recorded.", lambda: collector.samples)
    watch("collector_overruns", "Scans skipped because a device or the log was too slow.", lambda: collector.overruns)
    watch("collector_lost_devices", "Devices that do not answer now.", lambda: collector.lost_devices)
    watch("collector_queue_fill_ratio", "Use of the queue before the telemetry log.", lambda: collector.queue_fill)
    watch("collector_overloaded", "1 while scans are being skipped.", lambda: collector.overload.overloaded)
    watch("collector_open_gaps", "Gaps that last.", lambda: collector.open_gaps)
    watch("collector_open_breakers", "Devices that are probed instead of read.", lambda: collector.breakers_open)
    watch("collector_counter_rollovers", "Counters that ran full and began at 0.", lambda: collector.counter_rollovers)
    watch("collector_counter_resets", "Counters that fell without having run full.", lambda: collector.counter_resets)
    collector.watch_lateness(metrics.histogram("collector_scan_late_seconds", "How late scans began.", LATE_S))

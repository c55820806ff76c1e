"""Demand of every meter, tick by tick: CPU time of one tick, from present values to forecasts and totals.

``.venv/bin/python benchmarks/demand.py [--meters 100] [--ticks 3000]``; the target is 1 ms a tick for 100 meters. Every
meter has a power and a counter; a tick takes in new readings of all of them, follows the window, and sums up as many
totals as there are meters, each of ten of them. Ticks of a second go through whole windows and their ends. There is no
baseline.
"""

# ruff: noqa: INP001, T201 - a program that measures, on real time
import argparse
import time

import numpy as np

from cityhall_bms.domain.energy.demand import DemandTrack, Heard, MeterColumns

BEGIN = 1_782_864_000_000_000


def run(meters: int, ticks: int) -> None:
    """Print the figures."""
    chance = np.random.default_rng(1)
    columns = MeterColumns(
        np.full(meters, 8000.0), np.full(meters, 60_000_000), np.ones(meters, np.bool_), np.ones(meters, np.bool_)
    )
    parts = np.zeros((meters, meters))
    for row in range(meters):
        parts[row, chance.choice(meters, min(10, meters), replace=False)] = 1.0
    track = DemandTrack(columns, BEGIN)
    counted = np.full(meters, 1000.0)
    took = []
    begin, used = time.perf_counter(), time.process_time()
    for number in range(ticks):
        now = BEGIN + number * 1_000_000
        power = chance.uniform(0.0, 4000.0, meters)
        counted = counted + power / 3600.0
        times = np.full(meters, now)
        started = time.perf_counter()
        track.step(now, Heard(power, times, counted, times))
        told = track.now().summed(parts)
        took.append(1e3 * (time.perf_counter() - started))
    assert np.isfinite(told.forecast_kw).all()  # noqa: S101 - a figure of nothing would be none
    wall, cpu = time.perf_counter() - begin, time.process_time() - used
    p50, p99 = np.percentile(took, [50, 99])
    print(f"{meters} meters, {ticks} ticks: p50 {p50:.3f} ms   p99 {p99:.3f} ms   worst {max(took):.3f} ms")
    print(f"with the making of readings {wall:.2f} s wall, {cpu:.2f} CPU s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, default=100)
    parser.add_argument("--ticks", type=int, default=3_000)
    arguments = parser.parse_args()
    run(arguments.meters, arguments.ticks)

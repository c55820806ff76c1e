"""From registers of Modbus devices to committed rows with rollups, rules running: samples a second, and CPU of all.

``benchmarks/end_to_end.py [--seconds 60] [--devices 40] [--scan 0.1] [--raw-days 0] [--apart]``. Devices
answer from a process of their own, which is not counted; collector, historian, rules, NATS and every process of
PostgreSQL are. ``--apart`` gives historian and rules a process each; else they share one, as in the service.
"""

# ruff: noqa: ASYNC110, INP001, T201, TID251 - a program that measures, on real time
import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.load_rig import Load, Rig, load_folder, load_rig

POINTS: Final = 500
TOGETHER: Final = (("collector", "collector"), ("server room", "historian,rules"))
APART: Final = (("collector", "collector"), ("historian", "historian"), ("rules", "rules"))
STORED: Final = "cityhall_historian_samples"
READ: Final = "cityhall_collector_samples"
SKIPPED: Final = "cityhall_collector_overruns"
WARM_S: Final = 5.0
FIGURES_EVERY_S: Final = 2.0


async def measure(load: Load, seconds: float, *, apart: bool) -> None:
    """Run, wait until it flows, print a line per process."""
    print(f"{load.devices} devices x {load.points} points each {load.scan_s:g} s = {load.per_s:,.0f} samples/s asked "
          f"for, raw octets kept {load.raw_days} days; load {os.getloadavg()[0]:.1f}")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="cityhall-e2e-") as name:
        async with load_rig(load_folder(name), load, APART if apart else TOGETHER) as rig:
            while rig.figures().get(STORED, 0) < load.per_s:
                await asyncio.sleep(0.5)
            await asyncio.sleep(WARM_S)
            await report(rig, seconds)


async def report(rig: Rig, seconds: float) -> None:
    """Measure for so long; a figure of the service is read when it has just changed."""
    began, before, used = await _at_a_change(rig)
    await asyncio.sleep(seconds)
    ended, after, used_then = await _at_a_change(rig)
    took, samples = ended - began, after[STORED] - before[STORED]
    print(f"stored {samples / took:,.0f} samples/s, read {(after[READ] - before[READ]) / took:,.0f}/s, "
          f"{after[SKIPPED] - before[SKIPPED]:.0f} scans skipped")  # fmt: skip
    total = 0.0
    for process, cpu in used_then.items():
        spent = cpu - used[process]
        total += spent
        print(
            f"{process:12} {100 * spent / took:6.1f} % of a core {1e6 * spent / samples:6.2f} CPU s per million samples"
        )
    print(f"{'all':12} {100 * total / took:6.1f} % of a core {1e6 * total / samples:6.2f} CPU s per million samples")


async def _at_a_change(rig: Rig) -> tuple[float, dict[str, float], dict[str, float]]:
    first = rig.figures()[STORED]
    deadline = time.monotonic() + 3 * FIGURES_EVERY_S
    while rig.figures()[STORED] == first and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    return time.monotonic(), dict(rig.figures()), rig.cpu_s()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--devices", type=int, default=40)
    parser.add_argument("--scan", type=float, default=0.1)
    parser.add_argument("--raw-days", type=int, default=7)
    parser.add_argument("--apart", action="store_true")
    chosen = parser.parse_args()
    wanted = Load(chosen.devices, POINTS, chosen.scan, chosen.raw_days)
    uvloop.run(measure(wanted, chosen.seconds, apart=chosen.apart))

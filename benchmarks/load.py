"""The service under load while its database is stopped: what was acknowledged, what is stored, how fast it caught up.

``.venv/bin/python benchmarks/load.py [--minutes 3] [--rate 10000]``; the target is ``--minutes 30``. In the
middle third of the time the database is stopped. Everything is real: Modbus devices behind sockets, collector, NATS and
PostgreSQL with fsync, historian and rules, each in a process of its own kind. A reader of this program counts what the
log confirms; in the end every scan in the database is compared with it.
"""

# ruff: noqa: ASYNC110, INP001, T201, TID251 - a program that measures, on real time
import argparse
import asyncio
import os
import sys
import tempfile
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg
import numpy as np
import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.load_rig import Load, Rig, load_folder, load_rig

from cityhall_bms.adapters.nats.telemetry_log import JetStreamTelemetryLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import AD_HOC, SampleBatch
from cityhall_bms.domain.errors import TelemetryLogUnavailableError

POINTS: Final = 500
LOOK_EVERY_S: Final = 0.5
TELL_EVERY_S: Final = 30.0
WARM_SAMPLES: Final = 50_000
BEHIND_AS_USUAL: Final = 6
"""Batches, half a second of data each: the figures of the service are up to two seconds old."""
DRAIN_S: Final = 600.0
PROCESSES: Final = (("collector", "collector"), ("server room", "historian,rules"))

ScanKey = tuple[int, int, int]
"""Set, time (µs) and checksum of the values (and points, of a chance selection)."""


@dataclass(slots=True)
class Tap:
    """What the log confirmed, counted apart from the service."""

    scans: Counter[ScanKey] = field(default_factory=Counter)
    samples: int = 0
    batches: int = 0
    holes: int = 0
    position: int = 0
    lag_s: float = 0.0
    lag_max_s: float = 0.0
    _next: dict[tuple[str, int], int] = field(default_factory=dict)

    async def run(self, log: JetStreamTelemetryLog) -> None:
        """Follow for ever."""
        reader = await log.reader(0)
        while True:
            try:
                found = await reader.fetch(100, 1.0)
            except TelemetryLogUnavailableError:
                await asyncio.sleep(0.2)
                continue
            for logged in found:
                self._take(logged.batch)
                self.position = logged.position

    def _take(self, batch: SampleBatch) -> None:
        run = batch.source, batch.epoch
        self.holes += batch.sequence != self._next.get(run, 0)
        self._next[run] = batch.sequence + 1
        self.batches += 1
        self.samples += len(batch)
        self.lag_s = time.time() - batch.recorded_at / 1e6
        self.lag_max_s = max(self.lag_max_s, self.lag_s)
        starts = batch.scan_start.tolist()
        for number, start in enumerate(starts):
            end = start + int(batch.scan_length[number])
            name, at = int(batch.scan_set[number]), int(batch.scan_observed_at[number])
            self.scans[name, at, _checksum(name, batch.point[start:end], batch.value[start:end])] += 1


def _checksum(name: int, point: np.ndarray, value: np.ndarray) -> int:
    points = b"" if name != AD_HOC else point.astype("<i4").tobytes()
    return zlib.crc32(points + value.astype("<f8").tobytes())


async def stored(dsn: str) -> tuple[Counter[ScanKey], int, int]:
    """Every scan in the database, the number of its samples, and how many scans are not after the one before."""
    scans: Counter[ScanKey] = Counter()
    samples = disorder = 0
    newest: dict[int, int] = {}
    connection = await asyncpg.connect(dsn)
    async with connection.transaction():
        question = (
            'SELECT (extract(epoch FROM observed_at) * 1000000)::bigint, set_id, point_ids, "values" FROM scan '
            "ORDER BY recorded_at, observed_at"
        )
        async for at, set_id, points, values in connection.cursor(question, prefetch=200):
            name = set_id or AD_HOC
            scans[name, at, _checksum(name, np.array(points or [], np.uint32), np.array(values))] += 1
            samples += len(values)
            if name != AD_HOC:
                disorder += at <= newest.get(name, 0)
                newest[name] = at
    await connection.close()
    return scans, samples, disorder


class Run:
    """One run, told as it goes."""

    def __init__(self, rig: Rig, tap: Tap) -> None:
        self._rig = rig
        self._tap = tap
        self._began_s = time.monotonic()
        self._told_s = 0.0

    @property
    def behind(self) -> int:
        """Batches that the log has and history has not."""
        return self._tap.position - round(self._rig.figures().get("cityhall_historian_position", 0))

    def tell(self, what: str) -> None:
        """Print a line with the time since the start."""
        print(f"{time.monotonic() - self._began_s:7.1f} s  {what}", flush=True)

    async def begin(self) -> None:
        """Wait until everything has started and history follows."""
        while self._tap.samples < WARM_SAMPLES or self.behind > BEHIND_AS_USUAL:
            await asyncio.sleep(LOOK_EVERY_S)
        self.tell("started")

    async def until(self, seconds: float, what: str) -> None:
        """Let it run, and tell now and then how it stands."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            await asyncio.sleep(min(left, TELL_EVERY_S))
            figures = self._rig.figures()
            self.tell(
                f"{what}: {self._tap.samples:,} acknowledged, history {self.behind:,} batches behind, values "
                f"{self._tap.lag_s:.2f} s old, {figures.get('cityhall_collector_overruns', 0):.0f} scans skipped"
            )

    async def catch_up(self) -> None:
        """Wait until history stands where the log does; say how fast it came there."""
        began, goal, behind = time.monotonic(), self._tap.samples, self.behind
        rate_before = self._tap.samples
        while self.behind > BEHIND_AS_USUAL:
            await asyncio.sleep(LOOK_EVERY_S)
        took = time.monotonic() - began
        lived = self._tap.samples - rate_before
        backlog = behind * self._tap.samples / max(self._tap.batches, 1)
        done = backlog + lived
        self.tell(
            f"caught up: {behind:,} batches ({backlog:,.0f} samples) and {lived:,} that came meanwhile in {took:.1f} s "
            f"= {done / took:,.0f} samples/s = {done / max(lived, 1):.1f} x real time; {goal:,} were acknowledged"
        )


async def measure(minutes: float, rate: float) -> None:
    """Run, stop the database for the middle third, count."""
    load = Load(devices=round(rate / POINTS), points=POINTS, scan_s=1.0)
    third = minutes * 60 / 3
    print(f"{load.devices} devices x {POINTS} points, {load.per_s:,.0f} samples/s, {minutes:g} minutes, "
          f"load {os.getloadavg()[0]:.1f}")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="cityhall-load-") as name:
        async with load_rig(load_folder(name), load, PROCESSES) as rig:
            async with await JetStreamTelemetryLog.connect(rig.nats.url, "TCH", SystemClock(), 1 << 33) as log:
                tap = Tap()
                run = Run(rig, tap)
                async with asyncio.TaskGroup() as tasks:
                    following = tasks.create_task(tap.run(log))
                    await run.begin()
                    began, before = tap.samples, rig.cpu_s()
                    await run.until(third, "before")
                    await rig.postgres.stop()
                    run.tell("database stopped")
                    await run.until(third, "without database")
                    await rig.postgres.start()
                    run.tell("database started")
                    again = time.monotonic()
                    await run.catch_up()
                    await run.until(third - (time.monotonic() - again), "after")
                    spent = {process: seconds - before[process] for process, seconds in rig.cpu_s().items()}
                    counted = tap.samples - began
                    figures = rig.figures()
                    rig.end("collector")
                    await asyncio.sleep(2)
                    async with asyncio.timeout(DRAIN_S):
                        while run.behind > 0:
                            await asyncio.sleep(LOOK_EVERY_S)
                    following.cancel()
            report(tap, await stored(rig.postgres.dsn), figures)
            for process, seconds in spent.items():
                print(f"CPU {process:12} {seconds:8.1f} s   {seconds * 1e6 / counted:.2f} s per million samples")


def report(tap: Tap, found: tuple[Counter[ScanKey], int, int], figures: dict[str, float]) -> None:
    """Print the counts."""
    scans, samples, disorder = found
    print(f"acknowledged {tap.samples:,} samples in {tap.batches:,} batches and {sum(tap.scans.values()):,} scans; "
          f"{tap.holes} holes in the sequences")  # fmt: skip
    print(f"stored       {samples:,} samples in {sum(scans.values()):,} scans")
    print(f"lost {(tap.scans - scans).total()}, doubled or foreign {(scans - tap.scans).total()}, "
          f"out of order {disorder}, scans skipped {figures.get('cityhall_collector_overruns', 0):.0f}; "
          f"values at most {tap.lag_max_s:.2f} s old")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--rate", type=float, default=10_000.0)
    chosen = parser.parse_args()
    uvloop.run(measure(chosen.minutes, chosen.rate))

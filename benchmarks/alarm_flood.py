"""A quarter of a million alarm transitions in an hour: how late the feed is, what is lost, what it costs.

``.venv/bin/python benchmarks/alarm_flood.py [transitions] [seconds]``: so many (250,000) transitions of 500 alarms are
appended at an even rate over so many seconds (3,600), to the embedded PostgreSQL; projections, the feed and an HTTP
server follow in a process of their own, and five consoles listen. Every transition of each console is counted.
"""

# ruff: noqa: INP001, S311, T201, TID251 - a program that measures, on real time
import asyncio
import contextlib
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import httpx
import numpy as np
import uvloop

from cityhall_bms.adapters.embedded import EmbeddedPostgres
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.alarms import AlarmEvent, AlarmRaised, AlarmReturned, stream_of
from cityhall_bms.ports.event_log import Append

TRANSITIONS: Final = int(sys.argv[1]) if len(sys.argv) > 1 else 250_000
SECONDS: Final = float(sys.argv[2]) if len(sys.argv) > 2 else 3_600.0
ALARMS: Final = 500
CONSOLES: Final = 5
TICK_S: Final = 0.1
EQUIPMENT: Final = "TCH.B2.CN.CHC01"
SERVER: Final = """
import asyncio, sys, uvloop
from pathlib import Path
from tests.support.api_rig import running_api
async def main():
    async with running_api(sys.argv[1], Path(sys.argv[2])) as rig:
        print(rig.client.base_url, flush=True)
        await asyncio.Event().wait()
uvloop.run(main())
"""


class Writer:
    """Lets alarms come and go, one event each, and remembers when each event was appended."""

    def __init__(self, log: PostgresEventLog) -> None:
        self.appended: dict[int, float] = {}
        self._log = log
        self._occurrence = [0] * ALARMS
        self._active = [False] * ALARMS
        self._chance = random.Random(6)

    async def write(self, number: int) -> None:
        """Append some transitions, as one step of the engine does."""
        chosen = self._chance.sample(range(ALARMS), min(number, ALARMS))
        at = time.time()
        stored = await self._log.append(
            [Append(stream_of(f"R{alarm:03d}~{EQUIPMENT}"), [self._next(alarm, at)], "rules") for alarm in chosen]
        )
        self.appended |= dict.fromkeys((entry.position for entry in stored), at)

    def _next(self, alarm: int, at: float) -> AlarmEvent:
        self._active[alarm] = not self._active[alarm]
        if not self._active[alarm]:
            return AlarmReturned(observed_at=int(at * 1e6))
        self._occurrence[alarm] += 1
        return AlarmRaised(
            rule=f"R{alarm:03d}", rule_version=1, subject=EQUIPMENT, equipment=EQUIPMENT, system="hvac", priority=3,
            text_zh="送風溫度過高", text_en="Supply air too warm", latching=False, occurrence=self._occurrence[alarm],
            observed_at=int(at * 1e6), value=31.5, limit=30.0, unit="°C",
        )  # fmt: skip


async def listen(address: str, heard: list[tuple[int, float]]) -> None:
    """One console: positions, and when each came."""
    async with httpx.AsyncClient(timeout=None) as client, client.stream("GET", f"{address}/api/v1/alarms/feed") as feed:  # noqa: S113
        async for line in feed.aiter_lines():
            if line.startswith("id: "):
                heard.append((int(line[4:]), time.time()))  # noqa: PERF401 - as they come


@contextlib.asynccontextmanager
async def server(dsn: str, folder: Path) -> AsyncIterator[tuple[str, int]]:
    """The interface with its projections in a process of its own; gives its address and process."""
    root = str(Path(__file__).parents[1])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, dsn, str(folder), cwd=root, stdout=subprocess.PIPE
    )
    try:
        if process.stdout is None:
            raise RuntimeError
        yield (await process.stdout.readline()).decode().strip().rstrip("/"), process.pid
    finally:
        process.terminate()
        await process.wait()


def usage(pid: int) -> tuple[float, float]:
    """CPU seconds and MB of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return (int(fields[11]) + int(fields[12])) / 100, pages * resource.getpagesize() / 1e6


async def flood(log: PostgresEventLog, address: str, pid: int) -> None:
    """Write at an even rate while the consoles listen, and tell what came of it."""
    writer, heard = Writer(log), [list[tuple[int, float]]() for _ in range(CONSOLES)]
    async with asyncio.TaskGroup() as tasks:
        consoles = [tasks.create_task(listen(address, each)) for each in heard]
        await asyncio.sleep(2.0)
        cpu_s, begin_mb = usage(pid)
        begin = time.monotonic()
        while len(writer.appended) < TRANSITIONS:
            due = min(TRANSITIONS, int((time.monotonic() - begin) / SECONDS * TRANSITIONS) + 1)
            await writer.write(max(1, due - len(writer.appended)))
            await asyncio.sleep(TICK_S)
        took_s = time.monotonic() - begin
        async with asyncio.timeout(120):
            while any(len(each) < len(writer.appended) for each in heard):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        for console in consoles:
            console.cancel()
    report(writer.appended, heard)
    used_s, mb = usage(pid)
    print(f"{took_s:.0f} s; process of interface and projections: {(used_s - cpu_s) / took_s:.0%} of a core, "
          f"{begin_mb:.0f} MB, then {mb:.0f} MB")  # fmt: skip


def report(appended: dict[int, float], heard: list[list[tuple[int, float]]]) -> None:
    """Count what each console heard against what was appended, and how late it was."""
    expected = sorted(appended)
    is_whole = [[position for position, _ in each] == expected for each in heard]
    lags = np.array([at - appended[position] for each in heard for position, at in each if position in appended])
    p50, p99, most = np.percentile(lags, [50, 99, 100])
    print(f"{len(expected)} transitions, heard in order, each once, by {sum(is_whole)} of {len(heard)} consoles")
    print(f"from append to console: p50 {p50:.3f} s, p99 {p99:.3f} s, most {most:.3f} s")


async def main() -> None:
    """Start everything, measure, print."""
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedPostgres(Path(folder) / "db", SystemClock()) as postgres:
            await migrate(postgres.dsn)
            serving, opening = (
                server(postgres.dsn, Path(folder) / "site"),
                PostgresEventLog(postgres.dsn, SystemClock()),
            )
            async with serving as (address, pid), opening as log:
                await flood(log, address, pid)


if __name__ == "__main__":
    uvloop.run(main())

"""200 dashboards and 20 consoles on one API process: how late what they show is, and what they cost.

``.venv/bin/python benchmarks/dashboards.py [--dashboards 200] [--consoles 20] [--points 300] [--seconds 60]``: the
whole simulated city hall runs in the demo. A dashboard holds two streams, as a browser does: values of so many points,
and the alarm feed; a console holds a WebSocket. Late is a value by the time since its device answered, of which up to
half a second is the collector's own beat; an alarm by the time since its event was recorded.
"""

# ruff: noqa: INP001, S101, T201, TID251 - a program that measures, on real time
import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import orjson
import websockets

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.demo import Demo, running_demo

FAULT: Final = "chiller_trip"
SWITCH_EVERY_S: Final = 15.0
SETTLE_S: Final = 20.0
TICKS: Final = os.sysconf("SC_CLK_TCK")
PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class Heard:
    """What all of them heard: seconds by which values and alarms were late."""

    values_s: list[float] = field(default_factory=list)
    alarms_s: list[float] = field(default_factory=list)
    events: int = 0
    bytes: int = 0
    ended: int = 0

    def clear(self) -> None:
        """Begin anew."""
        self.values_s.clear()
        self.alarms_s.clear()
        self.events = self.bytes = 0


async def stream(demo: Demo, headers: dict[str, str], path: str, heard: Heard) -> None:
    """Follow one stream as server-sent events, with as little of our own as there can be."""
    place = urlsplit(demo.address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=2**24)
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"GET /api/v1{path} HTTP/1.0\r\nHost: {place.netloc}\r\n{more}\r\n".encode())
    status = await reader.readline()
    assert b" 200 " in status, status
    kind = b""
    try:
        while line := await reader.readline():
            heard.bytes += len(line)
            if line.startswith(b"event: "):
                kind = line[7:].strip()
            elif line.startswith(b"data: "):
                hear(heard, kind, line[6:], time.time())
        heard.ended += 1
    finally:
        writer.close()


async def console(demo: Demo, headers: dict[str, str], heard: Heard) -> None:
    """Follow the alarm feed over a socket."""
    address = demo.address.replace("http", "ws") + "api/v1/alarms/socket"
    async with websockets.connect(address, additional_headers=headers, max_size=None) as socket:
        await socket.send(json.dumps({"kind": "follow"}))
        async for text in socket:
            now = time.time()
            heard.alarms_s += [now - seconds(each["at"]) for each in orjson.loads(text).get("transitions", ())]


def hear(heard: Heard, kind: bytes, data: bytes, now: float) -> None:
    """Count one event."""
    heard.events += 1
    if kind == b"values":
        heard.values_s.append(now - max(orjson.loads(data)["t"]) / 1000)
    elif kind == b"alarm":
        heard.alarms_s.append(now - seconds(orjson.loads(data)["at"]))


def seconds(text: str) -> float:
    """A time of the interface in seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()


def cost(pid: int) -> tuple[float, float]:
    """CPU seconds and MiB that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS, int(fields[21]) * PAGE / 2**20


def api_worker() -> int:
    """The process with the API."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"work" in words and any(word.split(b",")[-1] == b"api" or word == b"api" for word in words):
                return int(entry.name)
    msg = "no process with the API"
    raise LookupError(msg)


async def switching(demo: Demo) -> None:
    """Make alarms."""
    on = True
    while True:
        await asyncio.to_thread(demo.fault, FAULT, on=on)
        on = not on
        await asyncio.sleep(SWITCH_EVERY_S)


async def measure(demo: Demo, options: argparse.Namespace) -> None:
    """Open all of them, let them settle, and count."""
    headers, names, pid = demo.token(), sorted(demo.points()), api_worker()
    heard, before = Heard(), cost(pid)
    async with asyncio.TaskGroup() as tasks:
        held = []
        for number in range(options.dashboards):
            first = number * 37 % max(1, len(names) - options.points)
            chosen = ",".join(names[first : first + options.points])
            held.append(tasks.create_task(stream(demo, headers, f"/points/stream?names={chosen}", heard)))
            held.append(tasks.create_task(stream(demo, headers, "/alarms/feed", heard)))
            await asyncio.sleep(0.02)
        held += [tasks.create_task(console(demo, headers, heard)) for _ in range(options.consoles)]
        held.append(tasks.create_task(switching(demo)))
        await asyncio.sleep(SETTLE_S)
        heard.clear()
        start = cost(pid)
        await asyncio.sleep(options.seconds)
        end = cost(pid)
        for task in held:
            task.cancel()
    tell(options, heard, (end[0] - start[0]) / options.seconds, end[1] - before[1])


def tell(options: argparse.Namespace, heard: Heard, cores: float, more_mib: float) -> None:
    """Say what was found."""
    clients, period_s = options.dashboards + options.consoles, options.seconds
    print(f"{options.dashboards} dashboards of {options.points} points, {options.consoles} consoles, {period_s:.0f} s")
    for what, late in (("values", heard.values_s), ("alarms", heard.alarms_s)):
        if len(late) < 2:
            print(f"{what}: {len(late)} heard")
            continue
        at = statistics.quantiles(late, n=100)
        print(f"{what}: {len(late):,} heard; late p50 {at[49]:.2f} s, p99 {at[98]:.2f} s, max {max(late):.2f} s")
    print(f"API process: {cores:.2f} cores, {more_mib / clients:.2f} MiB more per client, {heard.ended} streams ended")
    print(f"sent: {heard.events / period_s:,.0f} events/s, {heard.bytes / period_s / 2**20:.1f} MiB/s")


def main() -> None:
    """Start the demo and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dashboards", type=int, default=200)
    parser.add_argument("--consoles", type=int, default=20)
    parser.add_argument("--points", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--site", default="full")
    options = parser.parse_args()
    os.environ["CITYHALL_LIMITS__STREAMS_EACH"] = "1000"
    with tempfile.TemporaryDirectory() as folder, running_demo(Path(folder), "--site", options.site) as demo:
        asyncio.run(measure(demo, options))


if __name__ == "__main__":
    main()

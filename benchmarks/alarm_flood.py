"""The alarm feed in a flood: transitions through the event log, the projection and the feed to twenty consoles.

``.venv/bin/python benchmarks/alarm_flood.py [--per-hour 250000] [--minutes 10] [--burst 5000]``. The service (historian
and API in one process) runs as it does on one machine; this program appends as the rules engine does, ten times a
second. Ten consoles listen over SSE and ten over WebSockets in a process of their own, pages of the list are read each
second, and every five seconds a console acknowledges over its socket. Afterwards everything is counted.
"""

# ruff: noqa: ASYNC220, ASYNC240, INP001, S603, T201, TID251 - a program that measures: real time, processes of its own
import argparse
import asyncio
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import uvloop
from tests.support.load_rig import Rig, load_folder, process_cpu_s
from tests.support.load_site import write_load_site
from tests.support.service_token import token_headers
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from cityhall_bms import bootstrap
from cityhall_bms.adapters.embedded import EmbeddedNats, EmbeddedPostgres
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.alarms import AlarmEvent, AlarmRaised, AlarmReturned, alarm_id, stream_of
from cityhall_bms.ports.event_log import Append
from cityhall_bms.settings import load_settings

PORT: Final = 18_991
BASE: Final = f"http://127.0.0.1:{PORT}/api/v1"
CONSOLES: Final = 10
"""Of each kind."""
UNITS: Final = 100
RULES: Final = 50
TICK_S: Final = 0.1
ACKNOWLEDGE_EVERY_S: Final = 5.0
PAGE_EVERY_S: Final = 1.0
AFTER_BURST_S: Final = 30.0
DRAIN_S: Final = 25.0
POSITION: Final = re.compile(rb"^id: (\d+)$|^event: (\w+)$", re.MULTILINE)
TOLD: Final = re.compile(r'\{"position":(\d+),"at"')
"""Transitions in a message: to parse all of it twenty times would measure the consoles."""
RINGING: Final = re.compile(r'"alarm":\{"id":"([^"]+)"[^{}]+"state":"UNACK"')


HEADERS: Final = "ALARM_FLOOD_HEADERS"
"""Where the parent leaves them for its consoles, in the environment."""


@dataclass
class Flood:
    """What is appended, and when."""

    log: PostgresEventLog
    appended_at: dict[int, float] = field(default_factory=dict)
    """Wall clock before the append, s, by position."""
    count: int = 0

    async def append(self, count: int) -> None:
        """So many transitions at once: alarms ring in turn, and return in the next round."""
        at = time.time()
        names = range(self.count, self.count + count)
        self.count += count
        stored = await self.log.append([_append(number, round(at * 1e6)) for number in names])
        self.appended_at |= {entry.position: at for entry in stored}

    async def pour(self, per_s: float, seconds: float) -> None:
        """Append at a rate, in a tick's portions."""
        begin = time.monotonic()
        first = self.count
        while (passed := time.monotonic() - begin) < seconds:
            due = int(per_s * passed) - (self.count - first)
            if due > 0:
                await self.append(due)
            await asyncio.sleep(TICK_S)


def _append(number: int, at: int) -> Append:
    place = number % (UNITS * RULES)
    rule, unit = f"Z{place // UNITS:02}", f"TCH.01.E.AHU{place % UNITS // 50:03}{place % 50:02}"
    occurrence, returns = divmod(number // (UNITS * RULES), 2)
    event: AlarmEvent = AlarmReturned(at)
    if not returns:
        texts = ("送風溫度偏離設定（二樓空調箱）", "Supply air off its set point (air handling unit)")
        event = AlarmRaised(rule, 1, unit, unit, "hvac", 1 + number % 4, *texts, False, occurrence + 1, at)  # noqa: FBT003
    return Append(stream_of(alarm_id(rule, unit)), [event], "rules")


async def consoles(file: str) -> None:
    """Listen with all consoles until the parent closes our input; write what each heard, and when."""
    heard: list[tuple[list[int], list[float]]] = [([], []) for _ in range(2 * CONSOLES)]
    answers: list[tuple[int, float]] = []
    async with asyncio.TaskGroup() as tasks:
        listening = [tasks.create_task(_over_sse(*heard[place])) for place in range(CONSOLES)]
        listening += [
            tasks.create_task(_over_socket(*heard[CONSOLES + place], answers, place == 0)) for place in range(CONSOLES)
        ]
        await asyncio.to_thread(sys.stdin.read)
        for task in listening:
            task.cancel()
    Path(file).write_text(json.dumps({"heard": heard, "answers": answers}))


def _me() -> dict[str, str]:
    """Headers of the token that the parent made."""
    return dict(json.loads(os.environ[HEADERS]))


async def _over_sse(positions: list[int], times: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT, limit=2**24)
    me = f"Authorization: {_me()['Authorization']}\r\n".encode()
    writer.write(b"GET /api/v1/alarms/feed?after=0 HTTP/1.1\r\nHost: 127.0.0.1\r\n" + me + b"\r\n")
    rest, kind = b"", b""
    while chunk := await reader.read(2**20):
        now = time.time()
        rest += chunk
        end = rest.rfind(b"\n\n") + 2
        for place, named in POSITION.findall(rest[:end]) if end > 1 else ():
            kind = named or kind
            if place and kind == b"alarm":
                positions.append(int(place))
                times.append(now)
        rest = rest[max(end, 0) :] if end > 1 else rest


async def _over_socket(positions: list[int], times: list[float], answers: list[tuple[int, float]], asks: bool) -> None:  # noqa: FBT001
    asked_at, due = 0.0, time.time() + ACKNOWLEDGE_EVERY_S
    # Goes on where it stood when a connection was given up: on a machine without time, pings go unanswered.
    address = f"{BASE.replace('http', 'ws')}/alarms/socket"
    async for socket in connect(address, proxy=None, max_size=None, additional_headers=_me()):
        with contextlib.suppress(ConnectionClosed):
            await socket.send(json.dumps({"kind": "follow", "after": positions[-1] if positions else 0}))
            async for message in socket:
                now, text = time.time(), str(message)
                if text.startswith('{"kind":"answer"'):
                    answers += [(item["position"], asked_at) for item in json.loads(text)["items"] if item["position"]]
                    continue
                told = [int(position) for position in TOLD.findall(text)]
                positions += told
                times += [now] * len(told)
                if asks and now >= due and (ringing := RINGING.findall(text)):
                    asked_at, due = time.time(), now + ACKNOWLEDGE_EVERY_S
                    body = {"kind": "acknowledge", "ref": "1", "ids": ringing[-1:]}
                    await socket.send(json.dumps(body))


async def read_pages(took_ms: list[float]) -> None:
    """Read the first page of the list each second."""
    async with httpx.AsyncClient(timeout=60, headers=_me()) as client:
        while True:
            begin = time.perf_counter()
            answer = await client.get(f"{BASE}/alarms?limit=200")
            answer.raise_for_status()
            took_ms.append((time.perf_counter() - begin) * 1e3)
            await asyncio.sleep(PAGE_EVERY_S)


@asynccontextmanager
async def service(folder: Path) -> AsyncIterator[Rig]:
    """Databases and the service, as a process."""
    clock = SystemClock()
    site = write_load_site(folder / "site", UNITS // 50, 500, 60.0, 9)
    async with EmbeddedPostgres(folder / "data", clock) as postgres, EmbeddedNats(folder / "data", clock) as nats:
        settings = load_settings(
            data_dir=folder / "data",
            api={"port": PORT},
            database={"url": postgres.dsn},
            nats={"url": nats.url},
        )
        await bootstrap.prepare(site, settings, clock)
        rig = Rig(postgres, nats, settings, site, folder)
        rig.start("service", "historian,api")
        try:
            os.environ[HEADERS] = json.dumps(await token_headers(postgres.dsn))
            async with httpx.AsyncClient(headers=_me()) as client:
                await _ready(client)
            yield rig
        finally:
            rig.end("service")


async def _ready(client: httpx.AsyncClient) -> None:
    while True:
        try:
            if (await client.get(f"{BASE}/alarms")).status_code == 200:
                return
        except httpx.TransportError:
            await asyncio.sleep(0.2)


def cpu_s(rig: Rig, consoles_pid: int) -> dict[str, float]:
    """CPU seconds so far of every process, ours, which writes, and the consoles among them."""
    return rig.cpu_s() | {"consoles": process_cpu_s(consoles_pid), "writer": time.process_time()}


def memory_mib(pid: int) -> float:
    """Resident memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


async def measure(arguments: argparse.Namespace) -> None:
    """Run the flood, and count."""
    with tempfile.TemporaryDirectory() as parent:
        async with service(load_folder(parent)) as rig, PostgresEventLog(rig.postgres.dsn, SystemClock()) as log:
            flood, pages_ms, file = Flood(log), list[float](), f"{parent}/heard.json"
            command = [sys.executable, __file__, "--consoles", file]
            listeners = subprocess.Popen(command, stdin=subprocess.PIPE)
            pid = rig.roles["service"].pid
            await flood.append(2_000)  # so that memory is counted with a feed that is full
            await asyncio.sleep(5)
            begun, used, memory = time.monotonic(), cpu_s(rig, listeners.pid), memory_mib(pid)
            reading = asyncio.create_task(read_pages(pages_ms))
            begin = log_end = await log.end()
            if arguments.burst:
                await flood.append(arguments.burst)
                log_end = await log.end()
                await asyncio.sleep(AFTER_BURST_S)
            await flood.pour(arguments.per_hour / 3600, arguments.minutes * 60)
            reading.cancel()
            lasted, after, memory_after = time.monotonic() - begun, cpu_s(rig, listeners.pid), memory_mib(pid)
            stored = await _drained(rig.postgres.dsn, await log.end())
            listeners.communicate()
            told = json.loads(Path(file).read_text())
    _report(flood, told, stored, (begin, log_end))
    print(f"page of 200 of the list: {_cuts(pages_ms)} ms")
    shares = ", ".join(f"{name} {(after[name] - used[name]) / lasted:.0%}" for name in after)
    print(f"memory of the service: {memory:.0f} MiB at the begin, {memory_after:.0f} at the end; of a core: {shares}")
    print(f"load average {os.getloadavg()[0]:.1f}, {lasted:.0f} s")


async def _drained(dsn: str, end: int) -> list[int]:
    """Positions of all transitions, once the consoles had time to hear the last."""
    pool = await open_pool(dsn)
    while await pool.fetchval("SELECT min(position) FROM projection_checkpoint") < end:  # noqa: ASYNC110
        await asyncio.sleep(1)
    await asyncio.sleep(DRAIN_S)
    rows = await pool.fetch("SELECT position FROM alarm_transition ORDER BY position")
    pool.terminate()
    return [row["position"] for row in rows]


def _report(flood: Flood, told: dict[str, Any], stored: Sequence[int], burst: tuple[int, int]) -> None:
    wrong = [place for place, (positions, _) in enumerate(told["heard"]) if positions != stored]
    print(
        f"{len(stored)} transitions, {2 * CONSOLES} consoles; of them heard otherwise than once and in order: {wrong}"
    )
    lags: dict[str, list[float]] = {"feed": [], "feed, burst": []}
    heard_at: dict[int, list[float]] = {}
    for positions, times in told["heard"]:
        for position, at in zip(positions, times, strict=True):
            heard_at.setdefault(position, []).append(at)
            if position in flood.appended_at and position > burst[0]:
                kind = "feed, burst" if position <= burst[1] else "feed"
                lags[kind].append((at - flood.appended_at[position]) * 1e3)
    for kind, found in lags.items():
        if found:
            print(f"{kind}: append to console {_cuts(found)} ms, max {max(found):.0f}")
    answered = [(max(heard_at[position]) - asked_at) * 1e3 for position, asked_at in told["answers"]]
    if len(answered) > 1:
        print(f"acknowledgement to all consoles: {len(answered)} times, {_cuts(answered)} ms, max {max(answered):.0f}")


def _cuts(values: Sequence[float]) -> str:
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return f"p50 {cuts[49]:.1f}, p99 {cuts[98]:.1f}"


def main() -> None:
    """Measure, or be the consoles."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--per-hour", type=float, default=250_000.0)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--burst", type=int, default=5_000)
    parser.add_argument("--consoles", default="")
    arguments = parser.parse_args()
    uvloop.run(consoles(arguments.consoles) if arguments.consoles else measure(arguments))


if __name__ == "__main__":
    main()

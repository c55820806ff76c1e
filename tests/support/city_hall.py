"""A simulated city hall in a process of its own, for tests that want real protocols to talk to."""

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

READY_WITHIN_S = 60.0
"""Generous: without byte code on disk the protocol libraries take ten seconds to compile."""
STOP_WITHIN_S = 15.0


@dataclass(frozen=True, slots=True)
class CityHall:
    """A running simulator. Faults are switched from the test; each call returns once it has taken effect."""

    site_dir: Path
    control_url: str
    truth_file: Path
    pid: int

    def fault_on(self, name: str, target: str | None = None) -> None:
        httpx.put(f"{self.control_url}/faults/{name}", json={"target": target}).raise_for_status()

    def fault_off(self, name: str) -> None:
        httpx.delete(f"{self.control_url}/faults/{name}").raise_for_status()

    def truth(self) -> dict[str, float]:
        """True value of every point just now."""
        return dict(httpx.get(f"{self.control_url}/truth").raise_for_status().json())

    def status(self) -> dict[str, Any]:
        """Plant time, devices with their ports, faults that are on."""
        return dict(httpx.get(f"{self.control_url}/").raise_for_status().json())


@contextmanager
def city_hall_process(folder: Path, faults: Sequence[str] = (), options: Sequence[str] = ()) -> Iterator[CityHall]:
    """Start ``cityhall-sim run`` with its site folder in ``folder``; ``faults`` as on the command line."""
    command = [sys.executable, "-m", "cityhall_simulators", "run", "--die-with-parent"]
    command += ["--site", "small", "--site-dir", str(folder / "site"), "--truth", str(folder / "truth.jsonl"), *options]
    for fault in faults:
        command += ["--fault", fault]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    with (folder / "simulator.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment)
    try:
        ready = _ready_line(process, folder / "simulator.log")
        yield CityHall(Path(ready["site"]), ready["control"], folder / "truth.jsonl", process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


@asynccontextmanager
async def running_city_hall(folder: Path, faults: Sequence[str] = ()) -> AsyncIterator[CityHall]:
    """The same for asynchronous tests; the loop goes on while the simulator starts and stops."""
    manager = city_hall_process(folder, faults)
    city_hall = await asyncio.to_thread(manager.__enter__)
    try:
        yield city_hall
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


def _ready_line(process: subprocess.Popen[bytes], log: Path) -> dict[str, str]:
    assert process.stdout is not None
    deadline_s = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline_s:
        if select.select([process.stdout], [], [], 0.2)[0]:
            line = process.stdout.readline()
            if line:
                return dict(json.loads(line))
        if process.poll() is not None:
            break
    msg = f"the simulator did not start: {log.read_text(encoding='utf-8')[-2000:]}"
    raise AssertionError(msg)

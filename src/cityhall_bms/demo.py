"""``cityhall-bms demo``: the simulated city hall and the service, from nothing to an address; nothing left after."""

import asyncio
import json
import math
import re
import signal
import socket
import sys
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from rich.console import Console

from cityhall_bms import bootstrap, first_account, site_reading
from cityhall_bms.adapters.embedded.child import Child, ChildPlan, StopStep, start_child
from cityhall_bms.domain.errors import CityHallError
from cityhall_bms.ports.clock import Clock
from cityhall_bms.settings import load_settings
from cityhall_bms.supervisor import Job, claimed, running, until_stopped

SIMULATED_SITES: Final = ("full", "small")
FAULT_LASTS_S: Final = 60.0
FAULT_PATTERN: Final = re.compile(r"(?P<name>[a-z0-9_]+)@(?P<at>\d+(\.\d+)?)(\+(?P<lasts>\d+(\.\d+)?))?")
PORTS_TRIED: Final = 50
SIMULATOR_READY_WITHIN_S: Final = 120.0
"""The whole building takes ten seconds alone, and several times that on a busy machine."""
PATIENT: Final = {"idle_minutes": 1_440.0, "session_hours": 168.0}
"""The link that let somebody in is used up: a break must not cost the demo."""
POLL_S: Final = 0.1
REQUEST_TIMEOUT_S: Final = 5.0

console = Console(stderr=True)


class DemoError(CityHallError):
    """The demo cannot run like this; the text says what to do."""


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """A fault to switch on ``at`` seconds after the dashboard is there, for ``lasts`` seconds."""

    name: str
    at_s: float
    lasts_s: float

    @classmethod
    def of(cls, text: str) -> Self:
        """Read ``NAME@SECONDS`` or ``NAME@SECONDS+DURATION``."""
        found = FAULT_PATTERN.fullmatch(text)
        if found is None:
            msg = f"--fault {text}: write NAME@SECONDS or NAME@SECONDS+DURATION, as in chiller_trip@20+30"
            raise DemoError(msg)
        return cls(found["name"], float(found["at"]), float(found["lasts"] or FAULT_LASTS_S))


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for. ``folder`` is somebody's own site; without it a simulated one."""

    simulated: str
    folder: Path | None
    seconds: float | None
    port: int
    data_dir: Path
    faults: tuple[PlannedFault, ...]
    scenario: str | None

    @classmethod
    def of(
        cls,
        site: str,
        seconds: float | None,
        port: int,
        data_dir: Path,
        faults: Sequence[str],
        scenario: str | None = None,
    ) -> Self:
        """Check the options; :class:`DemoError` says what is wrong with them."""
        folder = None if site in SIMULATED_SITES else Path(site)
        if folder is not None and not (folder / "site.toml").is_file():
            msg = f"--site {site}: take {' or '.join(SIMULATED_SITES)}, or a folder with a site.toml"
            raise DemoError(msg)
        if folder is not None and (faults or scenario):
            msg = "--fault and --scenario work with the simulated city hall only: leave --site out"
            raise DemoError(msg)
        return cls(site, folder, seconds, port, data_dir, tuple(PlannedFault.of(text) for text in faults), scenario)


async def run(options: Options, clock: Clock) -> None:
    """Run until the time is over, SIGTERM or Ctrl-C."""
    await until_stopped(_run(options, clock))
    _say("已結束，沒有留下任何程序 / stopped, nothing left running")


async def _run(options: Options, clock: Clock) -> None:
    # The simulators write the site folder anew: another demo may be working with it.
    with claimed(options.data_dir, "demo.lock"):
        await _run_alone(options, clock)


async def _run_alone(options: Options, clock: Clock) -> None:
    port = free_port(options.port)
    if port != options.port:
        _say(f"埠 {options.port} 已被使用，改用 {port} / port {options.port} is taken, using {port}")
    settings = load_settings(data_dir=options.data_dir, api={"port": port}, access=PATIENT)
    async with _site(options, clock) as (folder, control):
        _say("啟動資料庫與服務 / starting the database and the service")
        job = Job(folder, settings, bootstrap.ROLES, options.data_dir / "service.log")
        async with running(job, clock) as service:
            links = await first_account.demo_invitations(site_reading.read_site(folder), service.settings, clock)
            _say_ready(service.address, links, options)
            async with asyncio.TaskGroup() as tasks:
                others = [tasks.create_task(_fault(control, fault, clock)) for fault in options.faults]
                await clock.sleep(math.inf if options.seconds is None else options.seconds)
                for task in others:
                    task.cancel()


def free_port(wanted: int) -> int:
    """Give the first free loopback port from ``wanted`` on; :class:`DemoError` if there is none."""
    for port in range(wanted, min(wanted + PORTS_TRIED, 65_536)):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            chosen: int = probe.getsockname()[1]
            return chosen
    msg = f"no free port from {wanted} on; choose another with --port"
    raise DemoError(msg)


@asynccontextmanager
async def _site(options: Options, clock: Clock) -> AsyncIterator[tuple[Path, str]]:
    """Give the site folder and the simulator's control address (empty for somebody's own site)."""
    if options.folder is not None:
        yield options.folder, ""
        return
    _say("啟動模擬市政大樓 / starting the simulated city hall")
    folder, log = options.data_dir / "site", options.data_dir / "simulator.log"
    log.unlink(missing_ok=True)
    command = (
        sys.executable,
        "-m",
        "cityhall_simulators",
        "run",
        "--site",
        options.simulated,
        "--site-dir",
        str(folder),
        *(() if options.scenario is None else ("--scenario", options.scenario)),
    )
    child = await start_child(ChildPlan(arguments=command, cwd=Path.cwd(), log=log, death_signal=signal.SIGTERM))
    try:
        ready = await _simulator_ready(child, log, clock)
        yield Path(ready["site"]), ready["control"]
    finally:
        await child.stop((StopStep(signal.SIGTERM, 5.0),))


async def _simulator_ready(child: Child, log: Path, clock: Clock) -> dict[str, str]:
    deadline = clock.monotonic() + SIMULATOR_READY_WITHIN_S
    while clock.monotonic() < deadline and child.exit_code is None:
        ready = _announced(log)
        if ready is not None:
            return ready
        await clock.sleep(POLL_S)
    msg = f"the simulators did not start; see {log}"
    raise DemoError(msg)


def _announced(log: Path) -> dict[str, str] | None:
    for line in log.read_text().splitlines():
        if line.startswith('{"ready"'):
            ready: dict[str, str] = json.loads(line)
            return ready
    return None


async def _fault(control: str, fault: PlannedFault, clock: Clock) -> None:
    """Switch a fault on when its time comes, and off again."""
    await clock.sleep(fault.at_s)
    await asyncio.to_thread(_switch, control, fault.name, "PUT")
    _say(f"故障開始 fault on: {fault.name}")
    await clock.sleep(fault.lasts_s)
    await asyncio.to_thread(_switch, control, fault.name, "DELETE")
    _say(f"故障結束 fault off: {fault.name}")


def _switch(control: str, name: str, method: str) -> None:
    request = urllib.request.Request(f"{control}/faults/{name}", method=method)  # noqa: S310 - our own loopback address
    try:
        urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_S).close()  # noqa: S310 - our own loopback address
    except OSError as error:
        msg = f"--fault {name}: the simulator refused ({error}); `cityhall-sim faults` lists the names"
        raise DemoError(msg) from error


def _say(text: str) -> None:
    console.print(f"· {text}", highlight=False)


def _say_ready(address: str, secrets: Sequence[str], options: Options) -> None:
    console.print(f"· 資料 data: {options.data_dir} · 結束 stop: Ctrl-C", highlight=False)
    first, second = (first_account.link(address, secret) for secret in secrets)
    print(f"儀表板 Dashboard: {first}", flush=True)  # noqa: T201 - the line that the command is for
    print(f"第二人 Second person: {second}", flush=True)  # noqa: T201 - for what needs two

"""The whole service under load for benchmarks: simulated devices, servers and the roles as processes, all counted.

The devices answer from a process of their own, which is not counted; everything else is: collector, server room
(historian, rules), NATS and every process of PostgreSQL.
"""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, multiprocess
from tests.support.load_site import write_load_site

from cityhall_bms import bootstrap
from cityhall_bms.adapters.embedded import EmbeddedNats, EmbeddedPostgres
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.settings import METRICS_FOLDER, Settings, child_environment, load_settings

TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
REPOSITORY: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Load:
    """How many devices with how many points each, read how often (s)."""

    devices: int
    points: int
    scan_s: float
    raw_days: int = 7

    @property
    def per_s(self) -> float:
        """Samples a second."""
        return self.devices * self.points / self.scan_s


@dataclass(slots=True)
class Rig:
    """What runs."""

    postgres: EmbeddedPostgres
    nats: EmbeddedNats
    settings: Settings
    site: Path
    folder: Path
    roles: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, name: str, roles: str) -> None:
        """Start roles as a process under a name."""
        command = [sys.executable, "-m", "cityhall_bms", "work", str(self.site), "--roles", roles]
        environment = child_environment(self.settings, **{METRICS_FOLDER: str(self.folder / "metrics")})
        with (self.folder / f"{name}.log").open("ab") as log:
            self.roles[name] = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def end(self, name: str) -> None:
        """Stop a process as a service manager does."""
        process = self.roles.pop(name)
        process.terminate()
        process.wait()

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds so far, user and system, of every process that counts."""
        used = {name: process_cpu_s(process.pid) for name, process in self.roles.items()}
        return used | {"nats": process_cpu_s(self.nats.pid), "postgres": _tree_cpu_s(self.postgres.pid)}

    def figures(self) -> Mapping[str, float]:
        """The service's own figures, gathered over its processes."""
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, str(self.folder / "metrics"))  # type: ignore[no-untyped-call]
        return {sample.name: sample.value for metric in registry.collect() for sample in metric.samples}


@asynccontextmanager
async def load_rig(folder: Path, load: Load, roles: Sequence[tuple[str, str]]) -> AsyncIterator[Rig]:
    """Give everything running, the given (name, roles) as processes; all of it is ended afterwards."""
    clock = SystemClock()
    with ExitStack() as stack:
        port = stack.enter_context(_responder())
        site = write_load_site(folder / "site", load.devices, load.points, load.scan_s, port)
        async with EmbeddedPostgres(folder / "data", clock) as postgres, EmbeddedNats(folder / "data", clock) as nats:
            settings = load_settings(
                data_dir=folder / "data",
                database={"url": postgres.dsn},
                nats={"url": nats.url},
                historian={"raw_days": load.raw_days},
            )
            await bootstrap.prepare(site, settings, clock)
            rig = Rig(postgres, nats, settings, site, folder)
            try:
                for name, which in roles:
                    rig.start(name, which)
                yield rig
            finally:
                for name in list(rig.roles):
                    rig.end(name)


def load_folder(parent: str) -> Path:
    """A folder for all of it; PostgreSQL, which runs under another account when we are root, may enter."""
    folder = Path(parent)
    folder.chmod(0o755)
    (folder / "metrics").mkdir()
    return folder


@contextmanager
def _responder() -> Iterator[int]:
    """A process of devices; gives their port."""
    command = [sys.executable, "-m", "tests.support.quick_modbus"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as responder:
        assert responder.stdin is not None
        assert responder.stdout is not None
        try:
            yield int(responder.stdout.readline())
        finally:
            responder.stdin.close()


def process_cpu_s(pid: int) -> float:
    """User and system seconds of a process and of its children that ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(ticks) for ticks in fields[11:15]) / TICKS_PER_S


def _tree_cpu_s(pid: int) -> float:
    """The same of a process and all that it started."""
    children = [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/stat") if _parent(path) == pid]
    return process_cpu_s(pid) + sum(process_cpu_s(child) for child in children)


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0

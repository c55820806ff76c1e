"""Load, telemetry log, database and two historians as processes, to be killed and paused; and the counting of it all."""

import asyncio
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from tests.support.load_process import POINTS, SITE, STORE_BYTES
from tests.support.nats_server import NatsServer, nats_server
from tests.support.sites import write_site

from cityhall_bms import bootstrap
from cityhall_bms.adapters.embedded import EmbeddedPostgres
from cityhall_bms.adapters.nats.telemetry_log import JetStreamTelemetryLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import TelemetryLogUnavailableError
from cityhall_bms.settings import Settings, child_environment, load_settings

DATABASE_SETTINGS = "autovacuum = off\n"
"""So that rows stand in the table in the order in which they were stored."""
PATIENCE_S = 200.0
REPOSITORY = Path(__file__).parents[2]
Scan = tuple[int, int]
"""Number and time (µs) of one scan of the load."""


@dataclass
class FaultRig:
    """Everything, and how to hurt it."""

    folder: Path
    postgres: EmbeddedPostgres
    nats: NatsServer
    settings: Settings
    historians: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    lives: int = 0
    """How often a load was started."""
    loads: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)

    def start_historian(self) -> None:
        command = ["-m", "cityhall_bms", "work", str(self.folder / "site"), "--roles", "historian"]
        self.historians.append(self._start(command, "historian"))

    async def all_started(self) -> None:
        """Wait until every historian works or stands by."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                text = (self.folder / "historian.log").read_text()
                if all(f':{process.pid}"' in text for process in self.historians):
                    return
                await asyncio.sleep(0.1)

    def start_load(self, source: str) -> None:
        self.lives += 1
        command = ["-m", "tests.support.load_process", self.nats.url, str(self.folder / f"{source}.acks"), source]
        self.loads[source] = self._start(command, "load")

    def _start(self, command: Sequence[str], name: str) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *command], env=child_environment(self.settings), stdout=log, stderr=log, cwd=REPOSITORY
            )

    def acknowledged(self) -> Counter[Scan]:
        """Every scan that the log has confirmed, of all loads."""
        found: Counter[Scan] = Counter()
        for file in self.folder.glob("*.acks"):
            whole = file.read_text().rpartition("\n")[0]
            found.update((int(n), int(at)) for _, n, at in (line.split() for line in whole.splitlines()))
        return found

    async def more_acknowledged(self, scans: int = 60) -> None:
        """Wait until the log has confirmed so many more."""
        wanted = self.acknowledged().total() + scans
        async with asyncio.timeout(PATIENCE_S):
            while self.acknowledged().total() < wanted:  # noqa: ASYNC110 - other processes do the work
                await asyncio.sleep(0.05)

    async def log_is_quiet(self) -> None:
        """Wait until the log has taken all that was on its way."""
        end, since = -1, 0
        async with asyncio.timeout(PATIENCE_S):
            while since < 10:
                before, end = end, await self._end()
                since = since + 1 if end == before else 0
                await asyncio.sleep(0.1)

    async def _end(self) -> int:
        while True:
            try:
                async with await JetStreamTelemetryLog.connect(self.nats.url, SITE, SystemClock(), STORE_BYTES) as log:
                    return await log.end()
            except TelemetryLogUnavailableError:
                await asyncio.sleep(0.1)

    async def stored(self) -> list[tuple[Scan, int, str]]:
        """Every scan in the database as (scan, samples, partition), in the order in which it was written."""
        connection = await asyncpg.connect(self.postgres.dsn)
        try:
            rows = await connection.fetch(
                'SELECT ("values"[1])::bigint, (extract(epoch FROM observed_at) * 1000000)::bigint, '
                'cardinality("values"), tableoid::regclass::text FROM scan ORDER BY tableoid, ctid'
            )
        finally:
            await connection.close()
        return [((number, at), samples, table) for number, at, samples, table in rows]

    async def check(self) -> str:
        """Everything acknowledged so far is stored exactly once and whole; gives the counts."""
        acknowledged, deadline = self.acknowledged(), SystemClock().monotonic() + PATIENCE_S
        while True:
            rows = await self.stored()
            stored = Counter(scan for scan, _, _ in rows)
            missing = acknowledged - stored
            if not missing:
                break
            assert SystemClock().monotonic() < deadline, f"{missing.total()} are lost: {sorted(missing)[:3]} ..."
            await asyncio.sleep(0.2)
        doubled = {scan for scan, times in stored.items() if times > 1}
        assert not doubled, f"{len(doubled)} scans are stored twice, {sorted(doubled)[:3]} ..."
        assert {samples for _, samples, _ in rows} <= {POINTS}
        return f"{acknowledged.total() * POINTS:,} samples acknowledged, all stored once"

    async def active_historian(self) -> "subprocess.Popen[bytes]":
        """The process that holds the lease."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                connection = await asyncpg.connect(self.postgres.dsn)
                holder = await connection.fetchval("SELECT holder FROM lease WHERE name = 'historian'")
                await connection.close()
                for process in self.historians:
                    if holder and holder.endswith(f":{process.pid}") and process.poll() is None:
                        return process
                await asyncio.sleep(0.1)

    async def takeovers(self) -> int:
        connection = await asyncpg.connect(self.postgres.dsn)
        try:
            count: int = await connection.fetchval("SELECT count(*) FROM event WHERE type = 'LeaseTaken'")
        finally:
            await connection.close()
        return count

    def end(self) -> None:
        for process in (*self.loads.values(), *self.historians):
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


@asynccontextmanager
async def fault_rig(folder: Path) -> AsyncIterator[FaultRig]:
    """Everything running under load; gone afterwards."""
    folder.chmod(0o755)  # noqa: ASYNC240 - nothing else runs yet
    clock = SystemClock()
    write_site(folder / "site")
    profile = folder / "site" / "profiles" / "chiller.toml"
    profile.write_text(profile.read_text().replace("input:{equipment}", "input:110"))
    (folder / "nats").mkdir()
    postgres = EmbeddedPostgres(folder / "data", clock, settings=DATABASE_SETTINGS)
    async with postgres, nats_server(folder / "nats") as nats:
        settings = load_settings(
            data_dir=folder / "data",
            database={"url": postgres.dsn},
            nats={"url": nats.url, "store_bytes_max": STORE_BYTES},
        )
        await bootstrap.prepare(folder / "site", settings, clock)
        rig = FaultRig(folder, postgres, nats, settings)
        try:
            rig.start_load("load")
            rig.start_historian()
            rig.start_historian()
            await rig.more_acknowledged()
            await rig.all_started()
            yield rig
        finally:
            rig.end()


def wipe(nats_folder: Path) -> None:
    """The disk of the log is lost."""
    shutil.rmtree(nats_folder / "jetstream")

"""A process that owns one embedded service, for a test to kill: ``python -m tests.support.service_owner KIND FOLDER``.

Prints one JSON line (address, process id of the service) when clients can work, then watches it until killed.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import account_of, alive
from tests.support.until import until

from cityhall_bms.adapters.embedded import EmbeddedNats, EmbeddedPostgres
from cityhall_bms.adapters.system_clock import SystemClock

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Owner:
    """The running owner, as the test sees it."""

    process: asyncio.subprocess.Process
    address: str
    service_pid: int
    service_uid: int

    async def kill(self) -> None:
        """``kill -9``; returns when the owner itself is gone, its service may still be ending."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


async def own(kind: str, folder: Path) -> None:
    service = EmbeddedPostgres(folder, SystemClock()) if kind == "postgres" else EmbeddedNats(folder, SystemClock())
    async with service:
        address = service.dsn if isinstance(service, EmbeddedPostgres) else service.url
        line = {"address": address, "service_pid": service.pid, "service_uid": account_of(service.pid)}
        sys.stdout.write(f"{json.dumps(line)}\n")
        sys.stdout.flush()
        await service.run()


@asynccontextmanager
async def service_owner(kind: str, folder: Path, *prefix: str) -> AsyncIterator[Owner]:
    """Start an owner (through ``prefix``, for example setpriv); it is killed at the end if the test did not."""
    process = await asyncio.create_subprocess_exec(
        *prefix, sys.executable, "-m", __name__, kind, str(folder), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            owner = Owner(process, **json.loads(await process.stdout.readline()))
        yield owner
        await owner.kill()
        await until(lambda: not alive(owner.service_pid))
    finally:
        if process.returncode is None:
            process.kill()
        # Not communicate(): a service that outlived its owner would hold the pipe, and the test should say so.
        await process.wait()
        process._transport.close()  # type: ignore[attr-defined]


if __name__ == "__main__":
    asyncio.run(own(sys.argv[1], Path(sys.argv[2])))

"""A real nats-server on loopback that a test may kill and start again on the same port and files."""

import asyncio
import json
import shutil
import sys
import sysconfig
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


class NatsServer:
    """One server process; ``kill`` is ``kill -9``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = -1
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"nats://tester:secret@127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Process id while it runs."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        config = self._folder / "nats.conf"
        config.write_text(
            f'listen: "127.0.0.1:{self._port}"\n'
            f'ports_file_dir: "{self._folder}"\n'
            "authorization { user: tester, password: secret }\n"
            f'jetstream {{ store_dir: "{self._folder}/jetstream", sync_interval: always, max_file_store: 1G }}\n'
        )
        with (self._folder / "nats.log").open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                _binary(), "-c", str(config), stdout=output, stderr=output
            )
        ports = self._folder / f"{Path(_binary()).name}_{self._process.pid}.ports"
        async with asyncio.timeout(20):
            while not (ports.exists() and ports.read_text()):  # noqa: ASYNC110 - a file has no event
                await asyncio.sleep(0.02)
            self._port = int(json.loads(ports.read_text())["nats"][0].rpartition(":")[2])
            await self._until_it_accepts()

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._process = None

    async def _until_it_accepts(self) -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                await writer.wait_closed()
                return


@asynccontextmanager
async def nats_server(folder: Path) -> AsyncIterator[NatsServer]:
    server = NatsServer(folder)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


def _binary() -> str:
    beside_python = shutil.which("nats-server", path=f"{Path(sys.executable).parent}:{sysconfig.get_path('scripts')}")
    found = beside_python or shutil.which("nats-server")
    assert found, "nats-server is missing: install the extra 'embedded'"
    return found

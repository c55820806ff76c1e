"""An embedded NATS server with JetStream on loopback, every acknowledged message on disk."""

import asyncio
import json
import secrets
import shutil
import signal
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final

from cityhall_bms.adapters.embedded.accounts import write_private
from cityhall_bms.adapters.embedded.child import StopStep
from cityhall_bms.adapters.embedded.errors import EmbeddedServiceError
from cityhall_bms.adapters.embedded.service import EmbeddedService
from cityhall_bms.ports.clock import Clock

USER: Final = "cityhall"
STORE_BYTES_MAX: Final = 8 * 2**30
LOG_TAIL_BYTES: Final = 2**20
STARTED: Final = b"Starting nats-server"
FULL: Final = b"no space left on device"
"""Words of the server's log."""
ANSWER_PATIENCE_S: Final = 2.0
RECOVERY_PATIENCE_S: Final = 300.0
"""After a kill JetStream reads its files first."""

CONFIG: Final = """\
# Written at every start.
server_name: "cityhall"
listen: "127.0.0.1:{port}"
ports_file_dir: "{folder}"
authorization {{ user: "{user}", password: "{password}" }}
# A batch of 50,000 points is 1.1 MB.
max_payload: 4MB
jetstream {{
  store_dir: "{folder}/store"
  max_memory_store: 64MB
  max_file_store: {store_bytes_max}
  # The default flushes every two minutes and loses acknowledged messages at a power cut.
  sync_interval: always
}}
"""


class EmbeddedNats(EmbeddedService):
    """A NATS server in ``data_dir/nats``.

    Its port is chosen by the system at the first start and kept while this object lives, as are user and password:
    clients reconnect by themselves after a restart.
    """

    name: ClassVar[str] = "nats"
    stop_steps: ClassVar[tuple[StopStep, ...]] = (StopStep(signal.SIGTERM, 20.0),)

    def __init__(self, data_dir: Path, clock: Clock, store_bytes_max: int = STORE_BYTES_MAX) -> None:
        super().__init__(data_dir, clock)
        self._store_bytes_max = store_bytes_max
        self._password = secrets.token_urlsafe(32)
        self._port = -1
        self._was_full = False

    @property
    def url(self) -> str:
        """Address with user and password; known once started."""
        return f"nats://{USER}:{self._password}@127.0.0.1:{self._port}"

    @property
    def _start_patience_s(self) -> float:
        return RECOVERY_PATIENCE_S

    @property
    def _config(self) -> Path:
        return self.folder / "nats.conf"

    def _command(self) -> tuple[str, ...]:
        return (str(nats_server()), "-c", str(self._config))

    async def _prepare(self, lock: int) -> None:  # noqa: ARG002 - only PostgreSQL has a helper to start
        self._forget_ports()
        self._was_full = False
        text = CONFIG.format(
            port=self._port,
            folder=str(self.folder).replace("\\", "\\\\").replace('"', '\\"'),
            user=USER,
            password=self._password,
            store_bytes_max=self._store_bytes_max,
        )
        write_private(self._config, text, self._account)

    async def _is_ready(self) -> bool:
        if self._port < 0:
            self._port = self._announced_port()
        if self._port < 0:
            return False
        try:
            async with asyncio.timeout(ANSWER_PATIENCE_S):
                return await _answers(self._port, self._password)
        except (OSError, TimeoutError, ValueError):
            return False

    def _is_stuck(self) -> bool:
        """A stream that met a full disk takes nothing any more, also when there is room, until the next start."""
        self._was_full = self._was_full or not self.has_room()
        return self._was_full or self._log_tells_of_a_full_disk()

    def _log_tells_of_a_full_disk(self) -> bool:
        try:
            with self.log_file.open("rb") as written:
                written.seek(max(self.log_file.stat().st_size - LOG_TAIL_BYTES, 0))
                tail = written.read()
        except OSError:
            return False
        return FULL in tail[max(tail.rfind(STARTED), 0) :]

    def _announced_port(self) -> int:
        """Read the port from the file that the server writes when it listens; -1 = not yet."""
        try:
            ports = json.loads((self.folder / f"{nats_server().name}_{self.pid}.ports").read_text())
            return int(ports["nats"][0].rpartition(":")[2])
        except (OSError, ValueError, LookupError):
            return -1

    def _forget_ports(self) -> None:
        for file in self.folder.glob("*.ports"):
            file.unlink(missing_ok=True)

    def _clean_up(self) -> None:
        with suppress(OSError):
            self._forget_ports()
            self._config.unlink(missing_ok=True)  # the password is of no more use


async def _answers(port: int, password: str) -> bool:
    """Log in as a client would, and see whether JetStream is on."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        info = json.loads((await reader.readline()).removeprefix(b"INFO "))
        login = json.dumps({"user": USER, "pass": password, "verbose": False, "pedantic": False})
        writer.write(f"CONNECT {login}\r\nPING\r\n".encode())
        answer = await reader.readline()
        return bool(info.get("jetstream")) and answer.strip() == b"PONG"
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def nats_server() -> Path:
    """Return the server's program; :class:`EmbeddedServiceError` if the wheel is not installed."""
    places = f"{Path(sys.executable).parent}:{sysconfig.get_path('scripts')}"
    found = shutil.which("nats-server", path=places) or shutil.which("nats-server")
    if found is None:
        msg = "nats-server is missing: install cityhall-bms[embedded], or set nats.url"
        raise EmbeddedServiceError(msg)
    return Path(found).resolve()

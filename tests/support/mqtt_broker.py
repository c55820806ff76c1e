"""A real MQTT 3.1.1 broker on loopback (the NATS server that we ship), killed and started again on one port."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiomqtt
from tests.support.nats_server import _binary
from tests.support.opcua_server import free_port

from cityhall_bms.domain.site import Device, Encoding, Point, PointKind, Text

USER, PASSWORD = "bms", "correct horse"


class MqttBroker:
    """One server process; ``kill`` is ``kill -9``. With ``certificate`` and ``key`` (files) it speaks TLS only."""

    def __init__(self, folder: Path, certificate: Path | None = None, key: Path | None = None) -> None:
        self.port = free_port()
        self._folder = folder
        self._tls = f'tls {{ cert_file: "{certificate}", key_file: "{key}" }}' if certificate else ""
        self._ca = certificate
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        config = self._folder / "broker.conf"
        config.write_text(
            f'server_name: broker\nlisten: "127.0.0.1:-1"\nports_file_dir: "{self._folder}"\n'
            f'authorization {{ user: "{USER}", password: "{PASSWORD}" }}\n'
            f'jetstream {{ store_dir: "{self._folder}/jetstream", max_file_store: 256M, max_memory_store: 16M }}\n'
            f'mqtt {{ host: "127.0.0.1", port: {self.port}, {self._tls} }}\n'
        )
        with (self._folder / "broker.log").open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                _binary(), "-c", str(config), stdout=output, stderr=output
            )
        async with asyncio.timeout(20):
            while not await self._accepts():  # noqa: ASYNC110 - a process has no event
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._process = None

    def client(self, will: aiomqtt.Will | None = None) -> aiomqtt.Client:
        """A client of the broker's own user, to publish with."""
        context = ssl.create_default_context(cafile=str(self._ca)) if self._ca else None
        return aiomqtt.Client(
            "127.0.0.1", self.port, username=USER, password=PASSWORD, will=will, tls_context=context, timeout=5.0
        )

    async def publish(self, topic: str, payload: bytes | str, *, retain: bool = False) -> None:
        async with self.client() as client:
            await client.publish(topic, payload, qos=1, retain=retain)

    async def _accepts(self) -> bool:
        """Whether clients are served: the listener alone opens before the sessions' store is ready."""
        with suppress(aiomqtt.MqttError, OSError):
            async with self.client():
                return True
        return False


@asynccontextmanager
async def mqtt_broker(
    folder: Path, certificate: Path | None = None, key: Path | None = None
) -> AsyncIterator[MqttBroker]:
    broker = MqttBroker(folder, certificate, key)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.kill()


def mqtt_device(port: int, folder: Path | str = "", timeout_s: float = 2.0, **settings: object) -> Device:
    return Device(
        "meter",
        Text("電表", "Meter"),
        "mqtt",
        {"host": "127.0.0.1", "port": port, **settings},
        timeout_s=timeout_s,
        folder=str(folder),
    )


def account(folder: Path, password: str = PASSWORD) -> dict[str, object]:
    """Settings of a device that logs in; writes its password file."""
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    (secrets / "broker.txt").write_text(f"{password}\n")
    (secrets / "broker.txt").chmod(0o600)
    return {"user": USER, "password_file": "secrets/broker.txt", "password_in_clear": True}


def mqtt_point(address: str, role: str = "kW", scan_s: float = 1.0, **encoding: Any) -> Point:
    return Point(
        name=f"TCH.01.E.EM01.{role}",
        text=Text("點", "Point"),
        equipment="TCH.01.E.EM01",
        role=role,
        kind=PointKind.AI,
        unit="",
        device="meter",
        address=address,
        encoding=Encoding(**encoding),
        low=None,
        high=None,
        scan_s=scan_s,
    )

"""A real OPC UA server on loopback, and the device files that describe it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asyncua import Server, ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.user_managers import UserManager
from cryptography.hazmat.primitives.serialization import Encoding

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.site import Device, Point, PointKind, Text
from cityhall_bms.domain.site import Encoding as PointEncoding
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.opcua.certificates import client_identity

PASSWORD = "correct horse"


class OneUser(UserManager):
    def get_user(
        self, iserver: Any, username: str | None = None, password: str | None = None, certificate: Any = None
    ) -> User | None:
        return User(role=UserRole.User) if (username, password) == ("bms", PASSWORD) else None


@dataclass
class Plant:
    """The server's variables, by name: ``ns=2;s=NAME``."""

    server: Server
    url: str
    identity: Path | None = None
    trusts: Path | None = None
    """The only client certificate that is accepted; any while it is none."""

    async def check_client(self, certificate: Any, _description: Any) -> None:
        if self.trusts is None:
            return
        if not self.trusts.exists() or certificate.public_bytes(Encoding.DER) != self.trusts.read_bytes():
            raise ServiceError(ua.StatusCodes.BadCertificateUntrusted)

    async def set(self, name: str, value: object, status: int = 0, at: datetime | None = None) -> None:
        variant = ua.Variant(value) if value is not None else ua.Variant(None, ua.VariantType.Null)
        await self.server.write_attribute_value(
            ua.NodeId.from_string(f"ns=2;s={name}"),
            data_value(variant, status, at or datetime.now(UTC)),
        )


def data_value(variant: ua.Variant, status: int, at: datetime) -> ua.DataValue:
    value = ua.DataValue(variant, SourceTimestamp=at, ServerTimestamp=at)
    value.StatusCode = ua.StatusCode(status)
    return value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def opcua_server(
    values: dict[str, object],
    *,
    port: int = 0,
    identity: Path | None = None,
    user: bool = False,
) -> AsyncIterator[Plant]:
    """Serve variables; with ``identity`` (a folder that holds a key) encrypted, else anonymous and open."""
    server = Server(user_manager=OneUser() if user else None)
    await server.init()
    url = f"opc.tcp://127.0.0.1:{port or free_port()}/"
    server.set_endpoint(url)
    if identity is None:
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    else:
        mine = client_identity(identity, "server", int(datetime.now(UTC).timestamp() * 1e6))
        await server.set_application_uri(mine.application_uri)
        server.set_security_policy(
            [
                ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
                ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
            ]
        )
        (identity / "server.der").write_bytes(mine.certificate)
        (identity / "server.pem").write_bytes(mine.key)
        await server.load_certificate(identity / "server.der")
        await server.load_private_key(identity / "server.pem")
        if user:
            server.set_identity_tokens([ua.UserNameIdentityToken])
    plant = Plant(server, url, identity)
    server.set_certificate_validator(plant.check_client)
    assert await server.register_namespace("urn:test:plant") == 2
    for name, value in values.items():
        await server.nodes.objects.add_variable(ua.NodeId(name, 2), name, value)
    async with server:
        yield plant


def opcua_device(url: str, folder: Path | str = "", timeout_s: float = 2.0, **settings: object) -> Device:
    return Device(
        "lifts", Text("電梯", "Lifts"), "opcua", {"url": url, **settings}, timeout_s=timeout_s, folder=str(folder)
    )


def secured(folder: Path, plant: Plant, password: str = PASSWORD) -> dict[str, object]:
    """Settings of a device that trusts the server's certificate and logs in; writes its files."""
    assert plant.identity is not None
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    (secrets / "server.der").write_bytes((plant.identity / "server.der").read_bytes())
    (secrets / "password.txt").write_text(f"{password}\n")
    (secrets / "password.txt").chmod(0o600)
    return {
        "security": "Aes256_Sha256_RsaPss",
        "user": "bms",
        "password_file": "secrets/password.txt",
        "server_certificate": "secrets/server.der",
    }


def opcua_point(name: str, *, address: str = "", scale: float = 1.0, offset: float = 0.0, type_: str = "") -> Point:
    return Point(
        name=f"TCH.01.N.ELV01.{name}",
        text=Text("點", "Point"),
        equipment="TCH.01.N.ELV01",
        role=name,
        kind=PointKind.AI,
        unit="",
        device="lifts",
        address=address or f"ns=2;s={name}",
        encoding=PointEncoding(type=type_, scale=scale, offset=offset),
        low=None,
        high=None,
        scan_s=0.1,
    )


def bound(points: Sequence[Point]) -> list[BoundPoint]:
    return [BoundPoint(number, point) for number, point in enumerate(points, 7)]


@dataclass
class Heard:
    """A sink that keeps what was pushed, by point id: (value, quality, µs)."""

    readings: list[Readings] = field(default_factory=list)

    def __call__(self, readings: Readings) -> None:
        self.readings.append(readings)

    def of(self, point_id: int) -> list[tuple[float, int, int]]:
        return [
            (float(value), int(quality), int(at))
            for one in self.readings
            for point, value, quality, at in zip(one.point, one.value, one.quality, one.observed_at, strict=True)
            if point == point_id
        ]


@contextlib.asynccontextmanager
async def listening(
    handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """A TCP listener on loopback; gives its port, and leaves no connection behind."""
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await handler(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        if running:
            await asyncio.wait(running, timeout=5.0)
        await listener.wait_closed()


class MutedLine:
    """A TCP relay that can fall silent without closing, or hang up."""

    def __init__(self, url: str) -> None:
        self.url = ""
        self.muted = False
        self._target_port = int(url.strip("/").rpartition(":")[2])
        self._writers: list[asyncio.StreamWriter] = []

    @contextlib.asynccontextmanager
    async def __call__(self) -> AsyncIterator["MutedLine"]:
        async with listening(self._relay) as port:
            self.url = f"opc.tcp://127.0.0.1:{port}/"
            yield self
            self.hang_up()

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        self._writers += [writer, upstream_writer]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._pump(reader, upstream_writer))
            tasks.create_task(self._pump(upstream_reader, writer))
        with contextlib.suppress(OSError):
            await upstream_writer.wait_closed()

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                if not self.muted:
                    target.write(data)
                    await target.drain()
        target.close()

"""The library's OPC UA server behind a line that can be mute or slow. The library offers no door to its connections."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from asyncua import Server
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server import binary_server_asyncio

from cityhall_simulators.secrets_folder import ServerSecrets

SLOW_S: Final = 3.0
"""How late a server answers that has become slow."""


@dataclass(frozen=True, slots=True)
class Line:
    """How a server's lines are just now."""

    is_mute: Callable[[], bool]
    is_slow: Callable[[], bool]


class OneUser:
    """The library's user manager: it knows one user."""

    def __init__(self, secrets: ServerSecrets) -> None:
        self._secrets = secrets

    def get_user(
        self,
        iserver: Any,  # noqa: ANN401, ARG002
        username: str | None = None,
        password: str | None = None,
        certificate: Any = None,  # noqa: ANN401, ARG002
    ) -> User | None:
        """The user of these credentials, None when they are wrong."""
        if username == self._secrets.user and password == self._secrets.password:
            return User(role=UserRole.User, name=username)
        return None


class _Gate:
    """A transport that swallows what a mute server would not have said, and keeps back what a slow one says."""

    def __init__(self, transport: Any, line: Line) -> None:  # noqa: ANN401
        self._transport = transport
        self._line = line
        self._late: deque[bytes] = deque()

    def write(self, data: bytes) -> None:
        if self._line.is_mute():
            return
        # What is late is never overtaken: a client ends a stream whose numbers are out of order.
        if self._late or self._line.is_slow():
            self._late.append(bytes(data))
            asyncio.get_running_loop().call_later(SLOW_S, self._release)
        else:
            self._transport.write(data)

    def _release(self) -> None:
        data = self._late.popleft()
        if not self._transport.is_closing():
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._transport, name)


class _Protocol(binary_server_asyncio.OPCUAProtocol):
    """A connection that hears nothing and says nothing while its server is mute."""

    line: Line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(_Gate(transport, self.line))

    def data_received(self, data: bytes) -> None:
        if not self.line.is_mute():
            super().data_received(data)


class _Listener(binary_server_asyncio.BinaryServer):
    line: Line

    def _make_protocol(self) -> _Protocol:
        made = _Protocol(self.iserver, self._policies, self.clients, self.closing_tasks, self.limits)
        made.line = self.line
        return made


class GatedServer(Server):
    """The library's server, listening through such lines."""

    def __init__(self, line: Line, **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self._line = line

    async def start(self) -> None:
        """Listen; :class:`OSError` when the port is taken."""
        await self._setup_server_nodes()
        await self.iserver.start()
        self.bserver = _Listener(self.iserver, *self._get_bind_socket_info(), self.limits)
        self.bserver.line = self._line
        self.bserver.set_policies(self._policies)
        await self.bserver.start()

    def hang_up(self) -> None:
        """Drop every connection."""
        for connection in list(self.bserver.clients):
            connection.transport.abort()

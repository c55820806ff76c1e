"""OPC UA servers: every point a variable under its equipment, pushed when it changes."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from asyncua import Server, ua
from asyncua.common.callback import CallbackType
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server import binary_server_asyncio
from numpy.typing import NDArray

from cityhall_simulators.addresses import opcua_node
from cityhall_simulators.description import Device, Point
from cityhall_simulators.runtime import City
from cityhall_simulators.secrets_folder import APPLICATION_URI, ServerSecrets

_NAMESPACE = "urn:cityhall:simulator"
_TYPES: Final = {"AI": ua.VariantType.Double, "AO": ua.VariantType.Double, "SP": ua.VariantType.Double,
                 "CI": ua.VariantType.Double, "DI": ua.VariantType.Boolean, "DO": ua.VariantType.Boolean,
                 "MI": ua.VariantType.Int32, "MO": ua.VariantType.Int32}  # fmt: skip
_POLICIES: Final = {
    "none": ua.SecurityPolicyType.NoSecurity,
    "Aes128_Sha256_RsaOaep": ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
    "Aes256_Sha256_RsaPss": ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
}

# The library reports every connection at INFO, and formats whole messages to do so.
logging.getLogger("asyncua").setLevel(logging.ERROR)


class _Users:
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
    """A transport that swallows what a mute server would not have said."""

    def __init__(self, transport: Any, face: "OpcUaFace") -> None:  # noqa: ANN401
        self._transport = transport
        self._face = face

    def write(self, data: bytes) -> None:
        if not self._face.silent:
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._transport, name)


class _Protocol(binary_server_asyncio.OPCUAProtocol):
    """A connection that hears nothing and says nothing while its face is silent."""

    face: "OpcUaFace"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(_Gate(transport, self.face))

    def data_received(self, data: bytes) -> None:
        if not self.face.silent:
            super().data_received(data)


class _Listener(binary_server_asyncio.BinaryServer):
    face: "OpcUaFace"

    def _make_protocol(self) -> _Protocol:
        made = _Protocol(self.iserver, self._policies, self.clients, self.closing_tasks, self.limits)
        made.face = self.face
        return made


class _Server(Server):
    """The library's server, listening through a face. It offers no other door to its connections."""

    def __init__(self, face: "OpcUaFace", **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self._face = face

    async def start(self) -> None:
        await self._setup_server_nodes()
        await self.iserver.start()
        self.bserver = _Listener(self.iserver, *self._get_bind_socket_info(), self.limits)
        self.bserver.face = self._face
        self.bserver.set_policies(self._policies)
        await self.bserver.start()


class OpcUaFace:
    """One server."""

    def __init__(self, device: Device, city: City, secrets: ServerSecrets | None) -> None:
        self._device = device
        self._city = city
        self._secrets = secrets
        self._server: _Server | None = None
        self._points: dict[ua.NodeId, Point] = {}
        self._pushed: NDArray[np.float64] = np.full(len(device.points), np.inf)
        self._first = device.points[0].index
        self._was_silent = False

    @property
    def silent(self) -> bool:
        """Whether the server is mute just now."""
        return self._city.has_fault("device_silent", self._device.name)

    async def start(self, host: str, port: int) -> None:
        """Build the address space and listen; :class:`OSError` when the port is taken."""
        server = _Server(self, user_manager=_Users(self._secrets) if self._secrets else None)
        await server.init()
        server.set_endpoint(f"opc.tcp://{host}:{port}/")
        server.set_server_name(self._device.text.en)
        server.set_security_policy([_POLICIES[self._device.security]])
        if self._secrets is None:
            server.set_identity_tokens([ua.AnonymousIdentityToken])
        else:
            server.set_identity_tokens([ua.UserNameIdentityToken])
            await server.set_application_uri(APPLICATION_URI)
            await server.load_certificate(self._secrets.certificate_der, "der")
            await server.load_private_key(self._secrets.key_der, format="der")
        await self._build(server)
        server.subscribe_server_callback(CallbackType.PostWrite, self._written)
        self._server = server
        await self._push()
        await server.start()

    async def _build(self, server: Server) -> None:
        namespace = await server.register_namespace(_NAMESPACE)
        for equipment in self._device.equipment:
            node = await server.nodes.objects.add_object(f"ns={namespace};s={equipment.name}", equipment.name)
            for point in (p for p in self._device.points if p.equipment is equipment):
                kind = _TYPES[point.role.kind]
                first = False if kind is ua.VariantType.Boolean else 0
                node_id = opcua_node(point)
                variable = await node.add_variable(node_id, f"{namespace}:{point.role.role}", first, varianttype=kind)
                if point.writable:
                    await variable.set_writable()
                self._points[variable.nodeid] = point

    async def stop(self) -> None:
        """Close the server and every connection."""
        if self._server is not None:
            await self._server.stop()

    async def refresh(self) -> None:
        """Push what has changed; a server that was mute drops the connections that it left hanging."""
        if self.silent:
            self._was_silent = True
            return
        if self._was_silent and self._server is not None:
            self._was_silent = False
            for connection in list(self._server.bserver.clients):
                connection.transport.abort()
        await self._push()

    async def _push(self) -> None:
        if self._server is None:
            return
        refused = self._city.has_fault("device_refuses", self._device.name)
        now = datetime.now(UTC)
        end = self._first + len(self._pushed)
        shown, bad = self._city.shown[self._first : end], self._city.bad[self._first : end]
        state = np.where(bad, np.nan, shown) if not refused else np.full(len(shown), -np.inf)
        changed = ~((state == self._pushed) | (np.isnan(state) & np.isnan(self._pushed)))
        for (node_id, point), is_new in zip(self._points.items(), changed, strict=True):
            if is_new:
                value = self._value(point, float(shown[point.index - self._first]))
                status = _status(refused=refused, bad=bool(bad[point.index - self._first]))
                data = ua.DataValue(value, StatusCode=ua.StatusCode(status), SourceTimestamp=now, ServerTimestamp=now)
                await self._server.write_attribute_value(node_id, data)
        self._pushed = state

    @staticmethod
    def _value(point: Point, value: float) -> ua.Variant:
        kind = _TYPES[point.role.kind]
        if kind is ua.VariantType.Boolean:
            return ua.Variant(value != 0.0, kind)
        return ua.Variant(int(value) if kind is ua.VariantType.Int32 else value, kind)

    def _written(self, event: Any, _: Any) -> None:  # noqa: ANN401
        """The library's hook after a write: pass accepted values on to the plant."""
        if not event.is_external:
            return
        for item, result in zip(event.request_params.NodesToWrite, event.response_params, strict=True):
            point = self._points.get(item.NodeId)
            if point is None or not result.is_good() or item.AttributeId != ua.AttributeIds.Value:
                continue
            # What the server now holds is the client's value; the next push must show what the plant made of it.
            self._pushed[point.index - self._first] = np.inf
            value = float(item.Value.Value.Value)
            if self._city.accepts(point.index, value):
                self._city.command(point.index, value)


def _status(*, refused: bool, bad: bool) -> int:
    if refused:
        return int(ua.StatusCodes.BadDeviceFailure)
    return int(ua.StatusCodes.BadSensorFailure if bad else ua.StatusCodes.Good)

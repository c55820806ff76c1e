"""OPC UA servers: every point a variable under its equipment, pushed when it changes, with a history of the analog."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import numpy as np
from asyncua import ua
from asyncua.common.callback import CallbackType
from numpy.typing import NDArray

from cityhall_simulators.description import Device, Point
from cityhall_simulators.faces.opcua_connection import GatedServer, Line, OneUser
from cityhall_simulators.faces.opcua_history import History
from cityhall_simulators.faces.opcua_nodes import TYPES, Attributes, build_nodes, is_analog
from cityhall_simulators.runtime import City
from cityhall_simulators.secrets_folder import APPLICATION_URI, ServerSecrets

_POLICIES: Final = {
    "none": ua.SecurityPolicyType.NoSecurity,
    "Aes128_Sha256_RsaOaep": ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
    "Aes256_Sha256_RsaPss": ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
}
_JUMP: Final = timedelta(hours=1)

# The library reports every connection at INFO, and formats whole messages to do so.
logging.getLogger("asyncua").setLevel(logging.ERROR)


class OpcUaFace:
    """One server."""

    def __init__(self, device: Device, city: City, secrets: ServerSecrets | None) -> None:
        self._device = device
        self._city = city
        self._secrets = secrets
        self._server: GatedServer | None = None
        self._history: History | None = None
        self._points: dict[ua.NodeId, Point] = {}
        self._mine = slice(device.points[0].index, device.points[-1].index + 1)
        self._analog = np.array([n for n, point in enumerate(device.points) if is_analog(point)], dtype=np.intp)
        self._pushed: NDArray[np.float64] = np.full(len(device.points), np.inf)
        self._was_silent = False

    def _has_fault(self, name: str) -> bool:
        return self._city.has_fault(name, self._device.name)

    async def start(self, host: str, port: int) -> None:
        """Build the address space and listen; :class:`OSError` when the port is taken."""
        line = Line(partial(self._has_fault, "device_silent"), partial(self._has_fault, "device_slow"))
        server = GatedServer(line, user_manager=OneUser(self._secrets) if self._secrets else None)
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
        self._points = await build_nodes(server, self._device)
        self._keep_history(server)
        server.iserver.attribute_service = Attributes(server.iserver.aspace, self._points, self._city)
        server.subscribe_server_callback(CallbackType.PostWrite, self._written)
        self._server = server
        await self._push()
        await server.start()

    def _keep_history(self, server: GatedServer) -> None:
        analog = (node_id for node_id, point in self._points.items() if is_analog(point))
        self._history = History(server.iserver, {node_id: column for column, node_id in enumerate(analog)})
        server.iserver.history_manager = self._history

    async def stop(self) -> None:
        """Close the server and every connection."""
        if self._server is not None:
            await self._server.stop()

    async def refresh(self) -> None:
        """Push what has changed; a server that was mute drops the connections that it left hanging."""
        self._record()
        if self._has_fault("device_silent"):
            self._was_silent = True
            return
        if self._was_silent and self._server is not None:
            self._was_silent = False
            self._server.hang_up()
        await self._push()

    def _now(self) -> datetime:
        return datetime.now(UTC) + (_JUMP if self._has_fault("clock_jump") else timedelta(0))

    def _record(self) -> None:
        if self._history is not None:
            shown, bad = self._city.shown[self._mine][self._analog], self._city.bad[self._mine][self._analog]
            self._history.record(asyncio.get_running_loop().time(), self._now().timestamp(), shown, bad)

    async def _push(self) -> None:
        if self._server is None:
            return
        refused = self._has_fault("device_refuses")
        now = self._now()
        shown, bad = self._city.shown[self._mine], self._city.bad[self._mine]
        state = np.where(bad, np.nan, shown) if not refused else np.full(len(shown), -np.inf)
        changed = ~((state == self._pushed) | (np.isnan(state) & np.isnan(self._pushed)))
        for place, (node_id, point) in enumerate(self._points.items()):
            if changed[place]:
                value = self._value(point, float(shown[place]))
                status = _status(refused=refused, bad=bool(bad[place]))
                data = ua.DataValue(value, StatusCode=ua.StatusCode(status), SourceTimestamp=now, ServerTimestamp=now)
                await self._server.write_attribute_value(node_id, data)
        self._pushed = state

    @staticmethod
    def _value(point: Point, value: float) -> ua.Variant:
        kind = TYPES[point.role.kind]
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
            self._pushed[point.index - self._mine.start] = np.inf
            value = float(item.Value.Value.Value)
            if self._city.accepts(point.index, value):
                self._city.command(point.index, value)


def _status(*, refused: bool, bad: bool) -> int:
    if refused:
        return int(ua.StatusCodes.BadDeviceFailure)
    return int(ua.StatusCodes.BadSensorFailure if bad else ua.StatusCodes.Good)

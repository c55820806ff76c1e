"""What every service of an OPC UA server needs."""

from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.domain.site import Device
from cityhall_bms.ports.clock import Clock
from cityhall_drivers.opcua.config import OpcUaConfig
from cityhall_drivers.opcua.stack import OpcUaSession


class Service:
    """One server; there is a session while the driver is open."""

    _device: Device
    _config: OpcUaConfig
    _clock: Clock
    _session: OpcUaSession | None

    def trouble(self) -> str | None:
        """Why nothing more will come from the server; none while the session lives."""
        return "not connected" if self._session is None else self._session.trouble()

    def _living(self) -> OpcUaSession:
        """The living session; :class:`DeviceUnreachableError` when it is lost or has fallen silent."""
        if self._session is None:
            msg = "not connected"
            raise DeviceUnreachableError(msg)
        reason = self._session.trouble()
        if reason is not None:
            raise DeviceUnreachableError(reason)
        return self._session

"""The library's BACnet application, with the services that real controllers have and it lacks."""

from typing import Any, Final

from bacpypes3.apdu import (
    AcknowledgeAlarmRequest,
    DeviceCommunicationControlRequest,
    GetEventInformationRequest,
    IAmRequest,
    ReadPropertyMultipleRequest,
    ReadPropertyRequest,
    ReadRangeRequest,
    SimpleAckPDU,
    SubscribeCOVRequest,
    WritePropertyMultipleError,
    WritePropertyMultipleRequest,
    WritePropertyRequest,
    decode_max_apdu_length_accepted,
)
from bacpypes3.app import Application
from bacpypes3.basetypes import ObjectTypesSupported, PropertyIdentifier, ServicesSupported
from bacpypes3.errors import ExecutionError
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.networkport import NetworkPortObject
from bacpypes3.primitivedata import Date, Time

from cityhall_simulators.faces.bacnet_cov import SUBSCRIPTIONS_MAX
from cityhall_simulators.faces.bacnet_events import Events
from cityhall_simulators.faces.bacnet_shared import ReadOnly, Shared, bacnet_time
from cityhall_simulators.faces.bacnet_trends import TrendLog, Trends

APDU_MAX: Final = 1476
_KNOWN_DEVICES_MAX: Final = 256
_LOG_BUFFER: Final = PropertyIdentifier("log-buffer")
_SERVICES: Final = (
    "readProperty", "readPropertyMultiple", "writeProperty", "writePropertyMultiple", "subscribeCOV", "readRange",
    "acknowledgeAlarm", "getEventInformation", "deviceCommunicationControl", "whoIs", "iAm", "whoHas", "iHave",
)  # fmt: skip
_OBJECT_TYPES: Final = (
    "device", "networkPort", "notificationClass", "trendLog", "analogInput", "analogOutput", "analogValue",
    "binaryInput", "binaryOutput", "multiStateInput", "multiStateOutput",
)  # fmt: skip


def _bits(kind: Any, names: tuple[str, ...]) -> Any:  # noqa: ANN401
    made = kind([])
    for name in names:
        made[getattr(kind, name)] = 1
    return made


class Device(ReadOnly, DeviceObject):
    """The device object: its clock, and the services and object types that it really has."""

    _shared: Shared

    async def read_property(self, attr: int | str, index: int | None = None) -> Any:  # noqa: ANN401
        """Clock and abilities are the device's own; everything else as the library keeps it."""
        name = attr if isinstance(attr, str) else self._property_identifier_class(attr).attr
        if name == "localDate":
            return Date(bacnet_time(self._shared.now()).date)
        if name == "localTime":
            return Time(bacnet_time(self._shared.now()).time)
        if name == "protocolServicesSupported":
            return _bits(ServicesSupported, _SERVICES)
        if name == "protocolObjectTypesSupported":
            return _bits(ObjectTypesSupported, _OBJECT_TYPES)
        return await super().read_property(attr, index)


class NetworkPort(ReadOnly, NetworkPortObject):
    """The network port object."""


class Controller(Application):
    """Refuses when the device is to refuse, and every change when it guards lives."""

    shared: Shared
    events: Events
    trends: Trends

    def _check_willing(self) -> None:
        if self.shared.has_fault("device_refuses"):
            raise ExecutionError(errorClass="device", errorCode="operationalProblem")

    def _check_changeable(self) -> None:
        self._check_willing()
        if self.shared.is_life_safety:
            raise ExecutionError(errorClass="services", errorCode="serviceRequestDenied")

    async def do_ReadPropertyRequest(self, apdu: ReadPropertyRequest) -> None:  # noqa: N802 - the library's hook
        """Like the library's, when the device is willing."""
        self._check_willing()
        await super().do_ReadPropertyRequest(apdu)

    async def do_ReadPropertyMultipleRequest(self, apdu: ReadPropertyMultipleRequest) -> None:  # noqa: N802
        """Like the library's, when the device is willing."""
        self._check_willing()
        await super().do_ReadPropertyMultipleRequest(apdu)

    async def do_WritePropertyRequest(self, apdu: WritePropertyRequest) -> None:  # noqa: N802
        """Like the library's, where anything may be written."""
        self._check_willing()
        if self.shared.is_life_safety:
            raise ExecutionError(errorClass="property", errorCode="writeAccessDenied")
        await super().do_WritePropertyRequest(apdu)

    async def do_WritePropertyMultipleRequest(self, apdu: WritePropertyMultipleRequest) -> None:  # noqa: N802
        """Like the library's, which raises its error instead of sending it."""
        self._check_willing()
        try:
            await super().do_WritePropertyMultipleRequest(apdu)
        except WritePropertyMultipleError as error:
            error.set_context(apdu)
            await self.response(error)

    async def do_SubscribeCOVRequest(self, apdu: SubscribeCOVRequest) -> None:  # noqa: N802
        """Like the library's, with a bound and with subscriptions for ever."""
        self._check_willing()
        is_new = apdu.issueConfirmedNotifications is not None
        if is_new and sum(len(d.cov_subscriptions) for d in self._cov_detections.values()) >= SUBSCRIPTIONS_MAX:
            raise ExecutionError(errorClass="resources", errorCode="noSpaceToAddListElement")
        if is_new and apdu.lifetime is None:
            # For ever, by the standard; the library would compare None with a number.
            apdu.lifetime = 0
        await super().do_SubscribeCOVRequest(apdu)

    async def do_DeviceCommunicationControlRequest(self, apdu: DeviceCommunicationControlRequest) -> None:  # noqa: N802
        """Like the library's, but nobody mutes a device that guards lives."""
        self._check_changeable()
        await super().do_DeviceCommunicationControlRequest(apdu)

    async def do_ReadRangeRequest(self, apdu: ReadRangeRequest) -> None:  # noqa: N802
        """Answer from a trend log, as much as fits into one answer that the client takes."""
        self._check_willing()
        log = self.get_object_id(apdu.objectIdentifier)
        if log is None:
            raise ExecutionError(errorClass="object", errorCode="unknownObject")
        if not isinstance(log, TrendLog) or apdu.propertyIdentifier != _LOG_BUFFER:
            raise ExecutionError(errorClass="services", errorCode="propertyIsNotAList")
        room_bytes = min(decode_max_apdu_length_accepted(apdu.apduMaxResp), APDU_MAX)
        await self.response(log.answer(apdu, room_bytes, self.trends.seconds_of))

    async def do_GetEventInformationRequest(self, apdu: GetEventInformationRequest) -> None:  # noqa: N802
        """List what is in alarm or not yet acknowledged."""
        self._check_willing()
        await self.response(self.events.information(apdu))

    async def do_AcknowledgeAlarmRequest(self, apdu: AcknowledgeAlarmRequest) -> None:  # noqa: N802
        """Take note that somebody has seen an alarm."""
        self._check_changeable()
        self.events.acknowledge(apdu)
        await self.response(SimpleAckPDU(context=apdu))

    async def do_IAmRequest(self, apdu: IAmRequest) -> None:  # noqa: N802
        """Remember who said so: a recipient of alarms may be named by its device number."""
        if len(self.device_info_cache.instance_cache) < _KNOWN_DEVICES_MAX:
            await self.device_info_cache.set_device_info(apdu)
        await super().do_IAmRequest(apdu)

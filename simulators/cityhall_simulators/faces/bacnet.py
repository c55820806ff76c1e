"""BACnet/IP devices: objects whose present value is read from the city at the moment of asking."""

import asyncio
from typing import Any, Final

from bacpypes3.apdu import (
    ConfirmedRequestPDU,
    ReadPropertyMultipleRequest,
    ReadPropertyRequest,
    WritePropertyMultipleRequest,
    WritePropertyRequest,
)
from bacpypes3.app import Application
from bacpypes3.basetypes import BinaryPV, PropertyIdentifier, StatusFlags
from bacpypes3.errors import ExecutionError
from bacpypes3.local.analog import AnalogInputObject, AnalogOutputObject, AnalogValueObjectCmd
from bacpypes3.local.binary import BinaryInputObject, BinaryOutputObject
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.multistate import MultiStateInputObject, MultiStateOutputObject
from bacpypes3.local.networkport import NetworkPortObject
from bacpypes3.primitivedata import Real, Unsigned

from cityhall_simulators.addresses import BacnetObject, bacnet_map
from cityhall_simulators.description import Device, Point
from cityhall_simulators.runtime import City

_VENDOR = 999
_READY_WITHIN_S = 5.0
_UNITS: Final = {
    "°C": "degreesCelsius", "%": "percent", "%RH": "percentRelativeHumidity", "ppm": "partsPerMillion",
    "kW": "kilowatts", "kWh": "kilowattHours", "Pa": "pascals", "kPa": "kilopascals", "h": "hours",
    "m³/h": "cubicMetersPerHour", "m³": "cubicMeters", "A": "amperes", "V": "volts", "Hz": "hertz",
}  # fmt: skip
_PRESENT_VALUE = PropertyIdentifier("present-value")
_STATUS_FLAGS = PropertyIdentifier("status-flags")


class _Seen:
    """Part of every object: where its value comes from, and where a command goes."""

    _city: City
    _point: Point
    _shown_as: BacnetObject

    async def read_property(self, attr: int | str, index: int | None = None) -> Any:  # noqa: ANN401
        """Present value and status flags from the city; everything else as the library keeps it."""
        if attr in {_PRESENT_VALUE, "presentValue"}:
            return self._present_value()
        if attr in {_STATUS_FLAGS, "statusFlags"}:
            return StatusFlags([0, int(self._city.bad[self._point.index]), 0, 0])
        return await super().read_property(attr, index)  # type: ignore[misc]

    def _present_value(self) -> Any:  # noqa: ANN401
        value = float(self._city.shown[self._point.index]) - self._shown_as.offset
        if self._shown_as.type.startswith("analog"):
            return Real(value)
        return BinaryPV(int(value)) if self._shown_as.type.startswith("binary") else Unsigned(int(value))

    async def write_property(
        self,
        attr: int | str,
        value: Any,  # noqa: ANN401
        index: int | None = None,
        priority: int | None = None,
    ) -> None:
        """Only the present value of a writable point; the highest priority in force is what the plant gets."""
        if attr not in {_PRESENT_VALUE, "presentValue"} or not self._point.writable:
            raise ExecutionError(errorClass="property", errorCode="writeAccessDenied")
        relinquished = value is None or value.__class__.__name__ == "Null"
        if not relinquished and not self._city.accepts(self._point.index, float(value) + self._shown_as.offset):
            raise ExecutionError(errorClass="property", errorCode="valueOutOfRange")
        await super().write_property(attr, value, index, priority)  # type: ignore[misc]
        self._city.command(self._point.index, self._in_force())

    def _in_force(self) -> float | None:
        for slot in self.priorityArray:  # type: ignore[attr-defined]
            if slot.null is None:
                return float(getattr(slot, slot._choice)) + self._shown_as.offset  # noqa: SLF001 - no public name
        return None


class _AnalogInput(_Seen, AnalogInputObject): ...


class _AnalogOutput(_Seen, AnalogOutputObject): ...


class _AnalogValue(_Seen, AnalogValueObjectCmd): ...


class _BinaryInput(_Seen, BinaryInputObject): ...


class _BinaryOutput(_Seen, BinaryOutputObject): ...


class _MultiStateInput(_Seen, MultiStateInputObject): ...


class _MultiStateOutput(_Seen, MultiStateOutputObject): ...


_CLASS_OF: Final[dict[str, Any]] = {
    "analog-input": _AnalogInput,
    "analog-output": _AnalogOutput,
    "analog-value": _AnalogValue,
    "binary-input": _BinaryInput,
    "binary-output": _BinaryOutput,
    "multi-state-input": _MultiStateInput,
    "multi-state-output": _MultiStateOutput,
}


def _object(point: Point, shown_as: BacnetObject, city: City) -> Any:  # noqa: ANN401
    value = float(city.shown[point.index]) - shown_as.offset
    options: dict[str, Any] = {
        "objectIdentifier": (shown_as.type, shown_as.instance),
        "objectName": point.name,
        "description": f"{point.equipment.text.en} {point.role.text.en}",
        "statusFlags": [0, 0, 0, 0],
        "eventState": "normal",
        "outOfService": False,
    }
    if shown_as.type.startswith("analog"):
        options |= {"presentValue": value, "units": _UNITS.get(point.role.unit, "noUnits"), "covIncrement": 0.1}
    elif shown_as.type.startswith("binary"):
        options |= {"presentValue": int(value), "polarity": "normal"}
    else:
        options |= {"presentValue": int(value), "numberOfStates": int(max(point.role.states) - shown_as.offset)}
    made = _CLASS_OF[shown_as.type](**options)
    made._city, made._point, made._shown_as = city, point, shown_as  # noqa: SLF001 - ours, named against the library's
    return made


class _Controller(Application):
    """The library's application, able to fall silent or to refuse."""

    _face: "BacnetFace"

    async def indication(self, apdu: Any) -> None:  # noqa: ANN401
        if not self._face.silent:
            await super().indication(apdu)

    async def do_ReadPropertyRequest(self, apdu: ReadPropertyRequest) -> None:  # noqa: N802 - the library's hook
        self._face.check_willing(apdu)
        await super().do_ReadPropertyRequest(apdu)

    async def do_ReadPropertyMultipleRequest(self, apdu: ReadPropertyMultipleRequest) -> None:  # noqa: N802
        self._face.check_willing(apdu)
        await super().do_ReadPropertyMultipleRequest(apdu)

    async def do_WritePropertyRequest(self, apdu: WritePropertyRequest) -> None:  # noqa: N802
        self._face.check_willing(apdu)
        await super().do_WritePropertyRequest(apdu)

    async def do_WritePropertyMultipleRequest(self, apdu: WritePropertyMultipleRequest) -> None:  # noqa: N802
        self._face.check_willing(apdu)
        await super().do_WritePropertyMultipleRequest(apdu)


class BacnetFace:
    """One BACnet device on its own port."""

    def __init__(self, device: Device, city: City) -> None:
        self._device = device
        self._city = city
        self._controller: _Controller | None = None

    @property
    def silent(self) -> bool:
        """Whether the device is mute just now."""
        return self._city.has_fault("device_silent", self._device.name)

    def check_willing(self, apdu: ConfirmedRequestPDU) -> None:  # noqa: ARG002
        """Raise the error that a refusing device answers with."""
        if self._city.has_fault("device_refuses", self._device.name):
            raise ExecutionError(errorClass="device", errorCode="operationalProblem")

    async def start(self, host: str, port: int) -> None:
        """Create the device and wait until its socket is bound; :class:`OSError` when it never is."""
        objects = bacnet_map(self._device)
        made = [
            DeviceObject(
                objectIdentifier=("device", self._device.device_instance),
                objectName=self._device.name,
                vendorIdentifier=_VENDOR,
                maxApduLengthAccepted=1476,
                maxSegmentsAccepted=64,
            ),
            NetworkPortObject(f"{host}/24:{port}", objectIdentifier=("network-port", 1), objectName="port"),
            *(_object(point, objects[point.index], self._city) for point in self._device.points),
        ]
        self._controller = _Controller.from_object_list(made)
        self._controller._face = self  # noqa: SLF001 - ours, named against the library's
        await self._bound(host, port)

    async def _bound(self, host: str, port: int) -> None:
        # The library retries a failed bind for ever and in silence.
        assert self._controller is not None  # noqa: S101 - set by start
        links = [link.server for link in self._controller.link_layers.values()]
        waited_s = 0.0
        while any(link.local_transport is None for link in links):
            if waited_s > _READY_WITHIN_S:
                msg = f"{self._device.name}: cannot bind UDP {host}:{port}"
                raise OSError(msg)
            await asyncio.sleep(0.02)
            waited_s += 0.02

    async def stop(self) -> None:
        """Close the socket."""
        if self._controller is not None:
            self._controller.close()
            await asyncio.sleep(0)

    async def refresh(self) -> None:
        """Nothing to push: objects read the city when they are asked."""

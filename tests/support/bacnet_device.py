"""A BACnet device on a loopback port, with habits. It shares no code with the driver."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bacpypes3.apdu import AbortPDU
from bacpypes3.app import Application
from bacpypes3.basetypes import PropertyIdentifier, StatusFlags
from bacpypes3.errors import ExecutionError, UnrecognizedService
from bacpypes3.local.analog import AnalogInputObject, AnalogValueObject
from bacpypes3.local.binary import BinaryInputObject
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.multistate import MultiStateInputObject
from bacpypes3.local.networkport import NetworkPortObject

from cityhall_bms.domain.site import Device, Encoding, Point, PointKind, Text


class _Flagged:
    """The library computes the flags of its objects; ours have those they were given."""

    _flags: tuple[int, int, int, int]

    async def read_property(self, attr: Any, index: int | None = None) -> Any:
        if attr == PropertyIdentifier.statusFlags:
            return StatusFlags(list(self._flags))
        return await super().read_property(attr, index)  # type: ignore[misc]


class _AnalogInput(_Flagged, AnalogInputObject): ...


class _AnalogValue(_Flagged, AnalogValueObject): ...


class _BinaryInput(_Flagged, BinaryInputObject): ...


class _MultiStateInput(_Flagged, MultiStateInputObject): ...


_CLASSES: dict[str, Any] = {
    "analog-input": _AnalogInput,
    "analog-value": _AnalogValue,
    "binary-input": _BinaryInput,
    "multi-state-input": _MultiStateInput,
}


@dataclass
class Habits:
    silent: bool = False
    silent_to_who_is: bool = False
    silent_about: int | None = None
    """Instance of an object; a question that contains it is never answered."""
    objects_max: int = 1000
    """More objects in one question are answered by Abort."""
    knows_multiple: bool = True
    strict: bool = False
    """Answers a question with one unknown object by an error for all of it."""
    error: tuple[str, str] | None = None
    questions: list[tuple[str, int]] = field(default_factory=list)


class _Application(Application):
    habits: Habits

    async def indication(self, apdu: Any) -> None:
        if not self.habits.silent:
            await super().indication(apdu)

    async def do_WhoIsRequest(self, apdu: Any) -> None:  # noqa: N802 - the library's hook
        if not self.habits.silent_to_who_is:
            await super().do_WhoIsRequest(apdu)

    async def do_ReadPropertyRequest(self, apdu: Any) -> None:  # noqa: N802 - the library's hook
        self.habits.questions.append(("single", 1))
        await super().do_ReadPropertyRequest(apdu)

    async def do_ReadPropertyMultipleRequest(self, apdu: Any) -> None:  # noqa: N802 - the library's hook
        specs = apdu.listOfReadAccessSpecs
        self.habits.questions.append(("multiple", len(specs)))
        if any(spec.objectIdentifier[1] == self.habits.silent_about for spec in specs):
            return
        if not self.habits.knows_multiple:
            raise UnrecognizedService
        if self.habits.error:
            raise ExecutionError(*self.habits.error)
        if len(specs) > self.habits.objects_max:
            # Raised as an exception, it would go out without the bit that says a server aborts, and reach nobody.
            await self.response(AbortPDU(srv=True, reason="segmentationNotSupported", context=apdu))
            return
        if self.habits.strict and any(self.get_object_id(spec.objectIdentifier) is None for spec in specs):
            raise ExecutionError(errorClass="object", errorCode="unknownObject")
        await super().do_ReadPropertyMultipleRequest(apdu)


@dataclass
class BacnetDevice:
    instance: int = 1001
    apdu_max: int = 1476
    segmentation: str = "segmentedBoth"
    port: int = 0
    habits: Habits = field(default_factory=Habits)
    objects: dict[str, Any] = field(default_factory=dict)
    app: _Application | None = None

    def add(self, address: str, value: float, flags: tuple[int, int, int, int] = (0, 0, 0, 0), **options: Any) -> Any:
        kind, instance = address.split(",")
        if kind.startswith("analog"):
            options |= {"units": "noUnits", "covIncrement": 1.0}
        if kind.startswith("multi"):
            options |= {"numberOfStates": 10}
        if kind.startswith("binary"):
            options |= {"polarity": "normal"}
        made = _CLASSES[kind](
            objectIdentifier=(kind, int(instance)), objectName=address, presentValue=value, statusFlags=[0, 0, 0, 0],
            eventState="normal", outOfService=False, **options,
        )  # fmt: skip
        made._flags = flags
        self.objects[address] = made
        return made

    async def start(self) -> None:
        self.port = self.port or free_port()
        device = DeviceObject(
            objectIdentifier=("device", self.instance), objectName=f"device-{self.instance}", vendorIdentifier=999,
            maxApduLengthAccepted=self.apdu_max, segmentationSupported=self.segmentation,
        )  # fmt: skip
        network = NetworkPortObject(
            f"127.0.0.1/32:{self.port}", objectIdentifier=("network-port", 1), objectName="port"
        )
        self.app = _Application.from_object_list([device, network, *self.objects.values()])
        self.app.habits = self.habits
        for link in self.app.link_layers.values():
            await asyncio.gather(*link.server._transport_tasks)

    async def stop(self) -> None:
        if self.app is not None:
            self.app.close()
            self.app = None
            await asyncio.sleep(0)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def bacnet_device(device: BacnetDevice) -> AsyncIterator[BacnetDevice]:
    await device.start()
    try:
        yield device
    finally:
        await device.stop()


def site_device(port: int, instance: int = 1001, timeout_s: float = 1.0, **settings: Any) -> Device:
    table = {"host": "127.0.0.1", "port": port, "device_instance": instance, "local_host": "127.0.0.1", **settings}
    return Device(f"device-{instance}", Text("測試", "Test"), "bacnet", table, timeout_s=timeout_s)


def bacnet_point(address: str, role: str = "P", kind: PointKind = PointKind.AI, **encoding: Any) -> Point:
    equipment, text = "TCH.01.E.AHU01", Text("點", "Point")
    return Point(
        f"{equipment}.{role}",
        text,
        equipment,
        role,
        kind,
        "",
        "d",
        address,
        Encoding(**encoding),
        None,
        None,
        1.0,
    )

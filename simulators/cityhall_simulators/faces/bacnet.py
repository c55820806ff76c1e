"""A BACnet/IP device on its own port."""

import asyncio
from functools import partial
from typing import Any, Final

from cityhall_simulators.description import Device
from cityhall_simulators.faces.bacnet_alarms import Alarm, alarm_of
from cityhall_simulators.faces.bacnet_controller import APDU_MAX, Controller, NetworkPort
from cityhall_simulators.faces.bacnet_controller import Device as DeviceObject
from cityhall_simulators.faces.bacnet_events import Events, make_notification_class
from cityhall_simulators.faces.bacnet_link import put_on_wire
from cityhall_simulators.faces.bacnet_objects import make_object
from cityhall_simulators.faces.bacnet_outbox import Outbox
from cityhall_simulators.faces.bacnet_shared import Shared
from cityhall_simulators.faces.bacnet_trends import Trends
from cityhall_simulators.runtime import City

_VENDOR: Final = 999
_READY_WITHIN_S: Final = 5.0
_UTC_OFFSET_MINUTES: Final = -480
"""Of Taipei, as BACnet counts it: positive to the west."""


class BacnetFace:
    """Objects, alarms, trend logs and subscriptions of one device."""

    def __init__(self, device: Device, city: City) -> None:
        self._device = device
        self._shared = Shared(device, city)
        self._controller: Controller | None = None

    async def start(self, host: str, port: int) -> None:
        """Create the device and wait until its socket is bound; :class:`OSError` when it never is."""
        trends = Trends(self._shared)
        alarms = self._alarms()
        points = enumerate(self._device.points)
        seen = {place: make_object(point, self._shared, alarms.get(place)) for place, point in points}
        classes = [make_notification_class(p, self._shared) for p in sorted({a.priority for a in alarms.values()})]
        network = NetworkPort(f"{host}/24:{port}", objectIdentifier=("network-port", 1), objectName="port")
        self._controller = controller = Controller.from_object_list(
            [self._device_object(), network, *classes, *seen.values(), *trends.make_objects()]
        )
        self._shared.outbox = Outbox(controller)
        controller.shared, controller.trends = self._shared, trends
        controller.events = Events(self._shared, alarms, seen, controller)
        await self._bound(controller, host, port)
        for link in controller.link_layers.values():
            put_on_wire(
                link.server,
                partial(self._shared.has_fault, "device_silent"),
                partial(self._shared.has_fault, "device_slow"),
            )

    def _alarms(self) -> dict[int, Alarm]:
        found = {place: alarm_of(point) for place, point in enumerate(self._device.points)}
        return {place: alarm for place, alarm in found.items() if alarm is not None}

    def _device_object(self) -> Any:  # noqa: ANN401
        made = DeviceObject(
            objectIdentifier=("device", self._device.device_instance),
            objectName=self._device.name,
            description=f"{self._device.text.zh} / {self._device.text.en}",
            vendorName="cityhall simulator",
            vendorIdentifier=_VENDOR,
            modelName=self._device.profile or "controller",
            maxApduLengthAccepted=APDU_MAX,
            maxSegmentsAccepted=64,
            utcOffset=_UTC_OFFSET_MINUTES,
            daylightSavingsStatus=False,
        )
        made._shared = self._shared  # noqa: SLF001 - the library allows no other names
        return made

    async def _bound(self, controller: Controller, host: str, port: int) -> None:
        # The library retries a failed bind for ever and in silence.
        waited_s = 0.0
        while any(link.server.local_transport is None for link in controller.link_layers.values()):
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
        """Record trends, find alarms, and tell subscribers what has moved; requests read the city by themselves."""
        if self._controller is None:
            return
        at_s = asyncio.get_running_loop().time()
        self._controller.events.refresh(at_s)
        self._controller.trends.refresh(at_s)
        if self._shared.has_fault("device_silent"):
            # Nothing would be heard: what has moved by then is told when the device speaks again.
            return
        for criteria in self._shared.cov.news(self._shared.shown, self._shared.flags):
            criteria.send_cov_notifications()

"""A device's own alarms, heard beside its polling: where they cannot be heard no value suffers."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog

from cityhall_bms.domain.errors import DeviceRefusedError, DeviceUnreachableError
from cityhall_bms.domain.notices import DeviceNotice
from cityhall_bms.domain.site import Device
from cityhall_bms.ports.capabilities import AlarmingDriver
from cityhall_bms.ports.clock import Clock

END_LIMIT_S: Final = 5.0

Spawn = Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]
"""Makes a task, of a name, that ends with the collector at the latest."""

log = structlog.get_logger(__name__)


class Listener:
    """Hands the notices of one device to ``sink``, from :meth:`begin` to :meth:`end` of each session."""

    def __init__(self, device: Device, sink: Callable[[DeviceNotice], None], clock: Clock, spawn: Spawn) -> None:
        self._device = device
        self._spawn = spawn
        self._sink = sink
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._said = ""

    def begin(self, driver: AlarmingDriver) -> None:
        """Listen to an open device from now on."""
        self._task = self._spawn(self._listen(driver), f"alarms of {self._device.name}")

    async def end(self) -> None:
        """Listen no longer; the driver is closed already, so ``listen`` has returned or is to be cut. Never raises."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            # By real time: this runs while everything stops, too.
            await asyncio.wait([task], timeout=END_LIMIT_S)

    async def _listen(self, driver: AlarmingDriver) -> None:
        """Listen until the driver is closed; ask again a device that did not hear, not one that refused."""
        while True:
            try:
                await driver.listen(self._sink)
            except DeviceUnreachableError as error:
                self._say(str(error))
                await self._clock.sleep(self._device.retry_max_s)
            except DeviceRefusedError as error:
                self._say(str(error))
                return
            except Exception as error:
                log.exception("driver failed to listen", device=self._device.name)
                self._say(f"{type(error).__name__}: {error}")
                return
            else:
                return

    def _say(self, reason: str) -> None:
        if reason != self._said:
            self._said = reason
            log.warning("alarms of a device are not heard", device=self._device.name, reason=reason)

"""Alarms of devices are heard beside polling, and never at its cost."""

from collections.abc import Callable

import pytest
from tests.support.fake_driver import FakeDriver, FakeDriverFactory, fake_device, fake_point
from tests.support.rig import Rig

from cityhall_bms.domain.errors import DeviceRefusedError, DeviceUnreachableError
from cityhall_bms.domain.notices import DeviceNotice
from cityhall_bms.domain.site import Device
from cityhall_bms.ports.clock import Clock


class AlarmPanel(FakeDriver):
    """Listens until it is closed; ``fails`` says how the first attempts end."""

    fails: list[Exception]
    listeners: list[str]

    async def listen(self, sink: Callable[[DeviceNotice], None]) -> None:
        if self.fails:
            raise self.fails.pop(0)
        self.listeners.append("began")
        try:
            sink(DeviceNotice("D1", "binary-input,1", "change-of-state", "normal", "offnormal", self._clock.now()))
            await self._clock.sleep(1e9)
        finally:
            self.listeners.append("ended")

    async def acknowledge(self, notice: DeviceNotice, who: str) -> None: ...


class AlarmPanels(FakeDriverFactory):
    def __init__(self, *fails: Exception) -> None:
        super().__init__()
        self.fails = list(fails)
        self.listeners: list[str] = []

    def create(self, device: Device, clock: Clock) -> FakeDriver:
        driver = AlarmPanel(self.device(device.name), device.timeout_s, clock)
        driver.fails, driver.listeners = self.fails, self.listeners
        return driver


def panel(*fails: Exception) -> tuple[Rig, AlarmPanels]:
    factory = AlarmPanels(*fails)
    return Rig([fake_device("D1", retry_max_s=10.0)], [fake_point(1, "D1", 5.0)], factory=factory), factory


async def noticed(rig: Rig) -> list[str]:
    return [
        one.payload["to_state"] for one in await rig.events.read(0, 100, "device/D1") if one.type == "DeviceNoticed"
    ]


async def test_a_device_that_listens_as_long_as_its_session_is_polled_all_the_while() -> None:
    rig, factory = panel()
    async with rig.running():
        await rig.clock.advance(600)
        assert rig.device("D1").reads == 1 + 600 // 5
        assert factory.listeners == ["began"]
    assert factory.listeners == ["began", "ended"]
    assert await noticed(rig) == ["offnormal"]


async def test_each_session_listens_once() -> None:
    rig, factory = panel()
    async with rig.running():
        await rig.clock.advance(60)
        rig.device("D1").fault = "refuses"
        await rig.clock.advance(60)
        assert factory.listeners[:2] == ["began", "ended"]
        rig.device("D1").fault = ""
        await rig.clock.advance(60)
    assert factory.listeners == ["began", "ended"] * (len(factory.listeners) // 2)


@pytest.mark.parametrize("failure", [DeviceRefusedError("no alarms here"), RuntimeError("a bug")])
async def test_a_device_that_refuses_to_tell_alarms_is_polled_all_the_same(failure: Exception) -> None:
    rig, factory = panel(failure)
    async with rig.running():
        await rig.clock.advance(600)
        assert rig.collector.lost_devices == 0
    assert rig.device("D1").reads == 1 + 600 // 5
    assert factory.listeners == []


async def test_a_device_that_did_not_hear_the_request_is_asked_again() -> None:
    rig, factory = panel(DeviceUnreachableError("no answer"), DeviceUnreachableError("no answer"))
    async with rig.running():
        await rig.clock.advance(15)
        assert factory.listeners == []
        await rig.clock.advance(10)
        assert factory.listeners == ["began"]
    assert rig.device("D1").opens == 1

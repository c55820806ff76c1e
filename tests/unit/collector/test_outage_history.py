"""What a device remembers of the time in which nobody heard it."""

from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest
from tests.support.fake_driver import FakeDevice, FakeMemory, FakeMemoryFactory, fake_device, fake_point
from tests.support.rig import Rig

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceRefusedError, DeviceUnreachableError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint


def portion(at: int, value: float, quality: int = Quality.GOOD) -> Readings:
    return Readings(np.array([1], np.uint32), np.array([at]), np.array([value]), np.array([quality], np.uint8))


class FailingMemory(FakeMemory):
    """Gives its first portion; then fails as its device's ``failure`` says, once or for ever."""

    failures: list[Exception]

    async def history(self, points: Sequence[BoundPoint], start: int, until: int) -> AsyncIterator[Readings]:
        async for readings in super().history(points, start, until):
            yield readings
            if self.failures:
                raise self.failures.pop(0)


class FailingMemoryFactory(FakeMemoryFactory):
    def __init__(self, *failures: Exception) -> None:
        super().__init__()
        self.failures = list(failures)

    def create(self, device: Device, clock: Clock) -> FailingMemory:
        self.created += 1
        driver = FailingMemory(self.device(device.name), device.timeout_s, clock)
        driver.failures = self.failures
        return driver


def rig_with(factory: FakeMemoryFactory) -> tuple[Rig, FakeDevice]:
    rig = Rig([fake_device("D1", retry_max_s=5.0)], [fake_point(1, "D1", 5.0)], factory=factory)
    return rig, rig.device("D1")


async def outage(rig: Rig) -> int:
    """An hour in which the device does not answer, and time to read what it remembers; give the hour's middle."""
    rig.device("D1").fault = "silent"
    await rig.clock.advance(3600)
    rig.device("D1").fault = ""
    middle = rig.clock.now() - 1_800_000_000
    rig.device("D1").remembers = [portion(middle + n, 70.0 + n) for n in range(3)]
    await rig.clock.advance(120)
    return middle


async def test_pain_09_what_is_remembered_has_its_own_times_and_qualities() -> None:
    rig, device = rig_with(FakeMemoryFactory())
    device.remembers = [portion(rig.start_us - 50, 7.0), portion(rig.start_us - 40, 8.0, Quality.BAD_DEVICE_FAULT)]
    async with rig.running():
        await rig.clock.advance(20)
        device.fault = "silent"
        await rig.clock.advance(60)
        device.fault = ""
        await rig.clock.advance(60)
    filled = [(round(at * 1e6), value, quality) for at, value, quality in rig.samples(1) if value in (7.0, 8.0)]
    assert filled == [(-50, 7.0, Quality.GOOD), (-40, 8.0, Quality.BAD_DEVICE_FAULT)]


async def test_pain_09_an_outage_is_asked_for_once_from_the_last_good_value_on() -> None:
    rig, device = rig_with(FakeMemoryFactory())
    async with rig.running():
        await rig.clock.advance(62)
        last_good = max(at for at, _, quality in rig.samples(1) if quality == 0)
        await outage(rig)
        await rig.clock.advance(600)
    ((since, until),) = device.asked_history
    assert since == pytest.approx(rig.start_us + last_good * 1e6, abs=5e6)
    assert until - since == pytest.approx(3600e6, abs=20e6)


async def test_pain_09_the_time_in_which_the_service_stood_still_is_asked_for_too() -> None:
    rig, device = rig_with(FakeMemoryFactory())
    async with rig.running():
        await rig.clock.advance(60)
    stopped = rig.clock.now()
    await rig.clock.advance(7200)
    assert device.asked_history == []
    rig.collector = rig.make_collector()
    async with rig.running():
        await rig.clock.advance(30)
    ((since, until),) = device.asked_history
    assert since == pytest.approx(stopped, abs=2e6)
    assert until - since == pytest.approx(7200e6, abs=10e6)


async def test_what_was_cut_short_by_a_silence_is_asked_for_whole_after_the_next_outage() -> None:
    rig, device = rig_with(FailingMemoryFactory(DeviceUnreachableError("gone again")))
    async with rig.running():
        await rig.clock.advance(62)
        await outage(rig)
        await outage(rig)
    (first, _), (second, until) = device.asked_history
    assert second == first
    assert until - second == pytest.approx(7320e6, abs=30e6)


@pytest.mark.parametrize("failure", [DeviceRefusedError("no such log"), IndexError("a bug")])
async def test_a_memory_that_fails_costs_no_value_of_now_and_is_asked_again_of_the_next_outage_only(
    failure: Exception,
) -> None:
    rig, device = rig_with(FailingMemoryFactory(failure))
    async with rig.running():
        await rig.clock.advance(62)
        await outage(rig)
        assert rig.collector.lost_devices == 0
        reads = device.reads
        await rig.clock.advance(60)
        assert device.reads - reads == 12
        await outage(rig)
    (_, first_until), (second, _) = device.asked_history
    assert second >= first_until
    assert [kind for kind, *_ in await rig.device_events()] == ["DeviceRestored", *["DeviceLost", "DeviceRestored"] * 2]

"""Subscriptions against devices made of octets; time goes a hundred times faster where it has to pass."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.support.bacnet_bound import bound, bound_of, driven
from tests.support.bacnet_device import site_device
from tests.support.fast_clock import FastClock
from tests.support.raw_bacnet import RawDevice, Wire, analogs, raw_bacnet
from tests.support.simulated_bacnet import BUILDING, DEVICES, new_city, show
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.ports.capabilities import VigilantDriver
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint, SubscribableDriver
from cityhall_drivers.bacnet import DRIVER
from cityhall_drivers.bacnet.driver import BacnetDriver


class Told:
    """Keeps what was pushed: the newest value of each point, and all of them."""

    def __init__(self) -> None:
        self.newest: dict[int, float] = {}
        self.all: list[Readings] = []

    def __call__(self, readings: Readings) -> None:
        assert readings.partial
        self.all.append(readings)
        self.newest |= dict(zip(readings.point.tolist(), readings.value.tolist(), strict=True))


def points(count: int) -> list[BoundPoint]:
    return [bound_of(f"analog-input,{number}", number) for number in range(1, count + 1)]


@asynccontextmanager
async def subscribed(
    device: RawDevice, told: Told, clock: Clock | None = None, timeout_s: float = 1.0, **settings: Any
) -> AsyncIterator[tuple[Wire, BacnetDriver]]:
    async with raw_bacnet(device) as wire:
        made = site_device(wire.port, device.instance, timeout_s, mode="cov", **settings)
        driver = DRIVER().create(made, clock or SystemClock())
        assert isinstance(driver, SubscribableDriver)
        await driver.open()
        try:
            assert await driver.subscribe(points(len(device.values)), told)
            yield wire, driver
        finally:
            await driver.close()


@pytest.mark.parametrize("is_confirmed", [False, True])
async def test_changes_are_told_with_the_time_of_their_arrival(is_confirmed: bool) -> None:
    device, told = RawDevice(values=analogs(3)), Told()
    async with subscribed(device, told, cov_confirmed=is_confirmed):
        await until(lambda: told.newest == {1: 1.5, 2: 3.0, 3: 4.5})
        before = SystemClock().now()
        device.change((0, 2), -7.25)
        await until(lambda: told.newest[2] == -7.25)
        assert before <= told.all[-1].observed_at[0] <= SystemClock().now()
        assert {lifetime for lifetime, _ in device.subscriptions.values()} == {300}
        if is_confirmed:
            assert device.replies == [b"\x20\x2a\x01"] * 4, "SimpleACK of what was told, by its number"
    assert not device.subscriptions, "closing leaves nothing behind"


async def test_two_points_of_one_object_are_both_told_and_each_is_scaled_as_it_says() -> None:
    device, told = RawDevice(values=analogs(1)), Told()
    async with raw_bacnet(device) as wire:
        driver = DRIVER().create(site_device(wire.port, mode="cov"), SystemClock())
        await driver.open()
        both = [bound_of("analog-input,1", 1), bound_of("analog-input,1", 2, scale=10.0, offset=1.0)]
        assert await driver.subscribe(both, told)
        await until(lambda: told.newest == {1: 1.5, 2: 16.0})
        assert device.asked["subscribe"] == 1
        await driver.close()


async def test_a_device_that_is_to_be_polled_is_not_subscribed_to() -> None:
    device = RawDevice(values=analogs(1))
    async with raw_bacnet(device) as wire:
        driver = DRIVER().create(site_device(wire.port), SystemClock())
        await driver.open()
        assert not await driver.subscribe(points(1), Told())
        await driver.close()
    assert not device.asked["subscribe"]


async def test_a_device_that_knows_no_cov_is_polled() -> None:
    device, told = RawDevice(values=analogs(5), knows_cov=False), Told()
    async with raw_bacnet(device) as wire:
        driver = DRIVER().create(site_device(wire.port, mode="cov"), SystemClock())
        await driver.open()
        assert not await driver.subscribe(points(5), told)
        assert device.asked["subscribe"] == 1
        await driver.close()


async def test_a_device_silent_to_subscriptions_is_unreachable() -> None:
    device = RawDevice(values=analogs(1))
    async with raw_bacnet(device) as wire:
        driver = DRIVER().create(site_device(wire.port, timeout_s=0.2, mode="cov"), SystemClock())
        await driver.open()
        device.is_silent = True
        with pytest.raises(DeviceUnreachableError, match="no answer"):
            await driver.subscribe(points(1), Told())
        await driver.close()


async def test_pain_10_subscriptions_are_renewed_at_half_their_life_each_at_its_own_moment() -> None:
    device, clock = RawDevice(values=analogs(4)), FastClock()
    async with subscribed(device, Told(), clock, cov_lifetime_s=60) as (_, driver):
        at = clock.monotonic()
        await until(lambda: driver.diagnostics()["cov_renewals"] == 4)
        assert 20.0 < clock.monotonic() - at < 60.0
        assert driver.diagnostics()["cov_subscribed"] == 4


async def test_pain_10_subscriptions_are_made_anew_when_the_device_says_i_am() -> None:
    device, told, clock = RawDevice(values=analogs(3)), Told(), FastClock()
    async with subscribed(device, told, clock) as (_, driver):
        address = next(iter(device.subscriptions))[0]
        await clock.sleep(10.0)
        device.restart()
        assert not device.subscriptions
        device.introduce(address)
        await until(lambda: len(device.subscriptions) == 3)
        device.change((0, 3), 99.0)
        await until(lambda: told.newest[3] == 99.0)
        assert driver.diagnostics()["cov_restarts"] == 1


async def test_pain_10_subscriptions_are_made_anew_when_the_time_of_restart_is_another() -> None:
    device, clock = RawDevice(values=analogs(3), time_of_restart=7), FastClock()
    async with subscribed(device, Told(), clock) as (_, driver):
        address = next(iter(device.subscriptions))[0]
        device.introduce(address)
        await clock.sleep(100.0)
        assert driver.diagnostics()["cov_restarts"] == 0, "I-Am alone is no restart where the device can tell"
        device.restart()
        await until(lambda: len(device.subscriptions) == 3)
        assert driver.diagnostics()["cov_restarts"] == 1


@pytest.mark.parametrize("is_to_the_library", [False, True])
async def test_pain_10_subscriptions_are_made_anew_when_the_device_notifies_its_restart(
    is_to_the_library: bool,
) -> None:
    device, clock = RawDevice(values=analogs(2)), FastClock()
    async with subscribed(device, Told(), clock) as (_, driver):
        address = next(iter(device.subscriptions))[0]
        library = address[0], driver._peer._endpoint.port
        await clock.sleep(10.0)
        device.restart()
        device.notify_restart(library if is_to_the_library else address)
        await until(lambda: len(device.subscriptions) == 2)


async def test_pain_10_an_object_that_changed_without_a_word_is_subscribed_anew() -> None:
    device, told, clock = RawDevice(values=analogs(2)), Told(), FastClock()
    async with subscribed(device, told, clock) as (_, driver):
        await until(lambda: len(told.newest) == 2)
        await clock.sleep(80.0)
        device.restart()
        device.values[0, 1] = 5.0
        await driver.read(driver.plan(points(2)))
        await until(lambda: device.subscriptions)
        assert [wanted[-1] for *_, wanted in device.subscriptions] == [1], "the other is not in doubt"
        await until(lambda: told.newest[1] == 5.0)


async def test_two_changes_in_one_moment_are_both_told_in_their_order() -> None:
    device, told = RawDevice(values=analogs(2)), Told()
    async with subscribed(device, told):
        await until(lambda: len(told.newest) == 2)
        told.all.clear()
        device.change((0, 1), 7.0)
        device.change((0, 2), 70.0)
        device.change((0, 1), 8.0)
        await until(lambda: told.newest == {1: 8.0, 2: 70.0})
        assert [readings.value.tolist() for readings in told.all] == [[7.0, 70.0], [8.0]]


async def test_pain_11_what_a_device_has_no_room_for_is_polled_and_named() -> None:
    device, told, clock = RawDevice(values=analogs(5), cov_max=3), Told(), FastClock()
    async with subscribed(device, told, clock) as (_, driver):
        figures = driver.diagnostics()
        assert (figures["cov_subscribed"], figures["cov_budget"], figures["cov_polled"]) == (3, 3, 2)
        assert device.asked["subscribe"] == 4, "after the first refusal the others are not even asked for"
        for number in range(1, 6):
            device.change((0, number), number * 10.0)
        await until(lambda: told.newest == {number: number * 10.0 for number in range(1, 6)})
        assert "TCH.01.E.AHU01.P" in str(figures["cov_polled_points"])
        device.values[0, 5] = 51.0
        await until(lambda: told.newest[5] == 51.0)


async def test_a_notification_that_nobody_asked_for_is_no_value_and_not_confirmed() -> None:
    device, told = RawDevice(values=analogs(1)), Told()
    async with subscribed(device, told, cov_confirmed=True) as (_, driver):
        await until(lambda: told.newest == {1: 1.5})
        address, process, wanted = next(iter(device.subscriptions))
        device.subscriptions[address, process + 1, wanted] = 300, True
        device.notify(address, process + 1, (0, 1), 66.0)
        await until(lambda: len(device.replies) == 2)
        assert device.replies[-1] == b"\x50\x2a\x01\x91\x05\x91\x4f", "Error: services, unknown-subscription"
        assert told.newest == {1: 1.5}
        del device.subscriptions[address, process + 1, wanted]
        assert driver.diagnostics()["cov_notifications"] == 1


async def test_notifications_of_another_station_are_not_taken() -> None:
    device, other, told = RawDevice(values=analogs(1)), RawDevice(values=analogs(1)), Told()
    async with subscribed(device, told), raw_bacnet(other):
        await until(lambda: told.newest == {1: 1.5})
        address, process, _ = next(iter(device.subscriptions))
        other.notify(address, process, (0, 1), 13.0)
        device.change((0, 1), 2.0)
        await until(lambda: told.newest == {1: 2.0})
        assert not any(13.0 in readings.value for readings in told.all)


async def test_a_device_that_falls_silent_to_what_keeps_its_subscriptions_is_noticed_and_so_is_its_next_answer() -> (
    None
):
    device, clock = RawDevice(values=analogs(3)), FastClock()
    async with subscribed(device, Told(), clock, timeout_s=0.1, cov_lifetime_s=60) as (_, driver):
        assert isinstance(driver, VigilantDriver)
        assert driver.trouble() is None
        device.is_silent = True
        await until(lambda: "no answer" in (driver.trouble() or ""))
        await clock.sleep(5.0)
        assert driver.trouble() is not None, "a pause between two renewals proves nothing"
        device.is_silent = False
        await until(lambda: driver.trouble() is None)


async def test_a_device_that_died_does_not_keep_us_from_closing() -> None:
    device = RawDevice(values=analogs(200))
    async with subscribed(device, Told(), timeout_s=0.1) as (_, driver):
        device.is_silent = True
        with pytest.raises(DeviceUnreachableError):
            await driver.read(driver.plan(points(3)))
    assert device.subscriptions, "nobody was there to take them back; they end with their lifetime"


async def test_the_simulated_building_tells_its_changes_through_the_library() -> None:
    city, told = new_city(), Told()
    shown = [bound(point.name) for point in DEVICES["ahu01"].points]
    async with driven(city, "ahu01", mode="cov") as (face, driver):
        assert await driver.subscribe(shown, told)
        await until(lambda: len(told.newest) == len(shown))
        warm = next(one for one in shown if one.point.role == "SAT")
        value = float(city.shown[warm.point_id]) + 5.0
        show(city, BUILDING.points[warm.point_id].name, value)
        await face.refresh()
        await until(lambda: told.newest[warm.point_id] == pytest.approx(value))
        await driver.read(driver.plan(shown))
        assert driver.diagnostics()["fallbacks"] == 0

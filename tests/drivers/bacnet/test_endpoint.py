"""Our own socket: routers, BBMDs, answers that are late, twice, odd, or somebody else's. The devices are octets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from tests.support.bacnet_answers import datagram, multiple, object_id, result
from tests.support.bacnet_bound import bound_of
from tests.support.bacnet_device import site_device
from tests.support.raw_bacnet import HOST, RawDevice, analogs, raw_bacnet
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.capabilities import BusFactory, DiagnosableDriver, PingableDriver
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.bacnet import DRIVER
from cityhall_drivers.bacnet.codec import Object
from cityhall_drivers.bacnet.driver import BacnetDriver, BacnetFactory
from cityhall_drivers.bacnet.endpoint import OPEN_MAX, FieldEndpoint, SilenceError
from cityhall_drivers.bacnet.foreign import ForeignRegistration
from cityhall_drivers.bacnet.rpm import question
from cityhall_drivers.bacnet.wire import Station


def points(count: int) -> list[BoundPoint]:
    return [bound_of(f"analog-input,{number}", number) for number in range(1, count + 1)]


@asynccontextmanager
async def opened(
    port: int, device: RawDevice, factory: BacnetFactory | None = None, timeout_s: float = 1.0, **settings: Any
) -> AsyncIterator[BacnetDriver]:
    if device.network:
        settings |= {"network": device.network, "mac": f"0x{device.mac.hex()}"}
    made = site_device(port, device.instance, timeout_s, **settings)
    driver = (factory or DRIVER()).create(made, SystemClock())
    await driver.open()
    try:
        yield driver
    finally:
        await driver.close()


def behind_a_router(count: int) -> list[RawDevice]:
    """Devices that have the same objects and show different values; the last is in another network."""
    return [
        RawDevice(
            instance=100 + number,
            values={(0, at): number * 1000.0 + at for at in range(1, 31)},
            network=5 if number < count else 6,
            mac=bytes((number if number < count else 1,)),
        )
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize("in_flight_max", [1, 2])
async def test_devices_behind_a_router_are_asked_few_at_a_time_and_never_mixed_up(in_flight_max: int) -> None:
    devices = behind_a_router(4)
    async with raw_bacnet(*devices) as wire, AsyncExitStack() as stack:
        factory = DRIVER()
        drivers = [
            await stack.enter_async_context(opened(wire.port, device, factory, in_flight_max=in_flight_max))
            for device in devices
        ]
        wire.in_flight_max, wire.delay_s = 0, 0.002
        for _ in range(2):
            found = await asyncio.gather(*(driver.read(driver.plan(points(30))) for driver in drivers))
            for number, readings in enumerate(found, 1):
                assert readings.value.tolist() == [number * 1000.0 + at for at in range(1, 31)]
        assert wire.in_flight_max == in_flight_max


async def test_what_is_rare_goes_through_the_router_too() -> None:
    (device,) = behind_a_router(1)
    async with raw_bacnet(device) as wire, opened(wire.port, device) as driver:
        (shown,) = await driver.examine(points(1))
        assert shown.raw == "44 44 7a 40 00"
        assert shown.value == 1001.0


def test_devices_behind_one_router_share_a_bus_and_others_have_none() -> None:
    factory = DRIVER()
    assert isinstance(factory, BusFactory)
    assert factory.bus(site_device(47808, network=5, mac=3)) == "127.0.0.1:47808"
    assert factory.bus(site_device(47808)) is None
    assert factory.endpoint(site_device(47808, network=5, mac=3)) == "127.0.0.1:47808 network 5 mac 3 device 1001"


async def test_an_answer_that_comes_too_late_is_not_taken_for_that_of_the_next_question() -> None:
    device = RawDevice(values=analogs(2))
    async with raw_bacnet(device) as wire, opened(wire.port, device, timeout_s=0.1) as driver:
        plan = driver.plan(points(2))
        wire.delay_s = 0.15
        with pytest.raises(DeviceUnreachableError, match=r"no answer within 0\.1 s"):
            await driver.read(plan)
        wire.delay_s = 0.0
        device.values[0, 1] = 7.0
        assert (await driver.read(plan)).value.tolist() == [7.0, 3.0]
        await until(lambda: driver.diagnostics().get("socket.late"))


async def test_a_question_is_repeated_once_and_an_answer_that_comes_twice_counts_once() -> None:
    device = RawDevice(values=analogs(2))
    async with raw_bacnet(device) as wire, opened(wire.port, device, timeout_s=0.4) as driver:
        plan = driver.plan(points(2))
        wire.delay_s = 0.25
        assert not (await driver.read(plan)).quality.any()
        await until(lambda: device.asked["multiple"] == 2)
        wire.delay_s = 0.0
        assert (await driver.read(plan)).value.tolist() == [1.5, 3.0]
        assert driver.diagnostics()["socket.repeats"] == 1


async def test_an_answer_from_another_address_is_nobodys() -> None:
    device, other = RawDevice(values=analogs(1), is_silent=True), RawDevice()
    async with raw_bacnet(device) as wire, raw_bacnet(other) as stranger:
        endpoint = FieldEndpoint(HOST, SystemClock())
        await endpoint.join(1)
        asked = asyncio.ensure_future(endpoint.ask(Station(HOST, wire.port), question([Object(0, 1)]), 0.2))
        await asyncio.sleep(0)
        ours = endpoint._transport.get_extra_info("sockname")  # type: ignore[union-attr]
        stranger.transport.sendto(datagram(b"\x30\x00\x0e" + result(0, 1, b"\x44\x41\xa8\0\0")), ours)
        with pytest.raises(SilenceError):
            await asked
        assert endpoint.counts["late"] == 1
        endpoint.leave(1)


async def test_questions_that_nobody_waits_for_any_more_are_bounded_and_their_numbers_rest() -> None:
    device = RawDevice(values=analogs(1), is_silent=True)
    async with raw_bacnet(device) as wire:
        endpoint = FieldEndpoint(HOST, SystemClock())
        await endpoint.join(1)
        station = Station(HOST, wire.port)
        for _ in range(OPEN_MAX):
            asked = asyncio.ensure_future(endpoint.ask(station, b"\x00\x05\x00\x0e", 5.0))
            await asyncio.sleep(0)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
        with pytest.raises(SilenceError, match="still open"):
            await endpoint.ask(station, b"\x00\x05\x00\x0e", 5.0)
        endpoint.leave(1)


class Talkative(RawDevice):
    """Tells of an object that nobody asked for."""

    def _result(self, target: bytes) -> bytes:
        extra = result(0, 77, b"\x44\0\0\0\0") if target == object_id(0, 1) else b""
        return multiple([super()._result(target), extra])


async def test_an_answer_that_our_codec_does_not_expect_is_left_to_the_library() -> None:
    device = Talkative(values=analogs(3))
    async with raw_bacnet(device) as wire, opened(wire.port, device) as driver:
        readings = await driver.read(driver.plan(points(3)))
        assert readings.value.tolist() == [1.5, 3.0, 4.5]
        assert driver.diagnostics()["fallbacks"] == 1
        assert device.asked["multiple"] == 2


class Muddled(RawDevice):
    """Knows no ReadPropertyMultiple, and tells of object 1 when it is asked for object 2."""

    def _answer(self, service: int, data: bytes, address: tuple[str, int]) -> bytes:
        if service == 14:
            return b"\x60\x09"
        return super()._answer(service, data.replace(object_id(0, 2), object_id(0, 1)), address)


async def test_a_single_answer_about_another_object_is_no_value_and_the_others_count() -> None:
    device = Muddled(values=analogs(3))
    async with raw_bacnet(device) as wire, opened(wire.port, device) as driver:
        readings = await driver.read(driver.plan(points(3)))
        assert readings.quality.tolist() == [Quality.GOOD, Quality.BAD_DECODE, Quality.GOOD]
        assert readings.value.tolist()[::2] == [1.5, 4.5]
        assert driver.diagnostics()["reads_multiple"] is False


async def test_a_ping_is_one_small_question_and_any_answer_will_do() -> None:
    device = RawDevice(values=analogs(1))
    async with raw_bacnet(device) as wire, opened(wire.port, device) as driver:
        assert isinstance(driver, PingableDriver)
        await driver.ping(0.5)
        assert device.asked == {"single": 1}
        device.is_silent = True
        with pytest.raises(DeviceUnreachableError, match=r"no answer within 0\.1 s"):
            await driver.ping(0.1)


async def test_diagnostics_say_what_was_learnt_and_work_while_closed() -> None:
    device = RawDevice(values=analogs(1))
    async with raw_bacnet(device) as wire:
        driver = DRIVER().create(site_device(wire.port), SystemClock())
        assert isinstance(driver, DiagnosableDriver)
        assert driver.diagnostics()["objects_per_request"] == 64
        async with opened(wire.port, device, objects_per_request_max=200) as driver:
            assert driver.diagnostics()["apdu_max"] == 1476
            assert driver.diagnostics()["objects_per_request"] == 64
            assert driver.diagnostics()["reads_multiple"] is True


async def test_pain_15_a_foreign_device_is_registered_renewed_and_hears_of_restarts() -> None:
    bbmd, heard = RawDevice(), []
    async with raw_bacnet(bbmd) as wire:
        endpoint = FieldEndpoint(HOST, SystemClock(), ForeignRegistration((HOST, wire.port), ttl_s=1))
        endpoint.watch(1001, lambda: heard.append(1001))
        await endpoint.join(1)
        await until(lambda: len(wire.registrations) >= 2)
        assert set(wire.registrations) == {1}
        assert endpoint.foreign is not None
        assert endpoint.foreign.is_registered
        wire.forward(bbmd, ("10.9.8.7", 47808), endpoint._transport.get_extra_info("sockname"))  # type: ignore[union-attr]
        await until(lambda: heard == [1001])
        endpoint.leave(1)
        assert not endpoint.foreign.is_registered


async def test_pain_15_a_bbmd_that_refuses_is_named_where_the_device_is_missing() -> None:
    bbmd, device = RawDevice(), RawDevice(values=analogs(1))
    async with raw_bacnet(bbmd) as far, raw_bacnet(device) as wire:
        far.registration_result = b"\x00\x30"
        async with opened(wire.port, device, bbmd=f"{HOST}:{far.port}", timeout_s=0.1) as driver:
            await until(lambda: "NAK 0x0030" in str(driver.diagnostics()["bbmd"]))
            device.is_silent = True
            with pytest.raises(DeviceUnreachableError, match=rf"BBMD {HOST}:{far.port}: it refuses foreign devices"):
                await driver.read(driver.plan(points(1)))

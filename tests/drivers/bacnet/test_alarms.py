"""Alarms of simulated devices: notified, looked up, acknowledged, and not at all at the fire panel."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from bacpypes3.basetypes import (
    Destination,
    DeviceAddress,
    EventTransitionBits,
    ListOfDestination,
    Recipient,
)
from bacpypes3.pdu import Address, IPv4Address
from bacpypes3.primitivedata import Time
from tests.support.bacnet_bound import bound, driven, driving, port_of
from tests.support.bacnet_device import BacnetDevice, bacnet_device, site_device
from tests.support.bacnet_router import Router, started
from tests.support.fleet_devices import serve_bacnet
from tests.support.manual_clock import ManualClock
from tests.support.simulated_bacnet import DEVICES, address_of, client_app, move_on, new_city, served, show, strike
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DeviceRefusedError, DeviceUnreachableError, ReadOnlyPointError
from cityhall_bms.domain.notices import DeviceNotice
from cityhall_bms.domain.site import Device, Text
from cityhall_bms.ports.capabilities import AlarmingDriver
from cityhall_drivers.bacnet import DRIVER
from cityhall_drivers.bacnet.driver import BacnetDriver
from cityhall_simulators.runtime import City

TRIPPED = "TCH.B1.N.PKF01.TripAlm"
BROKEN = ("TCH.B2.N.TNK01.Lvl", "TCH.B2.N.TNK01.HiAlm", "TCH.B2.N.TNK01.LoAlm")

city = pytest.fixture(new_city)


@asynccontextmanager
async def listening(driver: BacnetDriver) -> AsyncIterator[list[DeviceNotice]]:
    assert isinstance(driver, AlarmingDriver)
    notices: list[DeviceNotice] = []
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(driver.listen(notices.append))
        await until(lambda: task.done() or is_looking(driver))
        yield notices
        await driver.end_listening()


def is_looking(driver: BacnetDriver) -> bool:
    listening = driver._listening
    return listening is not None and listening.has_begun


async def recipients(face: Any, priority: int) -> list[Destination]:
    controller = face._controller
    made = next(
        o for o in controller.objectIdentifier.values() if str(o.objectIdentifier) == f"notification-class,{priority}"
    )
    return list(made.recipientList)


async def test_a_trip_is_notified_and_so_is_its_end(city: City) -> None:
    show(city, TRIPPED, 0)
    async with driven(city, "pkf01", notices=True) as (face, driver), listening(driver) as notices:
        await face.refresh()
        assert notices == []
        show(city, TRIPPED, 1)
        await face.refresh()
        await until(lambda: len(notices) == 1)
        await until(lambda: not face._controller.asap.clientTransactions, within_s=1.0)  # confirmed: nothing is open
        show(city, TRIPPED, 0)
        await face.refresh()
        await until(lambda: len(notices) == 2)
        now = driver._clock.now()
    begun, ended = notices
    assert (begun.device, begun.address) == ("device-1201", address_of(TRIPPED)[1])
    assert (begun.kind, begun.from_state, begun.to_state) == ("change-of-state", "normal", "offnormal")
    # A trip has priority 2 in the domain, so BACnet priorities 64 to 127.
    assert begun.priority is not None
    assert 64 <= begun.priority <= 127
    assert "過載跳脫" in begun.message
    assert begun.reference
    assert not ended.reference, "a return asks for no acknowledgement"
    assert (ended.from_state, ended.to_state) == ("offnormal", "normal")
    assert 0 <= now - begun.at < 60_000_000, "the device's time, as UTC"


async def test_our_entry_is_written_beside_those_of_others_and_taken_out_again(city: City) -> None:
    async with served(city, DEVICES["pkf01"]) as (face, address), client_app() as other:
        await enlist(other, address, 2, b"\x7f\x00\x00\x01\xba\xc1", confirmed=True)
        async with driving_at(address, notices=True) as driver:
            async with listening(driver):
                listed = await recipients(face, 2)
                assert len(listed) == 2
                assert (str(listed[1].validDays), int(listed[1].processIdentifier)) == (str(listed[0].validDays), 47)
            assert len(await recipients(face, 2)) == 1
            async with listening(driver):
                assert len(await recipients(face, 2)) == 2
        assert [int(one.processIdentifier) for one in await recipients(face, 2)] == [42]


async def test_behind_a_router_nothing_is_written_and_what_stands_is_seen(city: City) -> None:
    show(city, TRIPPED, 1)
    async with served(city, DEVICES["pkf01"]) as (face, address):
        await face.refresh()
        router = await started(Router(("127.0.0.1", port_of(address)), 20, 5))
        async with driving(router.port, 1201, network=20, mac=5, notices=True) as driver, listening(driver) as notices:
            await until(lambda: notices)
            assert await recipients(face, 2) == []
        router.transport.close()
    assert address_of(TRIPPED)[1] in {one.address for one in notices}


async def test_an_unconfirmed_notification_is_heard_too(city: City) -> None:
    show(city, TRIPPED, 0)
    async with (
        served(city, DEVICES["pkf01"]) as (face, address),
        client_app() as other,
        driving_at(address) as driver,
        listening(driver) as notices,
    ):
        host, port = driver._peer.our_address()
        await enlist(other, address, 2, IPv4Address(f"{host}:{port}").addrAddr, confirmed=False)
        await face.refresh()
        show(city, TRIPPED, 1)
        await face.refresh()
        await until(lambda: len(notices) == 1)
    assert notices[0].to_state == "offnormal"


async def test_what_stands_when_we_begin_to_listen_is_not_missed(city: City) -> None:
    show(city, TRIPPED, 1)
    async with driven(city, "pkf01") as (face, driver):
        await face.refresh()
        async with listening(driver) as notices:
            await until(lambda: notices)
    (notice,) = [one for one in notices if one.address == address_of(TRIPPED)[1]]
    assert (notice.to_state, notice.from_state) == ("offnormal", "")
    assert notice.reference


async def test_a_long_list_is_read_to_its_end(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cityhall_simulators.faces.bacnet_events.SUMMARIES_MAX", 1)
    city.bad[[address_of(name)[0] for name in BROKEN]] = True
    async with driven(city, "tnk01") as (face, driver):
        await face.refresh()
        async with listening(driver) as notices:
            pass
    assert {address_of(name)[1] for name in BROKEN} <= {one.address for one in notices}
    assert {one.kind for one in notices} == {"change-of-reliability"}


async def test_a_device_that_does_not_notify_us_is_looked_at_again(city: City) -> None:
    show(city, TRIPPED, 0)
    clock = ManualClock()
    async with (
        served(city, DEVICES["pkf01"]) as (face, address),
        driving_at(address, clock=clock) as driver,
        listening(driver) as notices,
    ):
        await face.refresh()
        show(city, TRIPPED, 1)
        await face.refresh()
        await clock.advance(31.0)
        await until(lambda: notices)
        show(city, TRIPPED, 0)
        await face.refresh()
        await driver.acknowledge(notices[0], "王小明")
        await clock.advance(31.0)
        await until(lambda: len(notices) == 2)
    assert [one.to_state for one in notices] == ["offnormal", "normal"]


async def test_what_was_notified_is_known_again_in_the_list(city: City) -> None:
    show(city, TRIPPED, 0)
    clock = ManualClock()
    async with (
        served(city, DEVICES["pkf01"]) as (face, address),
        driving_at(address, clock=clock, notices=True) as driver,
        listening(driver) as notices,
    ):
        await face.refresh()
        show(city, TRIPPED, 1)
        await face.refresh()
        await until(lambda: notices)
        asked = count_lists(driver)
        await clock.advance(301.0)
        await until(lambda: asked)
        # One more question, so that the answer to the list has been read.
        await driver.priorities(bound(TRIPPED))
    assert len(notices) == 1


def count_lists(driver: BacnetDriver) -> list[Any]:
    asked: list[Any] = []
    original = driver._peer.request

    async def request(question: Any) -> Any:
        answer = await original(question)
        if type(question).__name__ == "GetEventInformationRequest":
            asked.append(answer)
        return answer

    driver._peer.request = request  # type: ignore[method-assign]
    return asked


async def test_an_alarm_is_acknowledged_by_its_exact_time_stamp(city: City) -> None:
    show(city, TRIPPED, 0)
    async with driven(city, "pkf01", notices=True, acknowledge=True) as (face, driver), listening(driver) as notices:
        await face.refresh()
        show(city, TRIPPED, 1)
        await face.refresh()
        await until(lambda: notices)
        await driver.acknowledge(notices[0], "王小明")
        await until(lambda: len(notices) == 2)
        with pytest.raises(DeviceRefusedError, match="invalid-time-stamp"):
            await driver.acknowledge(with_another_second(notices[0]), "王小明")
        with pytest.raises(DeviceRefusedError, match="asks for no acknowledgement"):
            await driver.acknowledge(notices[1], "王小明")
    assert (notices[1].kind, notices[1].to_state) == ("ack-notification", "offnormal")


def with_another_second(notice: DeviceNotice) -> DeviceNotice:
    """The same event, a second off: tag 0xb4 holds hour, minute, second and hundredth."""
    raw = bytearray.fromhex(notice.reference)
    second = raw.index(0xB4, 6) + 3
    raw[second] = (raw[second] + 1) % 60
    return DeviceNotice(
        notice.device, notice.address, notice.kind, notice.from_state, notice.to_state, notice.at, reference=raw.hex()
    )


async def test_a_device_that_answers_the_question_for_its_alarms_with_an_error_holds_nobody_up() -> None:
    (device,) = await serve_bacnet(range(1000, 1001))
    port = int(device.get_extra_info("sockname")[1])
    settings = {"host": "127.0.0.1", "port": port, "local_host": "127.0.0.1", "device_instance": 1000}
    driver = DRIVER().create(Device("plain", Text("", ""), "bacnet", settings), SystemClock())
    await driver.open()
    with pytest.raises(DeviceRefusedError, match="service-request-denied"):
        await driver.listen(lambda _: None)
    await driver.close()
    device.close()
    await asyncio.sleep(0)  # closing a socket takes a turn of the loop


async def test_nothing_is_acknowledged_where_the_site_does_not_allow_it(city: City) -> None:
    show(city, TRIPPED, 1)
    async with driven(city, "pkf01") as (face, driver):
        await face.refresh()
        async with listening(driver) as notices:
            await until(lambda: notices)
            with pytest.raises(ReadOnlyPointError, match="not allowed"):
                await driver.acknowledge(notices[0], "王小明")


async def test_a_fire_is_seen_but_neither_enlisted_nor_acknowledged(city: City) -> None:
    city.fault_on("fire_alarm", "FZN01", "now")
    move_on(city, 0.5)
    zone = address_of("TCH.01.E.FZN01.State")[1]
    async with driven(city, "fire-gateway", notices=True, acknowledge=True) as (face, driver):
        await face.refresh()
        async with listening(driver) as notices:
            await until(lambda: notices)
            assert zone in {one.address for one in notices}
            assert await recipients(face, 1) == []
            fire = next(one for one in notices if one.address == zone)
            with pytest.raises(DeviceRefusedError, match="service-request-denied"):
                await driver.acknowledge(fire, "王小明")


@pytest.mark.parametrize("kind", ["life-safety-point,1", "life-safety-zone,1"])
async def test_life_safety_objects_are_never_acknowledged_whatever_the_site_says(city: City, kind: str) -> None:
    notice = DeviceNotice("fire", kind, "change-of-life-safety", "normal", "life-safety-alarm", 1, reference="1905")
    async with driven(city, "pkf01", acknowledge=True) as (_, driver):
        with pytest.raises(ReadOnlyPointError):
            await driver.acknowledge(notice, "王小明")


async def test_a_device_without_a_list_of_events_says_so() -> None:
    device = BacnetDevice()
    device.add("analog-input,1", 1.0)
    async with bacnet_device(device):
        driver = DRIVER().create(site_device(device.port), ManualClock())
        await driver.open()
        with pytest.raises(DeviceRefusedError, match="unrecognized-service"):
            await driver.listen(print)
        await driver.close()


async def test_a_device_that_falls_silent_does_not_keep_us_from_closing(city: City) -> None:
    async with driven(city, "pkf01", notices=True, timeout_s=0.3) as (_, driver), listening(driver):
        strike(city, "device_silent", "pkf01")
        await driver.close()
        with pytest.raises(DeviceUnreachableError):
            await driver.listen(print)


@asynccontextmanager
async def driving_at(address: Address, clock: Any = None, **settings: Any) -> AsyncIterator[BacnetDriver]:
    device = site_device(port_of(address), 1201, 2.0, **{"acknowledge": True, **settings})
    driver = DRIVER().create(device, clock or SystemClock())
    await driver.open()
    try:
        yield driver
    finally:
        await driver.close()


async def enlist(other: Any, address: Address, priority: int, mac: bytes, *, confirmed: bool) -> None:
    entry = Destination(
        validDays=[1, 1, 1, 1, 1, 1, 1],
        fromTime=Time((0, 0, 0, 0)),
        toTime=Time((23, 59, 59, 99)),
        recipient=Recipient(address=DeviceAddress(networkNumber=0, macAddress=mac)),
        processIdentifier=42,
        issueConfirmedNotifications=confirmed,
        transitions=EventTransitionBits([1, 1, 1]),
    )
    await other.write_property(address, f"notification-class,{priority}", "recipient-list", ListOfDestination([entry]))

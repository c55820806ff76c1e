"""The driver against real devices of bacpypes3 on loopback ports."""

import asyncio
import gc
from typing import Any

import numpy as np
import pytest
from tests.support.bacnet_answers import object_id
from tests.support.bacnet_device import BacnetDevice, Habits, bacnet_device, bacnet_point, free_port, site_device
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.bacnet import DRIVER
from cityhall_drivers.bacnet.codec import Object
from cityhall_drivers.bacnet.driver import BacnetDriver, BacnetFactory


def bind(*addresses: str) -> list[BoundPoint]:
    return [BoundPoint(100 + number, bacnet_point(address)) for number, address in enumerate(addresses)]


def analog(count: int) -> list[BoundPoint]:
    return bind(*(f"analog-input,{number}" for number in range(1, count + 1)))


def with_analogs(count: int, **options: Any) -> BacnetDevice:
    device = BacnetDevice(**options)
    for number in range(1, count + 1):
        device.add(f"analog-input,{number}", number * 1.5)
    return device


async def opened(
    device: BacnetDevice, factory: BacnetFactory | None = None, timeout_s: float = 1.0, **settings: Any
) -> BacnetDriver:
    factory = factory or DRIVER()
    driver = factory.create(site_device(device.port, device.instance, timeout_s, **settings), SystemClock())
    await driver.open()
    return driver


async def test_values_and_flags_of_every_kind_of_object_are_read_in_the_order_of_the_points() -> None:
    device = BacnetDevice()
    device.add("analog-input,1", 21.5)
    device.add("binary-input,2", 1)
    device.add("multi-state-input,3", 4)
    device.add("analog-value,4", 5.0, (1, 0, 0, 0))
    device.add("analog-value,5", 6.0, (0, 1, 0, 0))
    device.add("analog-value,6", 7.0, (0, 0, 1, 0))
    device.add("analog-value,7", 8.0, (0, 0, 0, 1))
    async with bacnet_device(device):
        driver = await opened(device)
        plan = driver.plan(
            [
                BoundPoint(9, bacnet_point("multi-state-input,3", offset=-1.0)),
                BoundPoint(8, bacnet_point("analog-input,1", scale=2.0)),
                *bind("binary-input,2", "analog-value,4", "analog-value,5", "analog-value,6", "analog-value,7"),
                BoundPoint(7, bacnet_point("analog-input,99")),
                BoundPoint(6, bacnet_point("analog-input,1")),
            ]
        )
        readings = await driver.read(plan)
        await driver.close()

    assert plan.requests == 1
    assert readings.point.tolist() == [9, 8, 100, 101, 102, 103, 104, 7, 6]
    np.testing.assert_array_equal(readings.value, [3.0, 43.0, 1.0, 5.0, 6.0, 7.0, 8.0, np.nan, 21.5])
    assert readings.quality.tolist() == [
        Quality.GOOD, Quality.GOOD, Quality.GOOD, Quality.GOOD, Quality.BAD_DEVICE_FAULT,
        Quality.UNCERTAIN_OVERRIDDEN, Quality.BAD_OUT_OF_SERVICE, Quality.BAD_REFUSED, Quality.GOOD,
    ]  # fmt: skip
    assert len(set(readings.observed_at.tolist())) == 1


async def test_two_devices_are_read_from_one_socket_and_never_mixed_up() -> None:
    one, two = with_analogs(30, instance=1), with_analogs(30, instance=2)
    for number, made in enumerate(two.objects.values(), start=1):
        made.presentValue = -float(number)
    async with bacnet_device(one), bacnet_device(two):
        factory = DRIVER()
        drivers = [await opened(device, factory) for device in (one, two)]
        plans = [driver.plan(analog(30)) for driver in drivers]
        for _ in range(3):
            first, second = await asyncio.gather(
                *(driver.read(plan) for driver, plan in zip(drivers, plans, strict=True))
            )
            assert first.value.tolist() == [number * 1.5 for number in range(1, 31)]
            assert second.value.tolist() == [-float(number) for number in range(1, 31)]
        for driver in drivers:
            await driver.close()


async def test_pain_12_a_device_with_short_apdus_and_no_segmentation_is_asked_in_small_portions() -> None:
    device = with_analogs(60, apdu_max=480, segmentation="noSegmentation")
    async with bacnet_device(device):
        driver = await opened(device, objects_per_request_max=60)
        readings = await driver.read(driver.plan(analog(60)))
        await driver.close()
    assert not readings.quality.any()
    assert [size for _, size in device.habits.questions] == [20, 20, 20]


async def test_pain_12_a_request_too_long_is_halved_and_the_size_remembered_as_long_as_the_driver_lives() -> None:
    device = with_analogs(40, habits=Habits(objects_max=12))
    async with bacnet_device(device):
        driver = await opened(device, objects_per_request_max=40)
        plan = driver.plan(analog(40))
        first = await driver.read(plan)
        await driver.close()
        await driver.open()
        device.habits.questions.clear()
        second = await driver.read(plan)
        assert driver.plan(analog(40)).requests == 4, "another scan class knows it from the start"
        await driver.close()
    for readings in (first, second):
        assert readings.value.tolist() == [number * 1.5 for number in range(1, 41)]
    assert [size for _, size in device.habits.questions] == [10, 10, 10, 10]


async def test_pain_12_a_device_without_read_property_multiple_is_read_object_by_object() -> None:
    device = with_analogs(3, habits=Habits(knows_multiple=False))
    device.add("analog-value,9", 9.0, (0, 1, 0, 0))
    async with bacnet_device(device):
        driver = await opened(device)
        plan = driver.plan([*analog(3), BoundPoint(1, bacnet_point("analog-value,9")), *bind("analog-value,77")])
        await driver.read(plan)
        device.habits.questions.clear()
        readings = await driver.read(plan)
        await driver.close()
    assert readings.value.tolist()[:4] == [1.5, 3.0, 4.5, 9.0]
    assert readings.quality.tolist() == [0, 0, 0, Quality.BAD_DEVICE_FAULT, Quality.BAD_REFUSED]
    assert {kind for kind, _ in device.habits.questions} == {"single"}


async def test_an_unknown_object_in_a_strict_device_costs_the_others_nothing() -> None:
    device = with_analogs(15, habits=Habits(strict=True))
    async with bacnet_device(device):
        driver = await opened(device)
        readings = await driver.read(driver.plan([*analog(15), *bind("analog-input,999")]))
        await driver.close()
    assert readings.value.tolist()[:15] == [number * 1.5 for number in range(1, 16)]
    assert readings.quality.tolist() == [0] * 15 + [Quality.BAD_REFUSED]


async def test_a_device_that_refuses_to_work_is_alive_with_refused_values() -> None:
    device = with_analogs(8, habits=Habits(error=("device", "operationalProblem")))
    async with bacnet_device(device):
        driver = await opened(device)
        readings = await driver.read(driver.plan(analog(8)))
        assert len(device.habits.questions) == 1
        device.habits.error = None
        assert not (await driver.read(driver.plan(analog(8)))).quality.any()
        await driver.close()
    assert set(readings.quality.tolist()) == {Quality.BAD_REFUSED}


async def test_a_device_that_does_not_answer_who_is_is_recognised_by_its_device_object() -> None:
    device = with_analogs(30, apdu_max=206, habits=Habits(silent_to_who_is=True))
    async with bacnet_device(device):
        driver = await opened(device)
        plan = driver.plan(analog(30))
        assert not (await driver.read(plan)).quality.any()
        await driver.close()
    assert plan.requests == 4


@pytest.mark.parametrize("silent_to_who_is", [False, True])
async def test_another_device_at_the_address_is_not_taken_for_it(silent_to_who_is: bool) -> None:
    device = with_analogs(1, instance=2002, habits=Habits(silent_to_who_is=silent_to_who_is))
    async with bacnet_device(device):
        driver = DRIVER().create(site_device(device.port, 1001), SystemClock())
        with pytest.raises(DeviceUnreachableError, match="1001"):
            await driver.open()


async def test_a_silent_device_is_unreachable_within_its_time_and_does_not_delay_another() -> None:
    dead, alive = with_analogs(3, instance=1), with_analogs(3, instance=2)
    async with bacnet_device(dead), bacnet_device(alive):
        factory = DRIVER()
        silent, talking = await opened(dead, factory, timeout_s=0.3), await opened(alive, factory, timeout_s=0.3)
        dead.habits.silent = True
        plan, other = silent.plan(analog(3)), talking.plan(analog(3))
        waiting = asyncio.create_task(silent.read(plan))
        for _ in range(5):
            assert not (await talking.read(other)).quality.any()
        assert not waiting.done()
        with pytest.raises(DeviceUnreachableError, match="no answer"):
            await waiting
        dead.habits.silent = False
        assert (await silent.read(plan)).value.tolist() == [1.5, 3.0, 4.5]
        await silent.close()
        await talking.close()


async def test_a_device_that_falls_silent_half_way_keeps_what_it_said() -> None:
    device = with_analogs(4)
    async with bacnet_device(device):
        driver = await opened(device, timeout_s=0.3, objects_per_request_max=2)
        plan = driver.plan(analog(4))
        original = driver._field.ask

        async def then_silent(question: bytes, timeout_s: float | None = None) -> bytes:
            answer = await original(question, timeout_s)
            device.habits.silent = True
            return answer

        driver._field.ask = then_silent  # type: ignore[method-assign]
        readings = await driver.read(plan)
        await driver.close()
    assert readings.value.tolist()[:2] == [1.5, 3.0]
    assert readings.quality.tolist() == [0, 0, Quality.BAD_TIMEOUT, Quality.BAD_TIMEOUT]


async def test_a_device_read_object_by_object_that_falls_silent_half_way_keeps_what_it_said() -> None:
    device = with_analogs(3, habits=Habits(knows_multiple=False))
    async with bacnet_device(device):
        driver = await opened(device, timeout_s=0.3)
        plan = driver.plan(analog(3))
        await driver.read(plan)
        original = driver._field.ask

        async def silent_about_the_second(question: bytes, timeout_s: float | None = None) -> bytes:
            device.habits.silent = question[5:9] == object_id(0, 2)
            return await original(question, timeout_s)

        driver._field.ask = silent_about_the_second  # type: ignore[method-assign]
        first, second = await driver.read(plan), await driver.read(plan)
        await driver.close()
    assert first.quality.tolist() == [0, Quality.BAD_TIMEOUT, Quality.BAD_TIMEOUT]
    assert second.quality.tolist() == [0, Quality.BAD_TIMEOUT, 0], "the silent one is asked last from now on"


async def test_a_question_met_with_silence_costs_the_others_nothing() -> None:
    device = with_analogs(4, habits=Habits(silent_about=1))
    async with bacnet_device(device):
        driver = await opened(device, timeout_s=0.3, objects_per_request_max=2)
        plan = driver.plan(analog(4))
        with pytest.raises(DeviceUnreachableError):
            await driver.read(plan)
        readings = await driver.read(plan)
        await driver.close()
    assert readings.quality.tolist() == [Quality.BAD_TIMEOUT, Quality.BAD_TIMEOUT, 0, 0]
    assert readings.value.tolist()[2:] == [4.5, 6.0]


async def test_the_late_end_of_a_question_that_nobody_waits_for_is_no_error_of_the_loop() -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    device = with_analogs(1)

    async def give_up_early() -> None:
        factory = DRIVER()
        factory.create(site_device(free_port(), instance=2, timeout_s=1.0), SystemClock())  # sets a slower pace
        driver = await opened(device, factory, timeout_s=0.2)
        device.habits.silent = True
        with pytest.raises(DeviceUnreachableError):
            await driver._peer.read_multiple([Object(0, 1)])
        transactions = driver._peer.app.asap.clientTransactions
        assert transactions
        await until(lambda: not transactions)
        await driver.close()

    async with bacnet_device(device):
        await give_up_early()
    await asyncio.sleep(0)
    gc.collect()
    assert complaints == []


async def test_nothing_is_repeated_after_the_last_driver_has_closed() -> None:
    device = with_analogs(1)
    async with bacnet_device(device):
        driver = await opened(device, timeout_s=5.0)
        device.habits.silent = True
        reading = asyncio.create_task(driver._peer.read_multiple([Object(0, 1)]))
        transactions = driver._peer.app.asap.clientTransactions
        await until(lambda: transactions)
        (transaction,) = transactions
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert transaction._timer_handle is not None
        await driver.close()
        assert transaction._timer_handle is None


async def test_it_finds_the_device_again_after_its_restart() -> None:
    device = with_analogs(2)
    async with bacnet_device(device):
        driver = await opened(device, timeout_s=0.3)
        plan = driver.plan(analog(2))
        await driver.read(plan)
        await device.stop()
        with pytest.raises(DeviceUnreachableError):
            await driver.read(plan)
        await driver.close()
        with pytest.raises(DeviceUnreachableError):
            await driver.open()
        await device.start()
        await driver.open()
        assert (await driver.read(plan)).value.tolist() == [1.5, 3.0]
        await driver.close()


async def test_many_cancelled_reads_leave_nothing_that_could_answer_another_question() -> None:
    device = with_analogs(2)
    async with bacnet_device(device):
        driver = await opened(device, timeout_s=5.0)
        plan = driver.plan(analog(2))
        device.habits.silent = True
        for _ in range(20):
            reading = asyncio.create_task(driver.read(plan))
            await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        device.habits.silent = False
        assert (await driver.read(plan)).value.tolist() == [1.5, 3.0]
        await driver.close()


async def test_questions_left_open_are_bounded() -> None:
    device = with_analogs(1)
    async with bacnet_device(device):
        driver = await opened(device, timeout_s=5.0)
        plan = driver.plan(analog(1))
        device.habits.silent = True
        for _ in range(64):
            reading = asyncio.create_task(driver.read(plan))
            await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        with pytest.raises(DeviceUnreachableError, match="still open"):
            await driver.read(plan)
        await driver.close()


async def test_a_local_address_that_cannot_be_bound_says_so() -> None:
    device = site_device(47808, host="192.0.2.7", local_host="192.0.2.1")
    driver = DRIVER().create(device, SystemClock())
    with pytest.raises(DeviceUnreachableError, match=r"cannot bind 192\.0\.2\.1"):
        await driver.open()
    await driver.close()


async def test_nobody_at_the_port_is_an_unreachable_device() -> None:
    driver = DRIVER().create(site_device(free_port(), timeout_s=0.2), SystemClock())
    with pytest.raises(DeviceUnreachableError, match="no answer"):
        await driver.open()


async def test_a_driver_that_is_not_open_reads_nothing() -> None:
    driver = DRIVER().create(site_device(47808), SystemClock())
    with pytest.raises(DeviceUnreachableError, match="not open"):
        await driver.read(driver.plan(analog(1)))
    await driver.close()


def test_a_device_that_cannot_work_is_refused_when_its_driver_is_made() -> None:
    with pytest.raises(DriverConfigError, match="device_instance"):
        DRIVER().create(site_device(47808, instance=9_999_999), SystemClock())


def test_a_device_is_named_by_address_and_instance() -> None:
    assert DRIVER().endpoint(site_device(47811)) == "127.0.0.1:47811 device 1001"

"""Serial frames, through a gateway and on a serial port: one question at a time, and no late answer for the next."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
import pytest_asyncio
from tests.support.modbus_server import bound, modbus_point
from tests.support.serial_bus import SerialBus, behind_tcp, on_a_terminal
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device, Text
from cityhall_drivers.modbus import DRIVER
from cityhall_drivers.modbus.driver import ModbusDriver, ModbusFactory
from cityhall_drivers.modbus.library_serial import silent_interval_s

Way = Callable[[SerialBus], AbstractAsyncContextManager[dict[str, object]]]
MEDIA: dict[str, Way] = {"tcp": behind_tcp, "terminal": on_a_terminal}


@pytest_asyncio.fixture(params=MEDIA)
async def line(request: pytest.FixtureRequest) -> AsyncIterator[tuple[SerialBus, dict[str, object]]]:
    bus = SerialBus({1: {address: 100 + address for address in range(20)}, 2: dict.fromkeys(range(20), 200)})
    async with MEDIA[request.param](bus) as settings:
        yield bus, settings


Line = tuple[SerialBus, dict[str, object]]


async def opened(
    settings: dict[str, object], unit: int = 1, factory: ModbusFactory | None = None, timeout_s: float = 0.05
) -> ModbusDriver:
    device = Device(f"u{unit}", Text("", ""), "modbus", {**settings, "unit_id": unit}, timeout_s=timeout_s)
    driver = (factory or DRIVER()).create(device, SystemClock())
    await driver.open()
    return driver


def points(*addresses: int) -> list:
    return bound([modbus_point(f"holding:{address}", role=f"P{address}") for address in addresses])


async def test_registers_are_read(line: Line) -> None:
    bus, settings = line
    driver = await opened(settings)
    readings = await driver.read(driver.plan(points(3, 1, 7)))
    await driver.close()
    assert readings.value.tolist() == [103.0, 101.0, 107.0]
    assert len(bus.requests) == 1


async def test_units_share_the_line_one_after_the_other(line: Line) -> None:
    _, settings = line
    factory = DRIVER()
    drivers = [await opened(settings, unit, factory) for unit in (1, 2)]
    assert factory.bus(drivers[0]._device) == factory.bus(drivers[1]._device)
    values = [(await driver.read(driver.plan(points(3)))).value[0] for driver in drivers]
    for driver in drivers:
        await driver.close()
    assert values == [103.0, 200.0]


async def test_a_wrong_checksum_is_silence(line: Line) -> None:
    bus, settings = line
    driver = await opened(settings)
    frame = bytearray(bus.answer_of(1, 3, 1))
    frame[3] ^= 1
    bus.scripted.append(bytes(frame))
    plan = driver.plan(points(3))
    with pytest.raises(DeviceUnreachableError):
        await driver.read(plan)
    assert (await driver.read(plan)).value.tolist() == [103.0]
    assert driver.diagnostics()["noise"] == 1
    await driver.close()


async def test_the_answer_of_another_unit_or_length_is_not_taken(line: Line) -> None:
    bus, settings = line
    driver = await opened(settings)
    right = bus.answer_of(1, 3, 1)
    bus.scripted.append(bus.answer_of(2, 3, 1) + bus.answer_of(1, 3, 2) + right)
    readings = await driver.read(driver.plan(points(3)))
    await driver.close()
    assert readings.value.tolist() == [103.0]
    assert driver.diagnostics()["late"] == 2


async def test_a_late_answer_is_never_taken_for_the_next_of_the_same_unit(line: Line) -> None:
    bus, settings = line
    driver = await opened(settings, timeout_s=0.1)
    slow, other = driver.plan(points(3)), driver.plan(points(5))
    bus.scripted.append(b"")
    with pytest.raises(DeviceUnreachableError):
        await driver.read(slow)
    # The answer to register 3 comes now, when register 5 is about to be asked for: both have the same shape.
    assert bus.send is not None
    bus.send(bus.answer_of(1, 3, 1))
    readings = await driver.read(other)
    await driver.close()
    assert readings.value.tolist() == [105.0]


async def test_noise_between_answers_does_no_harm(line: Line) -> None:
    bus, settings = line
    driver = await opened(settings)
    plan = driver.plan(points(3))
    await driver.read(plan)
    assert bus.send is not None
    bus.send(b"\xff\x00\x13")
    await until(lambda: driver.diagnostics().get("late"))
    assert (await driver.read(plan)).value.tolist() == [103.0]
    await driver.close()


async def test_a_refused_register_is_found_and_the_others_count(line: Line) -> None:
    _, settings = line
    driver = await opened(settings)
    readings = await driver.read(driver.plan(points(18, 19, 20)))
    await driver.close()
    assert readings.quality.tolist() == [Quality.GOOD, Quality.GOOD, Quality.BAD_REFUSED]


async def test_ping_takes_one_small_question_and_its_own_time(line: Line) -> None:
    bus, settings = line
    driver = await opened(settings, timeout_s=5.0)
    driver.plan(points(1, 2, 3, 9))
    await driver.ping(0.5)
    bus.scripted.append(b"")
    with pytest.raises(DeviceUnreachableError, match=r"within 0\.02 s"):
        await driver.ping(0.02)
    await driver.close()


async def test_a_port_that_is_not_there_is_an_unreachable_device() -> None:
    with pytest.raises(DeviceUnreachableError, match="/dev/no-such-port"):
        await opened({"serial": "/dev/no-such-port"})


def test_the_rest_between_frames_is_that_of_the_standard() -> None:
    # Modbus over Serial Line V1.02, 2.5.1.1: 3.5 characters of 11 bits; 1.75 ms above 19,200 baud.
    assert silent_interval_s(9_600) == pytest.approx(38.5 / 9_600)
    assert silent_interval_s(19_200) == pytest.approx(38.5 / 19_200)
    assert silent_interval_s(115_200) == 0.00175

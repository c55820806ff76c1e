"""Serial frames, through a gateway and on a serial port: one question at a time, and no late answer for the next."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio
from tests.support.manual_clock import ManualClock
from tests.support.modbus_server import bound, modbus_point
from tests.support.serial_bus import SerialBus, behind_tcp, on_a_terminal
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device, Text
from cityhall_bms.ports.clock import Clock
from cityhall_drivers.modbus import DRIVER
from cityhall_drivers.modbus.config import ModbusConfig
from cityhall_drivers.modbus.driver import ModbusDriver, ModbusFactory
from cityhall_drivers.modbus.line_time import silent_interval_s
from cityhall_drivers.modbus.stack_serial import SerialLink

Way = Callable[[SerialBus], AbstractAsyncContextManager[dict[str, object]]]
MEDIA: dict[str, Way] = {"tcp": behind_tcp, "terminal": on_a_terminal}


@pytest_asyncio.fixture(params=MEDIA)
async def line(request: pytest.FixtureRequest) -> AsyncIterator[tuple[SerialBus, dict[str, object]]]:
    bus = SerialBus({1: {address: 100 + address for address in range(20)}, 2: dict.fromkeys(range(20), 200)})
    async with MEDIA[request.param](bus) as settings:
        yield bus, settings


Line = tuple[SerialBus, dict[str, object]]


async def opened(
    settings: dict[str, object],
    unit: int = 1,
    factory: ModbusFactory | None = None,
    timeout_s: float = 0.05,
    clock: Clock | None = None,
) -> ModbusDriver:
    device = Device(f"u{unit}", Text("", ""), "modbus", {**settings, "unit_id": unit}, timeout_s=timeout_s)
    driver = (factory or DRIVER()).create(device, clock or SystemClock())
    await driver.open()
    return driver


async def slow_clock() -> ManualClock:
    """A clock on which the line has been quiet for a second."""
    clock = ManualClock()
    await clock.advance(1.0)
    return clock


async def done(task: asyncio.Task[Readings], clock: ManualClock) -> Readings:
    """Let pass what little time a question takes: the rest between two frames."""
    async with asyncio.timeout(10):
        while not task.done():
            await clock.advance(0.0005)
            await asyncio.wait([task], timeout=0.001)
    return task.result()


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
    assert driver.diagnostics()["noise"] == 1


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


async def test_an_answer_to_a_cancelled_question_is_never_taken_for_the_next(line: Line) -> None:
    bus, settings = line
    driver = await opened(settings, timeout_s=0.2)
    bus.scripted.append(b"")
    reading = asyncio.create_task(driver.read(driver.plan(points(3))))
    await until(lambda: bus.requests)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    next_one = asyncio.create_task(driver.read(driver.plan(points(5))))
    await asyncio.sleep(0)
    assert bus.send is not None
    bus.send(bus.answer_of(1, 3, 1))
    assert (await next_one).value.tolist() == [105.0]
    await driver.close()


async def test_a_unit_that_was_too_slow_for_a_ping_is_left_alone_for_its_own_whole_time_out(line: Line) -> None:
    bus, settings = line
    clock = await slow_clock()
    driver = await opened(settings, timeout_s=2.0, clock=clock)
    driver.plan(points(3))
    bus.scripted.append(b"")
    with pytest.raises(DeviceUnreachableError):
        await driver.ping(0.02)
    asked = len(bus.requests)
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(driver.read(driver.plan(points(5))))
        await clock.advance(1.9)
        assert len(bus.requests) == asked
        await clock.advance(0.2)
        await done(reading, clock)
    await driver.close()
    assert reading.result().value.tolist() == [105.0]


async def test_pain_03_while_a_silent_unit_is_left_alone_the_others_are_asked(line: Line) -> None:
    bus, settings = line
    clock, factory = await slow_clock(), DRIVER()
    silent, other = [await opened(settings, unit, factory, timeout_s, clock) for unit, timeout_s in ((1, 0.05), (2, 9))]
    plans = [driver.plan(points(3)) for driver in (silent, other)]
    bus.scripted.append(b"")
    with pytest.raises(DeviceUnreachableError):
        await silent.read(plans[0])
    async with asyncio.TaskGroup() as tasks:
        again = tasks.create_task(silent.read(plans[0]))
        for _ in range(3):
            reading = tasks.create_task(other.read(plans[1]))
            assert (await done(reading, clock)).value.tolist() == [200.0]
        assert not again.done()
        assert [unit for unit, _ in bus.requests] == [1, 2, 2, 2]
        await clock.advance(60.0)
        assert (await done(again, clock)).value.tolist() == [103.0]
    for driver in (silent, other):
        await driver.close()


@pytest.mark.parametrize("noise", ["00", "ff", "0103ff", "55aa55"])
async def test_noise_before_an_answer_costs_nothing(line: Line, noise: str) -> None:
    bus, settings = line
    driver = await opened(settings)
    bus.scripted.append(bytes.fromhex(noise) + bus.answer_of(1, 3, 1))
    assert (await driver.read(driver.plan(points(3)))).value.tolist() == [103.0]
    assert driver.diagnostics()["noise"] == 1
    await driver.close()


async def test_an_adapter_that_echoes_every_question_does_no_harm(line: Line) -> None:
    bus, settings = line
    driver = await opened(settings)
    # Modbus over Serial Line V1.02, clause 2.5.1.2: unit 1, read one register from 3; checksum C.R.C. 16, low byte first.
    echo = bytes.fromhex("01 03 0003 0001 74 0A")
    bus.scripted.append(echo + bus.answer_of(1, 3, 1))
    assert (await driver.read(driver.plan(points(3)))).value.tolist() == [103.0]
    await driver.close()


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


async def test_an_unplugged_port_is_noticed_at_once_and_opened_again_when_it_is_back(tmp_path: Path) -> None:
    bus = SerialBus({1: {3: 103}})
    port = tmp_path / "by-id"
    async with on_a_terminal(bus) as settings:
        port.symlink_to(str(settings["serial"]))
        driver = await opened({**settings, "serial": str(port)}, timeout_s=60.0)
        plan = driver.plan(points(3))
        await driver.read(plan)
        bus.scripted.append(b"")
        reading = asyncio.create_task(driver.read(plan))
        await until(lambda: len(bus.requests) == 2)
    async with asyncio.timeout(10):
        with pytest.raises(DeviceUnreachableError, match="connection lost"):
            await reading
    port.unlink()
    with pytest.raises(DeviceUnreachableError):
        await driver.ping(0.02)
    await driver.close()

    async with on_a_terminal(bus) as settings:
        port.symlink_to(str(settings["serial"]))
        again = await opened({**settings, "serial": str(port)})
        assert (await again.read(again.plan(points(3)))).value.tolist() == [103.0]
        await again.close()


async def test_nothing_is_ever_sent_into_a_file_that_got_the_number_of_a_closed_port() -> None:
    async with on_a_terminal(SerialBus({1: {}})) as settings:
        link = SerialLink(ModbusConfig.model_validate({**settings, "unit_id": 1}), SystemClock())
        await link.join(1, 1.0)
        number = link._fd
        link.drop()
        other = os.open(os.devnull, os.O_WRONLY)
        assert other == number
        with pytest.raises(OSError, match="Bad file descriptor"):
            link.send(b"a frame")
        os.close(other)


async def test_a_port_whose_settings_changed_is_opened_anew_when_the_last_of_the_old_ones_let_go() -> None:
    bus = SerialBus({1: {3: 103}, 2: {3: 203}})
    async with on_a_terminal(bus) as settings:
        factory = DRIVER()
        old = await opened(settings, 1, factory)
        with pytest.raises(DeviceUnreachableError, match="lock"):
            await opened({**settings, "baud": 57_600}, 2, factory)
        await old.close()
        new = await opened({**settings, "baud": 57_600}, 2, factory)
        assert (await new.read(new.plan(points(3)))).value.tolist() == [203.0]
        await new.close()


def test_the_plan_says_how_long_each_request_keeps_the_line() -> None:
    device = Device("u1", Text("", ""), "modbus", {"serial": "/dev/ttyS1", "baud": 9_600, "unit_id": 1})
    (planned,) = DRIVER().create(device, SystemClock()).explain(points(0, 9))
    # 8 bytes of question, 5 and the data of the answer, 11 bits each, and 3.5 characters of silence around each.
    assert planned.bytes == 8 + 5 + 20
    assert planned.line_ms == pytest.approx(1e3 * (33 * 11 + 2 * 38.5) / 9_600)


def test_the_rest_between_frames_is_that_of_the_standard() -> None:
    # Modbus over Serial Line V1.02, 2.5.1.1: 3.5 characters of 11 bits; 1.75 ms above 19,200 baud.
    assert silent_interval_s(9_600) == pytest.approx(38.5 / 9_600)
    assert silent_interval_s(19_200) == pytest.approx(38.5 / 19_200)
    assert silent_interval_s(115_200) == 0.00175

"""The driver against a real server on a loopback port."""

import asyncio
import contextlib
import struct
from collections import deque

import numpy as np
import pytest
from tests.support import modbus_server as faults
from tests.support.manual_clock import ManualClock
from tests.support.modbus_server import bound, modbus_device, modbus_point, modbus_server
from tests.support.modbus_units import IDENTITY, many, opened
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_bms.domain.quality import Quality
from cityhall_drivers.modbus import DRIVER
from cityhall_drivers.modbus.link import WAY_GIVEN_MAX

NONSENSE = [
    faults.wrong_function,
    faults.short_answer,
    faults.lying_byte_count,
    faults.unknown_function,
    faults.wrong_unit,
    faults.other_protocol,
]
UNHEARD = [faults.silence, faults.wrong_transaction, faults.transaction_zero]


async def test_every_table_and_type_is_read_in_the_order_of_the_points() -> None:
    floats = struct.unpack(">4H", struct.pack(">d", -12.5))
    word_swapped = struct.unpack(">2H", struct.pack(">f", 21.25))[::-1]
    holding = {10: 0xFFFE, 20: 0b1000_0000_0000_0010, **dict(zip(range(30, 34), floats, strict=True))}
    async with modbus_server(
        coil={3: 1}, discrete={7: 0}, holding=holding, input=dict(zip((100, 101), word_swapped, strict=True))
    ) as server:
        driver = await opened(server.port, gap_max=0)
        plan = driver.plan(
            bound(
                [
                    modbus_point("holding:30", "float64", scale=2.0, offset=1.0),
                    modbus_point("coil:3", ""),
                    modbus_point("input:100", "float32", word_order="CDAB"),
                    modbus_point("holding:20.15", ""),
                    modbus_point("holding:20.0", "bool"),
                    modbus_point("discrete:7", "bool"),
                    modbus_point("holding:10", "int16"),
                    modbus_point("holding:20.1", "bool"),
                    modbus_point("holding:10", "bool"),
                ]
            )
        )
        readings = await driver.read(plan)
        await driver.close()

    assert readings.point.tolist() == list(range(100, 109))
    assert readings.value.tolist() == [-24.0, 1.0, 21.25, 1.0, 0.0, 0.0, -2.0, 1.0, 1.0]
    assert not readings.quality.any()
    assert len(set(readings.observed_at.tolist())) == 1


@pytest.mark.parametrize("fault", NONSENSE)
async def test_an_answer_to_another_question_is_bad_and_the_next_scan_is_good(fault: faults.Fault) -> None:
    async with modbus_server(holding=IDENTITY) as server:
        driver = await opened(server.port)
        plan = driver.plan(many([1, 5, 200]))
        server.faults = deque([fault])
        first, second = await driver.read(plan), await driver.read(plan)
        await driver.close()

    assert first.quality.tolist() == [Quality.BAD_DECODE, Quality.BAD_DECODE, Quality.GOOD]
    assert np.isnan(first.value[:2]).all()
    assert first.value[2] == 200.0
    assert second.value.tolist() == [1.0, 5.0, 200.0]
    assert not second.quality.any()


@pytest.mark.parametrize("fault", UNHEARD)
async def test_silence_is_an_unreachable_device_and_the_connection_serves_the_next_scan(fault: faults.Fault) -> None:
    async with modbus_server(holding=IDENTITY) as server:
        driver = await opened(server.port)
        plan = driver.plan(many([1, 5]))
        server.faults = deque([fault])
        with pytest.raises(DeviceUnreachableError):
            await driver.read(plan)
        readings = await driver.read(plan)
        await driver.close()

    assert readings.value.tolist() == [1.0, 5.0]
    assert server.connections == 1


async def test_after_a_reset_and_after_three_silences_in_a_row_the_next_scan_connects_anew() -> None:
    async with modbus_server(holding=IDENTITY) as server:
        driver = await opened(server.port, timeout_s=0.05)
        plan = driver.plan(many([1, 5]))
        server.faults = deque([faults.reset, faults.silence, faults.silence, faults.silence])
        for connections in (1, 2, 2, 2):
            with pytest.raises(DeviceUnreachableError):
                await driver.read(plan)
            assert server.connections == connections
        assert (await driver.read(plan)).value.tolist() == [1.0, 5.0]
        await driver.close()

    assert server.connections == 3


async def test_a_closed_connection_is_noticed_at_once_and_not_after_the_timeout() -> None:
    async with modbus_server(holding=IDENTITY) as server:
        driver = await opened(server.port, timeout_s=60.0)
        server.faults = deque([faults.reset])
        async with asyncio.timeout(10):
            with pytest.raises(DeviceUnreachableError, match="connection lost"):
                await driver.read(driver.plan(many([1])))
        await driver.close()


async def test_a_late_answer_glued_to_the_next_is_never_taken_for_it() -> None:
    held: list[bytes] = []

    def hold(server: faults.ModbusServer, request: faults.Request) -> None:
        held.append(server.right_answer(request))

    def glue(server: faults.ModbusServer, request: faults.Request) -> bytes:
        return held[0] + server.right_answer(request)

    async with modbus_server(holding=dict(IDENTITY)) as server:
        driver = await opened(server.port)
        plan = driver.plan(many([1]))
        server.faults = deque([None, hold])
        await driver.read(plan)
        with pytest.raises(DeviceUnreachableError):
            await driver.read(plan)
        server.registers[1, 3][1] = 77
        server.faults = deque([glue])
        readings = await driver.read(plan)
        await driver.close()

    assert readings.value.tolist() == [77.0]


async def test_an_answer_sent_twice_never_answers_the_next_question() -> None:
    def twice(server: faults.ModbusServer, request: faults.Request) -> bytes:
        return server.right_answer(request) * 2

    async with modbus_server(holding=dict(IDENTITY)) as server:
        driver = await opened(server.port)
        server.habits[1] = twice
        for address in (3, 9, 300):
            assert (await driver.read(driver.plan(many([address])))).value.tolist() == [address]
        await driver.close()


async def test_a_cancelled_question_leaves_no_answer_for_the_next() -> None:
    async with modbus_server(holding=dict(IDENTITY)) as server:
        driver = await opened(server.port, timeout_s=5.0)
        server.faults = deque([faults.silence])
        reading = asyncio.create_task(driver.read(driver.plan(many([1]))))
        await until(lambda: server.requests)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert (await driver.read(driver.plan(many([2])))).value.tolist() == [2.0]
        await driver.close()
    assert server.connections == 2


async def test_units_behind_one_address_share_a_connection_and_one_dead_unit_does_not_stop_them() -> None:
    async with modbus_server() as server:
        for unit in (1, 2, 3):
            server.registers[unit, 3] = {address: 1000 * unit + address for address in range(10)}
        server.habits[2] = faults.silence
        factory = DRIVER()
        drivers = {unit: await opened(server.port, unit, factory=factory) for unit in (1, 2, 3)}
        assert server.connections == 1

        async def poll(unit: int) -> list[object]:
            results: list[object] = []
            for _ in range(4):
                plan = drivers[unit].plan(many([0, 5]))
                try:
                    results.append((await drivers[unit].read(plan)).value.tolist())
                except DeviceUnreachableError:
                    results.append(None)
            return results

        results = dict(zip((1, 2, 3), await asyncio.gather(poll(1), poll(2), poll(3)), strict=True))
        for driver in drivers.values():
            await driver.close()

    assert results == {1: [[1000.0, 1005.0]] * 4, 2: [None] * 4, 3: [[3000.0, 3005.0]] * 4}


@pytest.mark.parametrize("fault", [faults.silence, faults.exception(0x0B)])
async def test_pain_03_silent_units_give_way_to_those_that_answer(fault: faults.Fault) -> None:
    async with modbus_server() as server:
        for unit in range(1, 7):
            server.registers[unit, 3] = dict(IDENTITY)
        server.habits = dict.fromkeys((1, 2, 3), fault)
        factory = DRIVER()
        drivers = {unit: await opened(server.port, unit, factory=factory, timeout_s=0.05) for unit in range(1, 7)}
        plans = {unit: driver.plan(many([1])) for unit, driver in drivers.items()}

        async def read(unit: int) -> None:
            with contextlib.suppress(DeviceUnreachableError):
                await drivers[unit].read(plans[unit])

        for unit in drivers:
            await read(unit)
        server.requests.clear()
        await asyncio.gather(*(read(unit) for unit in (1, 2, 3, 4, 5, 6)))
        for driver in drivers.values():
            await driver.close()
    # The first finds the line free; then all that answer come first, though the others asked before them.
    assert [request.unit for request in server.requests] == [1, 4, 5, 6, 2, 3]


async def test_a_silent_unit_is_asked_in_the_end_on_a_line_that_is_never_free() -> None:
    async with modbus_server() as server:
        for unit in range(1, 5):
            server.registers[unit, 3] = dict(IDENTITY)
        factory = DRIVER()
        drivers = {unit: await opened(server.port, unit, factory=factory, timeout_s=0.05) for unit in range(1, 5)}
        plans = {unit: driver.plan(many([1])) for unit, driver in drivers.items()}
        server.faults = deque([faults.silence])
        with pytest.raises(DeviceUnreachableError):
            await drivers[1].read(plans[1])

        async def busy(unit: int) -> None:
            while unit not in done:
                await drivers[unit].read(plans[unit])

        done: set[int] = set()
        others = [asyncio.create_task(busy(unit)) for unit in (2, 3, 4)]
        await until(lambda: len(server.requests) > 3)
        came_back = await drivers[1].read(plans[1])
        done.update((2, 3, 4))
        await asyncio.gather(*others)
        for driver in drivers.values():
            await driver.close()
    units = [request.unit for request in server.requests[1:]]
    assert came_back.value.tolist() == [1.0]
    assert units.index(1) > WAY_GIVEN_MAX


async def test_the_rest_that_one_unit_needs_is_given_to_all_on_its_medium() -> None:
    clock, factory = ManualClock(), DRIVER()
    async with modbus_server(holding=IDENTITY) as server:
        server.registers[2, 3] = dict(IDENTITY)
        await clock.advance(1.0)
        one = await opened(server.port, 1, clock, factory, request_gap_ms=40.0)
        two = await opened(server.port, 2, clock, factory)
        await one.read(one.plan(many([1])))
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(two.read(two.plan(many([2]))))
            await clock.advance(0.039)
            assert [request.unit for request in server.requests] == [1]
            await clock.advance(0.002)
        await one.close()
        await two.close()
    assert reading.result().value.tolist() == [2.0]


async def test_the_shared_connection_ends_with_its_last_user() -> None:
    async with modbus_server(holding=IDENTITY) as server:
        factory = DRIVER()
        one, two = await opened(server.port, 1, factory=factory), await opened(server.port, 1, factory=factory)
        await one.close()
        await two.read(two.plan(many([1])))
        await two.close()
        await until(lambda: not server.clients)
        await one.open()
        assert (await one.read(one.plan(many([4])))).value.tolist() == [4.0]
        await one.close()
    assert server.connections == 2


async def test_it_reconnects_after_the_device_restarted() -> None:
    async with modbus_server(holding=IDENTITY) as server:
        driver = await opened(server.port)
        plan = driver.plan(many([1]))
        await driver.read(plan)
        await server.stop()
        with pytest.raises(DeviceUnreachableError):
            await driver.read(plan)
        with pytest.raises(DeviceUnreachableError):
            await driver.open()
        await server.start()
        await driver.open()
        assert (await driver.read(plan)).value.tolist() == [1.0]
        await driver.close()


async def test_nobody_listening_is_an_unreachable_device() -> None:
    async with modbus_server() as server:
        port = server.port
    with pytest.raises(DeviceUnreachableError, match=f"127.0.0.1:{port}"):
        await opened(port)


async def test_a_driver_that_is_not_open_reads_nothing() -> None:
    driver = DRIVER().create(modbus_device(1), SystemClock())
    with pytest.raises(DeviceUnreachableError, match="not open"):
        await driver.read(driver.plan(many([1])))
    await driver.close()


def test_a_device_that_cannot_work_is_refused_when_its_driver_is_made() -> None:
    with pytest.raises(DriverConfigError, match="unit_id"):
        DRIVER().create(modbus_device(502, unit=900), SystemClock())


def test_a_point_that_cannot_work_is_refused_when_it_is_planned() -> None:
    driver = DRIVER().create(modbus_device(502), SystemClock())
    with pytest.raises(DriverConfigError, match="pressure:1"):
        driver.plan(bound([modbus_point("pressure:1")]))


def test_a_device_is_named_by_address_and_unit() -> None:
    assert DRIVER().endpoint(modbus_device(502, unit=3)) == "127.0.0.1:502 unit 3"

"""What the driver learns of a unit: refused registers, silent blocks, gateways that cannot reach it."""

from collections import deque

import pytest
from tests.support import modbus_server as faults
from tests.support.manual_clock import ManualClock
from tests.support.modbus_server import modbus_server
from tests.support.modbus_units import IDENTITY, many, opened

from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.domain.quality import Quality
from cityhall_drivers.modbus.plan import RETEST_MIN_S, SILENCES_MAX


async def test_refused_registers_are_found_once_and_the_others_still_count() -> None:
    holding = {address: address for address in range(64) if address not in {13, 40}}
    async with modbus_server(holding=holding) as server:
        driver = await opened(server.port)
        plan = driver.plan(many(list(range(64))))
        first = await driver.read(plan)
        cost = len(server.requests)
        second = await driver.read(plan)
        again = len(server.requests) - cost
        await driver.close()

    expected = [Quality.BAD_REFUSED if address in {13, 40} else Quality.GOOD for address in range(64)]
    for readings in (first, second):
        assert readings.quality.tolist() == expected
        assert all(readings.value[address] == address for address in holding)
    assert again == plan.requests < cost <= 30


async def test_an_unmapped_register_between_two_points_costs_neither_of_them() -> None:
    async with modbus_server(holding={1: 1, 3: 3}) as server:
        driver = await opened(server.port)
        plan = driver.plan(many([1, 3]))
        assert plan.requests == 1
        readings = await driver.read(plan)
        await driver.close()
    assert readings.value.tolist() == [1.0, 3.0]
    assert plan.requests == 2


async def test_refused_registers_are_tried_again_after_a_while() -> None:
    clock = ManualClock()
    async with modbus_server(holding={1: 1}) as server:
        driver = await opened(server.port, clock=clock)
        plan = driver.plan(many([1, 2]))
        assert (await driver.read(plan)).quality.tolist() == [Quality.GOOD, Quality.BAD_REFUSED]
        server.registers[1, 3][2] = 22
        await clock.advance(RETEST_MIN_S - 1)
        assert (await driver.read(plan)).quality.tolist() == [Quality.GOOD, Quality.BAD_REFUSED]
        await clock.advance(1)
        assert (await driver.read(plan)).value.tolist() == [1.0, 22.0]
        await driver.close()
    assert plan.requests == 1


async def test_a_unit_that_refuses_everything_is_alive_and_cheap_to_ask() -> None:
    async with modbus_server() as server:
        driver = await opened(server.port)
        plan = driver.plan(many(list(range(8))))
        await driver.read(plan)
        server.requests.clear()
        readings = await driver.read(plan)
        await driver.close()
    assert set(readings.quality.tolist()) == {Quality.BAD_REFUSED}
    assert len(server.requests) == 1


async def test_a_unit_that_refused_everything_is_read_again_as_soon_as_it_answers() -> None:
    async with modbus_server() as server:
        driver = await opened(server.port)
        plan = driver.plan(many([1, 2, 3]))
        await driver.read(plan)
        server.registers[1, 3] = dict(IDENTITY)
        await driver.read(plan)
        assert (await driver.read(plan)).value.tolist() == [1.0, 2.0, 3.0]
        await driver.close()


async def test_a_busy_unit_is_not_remembered_as_a_hole() -> None:
    async with modbus_server(holding=IDENTITY) as server:
        driver = await opened(server.port)
        plan = driver.plan(many([1, 2]))
        server.faults = deque([faults.exception(6)])
        assert set((await driver.read(plan)).quality.tolist()) == {Quality.BAD_REFUSED}
        assert not (await driver.read(plan)).quality.any()
        await driver.close()


async def test_a_gateway_that_cannot_reach_its_unit_keeps_the_connection() -> None:
    async with modbus_server(holding=IDENTITY) as server:
        driver = await opened(server.port)
        plan = driver.plan(many([1]))
        server.faults = deque([faults.exception(0x0B)])
        with pytest.raises(DeviceUnreachableError, match="gateway"):
            await driver.read(plan)
        await driver.read(plan)
        await driver.close()
    assert server.connections == 1


async def test_what_was_answered_in_a_burst_before_the_gateway_lost_its_unit_counts() -> None:
    async with modbus_server(holding=IDENTITY) as server:
        driver = await opened(server.port, pipeline_depth=3)
        plan = driver.plan(many([0, 100, 200]))
        server.faults = deque([None, faults.exception(0x0B), None])
        readings = await driver.read(plan)
        await driver.close()
    assert readings.quality.tolist() == [Quality.GOOD, Quality.BAD_TIMEOUT, Quality.BAD_TIMEOUT]
    assert readings.value[0] == 0.0


async def test_a_block_met_with_silence_costs_the_others_nothing() -> None:
    """Some devices say nothing where they should refuse: the block is asked last from then on."""

    def no_word_about_zero(server: faults.ModbusServer, request: faults.Request) -> bytes | None:
        return None if request.start == 0 else server.right_answer(request)

    async with modbus_server(holding=IDENTITY) as server:
        server.habits[1] = no_word_about_zero
        driver = await opened(server.port)
        plan = driver.plan(many([0, 100, 200]))
        with pytest.raises(DeviceUnreachableError):
            await driver.read(plan)
        readings = await driver.read(plan)
        await driver.close()
    assert readings.quality.tolist() == [Quality.BAD_TIMEOUT, Quality.GOOD, Quality.GOOD]
    assert readings.value.tolist()[1:] == [100.0, 200.0]


async def test_pain_03_a_block_met_with_silence_over_and_over_is_set_aside_for_a_while() -> None:
    def no_word_about_zero(server: faults.ModbusServer, request: faults.Request) -> bytes | None:
        return None if request.start == 0 else server.right_answer(request)

    clock = ManualClock()
    async with modbus_server(holding=IDENTITY) as server:
        server.habits[1] = no_word_about_zero
        driver = await opened(server.port, clock=clock, timeout_s=0.02)
        plan = driver.plan(many([0, 100, 200]))
        with pytest.raises(DeviceUnreachableError):
            await driver.read(plan)
        qualities = [(await driver.read(plan)).quality.tolist() for _ in range(SILENCES_MAX + 3)]
        asked = sum(request.start == 0 for request in server.requests)
        del server.habits[1]
        await clock.advance(RETEST_MIN_S)
        again = await driver.read(plan)
        await driver.close()
    assert qualities == [[Quality.BAD_TIMEOUT, Quality.GOOD, Quality.GOOD]] * (SILENCES_MAX + 3)
    assert asked == 1 + SILENCES_MAX
    assert again.value.tolist() == [0.0, 100.0, 200.0]


async def test_a_block_that_is_silent_now_and_then_is_never_set_aside() -> None:
    async with modbus_server(holding=IDENTITY) as server:
        driver = await opened(server.port, timeout_s=0.02)
        plan = driver.plan(many([0, 100]))
        for _ in range(SILENCES_MAX + 1):
            server.faults = deque([None, faults.silence])
            assert (await driver.read(plan)).quality.tolist().count(Quality.BAD_TIMEOUT) == 1
            assert not (await driver.read(plan)).quality.any()
        await driver.close()
    assert plan.requests == 2


async def test_a_unit_that_is_silent_about_one_register_is_found_alive_by_the_next_ping() -> None:
    def no_word_about_zero(server: faults.ModbusServer, request: faults.Request) -> bytes | None:
        return None if request.start == 0 else server.right_answer(request)

    async with modbus_server(holding=IDENTITY) as server:
        server.habits[1] = no_word_about_zero
        driver = await opened(server.port, timeout_s=0.02)
        driver.plan(many([0, 100]))
        with pytest.raises(DeviceUnreachableError):
            await driver.ping(0.02)
        await driver.ping(0.02)
        await driver.ping(0.02)
        await driver.close()
    assert [request.start for request in server.requests] == [0, 100, 100]

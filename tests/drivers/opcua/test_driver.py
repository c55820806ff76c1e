"""The driver against real servers: read, pushed, refused, cut, silent, distrusted."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from asyncua import ua
from tests.support.manual_clock import ManualClock
from tests.support.opcua_server import (
    Heard,
    MutedLine,
    Plant,
    bound,
    free_port,
    listening,
    opcua_device,
    opcua_point,
    opcua_server,
)
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.capabilities import VigilantDriver
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import SubscribableDriver
from cityhall_drivers.opcua import DRIVER
from cityhall_drivers.opcua.driver import OpcUaDriver
from cityhall_drivers.opcua.wire import READ_REQUEST

pytestmark = pytest.mark.asyncio(loop_scope="module")
"""Making a server's address space takes seconds: these tests share one."""


def driver_of(
    url: str, folder: Path | str = "", clock: Clock | None = None, timeout_s: float = 2.0, **settings: object
) -> OpcUaDriver:
    return DRIVER().create(opcua_device(url, folder, timeout_s, **settings), clock or SystemClock())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plant() -> AsyncIterator[Plant]:
    values: dict[str, object] = {"CarPos": 5, "LoadPct": 42.5, "AlmBell": True, "Name": "lift 1"}
    values |= {"A": 1.0, "B": 2.0, "C": 3.0, "Floor": 5, "Load": 10.0}
    async with opcua_server(values | {f"P{n}": n for n in range(8)}) as one:
        yield one


async def test_an_anonymous_server_is_read_in_the_order_of_the_plan(plant: Plant) -> None:
    clock = ManualClock()
    driver = driver_of(plant.url, clock=clock)
    plan = driver.plan(
        bound([opcua_point("AlmBell"), opcua_point("LoadPct", scale=2.0, offset=1.0), opcua_point("CarPos")])
    )
    await driver.open()
    readings = await driver.read(plan)
    await driver.close()

    assert readings.point.tolist() == [7, 8, 9] == plan.points.tolist()
    assert readings.value.tolist() == [1.0, 86.0, 5.0]
    assert readings.quality.tolist() == [Quality.GOOD] * 3
    assert readings.observed_at.tolist() == [clock.now()] * 3, "one scan, one time"


async def test_a_node_that_does_not_exist_is_refused_and_the_others_count(plant: Plant) -> None:
    driver = driver_of(plant.url)
    plan = driver.plan(bound([opcua_point("CarPos"), opcua_point("Nothing"), opcua_point("Name")]))
    await driver.open()
    readings = await driver.read(plan)
    await driver.close()

    assert readings.quality.tolist() == [Quality.GOOD, Quality.BAD_REFUSED, Quality.BAD_DECODE]
    assert readings.value[0] == 5.0
    assert np.isnan(readings.value[1:]).all()


async def test_the_servers_status_becomes_our_quality(plant: Plant) -> None:
    await plant.set("A", 1.5, ua.StatusCodes.UncertainLastUsableValue)
    await plant.set("B", 2.5, ua.StatusCodes.BadSensorFailure)
    await plant.set("C", 3.5, ua.StatusCodes.BadNotConnected)
    driver = driver_of(plant.url)
    await driver.open()
    readings = await driver.read(driver.plan(bound([opcua_point("A"), opcua_point("B"), opcua_point("C")])))
    await driver.close()

    assert readings.quality.tolist() == [Quality.UNCERTAIN_STALE, Quality.BAD_DEVICE_FAULT, Quality.BAD_DEVICE_LOST]
    assert readings.value[0] == 1.5
    assert np.isnan(readings.value[1:]).all()


def counted(driver: OpcUaDriver, monkeypatch: pytest.MonkeyPatch, too_many: int = 1000) -> list[int]:
    """How many nodes each Read asks for from now on; the server finds ``too_many`` of them too many."""
    asked: list[int] = []
    assert driver._session is not None
    channel = driver._session._channel
    ask = channel.ask

    async def touchy(kind: bytes, parameters: bytes, timeout_s: float) -> bytes:
        assert kind == READ_REQUEST
        # OPC 10000-4, clause 5.11.2: maximal age, times wanted, then the array of nodes.
        asked.append(int.from_bytes(parameters[12:16], "little"))
        if asked[-1] >= too_many:
            raise ua.uaerrors.BadTooManyOperations
        return await ask(kind, parameters, timeout_s)

    monkeypatch.setattr(channel, "ask", touchy)
    return asked


async def test_the_servers_own_limit_makes_requests_smaller(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = plant.server.get_node(ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead)
    before = await limit.read_value()
    await limit.write_value(ua.UInt32(3))
    driver = driver_of(plant.url)
    await driver.open()
    await limit.write_value(ua.UInt32(before))
    asked = counted(driver, monkeypatch)
    readings = await driver.read(driver.plan(bound([opcua_point(f"P{n}") for n in range(7)])))
    await driver.close()

    assert readings.value.tolist() == [float(n) for n in range(7)]
    assert asked == [3, 3, 1]


async def test_a_server_that_finds_a_request_too_large_is_asked_for_less(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = driver_of(plant.url)
    await driver.open()
    asked = counted(driver, monkeypatch, too_many=3)
    readings = await driver.read(driver.plan(bound([opcua_point(f"P{n}") for n in range(8)])))
    await driver.close()

    assert readings.value.tolist() == [float(n) for n in range(8)]
    assert asked == [8, 4, 2, 2, 2, 2]


async def test_changes_are_pushed_with_the_time_of_their_source_and_their_quality(plant: Plant) -> None:
    at = datetime(2026, 7, 1, 2, 13, 0, 250_000, tzinfo=UTC)
    driver = driver_of(plant.url, mode="subscribe", publishing_interval_ms=50)
    heard = Heard()
    await driver.open()
    assert isinstance(driver, SubscribableDriver)
    points = bound([opcua_point("Floor"), opcua_point("Load", scale=0.5), opcua_point("Nothing")])
    assert await driver.subscribe(points, heard)
    await until(lambda: heard.of(7) and heard.of(8))
    await plant.set("Floor", 6, at=at)
    await plant.set("Load", 20.0, ua.StatusCodes.UncertainSensorNotAccurate, at + timedelta(seconds=1))
    await until(lambda: len(heard.of(7)) == 2 and len(heard.of(8)) == 2)
    await driver.close()

    at_us = int(at.timestamp() * 1_000_000)
    assert heard.of(7)[1] == (6.0, Quality.GOOD, at_us)
    assert heard.of(8)[1] == (10.0, Quality.UNCERTAIN_DEVICE_ALARM, at_us + 1_000_000)
    assert [quality for _, quality, _ in heard.of(9)] == [Quality.BAD_REFUSED], "a refused point is told at once"
    assert all(one.partial for one in heard.readings)


async def test_a_device_that_is_to_be_polled_does_not_subscribe(plant: Plant) -> None:
    driver = driver_of(plant.url)
    await driver.open()
    assert not await driver.subscribe(bound([opcua_point("CarPos")]), Heard())
    await driver.close()


async def test_a_restarted_server_is_lost_once_and_then_read_and_pushed_again() -> None:
    port = free_port()
    points = bound([opcua_point("CarPos")])
    heard = Heard()
    async with opcua_server({"CarPos": 5}, port=port) as plant:
        driver = driver_of(plant.url, mode="subscribe", publishing_interval_ms=50)
        plan = driver.plan(points)
        await driver.open()
        await driver.subscribe(points, heard)
        await until(lambda: heard.of(7))
    with pytest.raises(DeviceUnreachableError):
        await driver.read(plan)
    with pytest.raises(DeviceUnreachableError, match="ConnectionRefusedError"):
        await driver.open()

    async with opcua_server({"CarPos": 8}, port=port):
        await driver.open()
        await driver.subscribe(points, heard)
        assert (await driver.read(plan)).value.tolist() == [8.0]
        await until(lambda: [value for value, _, _ in heard.of(7)] == [5.0, 8.0])
        await driver.close()


async def test_a_line_that_is_cut_is_noticed_without_asking_and_by_the_next_read_when_subscribed(plant: Plant) -> None:
    points = bound([opcua_point("CarPos")])
    async with MutedLine(plant.url)() as line:
        driver = driver_of(line.url, mode="subscribe", publishing_interval_ms=50)
        heard = Heard()
        await driver.open()
        await driver.subscribe(points, heard)
        await until(lambda: heard.of(7))
        assert isinstance(driver, VigilantDriver)
        assert driver.trouble() is None
        line.hang_up()
        await until(driver.trouble)
        with pytest.raises(DeviceUnreachableError):
            await driver.read(driver.plan(points))

        await driver.open()
        assert (await driver.read(driver.plan(points))).value.tolist() == [5.0]
        await driver.close()


async def test_a_silent_server_costs_one_request_time_and_closing_does_not_wait_for_it(plant: Plant) -> None:
    points = bound([opcua_point("CarPos")])
    async with MutedLine(plant.url)() as line:
        driver = driver_of(line.url, timeout_s=0.3)
        await driver.open()
        line.muted = True
        loop = asyncio.get_running_loop()
        begun = loop.time()
        with pytest.raises(DeviceUnreachableError, match="no answer in time"):
            await driver.read(driver.plan(points))
        await driver.close()
        assert loop.time() - begun < 2.0


async def test_closing_does_not_wait_long_for_a_silent_server(plant: Plant) -> None:
    async with MutedLine(plant.url)() as line:
        driver = driver_of(line.url, timeout_s=20.0)
        await driver.open()
        line.muted = True
        begun = asyncio.get_running_loop().time()
        await driver.close()
        assert asyncio.get_running_loop().time() - begun < 5.0


async def test_a_server_that_accepts_and_says_nothing_is_unreachable_in_bounded_time() -> None:
    async def mute(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(mute) as port:
        driver = driver_of(f"opc.tcp://127.0.0.1:{port}/", timeout_s=0.2)
        begun = asyncio.get_running_loop().time()
        with pytest.raises(DeviceUnreachableError, match="no answer in time"):
            await driver.open()
        assert asyncio.get_running_loop().time() - begun < 2.0


async def test_a_server_that_speaks_something_else_is_unreachable() -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with listening(web) as port:
        driver = driver_of(f"opc.tcp://127.0.0.1:{port}/", timeout_s=0.5)
        with pytest.raises(DeviceUnreachableError):
            await driver.open()


async def test_a_subscription_that_fell_silent_is_noticed_by_the_next_read(plant: Plant) -> None:
    clock = ManualClock()
    points = bound([opcua_point("CarPos")])
    driver = driver_of(plant.url, clock=clock, mode="subscribe", publishing_interval_ms=50, keep_alive_s=60.0)
    heard = Heard()
    await driver.open()
    await driver.subscribe(points, heard)
    await until(lambda: heard.of(7))
    await clock.advance(170.0)
    await driver.read(driver.plan(points))
    await clock.advance(20.0)
    with pytest.raises(DeviceUnreachableError, match="silent for 190 s"):
        await driver.read(driver.plan(points))
    await driver.close()


async def test_a_driver_that_was_never_opened_is_unreachable_and_may_be_closed() -> None:
    driver = driver_of("opc.tcp://127.0.0.1:1/")
    await driver.close()
    with pytest.raises(DeviceUnreachableError, match="not connected"):
        await driver.read(driver.plan(bound([opcua_point("CarPos")])))


async def test_a_wrong_device_is_refused_by_create() -> None:
    with pytest.raises(DriverConfigError, match="securty"):
        driver_of("opc.tcp://127.0.0.1:1/", securty="none")
    assert DRIVER().endpoint(opcua_device("opc.tcp://127.0.0.1:1/")) == "opc.tcp://127.0.0.1:1/"

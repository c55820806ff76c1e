"""No half-dead sessions: what is lost is noticed, made anew, and leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import CoroutineType

import pytest
import pytest_asyncio
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary
from tests.support.opcua_server import (
    Heard,
    MutedLine,
    Plant,
    bound,
    free_port,
    opcua_device,
    opcua_point,
    opcua_server,
)
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.capabilities import DiagnosableDriver, PingableDriver
from cityhall_drivers.opcua import DRIVER
from cityhall_drivers.opcua.driver import OpcUaDriver
from cityhall_drivers.opcua.wire import PUBLISH_REQUEST, REPUBLISH_REQUEST

pytestmark = pytest.mark.asyncio(loop_scope="module")
RESTARTS = 20


def tasks_of_clients() -> list[str]:
    """Tasks of our driver and of the library's client, but not of its server, which runs here as well."""
    coroutines = [task.get_coro() for task in asyncio.all_tasks()]
    files = [coroutine.cr_code.co_filename for coroutine in coroutines if isinstance(coroutine, CoroutineType)]
    return [file for file in files if "asyncua/client" in file or "cityhall_drivers" in file]


def sockets_to(port: int) -> int:
    """How many sockets whose far end is this port are not closed yet."""
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[9] != "0" for row in rows)


def driver_of(url: str, **settings: object) -> OpcUaDriver:
    return DRIVER().create(opcua_device(url, "", 2.0, **settings), SystemClock())


def subscribing(url: str, **settings: object) -> OpcUaDriver:
    return driver_of(url, mode="subscribe", publishing_interval_ms=50, **settings)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plant() -> AsyncIterator[Plant]:
    async with opcua_server({"A": 0.0, "Text": "text"}) as one:
        yield one


async def test_pain_07_a_server_that_restarts_again_and_again_is_heard_every_time_and_nothing_is_left_behind() -> None:
    port, points = free_port(), bound([opcua_point("A")])
    async with opcua_server({"A": 0.0}, port=port) as plant:
        driver = subscribing(plant.url)
        for number in range(1, RESTARTS + 1):
            heard = Heard()
            await driver.open()
            assert await driver.subscribe(points, heard)
            await plant.set("A", float(number))
            await until(lambda: heard.of(7) and heard.of(7)[-1][0] == number)  # noqa: B023
            assert (await driver.read(driver.plan(points))).value.tolist() == [number]
            assert sockets_to(port) == 1
            await plant.server.stop()
            with pytest.raises(DeviceUnreachableError):
                await driver.read(driver.plan(points))
            await plant.server.start()
        assert driver.diagnostics()["reconnects"] == RESTARTS - 1
        await driver.close()
        await until(lambda: sockets_to(port) == 0)
        await until(lambda: not tasks_of_clients())


async def test_closing_leaves_no_subscription_on_the_server(plant: Plant) -> None:
    driver, subscriptions = subscribing(plant.url), plant.server.iserver.subscription_service.subscriptions
    await driver.open()
    await driver.subscribe(bound([opcua_point("A")]), Heard())
    assert len(subscriptions) == 1
    await driver.close()
    await until(lambda: not subscriptions)


async def test_closing_towards_a_silent_server_leaves_no_task_and_no_socket(plant: Plant) -> None:
    async with MutedLine(plant.url)() as line:
        driver = driver_of(line.url, mode="subscribe", publishing_interval_ms=50)
        await driver.open()
        await driver.subscribe(bound([opcua_point("A")]), Heard())
        line.muted = True
        await driver.close()
        await until(lambda: not tasks_of_clients())
        await until(lambda: sockets_to(int(line.url.strip("/").rpartition(":")[2])) == 0)


async def test_a_message_lost_on_the_way_is_sent_again_and_no_value_is_missing(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second message of changes never arrives, as if the connection had swallowed it."""
    driver, heard, kept = subscribing(plant.url), Heard(), {}
    await driver.open()
    assert driver._session is not None
    channel = driver._session._channel
    ask, changes = channel.ask, 0

    async def swallowing(kind: bytes, parameters: bytes, timeout_s: float | None) -> bytes:
        nonlocal changes
        if kind == REPUBLISH_REQUEST:
            return kept[int.from_bytes(parameters[4:8], "little")]
        while True:
            body = await ask(kind, parameters, timeout_s)
            if kind != PUBLISH_REQUEST:
                return body
            message = struct_from_binary(ua.PublishResponse, Buffer(body)).Parameters.NotificationMessage
            changes += bool(message.NotificationData)
            if changes != 2 or not message.NotificationData:
                return body
            again = ua.RepublishResponse()
            again.NotificationMessage = message
            kept[message.SequenceNumber] = bytes(struct_to_binary(again))

    monkeypatch.setattr(channel, "ask", swallowing)
    await driver.subscribe(bound([opcua_point("A")]), heard)
    await until(lambda: heard.of(7))
    at = datetime.now(UTC)
    for number in (101, 102, 103):
        await plant.set("A", float(number), at=at + timedelta(seconds=number))
        await until(lambda: changes >= number - 99)  # noqa: B023
    await until(lambda: len(heard.of(7)) == 4)
    told = driver.diagnostics()
    await driver.close()

    assert sorted(value for value, _, _ in heard.of(7))[1:] == [101.0, 102.0, 103.0]
    assert (told["messages_lost"], told["messages_repaired"]) == (0, 1)


async def test_texts_among_pushed_numbers_are_bad_and_the_numbers_count(plant: Plant) -> None:
    driver, heard = subscribing(plant.url), Heard()
    await plant.set("A", 1.0)
    await driver.open()
    await driver.subscribe(bound([opcua_point("A"), opcua_point("Text")]), heard)
    await until(lambda: heard.of(7) and heard.of(8))
    told = driver.diagnostics()
    await driver.close()

    assert (heard.of(7)[0][:2], heard.of(8)[0][1]) == ((1.0, Quality.GOOD), Quality.BAD_DECODE)
    assert told["decoded_by_library"] == 1


async def test_a_living_server_answers_a_ping_and_a_silent_one_does_not_in_the_time_given(plant: Plant) -> None:
    async with MutedLine(plant.url)() as line:
        driver = driver_of(line.url)
        assert isinstance(driver, PingableDriver)
        with pytest.raises(DeviceUnreachableError, match="not connected"):
            await driver.ping(0.2)
        await driver.open()
        await driver.ping(2.0)
        line.muted = True
        with pytest.raises(DeviceUnreachableError, match="no answer in time"):
            await driver.ping(0.2)
        await driver.close()


async def test_a_driver_tells_how_it_fares_and_no_secret(plant: Plant) -> None:
    driver = subscribing(plant.url)
    assert isinstance(driver, DiagnosableDriver)
    assert driver.diagnostics()["connected"] is False
    await driver.open()
    await driver.subscribe(bound([opcua_point("A")]), Heard())
    told = driver.diagnostics()
    await driver.open()
    again = driver.diagnostics()
    await driver.close()

    assert told["connected"] is True
    assert (told["security"], told["reconnects"], again["reconnects"]) == ("none", 0, 1)
    assert told["publishing_interval_ms"] == 50.0
    assert {"session_timeout_ms", "channel_lifetime_ms", "values_dropped", "messages_lost"} <= set(told)


async def test_a_channel_that_could_not_be_renewed_is_lost(plant: Plant) -> None:
    driver = driver_of(plant.url)
    await driver.open()
    assert driver._session is not None
    renewing = driver._session.client._renew_channel_task
    assert renewing is not None
    renewing.cancel()
    await until(renewing.done)
    with pytest.raises(DeviceUnreachableError, match="channel"):
        await driver.read(driver.plan(bound([opcua_point("A")])))
    await driver.close()

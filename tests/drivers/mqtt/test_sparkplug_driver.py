"""Sparkplug through a real broker: born on demand, changed, dead by its will, found."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiomqtt
import pytest
from tests.support.mqtt_broker import MqttBroker, account, mqtt_broker, mqtt_device, mqtt_point
from tests.support.opcua_server import Heard, bound
from tests.support.sparkplug import INT, STRING, M, bd_seq, payload
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.capabilities import FoundDevice
from cityhall_drivers.mqtt import DRIVER


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[MqttBroker]:
    async with mqtt_broker(tmp_path) as one:
        yield one


async def test_a_node_is_asked_for_its_birth_and_its_will_takes_its_points(broker: MqttBroker, tmp_path: Path) -> None:
    points = bound([mqtt_point("G/E#kW", "kW"), mqtt_point("G/E/M#kWh", "kWh")])
    driver, heard = (
        DRIVER().create(mqtt_device(broker.port, tmp_path, payload="sparkplug", **account(tmp_path)), SystemClock()),
        Heard(),
    )
    plan = driver.plan(points)
    will = aiomqtt.Will("spBv1.0/G/NDEATH/E", payload(bd_seq(7)), 1)
    async with broker.client(will) as node:
        await node.subscribe("spBv1.0/G/NCMD/E", qos=1)
        await driver.open()
        await driver.subscribe(points, heard)
        command = await anext(node.messages)
        await node.publish("spBv1.0/G/NBIRTH/E", payload(bd_seq(7), M("kW", 1.5, alias=1), seq=0), qos=0)
        await node.publish("spBv1.0/G/DBIRTH/E/M", payload(M("kWh", 7, INT, 7, alias=2), seq=1), qos=0)
        await node.publish("spBv1.0/G/DDATA/E/M", payload(M(None, 8, INT, None, alias=2), seq=2), qos=0)
        await until(lambda: len(heard.of(8)) == 2)
        born = await driver.read(plan)
    async with broker.client() as other:
        await other.publish("spBv1.0/G/NDEATH/E", payload(bd_seq(7)), qos=1)
    await until(lambda: heard.of(7)[-1][1] == Quality.BAD_DEVICE_LOST)
    dead = await driver.read(plan)
    await driver.close()

    assert str(command.topic) == "spBv1.0/G/NCMD/E"
    assert b"Node Control/Rebirth" in command.payload
    assert born.value.tolist() == [1.5, 8.0]
    assert born.quality.tolist() == [Quality.GOOD] * 2
    assert dead.quality.tolist() == [Quality.BAD_DEVICE_LOST] * 2


async def found(where: str, within_s: float = 0.3) -> list[FoundDevice]:
    return [device async for device in DRIVER().discover(where, SystemClock(), within_s=within_s)]


async def test_listening_finds_topics_and_metrics_with_their_values(broker: MqttBroker, tmp_path: Path) -> None:
    await broker.publish("room/1", '{"t": 21.5, "deep": {"on": [true, "x"]}, "name": "x"}', retain=True)
    await broker.publish("room/2", "42", retain=True)
    birth = payload(M("kW", 1.5), M("Txt", "a", STRING, 12), seq=0)
    account(tmp_path)
    where = (
        f"mqtt://127.0.0.1:{broker.port} user bms password-file {tmp_path}/secrets/broker.txt topics room/# spBv1.0/#"
    )
    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(found(where))
        while not listening.done():
            await broker.publish("spBv1.0/G/NBIRTH/E", birth)
    plain, node = listening.result()

    assert {point.address: point.text for point in plain.points} == {
        "room/1#t": "room/1 t = 21.5",
        "room/1#deep.on.0": "room/1 deep.on.0 = 1",
        "room/2": "room/2 = 42",
    }
    assert plain.settings["payload"] == "json"
    assert DRIVER().check(replace(mqtt_device(1883), settings=plain.settings), []) == []
    assert {point.address: point.text for point in node.points} == {"G/E#kW": "G/E kW = 1.5"}
    assert node.settings["payload"] == "sparkplug"
    assert node.name == "mqtt-E"


@pytest.mark.parametrize(
    "where",
    ["", "127.0.0.1", "http://x", "mqtt://", "mqtt://h:99999", "mqtt://h a/#", "mqtt://h user", "mqtt://h topics"],
)
async def test_a_place_that_is_none_is_refused_with_what_to_write(where: str) -> None:
    with pytest.raises(DriverConfigError, match="write mqtt://HOST:PORT"):
        await found(where)


async def test_a_broker_that_is_not_there_cannot_be_listened_to() -> None:
    with pytest.raises(DeviceUnreachableError):
        await found("mqtt://127.0.0.1:1 topics a/#")

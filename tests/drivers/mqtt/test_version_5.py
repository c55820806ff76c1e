"""MQTT 5, and brokers that misbehave: a broker of a few lines that speaks as scripted."""

import asyncio
from dataclasses import dataclass, field

import pytest
from tests.support.manual_clock import ManualClock
from tests.support.mqtt_broker import mqtt_device, mqtt_point
from tests.support.opcua_server import Heard, bound, listening
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.domain.quality import Quality
from cityhall_drivers.mqtt import DRIVER
from cityhall_drivers.mqtt.driver import MqttDriver

CONNECT, PUBLISH, SUBSCRIBE, UNSUBSCRIBE, DISCONNECT = 1, 3, 8, 10, 14
"""Kinds of packets (MQTT 5.0, clause 2.1.2)."""


@dataclass
class Script:
    """What the broker answers; packets are kept as they came: kind, body."""

    connack: bytes = b"\x20\x03\x00\x00\x00"
    suback: int = 1
    mute: bool = False
    published: bytes = b""
    packets: list[tuple[int, bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.read(1):
            length, shift = 0, 0
            while True:
                one = (await reader.readexactly(1))[0]
                length |= (one & 0x7F) << shift
                shift += 7
                if not one & 0x80:
                    break
            body = await reader.readexactly(length)
            self.packets.append((head[0] >> 4, body))
            writer.write(self.answer(head[0] >> 4, body))
            if head[0] >> 4 == DISCONNECT:
                return

    def answer(self, kind: int, body: bytes) -> bytes:
        if kind == CONNECT:
            return self.connack
        if self.mute:
            return b""
        if kind == SUBSCRIBE:
            codes = bytes((self.suback,)) * body.count(b"m/")
            return bytes((0x90, 3 + len(codes))) + body[:2] + b"\x00" + codes + self.published
        if kind == UNSUBSCRIBE:
            return b"\xb0\x04" + body[:2] + b"\x00\x11"
        return b""


def driver_of(port: int, **settings: object) -> MqttDriver:
    return DRIVER().create(mqtt_device(port, timeout_s=0.5, version="5", **settings), SystemClock())


def publish(topic: str, payload: bytes, *, retain: bool = False) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic.encode() + b"\x00" + payload
    return bytes((0x31 if retain else 0x30, len(body))) + body


async def test_version_5_is_spoken_and_heard() -> None:
    script, heard = Script(published=publish("m/1", b"5") + publish("m/2", b"6", retain=True)), Heard()
    points = bound([mqtt_point("m/1", "a"), mqtt_point("m/2", "b")])
    async with listening(script.serve) as port:
        driver = driver_of(port, client_id="bms-1")
        await driver.open()
        await driver.subscribe(points, heard)
        readings = await driver.read(driver.plan(points))
        await driver.close()
        await until(lambda: script.packets[-1][0] == DISCONNECT)

    connect = script.packets[0][1]
    assert connect[:7] == b"\x00\x04MQTT\x05"
    assert connect[7] & 0x02, "a clean start"
    assert b"bms-1" in connect
    assert [one[:2] for one in heard.of(7) + heard.of(8)] == [(5.0, Quality.GOOD), (6.0, Quality.UNCERTAIN_STALE)]
    assert readings.value.tolist() == [5.0, 6.0]


async def test_a_kept_session_is_asked_for_with_its_lifetime() -> None:
    script = Script()
    async with listening(script.serve) as port:
        driver = driver_of(port, clean_start=False, client_id="bms-1", time="t")
        await driver.open()
        await driver.close()

    connect = script.packets[0][1]
    assert not connect[7] & 0x02
    assert b"\x11" + (86_400).to_bytes(4, "big") in connect, "Session Expiry Interval (clause 3.1.2.11.2)"


async def test_a_refused_topic_is_told_once_and_its_points_have_no_data(caplog: pytest.LogCaptureFixture) -> None:
    script = Script(suback=0x87)
    points = bound([mqtt_point("m/1")])
    async with listening(script.serve) as port:
        driver = driver_of(port)
        for _ in range(3):
            await driver.open()
            await driver.subscribe(points, Heard())
            readings = await driver.read(driver.plan(points))
        await driver.close()

    assert readings.quality.tolist() == [Quality.BAD_NO_DATA]
    assert driver.diagnostics()["topics_refused"] == 1
    assert [record.getMessage() for record in caplog.records if "refuses" in record.getMessage()] == [
        "meter: the broker refuses the topics m/1"
    ]


async def test_a_broker_that_refuses_us_says_why() -> None:
    script = Script(connack=b"\x20\x03\x00\x87\x00")
    async with listening(script.serve) as port:
        with pytest.raises(DeviceUnreachableError, match="the broker refuses us: Not authorized"):
            await driver_of(port).open()


async def test_pain_01_a_broker_that_falls_silent_is_lost_at_the_next_read() -> None:
    script = Script()
    points = bound([mqtt_point("m/1")])
    async with listening(script.serve) as port:
        driver = driver_of(port)
        await driver.open()
        plan = driver.plan(points)
        await driver.subscribe(points, Heard())
        script.mute = True
        with pytest.raises(DeviceUnreachableError, match="no answer in time"):
            await driver.read(plan)
        with pytest.raises(DeviceUnreachableError, match="no answer in time"):
            await driver.ping(0.05)
        await driver.close()


async def test_a_broker_that_answers_for_fewer_topics_than_asked_is_not_believed() -> None:
    script = Script()
    async with listening(script.serve) as port:
        driver = driver_of(port)
        await driver.open()
        with pytest.raises(DeviceUnreachableError, match="0 of 1 topics"):
            await driver.subscribe(bound([mqtt_point("other")]), Heard())
        await driver.close()


async def test_a_session_that_somebody_took_over_says_so() -> None:
    script = Script(published=b"\xe0\x02\x8e\x00")
    async with listening(script.serve) as port:
        driver = driver_of(port, client_id="bms-1")
        await driver.open()
        with pytest.raises(DeviceUnreachableError, match="Session taken over"):
            await driver.subscribe(bound([mqtt_point("m/1")]), Heard())
        await driver.close()


async def test_garbage_from_a_broker_ends_the_session() -> None:
    script = Script(published=b"\x00\x00\xff\xff\xff\xff\xff")
    async with listening(script.serve) as port:
        driver = driver_of(port)
        await driver.open()
        with pytest.raises(DeviceUnreachableError):
            await driver.subscribe(bound([mqtt_point("m/1")]), Heard())
        await driver.close()


def test_a_driver_can_be_made_without_a_loop() -> None:
    DRIVER().create(mqtt_device(1883), ManualClock())

"""The driver against a real broker: pushed, kept, silent, refused, killed and started again."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import numpy as np
import pytest
from tests.support.manual_clock import ManualClock
from tests.support.mqtt_broker import PASSWORD, MqttBroker, account, mqtt_broker, mqtt_device, mqtt_point
from tests.support.opcua_server import Heard, bound, free_port, listening
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.capabilities import (
    DiagnosableDriver,
    ExaminableDriver,
    PingableDriver,
    VigilantDriver,
    WritableDriver,
)
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import SubscribableDriver
from cityhall_drivers.mqtt import DRIVER
from cityhall_drivers.mqtt.driver import MqttDriver


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[MqttBroker]:
    async with mqtt_broker(tmp_path) as one:
        yield one


def in_use() -> tuple[int, int]:
    """Tasks and sockets of this process."""
    gc.collect()
    links = [str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    return len(asyncio.all_tasks()), sum(link.startswith("socket:") for link in links)


def driver_of(
    broker: MqttBroker, folder: Path, clock: Clock | None = None, timeout_s: float = 2.0, **settings: object
) -> MqttDriver:
    device = mqtt_device(broker.port, folder, timeout_s, **account(folder), **settings)
    return DRIVER().create(device, clock or SystemClock())


POINTS = bound([mqtt_point("m/1#a.power", "kW", scale=0.001), mqtt_point("m/1#b", "b"), mqtt_point("m/2", "bare")])


async def test_what_a_device_says_is_pushed_and_kept_for_reading(broker: MqttBroker, tmp_path: Path) -> None:
    driver, heard = driver_of(broker, tmp_path), Heard()
    plan = driver.plan(POINTS)
    await driver.open()
    assert isinstance(driver, SubscribableDriver)
    assert await driver.subscribe(POINTS, heard)
    before = (await driver.read(plan)).quality.tolist()
    await broker.publish("m/1", '{"a": {"power": 1500}, "b": true}')
    await broker.publish("m/2", "OFF")
    await until(lambda: heard.of(9))
    readings = await driver.read(plan)
    await driver.close()

    assert before == [Quality.BAD_NO_DATA] * 3
    assert [heard.of(point)[0][:2] for point in (7, 8, 9)] == [(1.5, 0), (1.0, 0), (0.0, 0)]
    assert readings.point.tolist() == [7, 8, 9] == plan.points.tolist()
    assert readings.value.tolist() == [1.5, 1.0, 0.0]
    assert readings.quality.tolist() == [Quality.GOOD] * 3
    assert isinstance(driver, PingableDriver)
    assert isinstance(driver, DiagnosableDriver)
    assert not isinstance(driver, WritableDriver)


async def test_a_payload_that_does_not_mention_a_point_is_no_news_of_it(broker: MqttBroker, tmp_path: Path) -> None:
    driver, heard = driver_of(broker, tmp_path), Heard()
    await driver.open()
    await driver.subscribe(POINTS, heard)
    await broker.publish("m/1", '{"b": 1}')
    await broker.publish("m/1", '{"b": 2}')
    await until(lambda: len(heard.of(8)) == 2)
    await driver.close()

    assert heard.of(7) == []


async def test_a_payload_that_does_not_parse_is_bad_for_all_its_points(broker: MqttBroker, tmp_path: Path) -> None:
    driver, heard = driver_of(broker, tmp_path), Heard()
    await driver.open()
    await driver.subscribe(POINTS, heard)
    await broker.publish("m/1", '{"a": {"power": 15')
    await broker.publish("m/2", "12 kW")
    await until(lambda: heard.of(9))
    readings = await driver.read(driver.plan(POINTS))
    await driver.close()

    assert readings.quality.tolist() == [Quality.BAD_DECODE] * 3
    assert np.isnan(readings.value).all()
    assert driver.diagnostics()["undecodable"] == 3


async def test_what_the_broker_kept_is_of_unknown_age_unless_it_says_its_time(
    broker: MqttBroker, tmp_path: Path
) -> None:
    now = SystemClock().now()
    await broker.publish("m/1", '{"b": 5}', retain=True)
    await broker.publish("m/3", f'{{"b": 6, "t": {now // 1_000_000 - 5}}}', retain=True)
    await broker.publish("m/4", f'{{"b": 7, "t": {now // 1_000_000 - 100_000}}}', retain=True)
    points = bound([mqtt_point(f"m/{n}#b", f"b{n}") for n in (1, 3, 4)])
    driver, heard = driver_of(broker, tmp_path, time="t"), Heard()
    await driver.open()
    await driver.subscribe(points, heard)
    readings = await driver.read(driver.plan(points))
    await driver.close()

    assert readings.quality.tolist() == [Quality.UNCERTAIN_STALE, Quality.GOOD, Quality.BAD_STALE]
    assert readings.value.tolist()[:2] == [5.0, 6.0]
    ((value, quality, at),) = heard.of(8)
    assert (value, quality, at) == (6.0, Quality.GOOD, (now // 1_000_000 - 5) * 1_000_000), "its own time"


async def test_what_the_broker_collected_while_we_were_away_has_its_own_age(broker: MqttBroker, tmp_path: Path) -> None:
    points, second = bound([mqtt_point("m/1#b")]), SystemClock().now() // 1_000_000
    driver, heard = driver_of(broker, tmp_path, time="t", clean_start=False, client_id="bms-1"), Heard()
    await driver.open()
    await driver.subscribe(points, heard)
    await driver.close()
    for ago_s, value in ((2000, 1), (100, 2)):
        await broker.publish("m/1", f'{{"b": {value}, "t": {second - ago_s}}}')
    await driver.open()
    await driver.subscribe(points, heard)
    await until(lambda: len(heard.of(7)) == 2)
    readings = await driver.read(driver.plan(points))
    await driver.close()

    assert [at for _, _, at in heard.of(7)] == [(second - 2000) * 1_000_000, (second - 100) * 1_000_000]
    assert (readings.value[0], readings.quality[0]) == (2.0, Quality.UNCERTAIN_STALE)


@pytest.mark.parametrize(("scan_s", "uncertain_s", "bad_s"), [(1.0, 60.0, 900.0), (100.0, 300.0, 1000.0)])
async def test_a_point_that_falls_silent_grows_old(
    broker: MqttBroker, tmp_path: Path, scan_s: float, uncertain_s: float, bad_s: float
) -> None:
    clock, heard = ManualClock(), Heard()
    points = bound([mqtt_point("m/2", scan_s=scan_s)])
    driver = driver_of(broker, tmp_path, clock)
    plan = driver.plan(points)
    await driver.open()
    await driver.subscribe(points, heard)
    await broker.publish("m/2", "12.5")
    await until(lambda: heard.of(7))
    found = []
    for pause_s in (uncertain_s - 1.0, 2.0, bad_s - uncertain_s - 2.0, 2.0):
        await clock.advance(pause_s)
        readings = await driver.read(plan)
        found.append((Quality(int(readings.quality[0])), float(readings.value[0])))
    await driver.close()

    assert found[:3] == [(Quality.GOOD, 12.5), (Quality.UNCERTAIN_STALE, 12.5), (Quality.UNCERTAIN_STALE, 12.5)]
    assert found[3][0] is Quality.BAD_STALE
    assert np.isnan(found[3][1])


async def test_the_devices_own_word_decides_whether_silence_is_a_fault(broker: MqttBroker, tmp_path: Path) -> None:
    clock, heard = ManualClock(), Heard()
    driver = driver_of(broker, tmp_path, clock, availability="m/alive", online="Online")
    plan = driver.plan(POINTS)
    await driver.open()
    await driver.subscribe(POINTS, heard)
    device = broker.client(will=aiomqtt.Will("m/alive", "Offline", 1, retain=True))
    await device.__aenter__()
    await device.publish("m/alive", "Online", qos=1, retain=True)
    await device.publish("m/2", "1", qos=1)
    await until(lambda: heard.of(9))
    await clock.advance(100_000.0)
    alive = await driver.read(plan)
    device._client.socket().shutdown(socket.SHUT_RDWR)  # without a goodbye: the broker tells its will
    await until(lambda: len(heard.of(9)) == 2)
    lost = await driver.read(plan)
    await driver.close()

    assert alive.quality.tolist() == [Quality.BAD_NO_DATA, Quality.BAD_NO_DATA, Quality.GOOD]
    assert heard.of(9)[1][1] == Quality.BAD_DEVICE_LOST
    assert lost.quality.tolist() == [Quality.BAD_DEVICE_LOST] * 3
    with pytest.raises(aiomqtt.MqttError):
        await anext(device.messages)


async def test_a_device_that_is_back_is_believed_only_what_it_says_anew(broker: MqttBroker, tmp_path: Path) -> None:
    driver, heard = driver_of(broker, tmp_path, availability="m/alive"), Heard()
    plan = driver.plan(POINTS)
    await driver.open()
    await driver.subscribe(POINTS, heard)
    for topic, payload in (("m/2", "1"), ("m/alive", "offline"), ("m/alive", "online")):
        await broker.publish(topic, payload)
    await until(lambda: driver.diagnostics()["births"])
    back = await driver.read(plan)
    await broker.publish("m/2", "2")
    await until(lambda: (2.0, 0) in [one[:2] for one in heard.of(9)])
    spoken = await driver.read(plan)
    await driver.close()

    assert back.quality[2] == Quality.BAD_NO_DATA
    assert spoken.value[2] == 2.0


async def test_pain_01_a_broker_killed_and_started_again_is_found_again(broker: MqttBroker, tmp_path: Path) -> None:
    driver, heard = driver_of(broker, tmp_path), Heard()
    plan = driver.plan(POINTS)
    for number in range(3):
        await driver.open()
        await driver.subscribe(POINTS, heard)
        assert (await driver.read(plan)).quality[2] == Quality.BAD_NO_DATA, "an old session proves nothing"
        await broker.publish("m/2", str(number))
        await until(lambda number=number: [one[0] for one in heard.of(9)] == list(range(number + 1)))
        await broker.kill()
        assert isinstance(driver, VigilantDriver)
        await until(lambda: "hung up" in (driver.trouble() or ""))
        assert not driver.diagnostics()["connected"]
        with pytest.raises(DeviceUnreachableError):
            await driver.read(plan)
        with pytest.raises(DeviceUnreachableError):
            await driver.open()
        await broker.start()
    await driver.close()


async def test_nothing_is_left_behind_by_twenty_failures() -> None:
    """A port where nobody listens, a listener that says nothing, one that hangs up: no task, no socket stays."""

    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def hangs_up(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async with listening(silent) as mute, listening(hangs_up) as rude:
        drivers = [
            DRIVER().create(mqtt_device(port, timeout_s=0.02), SystemClock()) for port in (free_port(), mute, rude)
        ]
        before = in_use()
        for _ in range(20):
            for driver in drivers:
                with pytest.raises(DeviceUnreachableError):
                    await driver.open()
        await until(lambda: all(now <= then for now, then in zip(in_use(), before, strict=True)))


async def test_a_wrong_password_is_told_in_plain_words(broker: MqttBroker, tmp_path: Path) -> None:
    settings = account(tmp_path, "wrong")
    driver = DRIVER().create(mqtt_device(broker.port, tmp_path, **settings), SystemClock())
    with pytest.raises(DeviceUnreachableError, match=r"(?i)the broker refuses us: .*not authori[sz]ed|user name"):
        await driver.open()
    account(tmp_path, PASSWORD)
    await driver.open()
    await driver.ping(1.0)
    await driver.close()


async def test_a_driver_that_is_not_open_says_so(broker: MqttBroker, tmp_path: Path) -> None:
    driver = driver_of(broker, tmp_path)
    with pytest.raises(DeviceUnreachableError, match="not connected"):
        await driver.read(driver.plan(POINTS))
    with pytest.raises(DeviceUnreachableError, match="not connected"):
        await driver.ping(1.0)
    await driver.close()


async def test_a_silent_broker_is_not_waited_for() -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(silent) as port:
        driver = DRIVER().create(mqtt_device(port, timeout_s=0.05), SystemClock())
        with pytest.raises(DeviceUnreachableError, match="no answer in time"):
            await driver.open()
        await driver.close()


async def test_points_can_be_read_without_listening_first(broker: MqttBroker, tmp_path: Path) -> None:
    await broker.publish("m/2", "21.5", retain=True)
    driver = driver_of(broker, tmp_path)
    await driver.open()
    readings = await driver.read(driver.plan(POINTS))
    await driver.close()
    assert readings.value[2] == 21.5
    assert readings.quality[2] == Quality.UNCERTAIN_STALE


async def test_an_engineer_sees_what_a_device_says(broker: MqttBroker, tmp_path: Path) -> None:
    await broker.publish("m/1", '{"b": 5}', retain=True)
    driver = driver_of(broker, tmp_path, timeout_s=0.3)
    assert isinstance(driver, ExaminableDriver)
    await driver.open()
    power, flag, bare = await driver.examine(POINTS)
    await driver.close()

    assert (flag.value, flag.quality, flag.note) == (5.0, Quality.UNCERTAIN_STALE, '{"b": 5}')
    assert bytes.fromhex(flag.raw) == b'{"b": 5}'
    assert (power.quality, power.note) == (Quality.BAD_NO_DATA, flag.note), "its payload does not mention it"
    assert (bare.quality, bare.raw) == (Quality.BAD_NO_DATA, "")
    assert [(one.what, one.points) for one in driver.explain(POINTS)] == [("SUBSCRIBE m/1", 2), ("SUBSCRIBE m/2", 1)]


def test_a_wrong_device_makes_no_driver() -> None:
    with pytest.raises(DriverConfigError, match="clear text"):
        DRIVER().create(mqtt_device(1883, user="bms", password_file="x"), ManualClock())
    with pytest.raises(DriverConfigError, match="wildcard"):
        DRIVER().create(mqtt_device(1883), ManualClock()).plan(bound([mqtt_point("a/+#b")]))


def test_figures_hold_no_secret(tmp_path: Path) -> None:
    driver = DRIVER().create(mqtt_device(1883, tmp_path, **account(tmp_path)), ManualClock())
    assert PASSWORD not in str(driver.diagnostics())
    assert DRIVER().endpoint(mqtt_device(1883, topic="plug")) == "127.0.0.1:1883 plug"

"""Agents lost and found, silent half-way, and datagrams that make no sense."""

import contextlib
import gc
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pysnmp.proto.api import v2c
from tests.support.fault_proxy import UdpWire
from tests.support.opcua_server import free_port
from tests.support.snmp_agent import (
    SnmpAgent,
    community,
    snmp_agent,
    snmp_device,
    user_account,
)
from tests.support.snmp_units import HELD, MANY, in_use, values
from tests.support.spoiling import Fault
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.domain.quality import Quality
from cityhall_drivers.snmp import DRIVER


@pytest.fixture(autouse=True)
def held(agent: SnmpAgent) -> None:
    agent.set(HELD)


@pytest.mark.parametrize("version", ["2c", "3"])
async def test_pain_01_an_agent_lost_and_found_twenty_times_leaves_nothing_behind(
    agent: SnmpAgent, tmp_path: Path, version: str
) -> None:
    account = community(tmp_path) if version == "2c" else user_account(tmp_path, "sha-aes", "SHA", "AES128")
    async with UdpWire(agent.port, Random(20)).running() as wire:
        driver = DRIVER().create(snmp_device(wire.port, tmp_path, 0.5, **account), SystemClock())
        impatient = DRIVER().create(snmp_device(wire.port, tmp_path, 0.02, **account), SystemClock())
        early = None
        for number in range(20):
            await driver.open()
            assert await values(driver, "upsBatteryStatus.0") == [(2.0, Quality.GOOD)]
            await driver.close()
            await wire.fail(Fault.LATE if number % 2 else Fault.CUT)
            await impatient.open()
            with pytest.raises(DeviceUnreachableError):
                await values(impatient, "upsBatteryStatus.0")
            await impatient.close()
            await wire.restore()
            if number == 2:
                early = in_use()
        assert early is not None
        await until(lambda: all(now <= then for now, then in zip(in_use(), early, strict=True)))


@pytest.mark.parametrize("version", ["2c", "3"])
async def test_pain_01_questions_to_a_silent_agent_are_forgotten(
    agent: SnmpAgent, tmp_path: Path, version: str
) -> None:
    """In sessions so short that the library's own clock never ticks."""
    account = community(tmp_path) if version == "2c" else user_account(tmp_path, "sha-aes", "SHA", "AES128")
    async with UdpWire(agent.port, Random(20)).running() as wire:
        driver = DRIVER().create(snmp_device(wire.port, tmp_path, 0.02, **account), SystemClock())
        await wire.fail(Fault.SILENT)
        kept = []
        for _ in range(6):
            await driver.open()
            with pytest.raises(DeviceUnreachableError):
                await values(driver, "upsBatteryStatus.0")
            await driver.close()
            gc.collect()
            kept.append(sum(isinstance(one, v2c.GetRequestPDU) for one in gc.get_objects()))
    assert kept[-1] <= kept[1]


@pytest.mark.parametrize("engine_id", ["80004fb805636974790099", "80004fb805636974790098"])
async def test_pain_01_a_restarted_agent_is_found_again_and_an_exchanged_one_too(
    tmp_path: Path, engine_id: str
) -> None:
    with snmp_agent(free_port(), HELD, "80004fb805636974790099") as agent:
        account = user_account(tmp_path, "sha256-aes256", "SHA256", "AES256")
        driver = DRIVER().create(snmp_device(agent.port, tmp_path, 1.0, **account), SystemClock())
        await driver.open()
        assert await values(driver, "upsBatteryStatus.0") == [(2.0, Quality.GOOD)]
        agent.kill()
        with pytest.raises(DeviceUnreachableError):
            await driver.ping(0.05)
        await driver.close()
        agent.engine_id = engine_id
        agent.start()
        await driver.open()
        assert await values(driver, "upsBatteryStatus.0") == [(2.0, Quality.GOOD)]
        await driver.close()


async def test_an_agent_that_falls_silent_half_way_has_said_what_it_said(agent: SnmpAgent, tmp_path: Path) -> None:
    agent.order(too_big=3)
    async with UdpWire(agent.port, Random(1)).running() as wire:
        settings = community(tmp_path) | {"varbinds_per_request_max": 3}
        driver = DRIVER().create(snmp_device(wire.port, tmp_path, 0.3, **settings), SystemClock())
        await driver.open()
        await values(driver, *MANY[:3])
        answered = wire.answered

        def once(data: bytes, client: tuple[str, int]) -> None:
            answered(data, client)
            wire.answered = lambda *_: None  # type: ignore[method-assign]

        wire.answered = once  # type: ignore[method-assign]
        found = await values(driver, *MANY[:6])
        await driver.close()

    assert [quality for _, quality in found] == [Quality.GOOD] * 3 + [Quality.BAD_TIMEOUT] * 3


async def test_torn_and_senseless_datagrams_are_dropped_without_a_word(
    agent: SnmpAgent, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    random = Random(3)
    for number, account in enumerate((community(tmp_path), user_account(tmp_path, "sha-aes", "SHA", "AES128"))):
        async with UdpWire(agent.port, random).running() as wire:
            driver = DRIVER().create(snmp_device(wire.port, tmp_path, 1.0, **account), SystemClock())
            await driver.open()
            send = wire._send

            def tear(data: bytes, client: tuple[str, int], send: Any = send) -> None:
                torn = bytearray(data)
                for _ in range(3):
                    torn[random.randrange(len(torn))] = random.randrange(256)
                for nonsense in (data[: random.randrange(len(data))], bytes(torn), random.randbytes(60)):
                    send(nonsense, client)

            wire._send = tear  # type: ignore[method-assign]
            for _ in range(20):
                with contextlib.suppress(DeviceUnreachableError):
                    await driver.ping(0.02)
            wire._send = send  # type: ignore[method-assign]
            await driver.open()
            assert await values(driver, "upsBatteryStatus.0") == [(2.0, Quality.GOOD)], number
            await driver.close()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_lost_datagram_is_asked_for_once_more(agent: SnmpAgent, tmp_path: Path) -> None:
    async with UdpWire(agent.port, Random(1)).running() as wire:
        driver = DRIVER().create(snmp_device(wire.port, tmp_path, 0.3, **community(tmp_path)), SystemClock())
        await driver.open()
        answered = wire.answered

        def lose(_data: bytes, _client: tuple[str, int]) -> None:
            wire.answered = answered  # type: ignore[method-assign]

        wire.answered = lose  # type: ignore[method-assign]
        assert await values(driver, "upsBatteryStatus.0") == [(2.0, Quality.GOOD)]
        await driver.close()
    assert driver.diagnostics()["unanswered"] == 1

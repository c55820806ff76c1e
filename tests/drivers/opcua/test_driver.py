"""The driver against real servers: read, pushed, refused, cut, silent, distrusted."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from asyncua import ua
from tests.support.manual_clock import ManualClock
from tests.support.opcua_server import (
    Heard,
    MutedLine,
    bound,
    free_port,
    opcua_device,
    opcua_point,
    opcua_server,
    secured,
)
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import SubscribableDriver
from cityhall_drivers.opcua import DRIVER
from cityhall_drivers.opcua.driver import OpcUaDriver


def driver_of(
    url: str, folder: Path | str = "", clock: Clock | None = None, timeout_s: float = 2.0, **settings: object
) -> OpcUaDriver:
    return DRIVER().create(opcua_device(url, folder, timeout_s, **settings), clock or SystemClock())


async def test_an_anonymous_server_is_read_in_the_order_of_the_plan() -> None:
    clock = ManualClock()
    async with opcua_server({"CarPos": 5, "LoadPct": 42.5, "AlmBell": True}) as plant:
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


async def test_a_node_that_does_not_exist_is_refused_and_the_others_count() -> None:
    async with opcua_server({"CarPos": 5, "Name": "lift 1"}) as plant:
        driver = driver_of(plant.url)
        plan = driver.plan(bound([opcua_point("CarPos"), opcua_point("Nothing"), opcua_point("Name")]))
        await driver.open()
        readings = await driver.read(plan)
        await driver.close()

    assert readings.quality.tolist() == [Quality.GOOD, Quality.BAD_REFUSED, Quality.BAD_DECODE]
    assert readings.value[0] == 5.0
    assert np.isnan(readings.value[1:]).all()


async def test_the_servers_status_becomes_our_quality() -> None:
    async with opcua_server({"A": 1.0, "B": 2.0, "C": 3.0}) as plant:
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


async def test_the_servers_own_limit_makes_requests_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    async with opcua_server({f"P{n}": n for n in range(7)}) as plant:
        limit = plant.server.get_node(ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead)
        await limit.write_value(ua.UInt32(3))
        driver = driver_of(plant.url)
        await driver.open()
        assert driver._client is not None
        session = driver._client.uaclient.session
        read = session.read

        async def counted(parameters: ua.ReadParameters) -> list[ua.DataValue]:
            asked.append(len(parameters.NodesToRead))
            answer: list[ua.DataValue] = await read(parameters)
            return answer

        monkeypatch.setattr(session, "read", counted)
        readings = await driver.read(driver.plan(bound([opcua_point(f"P{n}") for n in range(7)])))
        await driver.close()

    assert readings.value.tolist() == [float(n) for n in range(7)]
    assert asked == [3, 3, 1]


async def test_a_server_that_finds_a_request_too_large_is_asked_for_less(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    async with opcua_server({f"P{n}": n for n in range(8)}) as plant:
        driver = driver_of(plant.url)
        await driver.open()
        assert driver._client is not None
        session = driver._client.uaclient.session
        read = session.read

        async def touchy(parameters: ua.ReadParameters) -> list[ua.DataValue]:
            asked.append(len(parameters.NodesToRead))
            if len(parameters.NodesToRead) > 2:
                raise ua.uaerrors.BadTooManyOperations
            answer: list[ua.DataValue] = await read(parameters)
            return answer

        monkeypatch.setattr(session, "read", touchy)
        readings = await driver.read(driver.plan(bound([opcua_point(f"P{n}") for n in range(8)])))
        await driver.close()

    assert readings.value.tolist() == [float(n) for n in range(8)]
    assert asked == [8, 4, 2, 2, 2, 2]


async def test_an_encrypted_session_with_user_and_password_is_read_and_pushed(tmp_path: Path) -> None:
    identity, site = tmp_path / "server", tmp_path / "site"
    identity.mkdir()
    site.mkdir()
    async with opcua_server({"CarPos": 5}, identity=identity, user=True) as plant:
        device = opcua_device(plant.url, site, **secured(site, identity), mode="subscribe", publishing_interval_ms=50)
        assert DRIVER().check(device, [opcua_point("CarPos")]) == []
        driver = DRIVER().create(device, SystemClock())
        heard = Heard()
        await driver.open()
        assert await driver.subscribe(bound([opcua_point("CarPos")]), heard)
        await until(lambda: heard.of(7))
        readings = await driver.read(driver.plan(bound([opcua_point("CarPos")])))
        await driver.close()

    assert readings.value.tolist() == [5.0]
    assert heard.of(7)[0][0] == 5.0
    assert (site / "secrets/opcua-client.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("policy", ["Aes128_Sha256_RsaOaep"])
async def test_the_other_policy_works_too(tmp_path: Path, policy: str) -> None:
    identity, site = tmp_path / "server", tmp_path / "site"
    identity.mkdir()
    site.mkdir()
    policies = [ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt]
    async with opcua_server({"CarPos": 5}, identity=identity, user=True, policies=policies) as plant:
        driver = driver_of(plant.url, site, **{**secured(site, identity), "security": policy})
        await driver.open()
        readings = await driver.read(driver.plan(bound([opcua_point("CarPos")])))
        await driver.close()

    assert readings.value.tolist() == [5.0]


async def test_a_wrong_password_is_told_and_a_corrected_one_needs_no_restart(tmp_path: Path) -> None:
    identity, site = tmp_path / "server", tmp_path / "site"
    identity.mkdir()
    site.mkdir()
    async with opcua_server({"CarPos": 5}, identity=identity, user=True) as plant:
        driver = driver_of(plant.url, site, **secured(site, identity, password="wrong"))
        with pytest.raises(
            DeviceUnreachableError, match=r"refuses user 'bms': check the password in secrets/password.txt"
        ):
            await driver.open()

        secured(site, identity)
        await driver.open()
        await driver.close()


async def test_a_server_that_does_not_trust_us_tells_which_file_to_copy_where(tmp_path: Path) -> None:
    identity, site = tmp_path / "server", tmp_path / "site"
    identity.mkdir()
    site.mkdir()
    trusted = identity / "trusted.der"
    async with opcua_server({"CarPos": 5}, identity=identity, user=True, trusts=trusted) as plant:
        driver = driver_of(plant.url, site, **secured(site, identity))
        with pytest.raises(
            DeviceUnreachableError, match=r"does not trust our certificate: copy .*secrets/opcua-client\.der"
        ):
            await driver.open()

        trusted.write_bytes((site / "secrets/opcua-client.der").read_bytes())
        await driver.open()
        await driver.close()


async def test_a_server_with_another_certificate_is_refused_and_both_fingerprints_are_told(tmp_path: Path) -> None:
    identity, other, site = tmp_path / "server", tmp_path / "other", tmp_path / "site"
    for folder in (identity, other, site):
        folder.mkdir()
    async with opcua_server({"CarPos": 5}, identity=identity, user=True):
        settings = secured(site, identity)
    async with opcua_server({"CarPos": 5}, identity=other, user=True) as impostor:
        driver = driver_of(impostor.url, site, **settings)
        with pytest.raises(DeviceUnreachableError, match=r"shows another certificate \(SHA-256 [0-9A-F:]{95}\)"):
            await driver.open()


async def test_a_server_without_our_security_says_what_it_offers(tmp_path: Path) -> None:
    identity, site = tmp_path / "server", tmp_path / "site"
    identity.mkdir()
    site.mkdir()
    async with opcua_server({"CarPos": 5}, identity=identity):
        settings = secured(site, identity)
    async with opcua_server({"CarPos": 5}) as plain:
        driver = driver_of(plain.url, site, **settings)
        with pytest.raises(
            DeviceUnreachableError, match=r"does not offer Aes256_Sha256_RsaPss with encryption, only None"
        ):
            await driver.open()


async def test_changes_are_pushed_with_the_time_of_their_source_and_their_quality() -> None:
    at = datetime(2026, 7, 1, 2, 13, 0, 250_000, tzinfo=UTC)
    async with opcua_server({"CarPos": 5, "LoadPct": 10.0}) as plant:
        driver = driver_of(plant.url, mode="subscribe", publishing_interval_ms=50)
        heard = Heard()
        await driver.open()
        assert isinstance(driver, SubscribableDriver)
        points = bound([opcua_point("CarPos"), opcua_point("LoadPct", scale=0.5), opcua_point("Nothing")])
        assert await driver.subscribe(points, heard)
        await until(lambda: heard.of(7) and heard.of(8))
        await plant.set("CarPos", 6, at=at)
        await plant.set("LoadPct", 20.0, ua.StatusCodes.UncertainSensorNotAccurate, at + timedelta(seconds=1))
        await until(lambda: len(heard.of(7)) == 2 and len(heard.of(8)) == 2)
        await driver.close()

    at_us = int(at.timestamp() * 1_000_000)
    assert heard.of(7)[1] == (6.0, Quality.GOOD, at_us)
    assert heard.of(8)[1] == (10.0, Quality.UNCERTAIN_DEVICE_ALARM, at_us + 1_000_000)
    assert [quality for _, quality, _ in heard.of(9)] == [Quality.BAD_REFUSED], "a refused point is told at once"
    assert all(one.partial for one in heard.readings)


async def test_a_device_that_is_to_be_polled_does_not_subscribe() -> None:
    async with opcua_server({"CarPos": 5}) as plant:
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


async def test_a_line_that_is_cut_is_noticed_by_the_next_read_even_when_subscribed() -> None:
    points = bound([opcua_point("CarPos")])
    async with opcua_server({"CarPos": 5}) as plant, MutedLine(int(plant.url.split(":")[-1].strip("/")))() as line:
        driver = driver_of(f"opc.tcp://127.0.0.1:{line.port}/", mode="subscribe", publishing_interval_ms=50)
        heard = Heard()
        await driver.open()
        await driver.subscribe(points, heard)
        await until(lambda: heard.of(7))
        line.hang_up()
        with pytest.raises(DeviceUnreachableError):
            await driver.read(driver.plan(points))

        await driver.open()
        assert (await driver.read(driver.plan(points))).value.tolist() == [5.0]
        await driver.close()


async def test_a_silent_server_costs_one_request_time_and_closing_does_not_wait_for_it() -> None:
    points = bound([opcua_point("CarPos")])
    async with opcua_server({"CarPos": 5}) as plant, MutedLine(int(plant.url.split(":")[-1].strip("/")))() as line:
        driver = driver_of(f"opc.tcp://127.0.0.1:{line.port}/", timeout_s=0.3)
        await driver.open()
        line.muted = True
        loop = asyncio.get_running_loop()
        begun = loop.time()
        with pytest.raises(DeviceUnreachableError, match="no answer in time"):
            await driver.read(driver.plan(points))
        await driver.close()
        assert loop.time() - begun < 2.0


async def test_a_server_that_accepts_and_says_nothing_is_unreachable_in_bounded_time() -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    driver = driver_of(f"opc.tcp://127.0.0.1:{port}/", timeout_s=0.2)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    with pytest.raises(DeviceUnreachableError, match="no answer in time"):
        await driver.open()
    assert loop.time() - begun < 2.0
    listener.close()
    await listener.wait_closed()


async def test_a_server_that_speaks_something_else_is_unreachable() -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(web, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    driver = driver_of(f"opc.tcp://127.0.0.1:{port}/", timeout_s=0.5)
    with pytest.raises(DeviceUnreachableError):
        await driver.open()
    listener.close()
    await listener.wait_closed()


async def test_a_subscription_that_fell_silent_is_noticed_by_the_next_read() -> None:
    clock = ManualClock()
    points = bound([opcua_point("CarPos")])
    async with opcua_server({"CarPos": 5}) as plant:
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


def test_a_wrong_device_is_refused_by_create() -> None:
    with pytest.raises(DriverConfigError, match="securty"):
        driver_of("opc.tcp://127.0.0.1:1/", securty="none")
    assert DRIVER().endpoint(opcua_device("opc.tcp://127.0.0.1:1/")) == "opc.tcp://127.0.0.1:1/"

"""The driver against a real agent in a process of its own: read, refused, too much, silent, restarted, exchanged."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from tests.support.manual_clock import ManualClock
from tests.support.opcua_server import bound
from tests.support.snmp_agent import (
    AUTH_SECRET,
    COMMUNITY,
    CONTEXT,
    PRIV_SECRET,
    SnmpAgent,
    community,
    snmp_device,
    snmp_point,
    user_account,
)
from tests.support.snmp_units import HELD, MANY, driver_of, in_use, values

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.capabilities import DiagnosableDriver, ExaminableDriver, PingableDriver, WritableDriver
from cityhall_drivers.snmp import DRIVER


@pytest.fixture(autouse=True)
def held(agent: SnmpAgent) -> None:
    agent.set(HELD)


async def test_objects_are_read_by_number_and_by_name(agent: SnmpAgent, tmp_path: Path) -> None:
    clock = ManualClock()
    driver = DRIVER().create(snmp_device(agent.port, tmp_path, **community(tmp_path)), clock)
    points = bound([snmp_point("upsBatteryVoltage.0", "V", scale=0.1, offset=1.0), snmp_point("1.3.6.1.2.1.1.3.0")])
    await driver.open()
    plan = driver.plan(points)
    readings = await driver.read(plan)
    await driver.close()

    assert readings.value.tolist() == pytest.approx([55.3, 123.45])
    assert readings.quality.tolist() == [Quality.GOOD] * 2
    assert readings.observed_at.tolist() == [clock.now()] * 2
    assert plan.requests == 1
    assert isinstance(driver, PingableDriver)
    assert isinstance(driver, DiagnosableDriver)
    assert not isinstance(driver, WritableDriver)


async def test_every_type_of_number_is_read_and_nothing_else_taken_for_one(agent: SnmpAgent, tmp_path: Path) -> None:
    driver = driver_of(agent, tmp_path)
    await driver.open()
    found = await values(
        driver, "ifHCInOctets.1", "ifInOctets.1", "ifSpeed.1", "1.3.6.1.4.1.9.1.0", "1.3.6.1.4.1.9.2.0",
        "1.3.6.1.2.1.1.1.0",
    )  # fmt: skip
    await driver.close()

    good = Quality.GOOD
    assert found[:4] == [(2.0**63, good), (4294967295.0, good), (1e9, good), (23.5, good)]
    assert [quality for _, quality in found[4:]] == [Quality.BAD_DECODE] * 2


async def test_what_the_agent_does_not_have_is_refused_and_the_others_count(agent: SnmpAgent, tmp_path: Path) -> None:
    driver = driver_of(agent, tmp_path)
    await driver.open()
    found = await values(driver, "upsBatteryStatus.0", "1.3.6.1.4.1.9.3.0", "upsOutputVoltage.1")
    await driver.close()

    assert found[0] == (2.0, Quality.GOOD)
    assert [quality for _, quality in found[1:]] == [Quality.BAD_REFUSED] * 2
    assert np.isnan([value for value, _ in found[1:]]).all()


async def test_pain_05_many_objects_are_one_request(agent: SnmpAgent, tmp_path: Path) -> None:
    driver = driver_of(agent, tmp_path)
    await driver.open()
    agent.order()
    found = await values(driver, *MANY)
    await driver.close()

    assert found == [(100.0 + n, Quality.GOOD) for n in range(1, 13)]
    assert agent.order()["requests"] == 1


async def test_pain_12_a_request_that_is_too_big_is_halved_and_that_is_remembered(
    agent: SnmpAgent, tmp_path: Path
) -> None:
    agent.order(too_big=3)
    driver = driver_of(agent, tmp_path)
    await driver.open()
    first = await values(driver, *MANY)
    agent.order()
    second = await values(driver, *MANY)
    await driver.close()

    assert first == second == [(100.0 + n, Quality.GOOD) for n in range(1, 13)]
    assert agent.order()["requests"] == 4
    assert driver.diagnostics()["varbinds_per_request"] == 3


async def test_an_object_that_breaks_its_request_is_asked_alone_until_it_works(
    agent: SnmpAgent, tmp_path: Path
) -> None:
    agent.order(broken=[MANY[4], MANY[7]])
    driver = driver_of(agent, tmp_path)
    await driver.open()
    broken = await values(driver, *MANY)
    agent.order()
    again = await values(driver, *MANY)
    requests = agent.order()["requests"]
    alone = driver.diagnostics()["asked_alone"]
    agent.behave()
    await values(driver, *MANY)
    agent.order()
    healed = await values(driver, *MANY)
    await driver.close()

    assert [quality for _, quality in broken].count(Quality.BAD_REFUSED) == 2
    assert broken[4][1] is broken[7][1] is Quality.BAD_REFUSED
    assert [value for value, _ in broken[8:]] == [109.0, 110.0, 111.0, 112.0]
    assert str(again) == str(broken)
    assert (requests, alone) == (3, 2)
    assert healed == [(100.0 + n, Quality.GOOD) for n in range(1, 13)]
    assert agent.order()["requests"] == 1


async def test_an_answer_about_other_objects_is_believed_in_nothing(agent: SnmpAgent, tmp_path: Path) -> None:
    agent.order(wrong_name=True)
    driver = driver_of(agent, tmp_path)
    await driver.open()
    found = await values(driver, *MANY[:2])
    await driver.close()
    assert [quality for _, quality in found] == [Quality.BAD_DECODE] * 2
    assert driver.diagnostics()["nonsense"] == 1


@pytest.mark.parametrize(
    ("user", "auth", "priv", "context"),
    [
        ("sha-aes", "SHA", "AES128", ""),
        ("sha256-aes256", "SHA256", "AES256", CONTEXT),
        ("sha512-aes256c", "SHA512", "AES256C", ""),
        ("sha256-only", "SHA256", None, ""),
    ],
)
async def test_version_3_signs_and_encrypts(
    agent: SnmpAgent, tmp_path: Path, user: str, auth: str, priv: str | None, context: str
) -> None:
    driver = driver_of(agent, tmp_path, **user_account(tmp_path, user, auth, priv), context=context)
    await driver.open()
    assert await values(driver, "upsBatteryStatus.0") == [(2.0, Quality.GOOD)]
    await driver.ping(2.0)
    await driver.close()


@pytest.mark.parametrize(
    ("user", "auth", "priv", "secrets", "words"),
    [
        ("nobody", "SHA", "AES128", (AUTH_SECRET, PRIV_SECRET), "does not know this user"),
        ("sha-aes", "SHA", "AES128", ("wrong-wrong", PRIV_SECRET), "signature wrong.*'auth'"),
        ("sha-aes", "SHA256", "AES128", (AUTH_SECRET, PRIV_SECRET), "signature wrong.*'auth'"),
        ("sha-aes", "SHA", "AES128", (AUTH_SECRET, "wrong-wrong"), "decrypted.*'priv'"),
    ],
)
async def test_what_version_3_refuses_is_told_in_plain_words(
    agent: SnmpAgent,
    tmp_path: Path,
    user: str,
    auth: str,
    priv: str,
    secrets: tuple[str, str],
    words: str,
) -> None:
    driver = driver_of(agent, tmp_path, 0.5, **user_account(tmp_path, user, auth, priv, secrets))
    await driver.open()
    with pytest.raises(DeviceUnreachableError, match=words):
        await values(driver, "upsBatteryStatus.0")
    await driver.close()


async def test_a_corrected_password_needs_no_restart(agent: SnmpAgent, tmp_path: Path) -> None:
    driver = driver_of(
        agent, tmp_path, 0.5, **user_account(tmp_path, "sha-aes", "SHA", "AES128", ("wrong-wrong", "x" * 8))
    )
    await driver.open()
    with pytest.raises(DeviceUnreachableError):
        await values(driver, "upsBatteryStatus.0")
    user_account(tmp_path, "sha-aes", "SHA", "AES128")
    await driver.open()
    assert await values(driver, "upsBatteryStatus.0") == [(2.0, Quality.GOOD)]
    await driver.close()


async def test_a_wrong_community_looks_like_silence_and_the_words_say_so(agent: SnmpAgent, tmp_path: Path) -> None:
    driver = DRIVER().create(snmp_device(agent.port, tmp_path, 0.05, **community(tmp_path, "wrong")), SystemClock())
    await driver.open()
    with pytest.raises(DeviceUnreachableError, match="community"):
        await values(driver, "upsBatteryStatus.0")
    with pytest.raises(DeviceUnreachableError, match="no answer"):
        await driver.ping(0.05)
    await driver.close()


async def test_devices_with_different_credentials_do_not_disturb_each_other(agent: SnmpAgent, tmp_path: Path) -> None:
    """One user name, two passwords: the library keeps one key per name and engine."""
    factory, drivers = DRIVER(), []
    for name, secrets in (("right", (AUTH_SECRET, PRIV_SECRET)), ("wrong", ("wrong-wrong", PRIV_SECRET))):
        folder = tmp_path / name
        folder.mkdir()
        settings = user_account(folder, "sha-aes", "SHA", "AES128", secrets)
        drivers.append(factory.create(snmp_device(agent.port, folder, 0.5, **settings), SystemClock()))
    right, wrong = drivers
    await right.open()
    await wrong.open()
    for _ in range(2):
        with pytest.raises(DeviceUnreachableError):
            await values(wrong, "upsBatteryStatus.0")
        assert await values(right, "upsBatteryStatus.0") == [(2.0, Quality.GOOD)]
    await wrong.close()
    assert await values(right, "upsBatteryStatus.0") == [(2.0, Quality.GOOD)]
    await right.close()


async def test_devices_that_open_together_share_one_engine(agent: SnmpAgent, tmp_path: Path) -> None:
    factory, settings = DRIVER(), community(tmp_path)
    drivers = [factory.create(snmp_device(agent.port, tmp_path, 2.0, **settings), SystemClock()) for _ in range(5)]
    _, before = in_use()
    async with asyncio.TaskGroup() as tasks:
        for driver in drivers:
            tasks.create_task(driver.open())
    async with asyncio.TaskGroup() as tasks:
        reads = [tasks.create_task(values(driver, *MANY)) for driver in drivers]
    _, together = in_use()
    for driver in drivers:
        await driver.close()

    assert [read.result() for read in reads] == [[(100.0 + n, Quality.GOOD) for n in range(1, 13)]] * 5
    assert together == before + 1


async def test_an_engineer_sees_what_an_agent_says(agent: SnmpAgent, tmp_path: Path) -> None:
    agent.order(broken=[MANY[0]])
    driver = driver_of(agent, tmp_path, varbinds_per_request_max=3)
    assert isinstance(driver, ExaminableDriver)
    addresses = ["upsBatteryVoltage.0", "1.3.6.1.2.1.1.1.0", "upsOutputVoltage.1", MANY[0]]
    points = bound([snmp_point(address, f"P{n}") for n, address in enumerate(addresses)])
    await driver.open()
    voltage, text, missing, broken = await driver.examine(points)
    await driver.close()

    assert (voltage.value, voltage.raw, voltage.note) == (543.0, "543", "integer")
    assert (text.quality, text.note) == (Quality.BAD_DECODE, "A UPS of the tests")
    assert bytes.fromhex(text.raw) == b"A UPS of the tests"
    assert (missing.quality, missing.note) == (Quality.BAD_REFUSED, "missing")
    assert (broken.quality, broken.note) == (Quality.BAD_REFUSED, "error status 5 (RFC 3416, clause 3)")
    first, second = (
        DRIVER()
        .create(snmp_device(agent.port, tmp_path, **community(tmp_path)), SystemClock())
        .explain([*points, *bound([snmp_point(f"ifOperStatus.{row}", f"I{row}") for row in range(1, 30)])])
    )
    assert first.what.startswith("GET upsBatteryVoltage.0, 1.3.6.1.2.1.1.1.0, upsOutputVoltage.1, ")
    assert (first.points, second.points) == (24, 9)
    assert first.bytes > second.bytes > 9 * 2 * 11


async def test_a_driver_that_is_not_open_says_so(tmp_path: Path) -> None:
    driver = DRIVER().create(snmp_device(161, tmp_path, **community(tmp_path)), SystemClock())
    with pytest.raises(DeviceUnreachableError, match="not connected"):
        await values(driver, "upsBatteryStatus.0")
    await driver.close()


async def test_a_name_that_nobody_knows_is_unreachable(tmp_path: Path) -> None:
    device = snmp_device(161, tmp_path, **community(tmp_path))
    device = type(device)(**{name: getattr(device, name) for name in device.__slots__} | {"settings": {**device.settings, "host": "no.such.invalid"}})  # fmt: skip
    driver = DRIVER().create(device, SystemClock())
    with pytest.raises(DeviceUnreachableError, match=r"no\.such\.invalid"):
        await driver.open()


def test_a_wrong_device_makes_no_driver_and_figures_hold_no_secret(tmp_path: Path) -> None:
    with pytest.raises(DriverConfigError, match="needs a community"):
        DRIVER().create(snmp_device(161), ManualClock())
    driver = DRIVER().create(snmp_device(161, tmp_path, **community(tmp_path)), ManualClock())
    assert COMMUNITY not in str(driver.diagnostics())
    with pytest.raises(DriverConfigError, match="upsBatteryStatus"):
        driver.plan(bound([snmp_point("upsBatteryStaus.0")]))
    assert DRIVER().endpoint(snmp_device(161)) == "127.0.0.1:161"

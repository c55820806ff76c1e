"""Encryption, users and certificates against a real server."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.support.manual_clock import ManualClock
from tests.support.opcua_server import Heard, Plant, bound, opcua_device, opcua_point, opcua_server, secured
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.domain.notices import DeviceNotice
from cityhall_bms.ports.capabilities import AlarmingDriver
from cityhall_drivers.opcua import DRIVER
from cityhall_drivers.opcua.certificates import client_identity
from cityhall_drivers.opcua.driver import OpcUaDriver

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def vault(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Plant]:
    async with opcua_server({"CarPos": 5}, identity=tmp_path_factory.mktemp("server"), user=True) as plant:
        yield plant


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


def driver_of(plant: Plant, site: Path, **settings: object) -> OpcUaDriver:
    return DRIVER().create(opcua_device(plant.url, site, 5.0, **settings), SystemClock())


@pytest.mark.parametrize("policy", ["Aes256_Sha256_RsaPss", "Aes128_Sha256_RsaOaep"])
async def test_an_encrypted_session_with_user_and_password_is_read_and_pushed(
    vault: Plant, site: Path, policy: str
) -> None:
    settings = secured(site, vault) | {"security": policy, "mode": "subscribe", "publishing_interval_ms": 50}
    assert DRIVER().check(opcua_device(vault.url, site, **settings), [opcua_point("CarPos")]) == []
    driver = driver_of(vault, site, **settings)
    heard = Heard()

    await driver.open()
    assert await driver.subscribe(bound([opcua_point("CarPos")]), heard)
    await until(lambda: heard.of(7))
    readings = await driver.read(driver.plan(bound([opcua_point("CarPos")])))
    await driver.close()

    assert readings.value.tolist() == [5.0]
    assert heard.of(7)[0][0] == 5.0


async def test_a_wrong_password_is_told_and_a_corrected_one_needs_no_restart(vault: Plant, site: Path) -> None:
    driver = driver_of(vault, site, **secured(site, vault, password="wrong"))
    with pytest.raises(DeviceUnreachableError, match=r"refuses user 'bms': check the password in secrets/password.txt"):
        await driver.open()

    secured(site, vault)
    await driver.open()
    await driver.close()


async def test_a_server_that_does_not_trust_us_tells_which_file_to_copy(vault: Plant, site: Path) -> None:
    vault.trusts = site / "trusted.der"
    try:
        driver = driver_of(vault, site, **secured(site, vault))
        advice = r"does not trust our certificate: copy .*/secrets/opcua-client\.der"
        with pytest.raises(DeviceUnreachableError, match=advice):
            await driver.open()

        vault.trusts.write_bytes((site / "secrets/opcua-client.der").read_bytes())
        await driver.open()
        await driver.close()
    finally:
        vault.trusts = None


async def test_a_server_with_another_certificate_is_refused_and_its_fingerprint_told(vault: Plant, site: Path) -> None:
    other = site.parent / "other"
    other.mkdir()
    settings = secured(site, vault)
    (site / "secrets/server.der").write_bytes(client_identity(other, "other", SystemClock().now()).certificate)

    with pytest.raises(DeviceUnreachableError, match=r"shows another certificate \(SHA-256 [0-9A-F:]{95}\)"):
        await driver_of(vault, site, **settings).open()


async def test_a_certificate_file_that_vanished_is_named(vault: Plant, site: Path) -> None:
    settings = secured(site, vault)
    driver = driver_of(vault, site, **settings)
    (site / "secrets/server.der").unlink()

    with pytest.raises(DeviceUnreachableError, match=r"No such file or directory: .*secrets/server\.der"):
        await driver.open()


async def test_pain_08_an_expired_server_certificate_is_not_accepted(vault: Plant, site: Path) -> None:
    eleven_years_s = 11 * 365 * 86_400
    later = ManualClock(SystemClock().now() + eleven_years_s * 1_000_000)
    driver = DRIVER().create(opcua_device(vault.url, site, 5.0, **secured(site, vault)), later)
    with pytest.raises(DeviceUnreachableError, match=r"^secrets/server\.der 已於 .* expired on .*: renew the server's"):
        await driver.open()


async def test_pain_08_an_unknown_certificate_is_kept_and_trusted_by_moving_its_file(vault: Plant, site: Path) -> None:
    settings = secured(site, vault)
    trusted = site / "secrets/server.der"
    right = trusted.read_bytes()
    trusted.write_bytes(client_identity(site.parent, "other", SystemClock().now()).certificate)
    # A server that cannot read our messages says nothing.
    driver = DRIVER().create(opcua_device(vault.url, site, 1.0, **settings), SystemClock())
    with pytest.raises(
        DeviceUnreachableError, match=r"mv secrets/opcua-rejected/lifts-\w{16}\.der secrets/server\.der"
    ):
        await driver.open()

    [kept] = (site / "secrets/opcua-rejected").iterdir()
    assert kept.read_bytes() == right
    kept.replace(trusted)
    await driver.open()
    await driver.close()


async def test_certificates_are_watched_while_the_session_is_open(vault: Plant, site: Path) -> None:
    driver = driver_of(vault, site, **secured(site, vault))
    assert isinstance(driver, AlarmingDriver)
    told: list[DeviceNotice] = []
    # The server's certificate is valid for ten years: this clock is 20 days before that.
    driver._clock = ManualClock(SystemClock().now() + (3650 - 20) * 86_400_000_000)
    await driver.open()
    listening = asyncio.create_task(driver.listen(told.append))
    await until(lambda: len(told) == 2)
    await driver.close()
    async with asyncio.timeout(5.0):
        await listening

    # Our own was made by that clock, just now.
    assert [(one.address, one.kind, one.to_state) for one in told] == [
        ("secrets/opcua-client.der", "certificate-expiry", "valid"),
        ("secrets/server.der", "certificate-expiry", "expires-within-30-days"),
    ]

"""TLS to a real broker: trusted, not trusted, and the password behind it."""

import datetime as dt
import ipaddress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.support.mqtt_broker import account, mqtt_broker, mqtt_device, mqtt_point
from tests.support.opcua_server import Heard, bound
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_drivers.mqtt import DRIVER


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / f"{name}.pem", folder / f"{name}.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem, secret


# The library leaves a socket whose handshake failed to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
async def test_a_broker_is_trusted_by_its_certificate_only(tmp_path: Path) -> None:
    pem, key = certificate(tmp_path, "broker")
    certificate(tmp_path, "stranger")
    async with mqtt_broker(tmp_path, pem, key) as broker:
        settings = account(tmp_path) | {"tls": True, "password_in_clear": False}
        trusting = DRIVER().create(mqtt_device(broker.port, tmp_path, ca_file="broker.pem", **settings), SystemClock())
        heard = Heard()
        await trusting.open()
        await trusting.subscribe(bound([mqtt_point("m/1")]), heard)
        await broker.publish("m/1", "5")
        await until(lambda: heard.of(7))
        await trusting.close()

        for ca_file in ("stranger.pem", None):
            wanted = settings if ca_file is None else settings | {"ca_file": ca_file}
            driver = DRIVER().create(mqtt_device(broker.port, tmp_path, **wanted), SystemClock())
            with pytest.raises(DeviceUnreachableError, match="certificate verify failed"):
                await driver.open()
    assert heard.of(7)[0][0] == 5.0


async def test_a_file_that_is_no_certificate_is_a_mistake_of_the_device(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none")
    settings = account(tmp_path) | {"tls": True, "password_in_clear": False, "ca_file": "ca.pem"}
    driver = DRIVER().create(mqtt_device(1883, tmp_path, **settings), SystemClock())
    with pytest.raises(DriverConfigError):
        await driver.open()

"""The secrets of a site folder: the OPC UA server's certificate and the service's password, new for each run."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cityhall_simulators.site_folder import CERTIFICATE_FILE, OPCUA_USER, PASSWORD_FILE

APPLICATION_URI = "urn:cityhall:simulator"
_VALID = timedelta(days=825)


@dataclass(frozen=True, slots=True)
class ServerSecrets:
    """What the secured server knows. The private key never touches the disk."""

    certificate_der: bytes
    key_der: bytes
    user: str
    password: str


def write_secrets(folder: Path, host: str) -> ServerSecrets:
    """Make new secrets and write what the service needs of them, readable by the owner alone."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate_der = _self_signed(key, host).public_bytes(serialization.Encoding.DER)
    password = secrets.token_urlsafe(18)
    for name, content in ((CERTIFICATE_FILE, certificate_der), (PASSWORD_FILE, f"{password}\n".encode())):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_bytes(content)
    key_der = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return ServerSecrets(certificate_der, key_der, OPCUA_USER, password)


def _self_signed(key: rsa.RSAPrivateKey, host: str) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "City hall simulator")])
    now = datetime.now(UTC)
    alternatives = [
        x509.UniformResourceIdentifier(APPLICATION_URI),
        x509.DNSName("localhost"),
        x509.IPAddress(ip_address(host)),
    ]
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=True, data_encipherment=True,
        key_agreement=False, key_cert_sign=True, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(usage, critical=False)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )

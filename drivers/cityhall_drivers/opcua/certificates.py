"""Who we are to OPC UA servers, and which server certificates we trust. Files only, no network.

Our key and certificate are one file, ``secrets/opcua-client.pem`` (mode 0600), shared by all devices of the site and
made on first use: one file, so that two processes that start together can never mix a key and another's certificate.
``secrets/opcua-client.der`` is the certificate alone, to be copied to servers. Before it expires the next one is made
beside (``opcua-client-next``); servers do not know that yet, so it takes over only when the old one has expired.
"""

import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

IDENTITY_FILE: Final = "secrets/opcua-client.pem"
CERTIFICATE_FILE: Final = "secrets/opcua-client.der"
NEXT_IDENTITY_FILE: Final = "secrets/opcua-client-next.pem"
NEXT_CERTIFICATE_FILE: Final = "secrets/opcua-client-next.der"
RENEW_DAYS: Final = 60
"""So long before ours expires the next one is made, so that servers can be told to trust it, too."""
VALID_DAYS: Final = 3650
"""Ten years: every server of a building trusts this certificate by hand."""
_KEY_BITS: Final = 2048


@dataclass(frozen=True, slots=True)
class Identity:
    """Our certificate (DER) and its key (PEM); ``application_uri`` is the name inside the certificate."""

    certificate: bytes
    key: bytes
    application_uri: str
    certificate_file: Path


def client_identity(site_folder: Path, host: str, now_us: int) -> Identity:
    """Our identity at this site, made for ``host`` when there is none yet.

    ``OSError`` when the files cannot be read or made, ``ValueError`` when they hold something else.
    """
    path, next_path = site_folder / IDENTITY_FILE, site_folder / NEXT_IDENTITY_FILE
    now = datetime.fromtimestamp(now_us / 1e6, UTC)
    if not path.exists():
        _create(path, host, now)
    left = _ends(path) - now
    if left <= timedelta(days=RENEW_DAYS) and not next_path.exists():
        _create(next_path, host, now)
        _export(next_path, site_folder / NEXT_CERTIFICATE_FILE)
    if left <= timedelta(0) and _ends(path) <= now:
        _take_over(path, next_path, site_folder / NEXT_CERTIFICATE_FILE)
    data = path.read_bytes()
    certificate = x509.load_pem_x509_certificate(data)
    key = load_pem_private_key(data, None)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    der = certificate.public_bytes(Encoding.DER)
    exported = _export(path, site_folder / CERTIFICATE_FILE)
    return Identity(
        der,
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        names.get_values_for_type(x509.UniformResourceIdentifier)[0],
        exported,
    )


def trusted_certificate(path: Path) -> bytes:
    """A server's certificate (DER or PEM file) as DER; ``OSError`` or ``ValueError`` when it is none."""
    data = path.read_bytes()
    pem = data.lstrip().startswith(b"-----BEGIN")
    certificate = x509.load_pem_x509_certificate(data) if pem else x509.load_der_x509_certificate(data)
    return certificate.public_bytes(Encoding.DER)


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of a certificate, as people compare it."""
    return hashlib.sha256(certificate).digest().hex(":").upper()


def _ends(path: Path) -> datetime:
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc


def _take_over(path: Path, next_path: Path, next_exported: Path) -> None:
    """Put the next identity in the place of the expired one; another process may be faster."""
    with suppress(FileNotFoundError):
        next_path.replace(path)
    next_exported.unlink(missing_ok=True)


def _export(path: Path, exported: Path) -> Path:
    """Write the certificate of an identity alone, as DER."""
    der = x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER)
    if not exported.exists() or exported.read_bytes() != der:
        _write_whole(exported, der)
    return exported


def _create(path: Path, host: str, now: datetime) -> None:
    """Make the identity file in one step; when another process was faster, its file stays."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    data = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    data += _self_signed(key, host, now).public_bytes(Encoding.PEM)
    temporary = _write_beside(path, data)
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def _write_whole(path: Path, data: bytes) -> None:
    _write_beside(path, data).replace(path)


def _write_beside(path: Path, data: bytes) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    return temporary


def _self_signed(key: rsa.RSAPrivateKey, host: str, now: datetime) -> x509.Certificate:
    """An application instance certificate (Part 6, clause 6.2.2)."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cityhall_bms")])
    uri = x509.UniformResourceIdentifier(f"urn:{host}:cityhall-bms")
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_cert_sign=True,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A day of grace, for servers whose clock is behind.
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([uri, x509.DNSName(host)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )

"""Whether a certificate may be trusted now, and those refused, kept for an engineer. Files only, no network."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

REJECTED_FOLDER: Final = "secrets/opcua-rejected"
REJECTED_MAX: Final = 50
"""So many are kept; then somebody has to clear up first."""
KEY_BITS_MIN: Final = 2048
"""Of both security policies that we speak (OPC 10000-7)."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CertificateMistakeError(ValueError):
    """A certificate that must not be used; the text names its file and says what to do."""


@dataclass(frozen=True, slots=True)
class Validity:
    """From when until when a certificate is valid, µs UTC."""

    since: int
    until: int


def validity_of(certificate: bytes) -> Validity:
    """Read a certificate (DER); ``ValueError`` when it is none."""
    read = x509.load_der_x509_certificate(certificate)
    return Validity(_us(read.not_valid_before_utc), _us(read.not_valid_after_utc))


def check_server_certificate(certificate: bytes, file: str, now: int) -> None:
    """Find what forbids a trusted server certificate (DER) at ``now`` (µs UTC): :class:`CertificateMistakeError`.

    Times, key length and key usage by Part 4, clause 6.1.3. That it is expired is never overlooked.
    """
    mistake = next(_mistakes(x509.load_der_x509_certificate(certificate), file, now), None)
    if mistake is not None:
        raise CertificateMistakeError(mistake)


def names_host(certificate: bytes, host: str) -> bool:
    """Tell whether a certificate (DER) names this host or address, or names none at all."""
    try:
        names = x509.load_der_x509_certificate(certificate).extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except x509.ExtensionNotFound:
        return True
    hosts = [name.lower() for name in names.value.get_values_for_type(x509.DNSName)]
    hosts += [str(address) for address in names.value.get_values_for_type(x509.IPAddress)]
    return not hosts or host.lower() in hosts


def keep_rejected(site_folder: Path, device: str, certificate: bytes) -> str | None:
    """Keep a certificate that a server showed and nobody trusts; gives its file, none when too many are kept."""
    name = f"{device}-{hashlib.sha256(certificate).hexdigest()[:16]}.der"
    folder = site_folder / REJECTED_FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    if not path.exists():
        if len(list(folder.iterdir())) >= REJECTED_MAX:
            return None
        path.write_bytes(certificate)
    return f"{REJECTED_FOLDER}/{name}"


def _mistakes(certificate: x509.Certificate, file: str, now: int) -> Iterator[str]:
    since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now >= _us(until):
        yield (
            f"{file} 已於 {until:%Y-%m-%d} 到期：請更新伺服器的憑證，再存成此檔 "
            f"expired on {until:%Y-%m-%d}: renew the server's certificate, and save the new one as {file}"
        )
    if now < _us(since):
        yield (
            f"{file} 於 {since:%Y-%m-%d} 才生效：請檢查兩邊的時鐘 "
            f"is not valid before {since:%Y-%m-%d}: check the clocks of the server and of this machine"
        )
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < KEY_BITS_MIN:
        size = f"{key.key_size} bits" if isinstance(key, rsa.RSAPublicKey) else "RSA 以外 no RSA"
        yield (
            f"{file} 的金鑰不足（{size}）：請為伺服器另製 RSA {KEY_BITS_MIN} 位元以上的憑證 has too weak a key: "
            f"give the server a certificate with an RSA key of {KEY_BITS_MIN} bits or more"
        )
    if not _may_be_used(certificate):
        yield (
            f"{file} 的用途不允許簽章與加密：請為伺服器另製 OPC UA 應用程式憑證 must not be used for signing and "
            "encrypting: give the server an application instance certificate"
        )


def _may_be_used(certificate: x509.Certificate) -> bool:
    """Digital signature and key or data encipherment, where the certificate restricts its use at all."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return usage.digital_signature and (usage.key_encipherment or usage.data_encipherment)


def _us(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)

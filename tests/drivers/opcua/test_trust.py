"""Certificates that must not be trusted, those that were refused, and notices before one expires."""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cityhall_drivers.opcua.expiry import ExpiryBook
from cityhall_drivers.opcua.trust import (
    REJECTED_MAX,
    CertificateMistakeError,
    check_server_certificate,
    keep_rejected,
    names_host,
    validity_of,
)

NOW = datetime(2026, 7, 1, tzinfo=UTC)
NOW_US = int(NOW.timestamp()) * 1_000_000
DAY_US = 86_400_000_000
FILE = "secrets/server.der"


@cache
def key(kind: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, 1024 if kind == "short" else 2048)


def certificate(
    *, since_days: float = -1, until_days: float = 100, kind: str = "good", usage: str = "", host: str = ""
) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key(kind).public_key())
        .serial_number(1)
        .not_valid_before(NOW + timedelta(days=since_days))
        .not_valid_after(NOW + timedelta(days=until_days))
    )
    if usage:
        allowed = x509.KeyUsage(
            "sign" in usage, False, "encipher" in usage, False, False, "certs" in usage, False, False, False
        )
        builder = builder.add_extension(allowed, critical=True)
    if host:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return builder.sign(key(kind), hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"until_days": -0.5}, "已於 2026-06-30 到期.*expired on 2026-06-30: renew the server's certificate"),
        ({"since_days": 1}, "才生效.*is not valid before 2026-07-02: check the clocks"),
        ({"kind": "short"}, "金鑰不足.*1024 bits.*RSA key of 2048 bits or more"),
        ({"kind": "ec"}, "no RSA"),
        ({"usage": "certs"}, "用途.*must not be used for signing and encrypting"),
        ({"usage": "sign"}, "must not be used for signing and encrypting"),
    ],
)
def test_pain_08_a_certificate_that_must_not_be_used_says_its_file_and_what_to_do(
    made: dict[str, object], words: str
) -> None:
    with pytest.raises(CertificateMistakeError, match=f"^{FILE} .*{words}"):
        check_server_certificate(certificate(**made), FILE, NOW_US)  # type: ignore[arg-type]


@pytest.mark.parametrize("usage", ["", "sign encipher"])
def test_a_good_certificate_is_used_up_to_its_last_moment(usage: str) -> None:
    good = certificate(usage=usage)
    check_server_certificate(good, FILE, NOW_US)
    until = validity_of(good).until
    assert until == NOW_US + 100 * DAY_US
    check_server_certificate(good, FILE, until - 1)
    with pytest.raises(CertificateMistakeError):
        check_server_certificate(good, FILE, until)


def test_a_certificate_that_names_hosts_is_for_those() -> None:
    assert names_host(certificate(host="lifts.local"), "Lifts.local")
    assert not names_host(certificate(host="lifts.local"), "10.0.0.5")
    assert names_host(certificate(), "10.0.0.5"), "it names none"


def test_a_refused_certificate_is_kept_once_and_not_without_end(tmp_path: Path) -> None:
    kept = keep_rejected(tmp_path, "lifts", b"one")
    # SHA-256 of "one" begins with 7692c3ad3540bb80.
    assert kept == "secrets/opcua-rejected/lifts-7692c3ad3540bb80.der"
    assert (tmp_path / kept).read_bytes() == b"one"
    for number in range(REJECTED_MAX + 5):
        keep_rejected(tmp_path, "lifts", b"%d" % number)
    assert keep_rejected(tmp_path, "lifts", b"another") is None
    assert keep_rejected(tmp_path, "lifts", b"one") == kept
    assert len(list((tmp_path / "secrets/opcua-rejected").iterdir())) == REJECTED_MAX


def test_an_expiry_is_told_30_and_7_days_before_when_it_came_and_when_it_was_replaced() -> None:
    book, told = ExpiryBook("lifts"), []
    until = NOW_US + 100 * DAY_US
    for days in (0, 69, 70, 71, 92, 93, 94, 99, 100, 101):
        for notice in book.look({FILE: until}, {FILE: "save a new one"}, NOW_US + days * DAY_US):
            told.append((days, notice.from_state, notice.to_state))
            assert (notice.device, notice.address, notice.kind) == ("lifts", FILE, "certificate-expiry")
            assert notice.at == NOW_US + days * DAY_US
            assert "2026-10-09" in notice.message
            assert notice.message.endswith("save a new one") == (notice.to_state != "valid")
    assert told == [
        (0, "", "valid"),
        (70, "valid", "expires-within-30-days"),
        (93, "expires-within-30-days", "expires-within-7-days"),
        (100, "expires-within-7-days", "expired"),
    ]
    [back] = book.look({FILE: until + 400 * DAY_US}, {FILE: ""}, NOW_US + 102 * DAY_US)
    assert (back.from_state, back.to_state) == ("expired", "valid")


def test_the_first_state_is_told_once_so_that_an_alarm_from_before_a_restart_ends() -> None:
    book = ExpiryBook("lifts")
    [first] = book.look({FILE: NOW_US + 100 * DAY_US}, {FILE: ""}, NOW_US)
    assert (first.address, first.from_state, first.to_state) == (FILE, "", "valid")
    assert book.look({FILE: NOW_US + 100 * DAY_US}, {FILE: ""}, NOW_US + DAY_US) == []
    [late] = ExpiryBook("lifts").look({FILE: NOW_US}, {FILE: "save a new one"}, NOW_US)
    assert (late.from_state, late.to_state) == ("", "expired")

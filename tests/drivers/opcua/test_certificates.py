"""Our own certificate: made once, kept secret, never mixed up."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asyncua.crypto.uacrypto import check_certificate
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from cityhall_drivers.opcua.certificates import Identity, client_identity, fingerprint, trusted_certificate

NOW = datetime(2026, 7, 1, tzinfo=UTC)
NOW_US = int(NOW.timestamp() * 1e6)


def test_it_is_made_on_first_use_and_kept(tmp_path: Path) -> None:
    first = client_identity(tmp_path, "bms-host", NOW_US)
    again = client_identity(tmp_path, "renamed-host", NOW_US + 1)

    assert first == again
    assert first.application_uri == "urn:bms-host:cityhall-bms"
    assert first.certificate_file.read_bytes() == first.certificate
    assert (tmp_path / "secrets/opcua-client.pem").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in (tmp_path / "secrets").iterdir()) == ["opcua-client.der", "opcua-client.pem"]


def test_key_and_certificate_belong_together_and_name_the_application(tmp_path: Path) -> None:
    identity = client_identity(tmp_path, "bms-host", NOW_US)
    certificate = x509.load_der_x509_certificate(identity.certificate)
    public = load_pem_private_key(identity.key, None).public_key()

    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert certificate.public_key().public_bytes(*spki) == public.public_bytes(*spki)
    assert certificate.not_valid_before_utc == NOW - timedelta(days=1)
    assert certificate.not_valid_after_utc == NOW + timedelta(days=3650)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [identity.application_uri]


def test_the_library_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    now_us = int(datetime.now(UTC).timestamp() * 1e6)
    identity = client_identity(tmp_path, "bms-host", now_us)

    wrong = check_certificate(
        x509.load_der_x509_certificate(identity.certificate), identity.application_uri, "bms-host"
    )
    assert not wrong


def test_those_who_start_together_get_one_identity(tmp_path: Path) -> None:
    made: list[Identity] = []
    together = threading.Barrier(4)

    def start() -> None:
        together.wait()
        made.append(client_identity(tmp_path, "bms-host", NOW_US))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 4
    assert all(identity == made[0] for identity in made)
    assert len(list((tmp_path / "secrets").iterdir())) == 2


def test_the_next_one_is_made_in_time_and_takes_over_only_when_the_old_one_has_expired(tmp_path: Path) -> None:
    day_us = 86_400_000_000
    first = client_identity(tmp_path, "bms-host", NOW_US)
    # Valid for 3650 days; the next one is made 60 days before, for the servers to be told.
    assert client_identity(tmp_path, "bms-host", NOW_US + 3589 * day_us) == first
    assert not (tmp_path / "secrets/opcua-client-next.der").exists()

    assert client_identity(tmp_path, "bms-host", NOW_US + 3591 * day_us) == first
    announced = (tmp_path / "secrets/opcua-client-next.der").read_bytes()
    assert announced != first.certificate
    assert (tmp_path / "secrets/opcua-client-next.pem").stat().st_mode & 0o777 == 0o600

    later = client_identity(tmp_path, "bms-host", NOW_US + 3651 * day_us)
    assert later.certificate == announced == later.certificate_file.read_bytes()
    assert sorted(path.name for path in (tmp_path / "secrets").iterdir()) == ["opcua-client.der", "opcua-client.pem"]


def test_one_that_expired_while_nothing_ran_is_replaced(tmp_path: Path) -> None:
    first = client_identity(tmp_path, "bms-host", NOW_US)
    later_us = NOW_US + 4000 * 86_400_000_000
    later = client_identity(tmp_path, "bms-host", later_us)

    assert later.certificate != first.certificate
    assert client_identity(tmp_path, "bms-host", later_us) == later


def test_a_spoilt_file_is_refused_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/opcua-client.pem").write_text("nonsense")

    with pytest.raises(ValueError, match="PEM"):
        client_identity(tmp_path, "bms-host", NOW_US)
    assert (tmp_path / "secrets/opcua-client.pem").read_text() == "nonsense"


def test_a_lost_export_is_written_again(tmp_path: Path) -> None:
    identity = client_identity(tmp_path, "bms-host", NOW_US)
    identity.certificate_file.unlink()

    assert client_identity(tmp_path, "bms-host", NOW_US).certificate_file.read_bytes() == identity.certificate


def test_a_trusted_certificate_may_be_der_or_pem(tmp_path: Path) -> None:
    identity = client_identity(tmp_path, "server", NOW_US)
    pem = tmp_path / "server.pem"
    pem.write_bytes(x509.load_der_x509_certificate(identity.certificate).public_bytes(Encoding.PEM))

    assert trusted_certificate(pem) == trusted_certificate(identity.certificate_file) == identity.certificate


def test_a_fingerprint_is_what_people_compare() -> None:
    assert fingerprint(b"abc").startswith("BA:78:16:BF:8F:01:CF:EA:41:41:40:DE")

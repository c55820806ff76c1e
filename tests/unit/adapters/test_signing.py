"""Signatures are those of RFC 8032, by a key that nobody else may read, and that is made once."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cityhall_bms.adapters.signing import PRIVATE_FILE, Signer, key_id_of, key_ring, verify
from cityhall_bms.domain.errors import SignatureError, SigningKeyError

RFC_8032_TEST_3 = {
    "secret": "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "message": "af82",
    "signature": (
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    ),
}
"""Section 7.1, "TEST 3"."""


def pem_of(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def put(folder: Path, pem: bytes, mode: int = 0o600) -> None:
    folder.mkdir(exist_ok=True)
    (folder / PRIVATE_FILE).write_bytes(pem)
    (folder / PRIVATE_FILE).chmod(mode)


def test_signatures_are_those_of_the_standard(tmp_path: Path) -> None:
    put(tmp_path, pem_of(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(RFC_8032_TEST_3["secret"]))))

    signer = Signer.load_or_create(tmp_path)
    message, signature = bytes.fromhex(RFC_8032_TEST_3["message"]), bytes.fromhex(RFC_8032_TEST_3["signature"])

    assert signer.sign(message) == signature
    verify(signer.public_pem, message, signature)


@pytest.mark.parametrize("changed", ["data", "signature", "key"])
def test_any_change_is_noticed(tmp_path: Path, changed: str) -> None:
    signer = Signer.load_or_create(tmp_path / "keys")
    data, signature, pem = b"17 C", signer.sign(b"17 C"), signer.public_pem
    if changed == "data":
        data = b"18 C"
    elif changed == "signature":
        signature = signature[:-1] + bytes([signature[-1] ^ 1])
    else:
        pem = Signer.load_or_create(tmp_path / "other").public_pem

    with pytest.raises(SignatureError, match=key_id_of(pem)):
        verify(pem, data, signature)


@pytest.mark.parametrize("signature", [b"", b"short", bytes(64), bytes(100)])
def test_nonsense_is_no_signature(tmp_path: Path, signature: bytes) -> None:
    with pytest.raises(SignatureError):
        verify(Signer.load_or_create(tmp_path / "keys").public_pem, b"data", signature)


def test_a_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "keys"

    first = Signer.load_or_create(folder)
    second = Signer.load_or_create(folder)

    assert second.key_id == first.key_id
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / PRIVATE_FILE).stat().st_mode) == 0o600
    assert sorted(path.name for path in folder.iterdir()) == [f"public-{first.key_id}.pem", PRIVATE_FILE]
    assert "PRIVATE" not in (folder / f"public-{first.key_id}.pem").read_text()


def test_processes_that_start_together_share_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = {signer.key_id for signer in pool.map(Signer.load_or_create, [tmp_path / "keys"] * 16)}

    assert len(ids) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_key_that_others_may_reach_is_refused(tmp_path: Path, mode: int) -> None:
    put(tmp_path, pem_of(Ed25519PrivateKey.generate()), mode)

    with pytest.raises(SigningKeyError, match=f"{mode:04o}"):
        Signer.load_or_create(tmp_path)


def test_a_file_that_is_no_key_of_ours_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "nonsense", b"nonsense")
    other = generate_private_key(SECP256R1())
    put(tmp_path / "kind", other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    with pytest.raises(SigningKeyError, match="no private key"):
        Signer.load_or_create(tmp_path / "nonsense")
    with pytest.raises(SigningKeyError, match="another kind"):
        Signer.load_or_create(tmp_path / "kind")


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(SigningKeyError, match="cannot be used"):
        Signer.load_or_create(tmp_path / "file" / "keys")


def test_what_an_earlier_key_signed_can_still_be_checked(tmp_path: Path) -> None:
    earlier = Signer.load_or_create(tmp_path)
    signature = earlier.sign(b"yesterday")
    (tmp_path / PRIVATE_FILE).rename(tmp_path / "retired.pem")

    present = Signer.load_or_create(tmp_path)
    ring = key_ring(tmp_path)

    assert present.key_id != earlier.key_id
    assert set(ring) == {earlier.key_id, present.key_id}
    verify(ring[earlier.key_id], b"yesterday", signature)


def test_the_ring_computes_ids_and_does_not_believe_names(tmp_path: Path) -> None:
    ours, other = Signer.load_or_create(tmp_path / "a"), Signer.load_or_create(tmp_path / "b")
    (tmp_path / "a" / f"public-{ours.key_id}.pem").write_text(other.public_pem)

    assert set(key_ring(tmp_path / "a")) == {other.key_id}
    (tmp_path / "a" / f"public-{ours.key_id}.pem").write_text("nonsense")
    with pytest.raises(SigningKeyError, match="no public key"):
        key_ring(tmp_path / "a")

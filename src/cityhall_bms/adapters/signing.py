"""The key with which this service signs what it keeps and hands out, and the check of such a signature.

A key folder holds one private key, ``signing-key.pem``, which only its owner may read, and a public key for every
private one that was ever used there, ``public-<key id>.pem``. To change keys, move the private key away: the next start
makes another, and what the old one signed can still be checked, because its public key stays.

Ed25519 (RFC 8032): signatures are 64 bytes and depend on nothing but key and data.
"""

import hashlib
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from cityhall_bms.adapters.disk import settle
from cityhall_bms.domain.errors import SignatureError, SigningKeyError

PRIVATE_FILE: Final = "signing-key.pem"
KEY_ID_DIGITS: Final = 16


class Signer:
    """Signs with the private key of a folder."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_pem = _pem(key.public_key())
        self.key_id = key_id_of(self.public_pem)

    @classmethod
    def load_or_create(cls, folder: Path) -> Self:
        """Use the key of a folder, made when there is none yet; several processes may do so at once.

        :class:`SigningKeyError` when it cannot be read or made, holds something else, or may be read by others.
        """
        try:
            _make_folder(folder)
            if not (folder / PRIVATE_FILE).exists():
                _create(folder)
            signer = cls(_read(folder / PRIVATE_FILE))
            _keep_public(folder, signer)
        except OSError as error:
            msg = f"the signing key in {folder} cannot be used: {error.strerror or error}"
            raise SigningKeyError(msg) from error
        return signer

    def sign(self, data: bytes) -> bytes:
        """Give the signature of some bytes: 64 bytes."""
        return self._key.sign(data)


def verify(public_pem: str, data: bytes, signature: bytes) -> None:
    """Do nothing when the signature is that of the data; :class:`SignatureError` otherwise."""
    try:
        _public(public_pem).verify(signature, data)
    except InvalidSignature as error:
        msg = f"the signature does not fit: the data were changed, or key {key_id_of(public_pem)} did not sign them"
        raise SignatureError(msg) from error


def key_id_of(public_pem: str) -> str:
    """Name a public key: the first 16 hex digits of SHA-256 over its 32 raw bytes; :class:`SignatureError`."""
    raw = _public(public_pem).public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:KEY_ID_DIGITS]


def key_ring(folder: Path) -> Mapping[str, str]:
    """Public keys (PEM) of a folder by their ids, the present one's and those of the past.

    :class:`SigningKeyError` when one cannot be read or is none. An id is computed, never taken from a file's name.
    """
    ring: dict[str, str] = {}
    for path in sorted(folder.glob("public-*.pem")):
        try:
            pem = path.read_text(encoding="ascii")
            ring[key_id_of(pem)] = pem
        except (OSError, ValueError, SignatureError) as error:
            msg = f"{path} is no public key that can be read: {error}"
            raise SigningKeyError(msg) from error
    return ring


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        # Another process may make it in this moment.
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        folder.chmod(0o700)


def _create(folder: Path) -> None:
    """Put a new key in place, whole or not at all; another process that was faster wins."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    fresh = folder / f"{PRIVATE_FILE}.{secrets.token_hex(8)}"
    try:
        _write(fresh, pem, 0o600)
        os.link(fresh, folder / PRIVATE_FILE)
    except FileExistsError:
        return
    finally:
        fresh.unlink(missing_ok=True)
    settle(folder)


def _read(path: Path) -> Ed25519PrivateKey:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            mode = f"{stat.S_IMODE(status.st_mode):04o}"
            msg = f"{path} may be read by others (mode {mode}): chmod 600, or take another key if somebody did read it"
            raise SigningKeyError(msg)
        data = file.read()
    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        msg = f"{path} holds no private key without a password: {error}"
        raise SigningKeyError(msg) from error
    if not isinstance(key, Ed25519PrivateKey):
        msg = f"{path} holds a key of another kind than Ed25519"
        raise SigningKeyError(msg)
    return key


def _keep_public(folder: Path, signer: Signer) -> None:
    path = folder / f"public-{signer.key_id}.pem"
    if path.exists() and path.read_bytes() == signer.public_pem.encode():
        return
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        _write(fresh, signer.public_pem.encode(), 0o644)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    settle(folder)


def _write(path: Path, data: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _public(pem: str) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        msg = f"this is no public key in PEM: {error}"
        raise SignatureError(msg) from error
    if not isinstance(key, Ed25519PublicKey):
        msg = "this is a public key of another kind than Ed25519"
        raise SignatureError(msg)
    return key


def _pem(key: Ed25519PublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

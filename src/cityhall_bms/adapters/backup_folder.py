"""A backup: one folder that holds everything a service decided and measured, and says what it holds.

``backup.json`` names every file with its size and SHA-256, the heads of the record, and who made it; it is signed
(``docs/reference/backup.md``). Private keys are not in it.
"""

import base64
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from cityhall_bms.adapters.disk import settle
from cityhall_bms.adapters.signing import Signer, verify
from cityhall_bms.domain.errors import CityHallError, SignatureError
from cityhall_bms.domain.events import canonical

FORMAT: Final = "cityhall-backup 1"
MANIFEST: Final = "backup.json"
CHUNK_BYTES: Final = 2**20


class BackupError(CityHallError):
    """A folder is no backup, or not the one that was made; the text says where."""


@dataclass(frozen=True, slots=True)
class Heads:
    """Where the record stood: newest event and its hash, place in the telemetry log, steps of the schema."""

    position: int
    hash: str
    telemetry: int
    steps: list[int]
    profile: str


@dataclass(frozen=True, slots=True)
class Backup:
    """A checked backup."""

    folder: Path
    made_at: str
    software: str
    heads: Heads
    key: str
    bytes: int

    @property
    def database(self) -> Path:
        """What the database's programs wrote."""
        return self.folder / "database"


def seal(folder: Path, made_at: str, software: str, heads: Heads, signer: Signer) -> None:
    """Write the manifest of a folder that is complete, and have all of it on disk."""
    body = {
        "format": FORMAT,
        "made_at": made_at,
        "software": software,
        "heads": asdict(heads),
        "files": {name: {"bytes": size, "sha256": digest} for name, size, digest in _digests(folder)},
        "key": signer.key_id,
        "public_key": signer.public_pem,
    }
    signature = base64.b64encode(signer.sign(canonical(body).encode())).decode()
    text = json.dumps(body | {"signature": signature}, indent=1, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    for path in [*sorted(folder.rglob("*")), folder]:
        settle(path)


def open_backup(folder: Path) -> Backup:
    """Read a backup and check every byte of it; :class:`BackupError` naming the first thing that is wrong."""
    manifest = _manifest(folder)
    signature = base64.b64decode(str(manifest.pop("signature", "")))
    try:
        verify(str(manifest["public_key"]), canonical(manifest).encode(), signature)
        files: Mapping[str, Mapping[str, Any]] = manifest["files"]
        heads = Heads(**manifest["heads"])
    except (SignatureError, KeyError, TypeError, ValueError) as error:
        msg = f"{folder / MANIFEST}: not as it was signed ({error})"
        raise BackupError(msg) from error
    found = {name: (size, digest) for name, size, digest in _digests(folder)}
    for name, told in files.items():
        if found.pop(name, None) != (told["bytes"], told["sha256"]):
            msg = f"{folder / name}: missing, or not as it was written"
            raise BackupError(msg)
    if found:
        msg = f"{folder / min(found)}: does not belong to this backup"
        raise BackupError(msg)
    size = sum(int(told["bytes"]) for told in files.values())
    return Backup(folder, manifest["made_at"], manifest["software"], heads, manifest["key"], size)


def copy_folder(source: Path, target: Path, pattern: str = "*") -> None:
    """Copy the plain files of a folder and its folders that match; nothing where there is no such folder."""
    if not source.is_dir():
        return
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.rglob(pattern)):
        if path.is_file():
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"{folder} is no backup, or one that was not finished: {error}"
        raise BackupError(msg) from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        msg = f"{path}: not of the form '{FORMAT}'"
        raise BackupError(msg)
    return manifest


def _digests(folder: Path) -> Iterator[tuple[str, int, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / MANIFEST:
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    digest.update(chunk)
            yield path.relative_to(folder).as_posix(), path.stat().st_size, digest.hexdigest()

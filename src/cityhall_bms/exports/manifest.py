"""The manifest of an export: canonical JSON that is signed as it stands (`docs/reference/export-manifest.md`). Pure."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from cityhall_bms.domain.events import canonical
from cityhall_bms.exports.certificate import PointCoverage
from cityhall_bms.exports.query import time_text, to_json
from cityhall_bms.ports.exports import Export, FileFacts, LogRange, Restated

KIND: Final = "cityhall-bms-export"
REPORT_KIND: Final = "cityhall-bms-report"
LABEL_KIND: Final = "cityhall-bms-label"
KINDS: Final = (KIND, REPORT_KIND, LABEL_KIND)
VERSION: Final = 1
ALGORITHM: Final = "Ed25519"
SIGNATURE: Final = "signature"


class Signing(Protocol):
    """Whoever has the private key."""

    @property
    def public_pem(self) -> str:
        """Public key in PEM."""
        ...

    @property
    def key_id(self) -> str:
        """Name of the key."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Give the signature of some bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found out about a finished export."""

    file: FileFacts
    software: Mapping[str, str]
    events: LogRange
    coverage: Sequence[PointCoverage]
    restatements: Sequence[Restated]
    restatements_in_all: int


def describe(export: Export, found: Findings) -> dict[str, Any]:
    """Manifest of an export, not signed yet."""
    return {
        "kind": KIND,
        "version": VERSION,
        "export": export.id,
        "asked_by": export.actor,
        "asked_at": time_text(export.asked_at),
        "query": to_json(export.query),
        "file": {
            "name": found.file.name,
            "rows": found.file.rows,
            "bytes": found.file.bytes,
            "sha256": found.file.sha256,
        },
        "software": dict(found.software) | dict(found.file.made_by),
        "in_force": dict(export.context),
        "events": {"first": found.events.first, "last": found.events.last, "last_hash": found.events.last_hash},
        "coverage": [line.to_json() for line in found.coverage],
        "restatements": {
            "in_all": found.restatements_in_all,
            "listed": [
                {
                    "position": item.position,
                    "recorded_at": time_text(item.recorded_at),
                    "type": item.type,
                    "payload": dict(item.payload),
                }
                for item in found.restatements
            ],
        },
    }


def signed(manifest: Mapping[str, Any], signer: Signing) -> str:
    """Manifest as canonical JSON with its signature, which covers everything but itself."""
    value = base64.b64encode(signer.sign(signed_bytes(manifest))).decode()
    signature = {
        "algorithm": ALGORITHM,
        "key_id": signer.key_id,
        "public_key": signer.public_pem,
        "value": value,
    }
    return canonical(dict(manifest) | {SIGNATURE: signature})


def signed_bytes(manifest: Mapping[str, Any]) -> bytes:
    """What the signature is made of: the canonical JSON of everything but the signature."""
    return canonical({key: value for key, value in manifest.items() if key != SIGNATURE}).encode()


class ManifestError(ValueError):
    """A text that is no manifest of ours; the message says what is wrong."""


def parse(text: str) -> dict[str, Any]:
    """Manifest of a text; :class:`ManifestError` when it is none, or of a version that is newer than this software."""
    try:
        manifest = json.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f"it is no JSON: {error}"
        raise ManifestError(msg) from error
    if not isinstance(manifest, dict) or manifest.get("kind") not in KINDS:
        msg = f"its kind is none of {', '.join(KINDS)}"
        raise ManifestError(msg)
    if manifest.get("version") != VERSION:
        msg = f"it is of version {manifest.get('version')}, and this software knows version {VERSION}"
        raise ManifestError(msg)
    _check_form(manifest)
    return manifest


def _check_form(manifest: Mapping[str, Any]) -> None:
    file, signature = manifest.get("file"), manifest.get(SIGNATURE)
    if not isinstance(file, dict) or not all(
        isinstance(file.get(key), kind) for key, kind in (("rows", int), ("bytes", int), ("sha256", str))
    ):
        msg = "it does not say what the file is"
        raise ManifestError(msg)
    if not isinstance(signature, dict) or not all(
        isinstance(signature.get(key), str) for key in ("algorithm", "key_id", "public_key", "value")
    ):
        msg = "it has no signature"
        raise ManifestError(msg)

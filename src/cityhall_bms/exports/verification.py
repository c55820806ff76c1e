"""What a file and its manifest prove, line by line. Pure: the file was measured before."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from cityhall_bms.domain.errors import SignatureError
from cityhall_bms.exports.manifest import ALGORITHM, SIGNATURE, signed_bytes


class Verdict(StrEnum):
    """Outcome of one check."""

    PROVEN = "proven"
    FALSE = "false"
    OPEN = "open"
    """Nothing was found to be wrong, and nothing is proven."""


MARKS: Final = {Verdict.PROVEN: "✔", Verdict.FALSE: "✘", Verdict.OPEN: "?"}


@dataclass(frozen=True, slots=True)
class Measured:
    """What a file really is; ``rows`` is none where they cannot be counted here, and ``why`` tells why."""

    bytes: int
    sha256: str
    rows: int | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the outcome, in both languages."""

    verdict: Verdict
    zh: str
    en: str

    def __str__(self) -> str:
        return f"{MARKS[self.verdict]} {self.zh}\n  {self.en}"


@dataclass(frozen=True, slots=True)
class Seals:
    """How signatures are checked; keys are public ones in PEM, ``SignatureError`` for what is none."""

    check: Callable[[str, bytes, bytes], None]
    """Key, data and signature; ``SignatureError`` when they do not fit."""
    name: Callable[[str], str]
    """Id of a key."""


def verify(manifest: Mapping[str, Any], file: Measured, seals: Seals, pinned: str | None) -> list[Check]:
    """Compare a file with its manifest. ``pinned`` is the public key (PEM) that the reader trusts, if there is one."""
    return [_content(manifest, file), _rows(manifest, file), _signature(manifest, seals), _key(manifest, seals, pinned)]


def holds(checks: list[Check]) -> bool:
    """Whether nothing is false."""
    return all(check.verdict is not Verdict.FALSE for check in checks)


def _content(manifest: Mapping[str, Any], file: Measured) -> Check:
    said = manifest["file"]
    if (said["bytes"], said["sha256"]) == (file.bytes, file.sha256):
        return Check(
            Verdict.PROVEN,
            f"檔案內容與清單相符：{file.bytes:,} 位元組，SHA-256 {file.sha256}",
            f"the file is the one of the manifest: {file.bytes:,} bytes, SHA-256 {file.sha256}",
        )
    return Check(
        Verdict.FALSE,
        f"檔案內容與清單不符：清單 {said['bytes']:,} 位元組、{said['sha256']}；"
        f"檔案 {file.bytes:,} 位元組、{file.sha256}",
        f"the file is not the one of the manifest: it says {said['bytes']:,} bytes, {said['sha256']}; "
        f"the file has {file.bytes:,} bytes, {file.sha256}",
    )


def _rows(manifest: Mapping[str, Any], file: Measured) -> Check:
    said = manifest["file"]["rows"]
    if file.rows is None:
        return Check(Verdict.OPEN, f"列數未清點：{file.why}", f"rows are not counted: {file.why}")
    if file.rows == said:
        return Check(Verdict.PROVEN, f"列數相符：{said:,}", f"the number of rows is right: {said:,}")
    return Check(
        Verdict.FALSE,
        f"列數不符：清單 {said:,}，檔案 {file.rows:,}",
        f"the number of rows is wrong: the manifest says {said:,}, the file has {file.rows:,}",
    )


def _signature(manifest: Mapping[str, Any], seals: Seals) -> Check:
    try:
        _check_signature(manifest, manifest[SIGNATURE]["public_key"], seals)
    except SignatureError as error:
        return Check(Verdict.FALSE, f"簽章不符：清單被改過 ({error})", f"the manifest was changed: {error}")
    key = manifest[SIGNATURE]["key_id"]
    return Check(
        Verdict.PROVEN,
        f"清單自簽署後未被更改（金鑰 {key}）",
        f"the manifest is as it was signed (key {key})",
    )


def _key(manifest: Mapping[str, Any], seals: Seals, pinned: str | None) -> Check:
    key = manifest[SIGNATURE]["key_id"]
    if pinned is None:
        return Check(
            Verdict.OPEN,
            f"簽署者未確認：清單自附公鑰 {key}，任何人都能自製；請以 --key 指定您信任的公鑰",
            f"who signed is open: the manifest brings its own public key {key}, as anybody could make one; "
            "name the key that you trust with --key",
        )
    try:
        _check_signature(manifest, pinned, seals)
    except SignatureError as error:
        return Check(
            Verdict.FALSE, f"不是由您信任的金鑰簽署（{error}）", f"the key that you trust did not sign it: {error}"
        )
    return Check(Verdict.PROVEN, "由您信任的金鑰簽署", "the key that you trust signed it")


def _check_signature(manifest: Mapping[str, Any], public_pem: str, seals: Seals) -> None:
    signature = manifest[SIGNATURE]
    if signature["algorithm"] != ALGORITHM:
        msg = f"{signature['algorithm']} is no algorithm of ours"
        raise SignatureError(msg)
    if signature["key_id"] != seals.name(public_pem):
        msg = f"key {seals.name(public_pem)} is not the one that it names, {signature['key_id']}"
        raise SignatureError(msg)
    try:
        value = base64.b64decode(signature["value"], validate=True)
        data = signed_bytes(manifest)
    except ValueError as error:
        msg = f"it cannot be read: {error}"
        raise SignatureError(msg) from error
    seals.check(public_pem, data, value)

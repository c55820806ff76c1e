"""Signed days as small files, ``seals/2026-07-01.json`` in the data folder, to be copied to another machine."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cityhall_bms.adapters.signing import verify
from cityhall_bms.domain.errors import RefusedError, SignatureError
from cityhall_bms.domain.integrity import DaySealed

FOLDER: Final = "seals"


class SealFiles:
    """Writes what is missing; a file that is there is never touched."""

    def __init__(self, folder: Path, keys: Mapping[str, str]) -> None:
        self._folder = folder
        self._keys = keys

    def keep(self, days: Sequence[DaySealed]) -> None:
        """Have a file of each of these days."""
        self._folder.mkdir(parents=True, exist_ok=True)
        there = {path.name for path in self._folder.iterdir()}
        for day in days:
            if f"{day.day}.json" not in there:
                fresh = self._folder / f"{day.day}.json.new"
                fresh.write_text(render(day, self._keys.get(day.key, "")), encoding="utf-8")
                fresh.replace(self._folder / f"{day.day}.json")


def render(day: DaySealed, public_pem: str) -> str:
    """Text of a file."""
    return json.dumps({**day.payload(), "public_key": public_pem}, indent=1, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Copy:
    """A signed day as it was copied away, and the public key that was copied with it."""

    seal: DaySealed
    public_pem: str


def read_copies(folder: Path) -> Mapping[str, Copy]:
    """Copies of a folder by day; ``RefusedError`` when there is none, or a file is not a whole copy."""
    copies: dict[str, Copy] = {}
    for path in sorted(folder.glob("????-??-??.json")):
        try:
            copy = _copy(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, SignatureError) as error:
            msg = f"{path} is no copy of a signed day: {error}"
            raise RefusedError(msg) from error
        if copy.seal.day != path.stem:
            msg = f"{path} is the copy of another day, {copy.seal.day}"
            raise RefusedError(msg)
        copies[copy.seal.day] = copy
    if not copies:
        msg = f"there is no copy of a signed day (YYYY-MM-DD.json) in {folder}"
        raise RefusedError(msg)
    return copies


def _copy(text: str) -> Copy:
    fields = json.loads(text)
    public_pem = fields.pop("public_key")
    seal = DaySealed(**fields)
    verify(public_pem, seal.statement(), bytes.fromhex(seal.signature))
    return Copy(seal, public_pem)

"""The folder of a history: a chunk per day, the truth, and the manifest that makes them one (written last)."""

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from cityhall_simulators.description import Building
from cityhall_simulators.history.chunk import encode_chunk
from cityhall_simulators.history.days import Span
from cityhall_simulators.history.recorder import RecordedDay

FORMAT: Final = "cityhall-history"
VERSION: Final = 1
MANIFEST: Final = "manifest.json"
TRUTH: Final = "truth.jsonl"
_SUFFIX: Final = ".chunk"
_OF_A_HISTORY: Final = re.compile(rf"\d{{4}}-\d\d-\d\d\{_SUFFIX}(\.new)?|manifest\.json\.new|truth\.jsonl")
"""What a run that was killed leaves."""


class HistoryFolderError(Exception):
    """A folder that a history cannot be written to; the text says why."""


def make_room(folder: Path) -> int:
    """Make the folder ready for a new history; gives how many chunks of an unfinished one were thrown away.

    The plants cannot go on in the middle of a year: what a killed run left is made anew. A finished history is never
    overwritten, and nothing is ever deleted beside files of other kinds: :class:`HistoryFolderError`.
    """
    if (folder / MANIFEST).exists():
        msg = f"{folder} holds a finished history: name another folder, or delete it"
        raise HistoryFolderError(msg)
    folder.mkdir(parents=True, exist_ok=True)
    found = sorted(folder.iterdir())
    others = [file.name for file in found if not _OF_A_HISTORY.fullmatch(file.name)]
    if others:
        msg = f"{folder} holds other files ({others[0]}): name an empty folder"
        raise HistoryFolderError(msg)
    left = [file for file in found if _SUFFIX in file.name]
    for file in left:
        file.unlink()
    (folder / TRUTH).write_bytes(b"")
    return len(left)


def write_history(folder: Path, building: Building, seed: int, span: Span, days: Iterable[RecordedDay]) -> int:
    """Write a chunk per day as the days come, and the manifest after the last one; gives the bytes of the chunks."""
    chunks: list[dict[str, object]] = []
    size = 0
    for day in days:
        data = encode_chunk(day.times_us, day.values, day.bad)
        name = f"{day.day.isoformat()}{_SUFFIX}"
        _write(folder / name, data)
        size += len(data)
        chunks.append({"file": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    text = json.dumps(_manifest(folder, building, seed, span, chunks), ensure_ascii=False, indent=1)
    _write(folder / MANIFEST, text.encode())
    return size


def _manifest(
    folder: Path, building: Building, seed: int, span: Span, chunks: list[dict[str, object]]
) -> dict[str, Any]:
    """Nothing in it depends on when or where it was made: its digest names the history."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "provenance": "simulated",
        "site": building.code,
        "time_zone": building.time_zone,
        "seed": seed,
        "from": span.first.isoformat(),
        "to": span.until.isoformat(),
        "interval_s": span.interval_s,
        "points": [point.name for point in building.points],
        "truth": {"file": TRUTH, "sha256": hashlib.sha256((folder / TRUTH).read_bytes()).hexdigest()},
        "chunks": chunks,
    }


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all: a killed run leaves no half file under a good name."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(data)
    fresh.replace(path)

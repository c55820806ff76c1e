"""Folders of history, written as docs/reference/history-file.md says, and with no code of either side."""

import hashlib
import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent / "golden_history"
"""Two days of three points in April 2015, kept as bytes: both sides must agree with it for ever."""

GOLDEN_POINTS = ("TCH.B2.CN.CHC01.CHWS_T", "TCH.B2.CN.CHC01.CHW_Flow", "TCH.01.E.AHU01.SAT")
GOLDEN_FIRST_US = 1_427_817_600_000_000
"""2015-04-01 00:00 in Taipei."""
HOUR_US = 3_600_000_000

Day = Sequence[Sequence[float | None]]
"""For each moment the values of all points; None is bad."""


def golden_days() -> list[Day]:
    """What the golden folder holds: a value for every hour of two days, some of them bad, odd numbers among them."""
    odd = [0.1, -0.0, 1e200, 5e-324, -273.15, 123456789.123]
    return [
        [
            [float(24 * day + hour), None if hour == 7 else odd[hour % len(odd)], None if day == 1 else -float(hour)]
            for hour in range(24)
        ]
        for day in range(2)
    ]


def chunk(times_us: Sequence[int], day: Day) -> bytes:
    """Bytes of a chunk, made value by value."""
    points = len(day[0])
    columns = [[row[point] for row in day] for point in range(points)]
    values = [struct.pack("<d", float("nan") if value is None else value) for column in columns for value in column]
    bad = [number for number, value in enumerate(v for column in columns for v in column) if value is None]
    content = b"".join(struct.pack("<q", at) for at in times_us)
    content += b"".join(bytes(value[place] for value in values) for place in range(8))
    content += b"".join(struct.pack("<I", place) for place in bad)
    return b"CHBHIST\x01" + struct.pack("<III", points, len(times_us), len(bad)) + zlib.compress(content, 1)


def write_folder(
    folder: Path,
    points: Sequence[str],
    days: Sequence[Day],
    *,
    first: date = date(2015, 4, 1),
    first_us: int = GOLDEN_FIRST_US,
    interval_s: int = 3600,
    changes: Mapping[str, Any] | None = None,
) -> Path:
    """A whole folder of days of 24 hours; ``changes`` replace keys of its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "truth.jsonl").write_bytes(b"")
    chunks = []
    for number, day in enumerate(days):
        name = f"{first + timedelta(days=number)}.chunk"
        begin = first_us + number * 24 * HOUR_US
        data = chunk([begin + row * interval_s * 1_000_000 for row in range(len(day))], day)
        (folder / name).write_bytes(data)
        chunks.append({"file": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    manifest = {
        "format": "cityhall-history",
        "version": 1,
        "provenance": "simulated",
        "site": "TCH",
        "time_zone": "Asia/Taipei",
        "seed": 1,
        "from": str(first),
        "to": str(first + timedelta(days=len(days))),
        "interval_s": interval_s,
        "points": list(points),
        "truth": {"file": "truth.jsonl", "sha256": hashlib.sha256(b"").hexdigest()},
        "chunks": chunks,
    }
    text = json.dumps(manifest | dict(changes or {}), ensure_ascii=False, indent=1)
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    return folder

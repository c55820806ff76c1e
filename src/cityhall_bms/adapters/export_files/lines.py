"""Lines of CSV, long and wide (`docs/reference/csv.md`)."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from cityhall_bms.adapters.csv_cells import BOM, guarded, number
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.exports import ExportPoint, Rows

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
CELLS_PER_PIECE: Final = 200_000
HEADINGS: Final = {
    "zh": ("時間（當地）", "時間（UTC）", "民國日期", "點位", "數值", "單位", "品質", "品質原因", "涵蓋率（%）"),
    "en": (
        "Local time",
        "UTC time",
        "ROC date",
        "Point",
        "Value",
        "Unit",
        "Quality",
        "Quality reason",
        "Coverage (%)",
    ),
}
TIMES: Final = 3
QUALITY_HEADING: Final = {"zh": "品質", "en": "quality"}


def severity(code: int) -> str:
    """Good, uncertain or bad, also of a code that this version does not know."""
    return "good" if code < 64 else "uncertain" if code < 128 else "bad"


def reason(code: int) -> str:
    """Why it is not good; empty when it is."""
    if code in Quality.__members__.values():
        return Quality(code).reason or ""
    return f"code_{code}"


SEVERITIES: Final = [severity(code) for code in range(256)]
REASONS: Final = [reason(code) for code in range(256)]
GRADES: Final = [f"{word}:{why}" if why else word for word, why in zip(SEVERITIES, REASONS, strict=True)]


def heading(language: str) -> bytes:
    """Begin of a long file."""
    return BOM + (",".join(HEADINGS[language]) + "\r\n").encode()


def wide_heading(points: Sequence[ExportPoint], language: str) -> bytes:
    """Begin of a wide file: times, then value and quality of every point."""
    cells = list(HEADINGS[language][:TIMES])
    for point in points:
        cells += [f"{point.name} [{point.unit}]" if point.unit else point.name]
        cells += [f"{point.name} {QUALITY_HEADING[language]}"]
    return BOM + (",".join(guarded(cell) for cell in cells) + "\r\n").encode()


def long_lines(rows: Rows, points: Sequence[ExportPoint], zone: ZoneInfo) -> bytes:
    """One line per row."""
    heads = [f",{guarded(point.name)}," for point in points]
    tails = [f",{guarded(point.unit)}," for point in points]
    shares = ["" if rows.coverage is None else f"{100 * share:.1f}" for share in _list(rows.coverage, len(rows))]
    times = _times(rows, zone)
    columns = zip(rows.place.tolist(), rows.value.tolist(), rows.quality.tolist(), shares, times, strict=True)
    return "".join(
        f"{time}{heads[place]}{number(value)}{tails[place]}{SEVERITIES[code]},{REASONS[code]},{share}\r\n"
        for place, value, code, share, time in columns
    ).encode()


def wide_lines(rows: Rows, points: int, zone: ZoneInfo) -> Iterator[bytes]:
    """One line per time, in parts of a bounded size. All rows of a time must be there.

    A point without a sample at that very time has two empty cells: nothing is filled in.
    """
    at, begins = np.unique(rows.at, return_index=True)
    step = max(CELLS_PER_PIECE // points, 1)
    for first in range(0, len(at), step):
        edges = np.append(begins[first : first + step], begins[first + step] if first + step < len(at) else len(rows))
        yield _wide_part(rows, at[first : first + step].tolist(), edges.tolist(), points, zone)


def _wide_part(rows: Rows, times: list[int], edges: list[int], points: int, zone: ZoneInfo) -> bytes:
    lines: list[str] = []
    for at, (begin, end) in zip(times, pairwise(edges), strict=True):
        cells = [","] * points
        columns = (rows.place[begin:end], rows.value[begin:end], rows.quality[begin:end])
        for place, value, code in zip(*(column.tolist() for column in columns), strict=True):
            cells[place] = f"{number(value)},{GRADES[code]}"
        lines.append(f"{time_cells(at, zone)},{','.join(cells)}\r\n")
    return "".join(lines).encode()


def time_cells(at: int, zone: ZoneInfo) -> str:
    """Local time with offset, UTC, and the date of the Republic: three cells, as the database writes them."""
    utc = EPOCH + timedelta(microseconds=at)
    local = utc.astimezone(zone)
    return f"{_iso(local)},{_iso(utc).removesuffix('+00:00')}Z,{local.year - 1911}{local:-%m-%d}"


def _times(rows: Rows, zone: ZoneInfo) -> list[str]:
    at, which = np.unique(rows.at, return_inverse=True)
    texts = [time_cells(time, zone) for time in at.tolist()]
    return [texts[number] for number in which.tolist()]


def _list(column: "np.typing.NDArray[np.float64] | None", length: int) -> list[float]:
    return [0.0] * length if column is None else column.tolist()


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="microseconds")

"""A CSV file of amounts that people read off meters: its rows, or every mistake in it with line and column (pure).

Columns ``meter,first_day,last_day,amount,unit,note``; the last may be left out. Days are included, as people write
them; amounts may be in any unit that converts to that of the meter's commodity.
"""

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cityhall_bms.domain.energy.meters import ManualSource, Metering
from cityhall_bms.domain.energy.readings import Entry
from cityhall_bms.domain.units import measure_of
from cityhall_bms.domain.wall_clock import instant_us

COLUMNS: Final = ("meter", "first_day", "last_day", "amount", "unit")
NOTE: Final = "note"
NOTE_MAX: Final = 1_000
ROWS_MAX: Final = 5_000
ROC_OFFSET: Final = 1911
YEAR_MIN: Final = 1950


@dataclass(frozen=True, slots=True, order=True)
class FileProblem:
    """A mistake; lines count from 1, and so do columns."""

    line: int
    column: int
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row that is right in itself."""

    line: int
    entry: Entry


class _CellError(ValueError):
    """What is wrong with one cell."""


def read_file(text: str, metering: Metering, zone: ZoneInfo, source: str) -> tuple[list[FileRow], list[FileProblem]]:
    """Rows of a file and all its mistakes; ``source`` names the file (SHA-256)."""
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows: list[FileRow] = []
    problems: list[FileProblem] = []
    try:
        header = [name.strip() for name in next(lines, [])]
        problems += _of_header(header)
        if problems:
            return [], problems
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            if len(rows) >= ROWS_MAX:
                return [], [FileProblem(lines.line_num, 1, "file", f"more than {ROWS_MAX} rows: cut the file")]
            found = _Row(lines.line_num, header, cells, metering, zone).read(source)
            if isinstance(found, FileRow):
                rows.append(found)
            else:
                problems += found
    except csv.Error as error:
        problems.append(FileProblem(lines.line_num, 1, "file", f"no CSV: {error}"))
    return rows, sorted(problems)


def _of_header(header: list[str]) -> Iterator[FileProblem]:
    for name in COLUMNS:
        if name not in header:
            yield FileProblem(1, 1, name, f"column missing: the first line is {','.join((*COLUMNS, NOTE))}")
    for place, name in enumerate(header, 1):
        if name not in {*COLUMNS, NOTE}:
            yield FileProblem(1, place, name, "unknown column")
        elif name in header[: place - 1]:
            yield FileProblem(1, place, name, "this column stands twice")


class _Row:
    def __init__(self, line: int, header: list[str], cells: list[str], metering: Metering, zone: ZoneInfo) -> None:
        self._line = line
        self._header = header
        self._cells: Mapping[str, str] = {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
        self._count = len(cells)
        self._metering = metering
        self._zone = zone
        self._problems: list[FileProblem] = []

    def read(self, source: str) -> FileRow | list[FileProblem]:
        if self._count > len(self._header):
            self._note(self._header[-1], f"{self._count} cells, and {len(self._header)} columns")
        meter = self._cells.get("meter", "")
        known = self._metering.meters.get(meter)
        if known is None:
            self._note("meter", f"no meter is named '{meter}'")
        elif not isinstance(known.source, ManualSource):
            self._note("meter", f"'{meter}' is not read by people (manual = true)")
        first, last = self._day("first_day"), self._day("last_day")
        if first is not None and last is not None and last < first:
            self._note("last_day", f"{last} is before {first}")
        amount = self._amount()
        factor = None if known is None else self._factor(known.commodity.unit)
        note = self._cells.get(NOTE, "")
        if len(note) > NOTE_MAX or "\x00" in note:
            self._note(NOTE, f"longer than {NOTE_MAX} characters, or no text")
        if self._problems or first is None or last is None or amount is None or factor is None:
            return self._problems
        begin = instant_us(self._zone, first, 0)
        until = instant_us(self._zone, last + timedelta(days=1), 0)
        return FileRow(self._line, Entry(meter, begin, until, amount * factor, note, source=source))

    def _day(self, column: str) -> date | None:
        text = self._cells.get(column, "")
        try:
            day = date.fromisoformat(text)
        except ValueError:
            self._note(column, f"'{text}' is no day: write {_as_common_era(text)}")
            return None
        if day.year < YEAR_MIN:
            self._note(column, f"year {day.year}: ROC {day.year} is written {day.year + ROC_OFFSET}")
            return None
        return day

    def _amount(self) -> float | None:
        text = self._cells.get("amount", "")
        try:
            amount = float(text)
        except ValueError:
            amount = math.nan
        if not math.isfinite(amount) or amount < 0.0:
            hint = ": write it without separators" if "," in text else ""
            self._note("amount", f"'{text}' is no amount{hint}")
            return None
        return amount

    def _factor(self, wanted: str) -> float | None:
        text = self._cells.get("unit", "")
        has, unit = measure_of(text) if text else None, measure_of(wanted)
        if has is None or unit is None or not has.comparable(unit):
            self._note("unit", f"'{text}' does not convert to {wanted}")
            return None
        return has.factor / unit.factor

    def _note(self, column: str, message: str) -> None:
        self._problems.append(FileProblem(self._line, self._header.index(column) + 1, column, message))


def _as_common_era(text: str) -> str:
    """How a day is written; what is written as a year of the Republic is shown in ours."""
    parts = text.replace("/", "-").split("-")
    if len(parts) == 3 and all(part.isascii() and part.isdigit() for part in parts) and int(parts[0]) < YEAR_MIN:
        return f"{int(parts[0]) + ROC_OFFSET}-{int(parts[1]):02}-{int(parts[2]):02}"
    return "2026-06-30"

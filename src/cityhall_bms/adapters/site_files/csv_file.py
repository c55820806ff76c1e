"""Read one CSV file into rows that know their line."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cityhall_bms.adapters.site_files.mistakes import Mistakes, suggest
from cityhall_bms.adapters.site_files.toml_file import read_text


@dataclass(frozen=True, slots=True)
class Row:
    """One row: cells by column, without the spaces around them."""

    file: str
    line: int
    cells: dict[str, str]
    mistakes: Mistakes

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def wrong(self, column: str, message: str, remedy: str) -> None:
        """Note a mistake in a cell of this row."""
        self.mistakes.add(self.file, self.line, column, message, remedy)

    def required(self, column: str) -> str | None:
        """Text of a cell that must not be empty; none after noting that it is."""
        text = self.cells[column]
        if not text:
            self.wrong(column, "empty", f"fill in '{column}'")
        return text or None

    def number(self, column: str) -> float | None:
        """Finite number in a cell; none when it is empty, NaN after noting that it is no number."""
        text = self.cells[column]
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or "_" in text:
            self.wrong(column, f"'{text}' is not a number", "write digits with a decimal point, like 12.5")
            return math.nan
        return value


def read_csv(
    path: Path, name: str, columns: Sequence[str], mistakes: Mistakes, optional: Sequence[str] = ()
) -> list[Row] | None:
    """Rows of a file whose columns are ``columns`` and some ``optional`` ones, in any order; empty rows are left out.

    None after noting why the file as a whole cannot be read: it is missing, or its header is wrong.
    """
    text = read_text(path, name, mistakes)
    if text is None:
        return None
    records = _records(text, name, mistakes)
    header = next(records, None)
    if header is None:
        mistakes.add(name, 1, "header", "missing", f"begin with the row {','.join(columns)}")
        return None
    titles = [title.strip() for title in header[1]]
    if not _header_fits(titles, name, [*columns, *(title for title in optional if title in titles)], mistakes):
        return None
    absent = dict.fromkeys(optional, "")
    return [Row(name, line, absent | cells, mistakes) for line, cells in _fitting(records, titles, name, mistakes)]


def _records(text: str, name: str, mistakes: Mistakes) -> Iterator[tuple[int, list[str]]]:
    """Records with the line on which each begins; a quoted cell may hold line breaks."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        mistakes.add(name, begins, "row", f"not CSV: {error}", "close every quotation mark; double those inside a cell")


def _header_fits(titles: list[str], name: str, columns: Sequence[str], mistakes: Mistakes) -> bool:
    if len(titles) == 1 and any(separator in titles[0] for separator in ";\t"):
        mistakes.add(name, 1, "header", "cells are not separated by commas", "save the file as CSV with commas")
        return False
    unknown = [title for title in titles if title not in columns]
    missing = [column for column in columns if column not in titles]
    twice = sorted({title for title in titles if titles.count(title) > 1})
    for title in unknown:
        mistakes.add(name, 1, title or "header", "unknown column", suggest(title, missing or columns))
    for column in missing:
        mistakes.add(name, 1, column, "missing column", f"add the column '{column}' (its cells may be empty)")
    for title in twice:
        mistakes.add(name, 1, title or "header", "column appears twice", "keep one of them")
    return not (unknown or missing or twice)


def _fitting(
    records: Iterator[tuple[int, list[str]]], titles: list[str], name: str, mistakes: Mistakes
) -> Iterator[tuple[int, dict[str, str]]]:
    width = len(titles)
    for line, cells in records:
        if len(cells) == width:
            yield line, {title: cell.strip() for title, cell in zip(titles, cells, strict=True)}
        else:
            message = f"{len(cells)} cells where the header has {width}"
            mistakes.add(name, line, "row", message, "check the commas; put texts with a comma between quotation marks")

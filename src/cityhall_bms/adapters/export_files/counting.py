"""Rows of a finished file, counted from the file itself and without what made it."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cityhall_bms.adapters.export_files.sink import READ_BYTES, measure
from cityhall_bms.exports.verification import Measured

ROW_TAG: Final = b"<row "
HEADING_ROWS: Final = 1
QUERY_SHEET: Final = "xl/worksheets/sheet1.xml"


def measured(path: Path, manifest: Mapping[str, Any]) -> Measured:
    """What a file really is; :class:`~cityhall_bms.adapters.export_files.sink.ExportFileError` if it cannot be read."""
    size, sha256 = measure(path)
    kind = manifest.get("query", {}).get("format", "")
    try:
        rows = COUNT[kind](path)
    except KeyError:
        return Measured(size, sha256, None, f"format {kind!r}")
    except ImportError:
        return Measured(size, sha256, None, "pip install 'cityhall-bms[export]'")
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        return Measured(size, sha256, None, str(error))
    return Measured(size, sha256, rows)


def _csv_rows(path: Path) -> int:
    """Lines after the heading; no cell of ours contains a line break."""
    lines = 0
    with path.open("rb") as file:
        while data := file.read(READ_BYTES):
            lines += data.count(b"\n")
    return max(lines - HEADING_ROWS, 0)


def _xlsx_rows(path: Path) -> int:
    rows = 0
    with zipfile.ZipFile(path) as book:
        sheets = sorted(name for name in book.namelist() if name.startswith("xl/worksheets/sheet"))
        for name in sheets:
            rows += 0 if name == QUERY_SHEET else _tags(book, name) - HEADING_ROWS
    return rows


def _tags(book: zipfile.ZipFile, name: str) -> int:
    found, rest = 0, b""
    with book.open(name) as sheet:
        while data := sheet.read(READ_BYTES):
            text = rest + data
            found += text.count(ROW_TAG)
            rest = text[-(len(ROW_TAG) - 1) :]
    return found


def _parquet_rows(path: Path) -> int:
    import pyarrow.parquet as pq  # noqa: PLC0415 - an extra: the rest must work without it

    return int(pq.ParquetFile(path).metadata.num_rows)


def _pack_rows(path: Path) -> int:
    """Lines of all tables of an evidence pack, without their headings."""
    lines = 0
    with zipfile.ZipFile(path) as pack:
        for name in pack.namelist():
            if name.endswith(".csv") and "/" in name and "/attachments/" not in name:
                lines += _lines(pack, name) - HEADING_ROWS
    return lines


def _lines(pack: zipfile.ZipFile, name: str) -> int:
    lines = 0
    with pack.open(name) as file:
        while data := file.read(READ_BYTES):
            lines += data.count(b"\n")
    return lines


COUNT: Final = {
    "csv-long": _csv_rows,
    "csv-wide": _csv_rows,
    "csv": _csv_rows,
    "xlsx": _xlsx_rows,
    "parquet": _parquet_rows,
    "label-zip": _pack_rows,
}

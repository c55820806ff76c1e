"""Writes the evidence pack: a ZIP of CSV files and attachments, made row by row, with an index of their digests.

The same tables give the same bytes: entries have no time of their own, stand in one order, and are compressed alike.
Only the zlib of this machine has a say in them, which is why the manifest names it.
"""

import hashlib
import zipfile
import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from zoneinfo import ZoneInfo

from cityhall_bms.adapters.csv_cells import BOM, guarded, number
from cityhall_bms.adapters.export_files.lines import time_cells
from cityhall_bms.adapters.export_files.sink import READ_BYTES, ExportFileError, measure
from cityhall_bms.domain.label import Indicator
from cityhall_bms.ports.exports import FileFacts
from cityhall_bms.ports.label import At, Cell, EvidenceTable, PackedFile, Row

INDEX: Final = "index.csv"
LEVEL: Final = 6
FIRST_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest that a ZIP can say: files of a pack have no time of their own."""
READABLE: Final = 0o644 << 16
TIME_HEADINGS: Final = {"zh": ("（當地）", "（UTC）", "民國日期"), "en": (" (local)", " (UTC)", "ROC date")}
NO_TIME: Final = ",,"
INDEX_HEADINGS: Final = {
    "zh": ("檔案", "指標", "列數", "位元組", "SHA-256"),
    "en": ("File", "Indicator", "Rows", "Bytes", "SHA-256"),
}
FLUSH_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class PackPart:
    """What goes into the folder of one indicator."""

    indicator: Indicator
    tables: Sequence[EvidenceTable]


@dataclass(frozen=True, slots=True)
class Pack:
    """A finished pack and what is in it."""

    facts: FileFacts
    files: tuple[PackedFile, ...]


async def write_pack(path: Path, parts: Sequence[PackPart], site: Path, time_zone: str, language: str) -> Pack:
    """Write a pack; attachments are files of the site folder. :class:`ExportFileError` when it cannot be written."""
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as book:
            files = [file async for file in _files(book, parts, site, ZoneInfo(time_zone), language)]
            _write_index(book, files, language)
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}"
        raise ExportFileError(msg) from error
    size, sha256 = measure(path)
    packed = tuple(file for file, _ in files)
    made_by = {"zlib": zlib.ZLIB_RUNTIME_VERSION}
    return Pack(FileFacts(path.name, sum(file.rows for file in packed), size, sha256, made_by), packed)


async def _files(
    book: zipfile.ZipFile, parts: Sequence[PackPart], site: Path, zone: ZoneInfo, language: str
) -> AsyncIterator[tuple[PackedFile, Indicator]]:
    for place, part in enumerate(parts, start=1):
        folder = f"{place:02d}-{part.indicator.name}"
        for table in part.tables:
            yield await _table(book, f"{folder}/{table.name}.csv", table, zone, language), part.indicator
        for name in part.indicator.attachments:
            yield _attachment(book, f"{folder}/attachments/{Path(name).name}", site / name), part.indicator


async def _table(book: zipfile.ZipFile, name: str, table: EvidenceTable, zone: ZoneInfo, language: str) -> PackedFile:
    rows = 0
    with book.open(_entry(name), "w", force_zip64=True) as file:
        out = _Counted(file)
        out.write(BOM + _heading(table, language).encode())
        async for row in table.rows():
            out.write(_line(row, table, zone).encode())
            rows += 1
        out.flush()
    return PackedFile(name, rows, out.bytes, out.sha256)


def _attachment(book: zipfile.ZipFile, name: str, path: Path) -> PackedFile:
    with path.open("rb") as source, book.open(_entry(name), "w", force_zip64=True) as file:
        out = _Counted(file)
        while data := source.read(READ_BYTES):
            out.write(data)
        out.flush()
    return PackedFile(name, 0, out.bytes, out.sha256)


def _write_index(book: zipfile.ZipFile, files: Sequence[tuple[PackedFile, Indicator]], language: str) -> None:
    lines = [",".join(INDEX_HEADINGS[language])]
    for file, indicator in files:
        text = indicator.text.zh if language == "zh" else indicator.text.en
        lines.append(f"{guarded(file.name)},{guarded(text)},{file.rows},{file.bytes},{file.sha256}")
    with book.open(_entry(INDEX), "w", force_zip64=True) as out:
        out.write(BOM + "".join(f"{line}\r\n" for line in lines).encode())


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, FIRST_DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = READABLE
    entry.create_system = 3
    return entry


def _heading(table: EvidenceTable, language: str) -> str:
    cells: list[str] = []
    for column in table.columns:
        text = column.text.zh if language == "zh" else column.text.en
        local, utc, roc = TIME_HEADINGS[language]
        cells += [f"{text}{local}", f"{text}{utc}", f"{text} {roc}"] if column.time else [text]
    return ",".join(guarded(cell) for cell in cells) + "\r\n"


def _line(row: Row, table: EvidenceTable, zone: ZoneInfo) -> str:
    return ",".join(_cell(cell, zone) for cell, _ in zip(row, table.columns, strict=True)) + "\r\n"


def _cell(cell: Cell, zone: ZoneInfo) -> str:
    match cell:
        case At(us=None):
            return NO_TIME
        case At(us=int() as moment):
            return time_cells(moment, zone)
        case None:
            return ""
        case str():
            return guarded(cell)
        case int():
            return str(cell)
        case float():
            return number(cell)
    raise AssertionError(cell)


class _Counted:
    """Counts and hashes what goes through; small writes are gathered."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._waiting: list[bytes] = []
        self._held = 0
        self.bytes = 0

    @property
    def sha256(self) -> str:
        """Of everything flushed so far, in hexadecimal."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Add some bytes."""
        self._waiting.append(data)
        self._held += len(data)
        if self._held >= FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Hand on what waits."""
        data = b"".join(self._waiting)
        self._file.write(data)
        self._digest.update(data)
        self.bytes += len(data)
        self._waiting, self._held = [], 0

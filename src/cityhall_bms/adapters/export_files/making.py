"""Makes the file of an export: in constant memory, and after a crash a CSV goes on where it was safe on disk."""

import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from cityhall_bms.adapters.export_files.lines import heading, wide_heading, wide_lines
from cityhall_bms.adapters.export_files.parquet_file import ParquetFile
from cityhall_bms.adapters.export_files.sink import ExportFileError, HashedFile, measure, require_room
from cityhall_bms.adapters.export_files.xlsx_file import XlsxFile
from cityhall_bms.adapters.postgres.history_export import ExportReader, Slice, added, count_rows
from cityhall_bms.domain.errors import MissingLibraryError, RefusedError
from cityhall_bms.exports.query import file_name
from cityhall_bms.exports.recording import ExportRecorder
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.exports import Export, ExportFormat, FileFacts, PointCounts, Rows

SAFE_EVERY_S: Final = 1.0
"""How often a file is settled on disk and its progress noted: what a crash makes us do again."""

LIBRARIES: Final = {ExportFormat.XLSX: "xlsxwriter", ExportFormat.PARQUET: "pyarrow"}
"""What is needed besides, as the extra ``export``."""

OnProgress = Callable[[float, int, int], None]
"""Hears the share that is done, rows and bytes."""


class CancelledExportError(RefusedError):
    """Somebody cancelled the export while it was made."""


class RowFile(Protocol):
    """A file that takes rows."""

    @property
    def made_by(self) -> Mapping[str, str]:
        """Versions of the libraries whose form its bytes have."""
        ...

    def write(self, rows: Rows) -> None:
        """Add some rows."""
        ...

    def close(self) -> None:
        """Write the end."""
        ...


@dataclass(slots=True)
class Progress:
    """How far a file is."""

    done_through: int
    rows: int
    counts: list[PointCounts]

    def add(self, end: int, rows: int, counts: list[PointCounts]) -> None:
        """Take a slice."""
        self.done_through, self.rows = end, self.rows + rows
        self.counts = added(self.counts, counts)


class ExportMaker:
    """Makes files below a folder, one folder per export."""

    def __init__(
        self, folder: Path, reader: ExportReader, recorder: ExportRecorder, clock: Clock, free_bytes_min: int
    ) -> None:
        self._folder = folder
        self._reader = reader
        self._recorder = recorder
        self._clock = clock
        self._free_bytes_min = free_bytes_min

    async def make(self, export: Export, on_progress: OnProgress | None = None) -> Path:
        """Make the file, or go on with it, and record the export; gives the file.

        :class:`CancelledExportError`, ``ExportFileError``, ``RefusedError``, and ``HistoryUnavailableError`` or
        ``EventLogUnavailableError``, of which another try may come to an end.
        """
        if not await self._recorder.store.started(export.id):
            msg = f"export {export.id} is over"
            raise CancelledExportError(msg)
        path = path_of(self._folder, export)
        path.parent.mkdir(parents=True, exist_ok=True)
        step = _Step(self.noted, self._clock, export, on_progress)
        if export.query.format in {ExportFormat.CSV_LONG, ExportFormat.CSV_WIDE}:
            facts, counts = await self._csv(export, path, step)
        else:
            facts, counts = await self._by_library(export, path, step)
        await self._recorder.finish(export, facts, counts)
        return path

    async def noted(self, export: Export, progress: Progress, size: int) -> None:
        """Note how far a file is, and see that it may go on."""
        require_room(self._folder, self._free_bytes_min)
        if not await self._recorder.store.advance(export.id, progress.done_through, progress.rows, size):
            msg = f"export {export.id} was cancelled"
            raise CancelledExportError(msg)

    async def _csv(self, export: Export, path: Path, step: "_Step") -> tuple[FileFacts, list[PointCounts]]:
        query = export.query
        progress = await self._begun(export, path)
        with HashedFile(path, keep=export.bytes if progress.done_through > query.window.start else 0) as file:
            if not file.bytes:
                wide = query.format is ExportFormat.CSV_WIDE
                file.write(wide_heading(query.points, query.language) if wide else heading(query.language))
            async with aclosing(self._slices(export, progress, file)) as slices:
                async for end, rows, counts in slices:
                    progress.add(end, rows, counts)
                    if step.is_due():
                        file.settle()
                        await step.note(progress, file.bytes)
            file.settle()
            return FileFacts(path.name, progress.rows, file.bytes, file.sha256, {}), progress.counts

    def _slices(self, export: Export, progress: Progress, file: HashedFile) -> AsyncGenerator[Slice, None]:
        if export.query.format is ExportFormat.CSV_WIDE:
            return self._wide(export, progress.done_through, file)

        async def write(chunk: bytes) -> None:
            file.write(chunk)

        return self._reader.lines(export.query, progress.done_through, write)

    async def _wide(self, export: Export, begin: int, file: HashedFile) -> AsyncGenerator[Slice, None]:
        query, zone = export.query, ZoneInfo(export.query.time_zone)
        async for end, rows in self._reader.rows(query, begin):
            lines = 0
            for part in wide_lines(rows, len(query.points), zone):
                file.write(part)
                lines += part.count(b"\n")
            yield end, lines, count_rows(rows, len(query.points))

    async def _by_library(self, export: Export, path: Path, step: "_Step") -> tuple[FileFacts, list[PointCounts]]:
        """From the beginning, also after a crash: what these libraries keep of a file in memory cannot be had back."""
        shutil.rmtree(path.parent)
        path.parent.mkdir()
        file = _row_file(path, export)
        points = len(export.query.points)
        progress = Progress(export.query.window.start, 0, [PointCounts()] * points)
        try:
            async with aclosing(self._reader.rows(export.query, progress.done_through)) as slices:
                async for end, rows in slices:
                    file.write(rows)
                    progress.add(end, len(rows), count_rows(rows, points))
                    if step.is_due():
                        await step.note(progress, size_of(path))
        except BaseException:
            # These libraries have no other way of letting go of what they hold.
            with suppress(ExportFileError):
                file.close()
            raise
        file.close()
        size, sha256 = measure(path)
        return FileFacts(path.name, progress.rows, size, sha256, file.made_by), progress.counts

    async def _begun(self, export: Export, path: Path) -> Progress:
        """Where a CSV goes on, if a part of it is safe on disk; what that part holds is counted again."""
        begin, points = export.query.window.start, len(export.query.points)
        if export.done_through is None or size_of(path) < max(export.bytes, 1):
            return Progress(begin, 0, [PointCounts()] * points)
        counts = await self._reader.counts(export.query, export.done_through)
        return Progress(export.done_through, export.rows, counts)


class _Step:
    """Notes progress from time to time."""

    def __init__(
        self,
        note: Callable[[Export, Progress, int], Awaitable[None]],
        clock: Clock,
        export: Export,
        on_progress: OnProgress | None,
    ) -> None:
        self._note = note
        self._clock = clock
        self._export = export
        self._on_progress = on_progress
        self._last_s = clock.monotonic()

    def is_due(self) -> bool:
        """Tell whether progress should be noted."""
        return self._clock.monotonic() - self._last_s >= SAFE_EVERY_S

    async def note(self, progress: Progress, size: int) -> None:
        """Note it."""
        await self._note(self._export, progress, size)
        self._last_s = self._clock.monotonic()
        if self._on_progress is not None:
            window = self._export.query.window
            share = (progress.done_through - window.start) / (window.end - window.start)
            self._on_progress(share, progress.rows, size)


def size_of(path: Path) -> int:
    """Bytes of a file; 0 when it is not there."""
    return path.stat().st_size if path.exists() else 0


def path_of(folder: Path, export: Export) -> Path:
    """Where the file of an export lies."""
    return folder / export.id / file_name(export.id, export.query)


def require_library(kind: ExportFormat) -> None:
    """``MissingLibraryError`` when files of this format cannot be written here."""
    if kind in LIBRARIES and find_spec(LIBRARIES[kind]) is None:
        raise missing(kind)


def missing(kind: ExportFormat) -> MissingLibraryError:
    """Say what to install."""
    return MissingLibraryError(f"{kind} needs {LIBRARIES[kind]}, which is not here: pip install 'cityhall-bms[export]'")


def _row_file(path: Path, export: Export) -> RowFile:
    kind = XlsxFile if export.query.format is ExportFormat.XLSX else ParquetFile
    try:
        return kind(path, export.query)
    except ImportError as error:
        raise missing(export.query.format) from error

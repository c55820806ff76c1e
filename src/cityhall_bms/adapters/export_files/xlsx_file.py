"""XLSX with typed cells and no formula, in constant memory; the only file that imports its library."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from cityhall_bms.adapters.export_files.lines import EPOCH, HEADINGS, REASONS, SEVERITIES
from cityhall_bms.adapters.export_files.sink import ExportFileError
from cityhall_bms.exports.query import to_json
from cityhall_bms.ports.exports import ExportQuery, Rows

ROWS_PER_SHEET: Final = 1_048_575
"""What a sheet holds, without its heading."""
SHEETS_MAX: Final = 5
OFFSET_HEADING: Final = {"zh": "與 UTC 時差", "en": "UTC offset"}
QUERY_SHEET: Final = {"zh": "查詢", "en": "Query"}
TIME_FORMAT: Final = "yyyy-mm-dd hh:mm:ss.000"
WIDTHS: Final = (24, 11, 24, 12, 32, 14, 10, 12, 16, 14)


class XlsxFile:
    """Rows as a workbook: a sheet that shows the query, then sheets of rows.

    Times are cells of time (Excel's have no zone and milliseconds): local, its offset beside it, and UTC.
    """

    def __init__(self, path: Path, query: ExportQuery) -> None:
        import xlsxwriter  # noqa: PLC0415 - an extra: CSV must work without it

        self._path = path
        self._own_error: type[Exception] = xlsxwriter.exceptions.XlsxWriterException
        self._query = query
        self._zone = ZoneInfo(query.time_zone)
        options = {
            "constant_memory": True,
            "tmpdir": str(path.parent),
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "nan_inf_to_errors": False,
        }
        self._book: Any = xlsxwriter.Workbook(str(path), options)
        # The library would write the time of day instead, and no two files would be equal.
        self._book.set_properties({"created": (EPOCH + timedelta(microseconds=query.known_at)).replace(tzinfo=None)})
        self._time = self._book.add_format({"num_format": TIME_FORMAT})
        self._bold = self._book.add_format({"bold": True})
        self.made_by: Mapping[str, str] = {"xlsxwriter": xlsxwriter.__version__}
        self._sheets = 0
        self._sheet: Any = None
        self._row = ROWS_PER_SHEET
        self._show_query()

    def write(self, rows: Rows) -> None:
        """Add some rows; :class:`ExportFileError` when there are more than a workbook should have."""
        with self._translated():
            self._write(rows)

    def _write(self, rows: Rows) -> None:
        points = self._query.points
        shares = [None] * len(rows) if rows.coverage is None else rows.coverage.tolist()
        columns = (rows.at.tolist(), rows.place.tolist(), rows.value.tolist(), rows.quality.tolist(), shares)
        for at, place, value, code, share in zip(*columns, strict=True):
            if self._row >= ROWS_PER_SHEET:
                self._next_sheet()
            self._row += 1
            self._write_times(at)
            text, row = self._sheet.write_string, self._row
            text(row, 4, points[place].name)
            if value - value == 0.0:
                self._sheet.write_number(row, 5, value)
            text(row, 6, points[place].unit)
            text(row, 7, SEVERITIES[code])
            text(row, 8, REASONS[code])
            if share is not None:
                self._sheet.write_number(row, 9, round(100 * share, 1))

    def close(self) -> None:
        """Write the file."""
        if not self._sheets:
            self._next_sheet()
        with self._translated():
            self._book.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OSError, self._own_error) as error:
            msg = f"{self._path} cannot be written: {error}"
            raise ExportFileError(msg) from error

    def _write_times(self, at: int) -> None:
        utc = EPOCH + timedelta(microseconds=at)
        local = utc.astimezone(self._zone)
        self._sheet.write_datetime(self._row, 0, local.replace(tzinfo=None), self._time)
        self._sheet.write_string(self._row, 1, offset_text(local))
        self._sheet.write_datetime(self._row, 2, utc.replace(tzinfo=None), self._time)
        self._sheet.write_string(self._row, 3, f"{local.year - 1911}{local:-%m-%d}")

    def _next_sheet(self) -> None:
        if self._sheets == SHEETS_MAX:
            msg = f"more than {SHEETS_MAX * ROWS_PER_SHEET:,} rows do not fit into a workbook: take CSV or Parquet"
            raise ExportFileError(msg)
        self._sheets += 1
        self._sheet = self._new_sheet(str(self._sheets), WIDTHS)
        local, *others = HEADINGS[self._query.language]
        for column, name in enumerate((local, OFFSET_HEADING[self._query.language], *others)):
            self._sheet.write_string(0, column, name, self._bold)
        self._sheet.freeze_panes(1, 0)
        self._row = 0

    def _show_query(self) -> None:
        sheet = self._new_sheet(QUERY_SHEET[self._query.language], (24, 60))
        shown = to_json(self._query) | {"points": len(self._query.points)}
        for row, (key, value) in enumerate(shown.items()):
            sheet.write_string(row, 0, key, self._bold)
            sheet.write_string(row, 1, "" if value is None else str(value))

    def _new_sheet(self, name: str, widths: tuple[int, ...]) -> Any:  # noqa: ANN401 - the library has no types
        sheet = self._book.add_worksheet(name)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        return sheet


def offset_text(local: datetime) -> str:
    """Offset of a local time: ``+08:00``."""
    text = f"{local:%z}"
    return f"{text[:3]}:{text[3:5]}"

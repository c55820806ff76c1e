"""A report's figures as CSV and XLSX, by the conventions of every file that leaves the house (`docs/reference/csv.md`).

One row per figure, not rounded, with unit, quality and coverage; the workbook also has a sheet for each table.
"""

import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from cityhall_bms.adapters.csv_cells import BOM, guarded, number
from cityhall_bms.adapters.report_files.words import EPOCH, KNOWN_AT, known_at_text
from cityhall_bms.domain.errors import MissingLibraryError
from cityhall_bms.domain.reports import Language
from cityhall_bms.domain.roc import roc_date
from cityhall_bms.domain.site import Text
from cityhall_bms.reports.document import Figure, Report, Table, said, shown
from cityhall_bms.reports.rows import HEADINGS, FigureRow, figure_rows

TIMES: Final = {
    Language.ZH: ("期間開始（當地）", "期間結束（當地）", "民國日期"),
    Language.EN: ("Begin (local)", "End (local)", "ROC date"),
}
ABOUT: Final = Text("報表", "Report")
FIGURES: Final = Text("數據", "Figures")
SHEET_NAME_MAX: Final = 31
"""What Excel takes."""
FORBIDDEN: Final = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


def csv(report: Report, language: Language) -> tuple[bytes, int]:
    """The file, and how many rows it has after its heading: UTF-8 with BOM, CRLF, RFC 4180."""
    times = ",".join(_times(report))
    lines = [",".join((*TIMES[language], *HEADINGS[language]))]
    lines += [f"{times},{_cells(row)}" for row in figure_rows(report, language)]
    return BOM + "".join(f"{line}\r\n" for line in lines).encode(), len(lines) - 1


def _cells(row: FigureRow) -> str:
    texts = (row.section, row.place, row.row, row.figure)
    value = "" if row.value is None else number(float(row.value))
    coverage = "" if row.coverage is None else number(row.coverage)
    return ",".join((*map(guarded, texts), value, guarded(row.unit), row.quality, coverage, guarded(row.sources)))


def _times(report: Report) -> tuple[str, str, str]:
    """Begin and end of the period as ISO times with offset, and the day of the Republic on which it begins."""
    zone = ZoneInfo(report.time_zone)
    begin, end = (EPOCH + timedelta(microseconds=at) for at in report.period.bounds(zone))
    return begin.astimezone(zone).isoformat(), end.astimezone(zone).isoformat(), roc_date(report.period.first)


def xlsx(report: Report, language: Language) -> tuple[bytes, int]:
    """The workbook, and how many rows its sheets have but the first, which says what it is; ``MissingLibraryError``."""
    try:
        import xlsxwriter  # noqa: PLC0415 - an extra: CSV must work without it
    except ImportError as error:
        msg = "xlsx needs xlsxwriter, which is not here: pip install 'cityhall-bms[export]'"
        raise MissingLibraryError(msg) from error
    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": False}
    book = xlsxwriter.Workbook(target, options)
    # The library would write the time of day instead, and no two files would be equal.
    book.set_properties({"created": _naive(report.known_at)})
    rows = _Book(book, report, language).write()
    book.close()
    return target.getvalue(), rows


class _Book:
    def __init__(self, book: Any, report: Report, language: Language) -> None:  # noqa: ANN401 - no types
        self._book = book
        self._report = report
        self._language = language
        self._bold = book.add_format({"bold": True})
        self._names: set[str] = set()

    def write(self) -> int:
        """All sheets; gives the rows after their headings."""
        self._about()
        return self._figures() + sum(self._table(table) for table in self._report.tables)

    def _about(self) -> None:
        report = self._report
        lines: list[tuple[Text | str, str]] = [
            (ABOUT, said(report.text, self._language)),
            (Text("大樓", "Building"), f"{said(report.building, self._language)} {report.site}"),
            (Text("期間", "Period"), f"{said(report.period_text, self._language)} {report.period.name}"),
            (KNOWN_AT, known_at_text(report)),
            *((str(number), source.query) for source, number in report.sources.items()),
        ]
        sheet = self._sheet(ABOUT, (16, 100))
        for row, (name, value) in enumerate(lines):
            sheet.write_string(row, 0, said(name, self._language), self._bold)
            sheet.write_string(row, 1, value)

    def _figures(self) -> int:
        rows = figure_rows(self._report, self._language)
        sheet = self._sheet(FIGURES, (26, 26, 12, 20, 16, 28, 14, 16, 10, 12, 12, 10))
        self._heading(sheet, (*TIMES[self._language], *HEADINGS[self._language]))
        times = _times(self._report)
        for place, row in enumerate(rows, 1):
            for column, text in enumerate((*times, row.section, row.place, row.row, row.figure)):
                sheet.write_string(place, column, text)
            if row.value is not None:
                sheet.write_number(place, 7, row.value)
            sheet.write_string(place, 8, row.unit)
            sheet.write_string(place, 9, row.quality)
            if row.coverage is not None:
                sheet.write_number(place, 10, row.coverage)
            sheet.write_string(place, 11, row.sources)
        return len(rows)

    def _table(self, table: Table) -> int:
        sheet = self._sheet(table.text, tuple(16 if column.numeric else 28 for column in table.columns))
        self._heading(sheet, [said(column.text, self._language) for column in table.columns])
        for place, cells in enumerate(table.rows, 1):
            for column, cell in enumerate(cells):
                if isinstance(cell, Figure) and cell.value is not None:
                    sheet.write_number(place, column, cell.value)
                else:
                    sheet.write_string(place, column, shown(cell, self._language))
        return len(table.rows)

    def _heading(self, sheet: Any, names: Any) -> None:  # noqa: ANN401 - no types
        for column, name in enumerate(names):
            sheet.write_string(0, column, name, self._bold)
        sheet.freeze_panes(1, 0)

    def _sheet(self, text: Text, widths: tuple[int, ...]) -> Any:  # noqa: ANN401 - no types
        sheet = self._book.add_worksheet(self._name(said(text, self._language)))
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        return sheet

    def _name(self, wished: str) -> str:
        plain = wished.translate(FORBIDDEN).strip()
        name = next(name for name in _numbered(plain) if name.lower() not in self._names)
        self._names.add(name.lower())
        return name


def _numbered(name: str) -> Iterator[str]:
    yield name[:SHEET_NAME_MAX]
    for number_ in range(2, 1000):
        end = f" {number_}"
        yield name[: SHEET_NAME_MAX - len(end)] + end


def _naive(at: int) -> datetime:
    return (EPOCH + timedelta(microseconds=at)).replace(tzinfo=None)

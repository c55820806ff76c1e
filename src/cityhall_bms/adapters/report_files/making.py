"""A report in the form that is asked for, with what its manifest says of the file."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec

from cityhall_bms.adapters.report_files.html import html_page
from cityhall_bms.adapters.report_files.pdf import pdf, require_pdf
from cityhall_bms.adapters.report_files.sheets import csv, xlsx
from cityhall_bms.domain.errors import MissingLibraryError
from cityhall_bms.domain.reports import Language, ReportFormat
from cityhall_bms.reports.document import Report


@dataclass(frozen=True, slots=True)
class MadeFile:
    """Bytes of a file; ``rows`` after the headings, 0 where it has none; ``made_by`` whose form the bytes have."""

    data: bytes
    rows: int
    made_by: Mapping[str, str]


def require_formats(formats: tuple[ReportFormat, ...]) -> None:
    """``MissingLibraryError`` when one of them cannot be made here."""
    if ReportFormat.PDF in formats:
        require_pdf()
    if ReportFormat.XLSX in formats and find_spec("xlsxwriter") is None:
        msg = "xlsx needs xlsxwriter, which is not here: pip install 'cityhall-bms[export]'"
        raise MissingLibraryError(msg)


def make_file(report: Report, form: ReportFormat, language: Language, address: str = "") -> MadeFile:
    """The file; the same bytes for the same report. ``address`` is where links lead to; ``MissingLibraryError``."""
    match form:
        case ReportFormat.HTML:
            return MadeFile(html_page(report, language, address).encode(), 0, {})
        case ReportFormat.PDF:
            return MadeFile(pdf(report, language, address), 0, {"typst": version("typst")})
        case ReportFormat.XLSX:
            return MadeFile(*xlsx(report, language), {"xlsxwriter": version("xlsxwriter")})
        case ReportFormat.CSV:
            return MadeFile(*csv(report, language), {})

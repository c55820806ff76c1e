"""PDF/A through Typst, a compiler in a wheel; the only file that imports it.

No font of the system is used: the fonts come with the package, so that a report looks the same everywhere, and is the
same to the byte for the same report.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cityhall_bms.adapters.report_files.letters import letters_of, showable
from cityhall_bms.adapters.report_files.typst_source import typst_document
from cityhall_bms.domain.errors import CityHallError, MissingLibraryError
from cityhall_bms.domain.reports import Language
from cityhall_bms.reports.document import Report

if TYPE_CHECKING:
    import typst

FONTS: Final = Path(__file__).parents[2] / "fonts"
STANDARD: Final = "a-2a"
"""PDF/A-2a (ISO 19005-2): kept for decades, readable by screen readers."""


class PdfError(CityHallError):
    """The typesetter refused a document; that is a mistake of ours."""


def require_pdf() -> None:
    """``MissingLibraryError`` when no PDF can be made here."""
    if find_spec("typst") is None:
        msg = "pdf needs typst, which is not here: pip install 'cityhall-bms[report]'"
        raise MissingLibraryError(msg)
    if not any(FONTS.glob("*.ttf")):
        msg = "pdf needs fonts, which this build left out: build again without CITYHALL_SKIP_WEB"
        raise MissingLibraryError(msg)


def pdf(report: Report, language: Language, address: str = "") -> bytes:
    """The report as PDF; ``MissingLibraryError``, :class:`PdfError`. Takes tenths of a second, without the GIL."""
    require_pdf()
    seconds = report.known_at // 1_000_000
    return _compiled(typst_document(report, language, address), format="pdf", timestamp=seconds, standard=STANDARD)[0]


def pages_as_png(report: Report, language: Language, dots_per_inch: float = 96.0) -> list[bytes]:
    """Every page as a picture: for looking at it."""
    require_pdf()
    return _compiled(typst_document(report, language), format="png", ppi=dots_per_inch)


def _compiled(source: str, *, standard: str = "", **options: Any) -> list[bytes]:  # noqa: ANN401 - the library's own
    import typst  # noqa: PLC0415 - an extra: HTML must work without it

    if standard:
        options["pdf_standards"] = [standard]
    try:
        document = showable(source, _letters()).encode()
        made = typst.Compiler(document, font_paths=_fonts(), ignore_system_fonts=True).compile(**options)
    except typst.TypstError as error:
        msg = f"the report cannot be typeset: {error}"
        raise PdfError(msg) from error
    if isinstance(made, list):
        return made
    return [] if made is None else [made]


@cache
def _fonts() -> "typst.Fonts":
    import typst  # noqa: PLC0415 - an extra: HTML must work without it

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)])


@cache
def _letters() -> frozenset[str]:
    """Letters that all weights have."""
    return frozenset.intersection(*(letters_of(font) for font in FONTS.glob("*.ttf")))

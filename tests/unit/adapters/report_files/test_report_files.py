"""Files of a report: self-contained, the same bytes each time, readable where no font and no network is."""

import csv as reader
import io
import re
import zipfile
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from tests.support.report_samples import half_year_data, half_year_report

from cityhall_bms.adapters.report_files import pdf as pdf_file
from cityhall_bms.adapters.report_files.html import html_page
from cityhall_bms.adapters.report_files.letters import GETA, letters_of, showable
from cityhall_bms.adapters.report_files.making import make_file, require_formats
from cityhall_bms.adapters.report_files.sheets import csv, xlsx
from cityhall_bms.adapters.report_files.svg import chart_svg
from cityhall_bms.adapters.report_files.typst_source import string, typst_document
from cityhall_bms.domain.errors import MissingLibraryError
from cityhall_bms.domain.reports import Language, ReportFormat
from cityhall_bms.domain.site import Text
from cityhall_bms.reports.document import Chart, ChartKind, Report, Series

NASTY = '<script>alert(1)</script> "#[*]$@`\\ \n =1+1 & \u20ac'


def nasty() -> Report:
    """A report in whose texts somebody tried things."""
    data = half_year_data()
    assert data.measures is not None
    measures = [replace(data.measures[0], name=Text(NASTY, NASTY))]
    return half_year_report(replace(data, measures=measures))


def test_html_is_whole_in_itself_and_runs_nothing() -> None:
    page = html_page(nasty(), Language.ZH, "https://bms.example/")

    assert "<script" not in page.replace("&lt;script", "")
    assert not re.search(r"(src|href)=\"(?!https://bms\.example/api/v1/|#s\d)", page)
    assert re.search(r"Content-Security-Policy\" content=\"default-src &#x27;none&#x27;", page)
    assert page.count("<svg") == 2


def test_each_figure_links_to_its_question_and_to_the_appendix() -> None:
    page = html_page(half_year_report(), Language.ZH)
    question = "/api/v1/energy/comparison/el?period=104H1&amp;as_known_at=2015-07-06T00:00:00Z"
    assert f'<a class="f" href="{question}" title="涵蓋率 99.8 %">10,404,800 度</a>' in page
    assert '<a class="s" href="#s1">[1]</a>' in page
    assert '<li id="s1">' in page


def drawn(kind: ChartKind, *values: float | None) -> str:
    names = tuple(str(number) for number in range(len(values)))
    return chart_svg(Chart(Text("<&>", "<&>"), kind, "kWh", names, (Series(Text("甲", "A"), values),)), Language.ZH)


def test_what_nobody_knows_has_no_bar_and_leaves_a_gap_in_a_line() -> None:
    values = (3.0, None, 5.0, 6.0)
    assert drawn(ChartKind.BAR, *values).count("<rect") == 3
    path = re.findall(r'<path d="([^"]+)" fill="none"', drawn(ChartKind.LINE, *values))[0]
    assert path.count("M") == 2


@pytest.mark.parametrize("values", [(), (None,), (0.0, 0.0), (-3.0, 2.0), (1e9, 2e9)])
def test_any_values_can_be_drawn(values: tuple[float | None, ...]) -> None:
    for kind in ChartKind:
        assert ET.fromstring(drawn(kind, *values)).tag.endswith("svg")  # noqa: S314 - our own


def test_a_text_cannot_become_markup_of_the_typesetter() -> None:
    assert string('a"b\\c\n#d') == '"a\\"b\\\\c\\n#d"'
    assert string(NASTY) in typst_document(nasty(), Language.ZH)


def test_pdf_is_for_the_archive_and_the_same_to_the_byte() -> None:
    first, second = (pdf_file.pdf(nasty(), Language.ZH, "https://bms.example") for _ in range(2))

    assert first == second
    assert first.startswith(b"%PDF-1.7")
    assert b"<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in first
    assert b"https://bms.example/api/v1/energy/comparison/el" in first
    assert len(first) < 400_000, "only the letters that are used are in it"


def test_a_letter_that_the_font_does_not_have_is_told_as_such() -> None:
    letters = frozenset.intersection(*(letters_of(font) for font in pdf_file.FONTS.glob("*.ttf")))
    assert {"度", "臺", "〓", "−", "³", "€"} <= letters
    assert showable("CO₂ 度\U0001f525", letters) == f"CO2 度{GETA}"


def test_a_pdf_needs_its_typesetter_and_its_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_file, "FONTS", pdf_file.FONTS / "nowhere")
    with pytest.raises(MissingLibraryError, match="CITYHALL_SKIP_WEB"):
        require_formats((ReportFormat.PDF,))
    monkeypatch.setattr(pdf_file, "find_spec", lambda _: None)
    with pytest.raises(MissingLibraryError, match="cityhall-bms\\[report\\]"):
        require_formats((ReportFormat.HTML, ReportFormat.PDF))


def test_csv_keeps_the_conventions_of_exports() -> None:
    data, rows = csv(nasty(), Language.ZH)

    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n") == rows + 1 == data.count(b"\n")
    table = list(reader.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    first = table[0]
    assert first["期間開始（當地）"] == "2015-01-01T00:00:00+08:00"
    assert first["民國日期"] == "104-01-01"
    assert (first["數值"], first["單位"], first["品質"], first["涵蓋率（%）"]) == ("10404800", "kWh", "good", "99.8")
    formulas = [value for row in table for value in row.values() if value[:1] in tuple("=+@")]
    assert formulas == []


def test_xlsx_has_numbers_as_numbers_no_formula_and_the_same_bytes() -> None:
    (first, rows), (second, _) = (xlsx(nasty(), Language.ZH) for _ in range(2))

    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as book:
        sheets = [book.read(name) for name in sorted(book.namelist()) if name.startswith("xl/worksheets/sheet")]
        texts = book.read("xl/sharedStrings.xml").decode()
    assert b"<v>10404800</v>" in sheets[1]
    assert not any(b"<f>" in sheet for sheet in sheets)
    assert sum(sheet.count(b"<row ") - 1 for sheet in sheets[1:]) == rows
    assert "<script" not in texts


@pytest.mark.parametrize("form", list(ReportFormat))
@pytest.mark.parametrize("language", list(Language))
def test_every_form_is_made_in_both_languages(form: ReportFormat, language: Language) -> None:
    made = make_file(half_year_report(), form, language)
    assert len(made.data) > 1_000

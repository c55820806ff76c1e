"""Every figure of a report as a row: what spreadsheets and CSV files get (`docs/reference/reports.md`). Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cityhall_bms.domain.reports import Language
from cityhall_bms.reports.document import Figure, Report, Section, Sentence, Table, Value, said, shown

COLUMNS: Final = ("section", "place", "row", "figure", "value", "unit", "quality", "coverage", "sources")
"""Stable ids of the columns, in order."""
HEADINGS: Final = {
    Language.ZH: ("章節", "位置", "列", "項目", "數值", "單位", "品質", "涵蓋率（%）", "出處"),
    Language.EN: ("Section", "Place", "Row", "Figure", "Value", "Unit", "Quality", "Coverage (%)", "Sources"),
}


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure: where it stands, and what it is. ``value`` is none where nothing is known."""

    section: str
    place: str
    """Name of the sentence or id of the table."""
    row: str
    figure: str
    """Gap of the sentence or id of the column."""
    value: float | None
    unit: str
    quality: str
    coverage: float | None
    """Percent."""
    sources: str


def figure_rows(report: Report, language: Language) -> list[FigureRow]:
    """Rows in the order of the report; values are not rounded."""
    numbers = report.sources

    def row(section: Section, place: str, label: str, name: str, figure: Figure) -> FigureRow:
        listed = " ".join(str(numbers[source]) for source in dict.fromkeys(figure.sources))
        coverage = None if figure.coverage is None else round(100.0 * figure.coverage, 2)
        heading = said(section.text, language)
        return FigureRow(heading, place, label, name, figure.value, figure.unit, quality_of(figure), coverage, listed)

    return [
        row(section, place, label, name, figure)
        for section in report.sections
        for place, label, name, figure in _placed(section, language)
    ]


def quality_of(figure: Figure) -> str:
    """One word for it: ``good``, ``provisional``, ``declared`` or ``unknown``."""
    if figure.value is None:
        return "unknown"
    return "provisional" if figure.provisional else "declared" if figure.declared else "good"


def _placed(section: Section, language: Language) -> Iterator[tuple[str, str, str, Figure]]:
    for block in section.blocks:
        if isinstance(block, Sentence):
            label = _label(list(block.values.values()), language)
            for name, value in block.values.items():
                if isinstance(value, Figure):
                    yield block.name, label, name, value
        elif isinstance(block, Table):
            for cells in block.rows:
                label = _label(list(cells), language)
                for column, cell in zip(block.columns, cells, strict=True):
                    if isinstance(cell, Figure):
                        yield block.id, label, column.id, cell


def _label(values: list[Value], language: Language) -> str:
    """The first text among some values: what the figures beside it are about."""
    return next((shown(value, language) for value in values if not isinstance(value, Figure)), "")

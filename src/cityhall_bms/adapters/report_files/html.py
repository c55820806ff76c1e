"""A report as one page of HTML: no script, nothing from outside, a style for screen and print. Pure."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from cityhall_bms.adapters.report_files.svg import chart_svg
from cityhall_bms.adapters.report_files.words import (
    COVERAGE,
    KNOWN_AT,
    SOURCES,
    SOURCES_SAY,
    gap_between,
    known_at_text,
    paragraphs,
    rests_on,
)
from cityhall_bms.domain.reports import Language
from cityhall_bms.domain.site import Text
from cityhall_bms.reports.document import (
    Block,
    Chart,
    Figure,
    Report,
    Section,
    Sentence,
    Source,
    Table,
    Value,
    numbers_of,
    said,
)

STYLE: Final = """
body { font: 11pt/1.7 "Noto Sans TC", "Noto Sans CJK TC", "PingFang TC", "Microsoft JhengHei", system-ui, sans-serif;
       max-width: 190mm; margin: 12mm auto; padding: 0 5mm; color: #111; background: #fff; }
header { border-bottom: 0.6mm solid #1f4e79; margin-bottom: 6mm; } header p { margin: 0 0 2mm; color: #444; }
h1 { font-size: 18pt; margin: 0 0 1mm; } h2 { font-size: 13pt; margin: 8mm 0 2mm; color: #1f4e79; break-after: avoid; }
table { border-collapse: collapse; width: 100%; font-size: 9.5pt; margin: 2mm 0 4mm; line-height: 1.45; }
caption { text-align: left; font-weight: bold; padding: 1mm 0; }
th, td { border-bottom: 0.25mm solid #ccc; padding: 1mm 2mm; text-align: left; vertical-align: top; }
th { border-bottom: 0.4mm solid #666; } tr { break-inside: avoid; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
a.f { color: inherit; text-decoration: underline dotted #888; text-underline-offset: 0.2em; }
a.s { font-size: 7pt; vertical-align: super; color: #555; text-decoration: none; margin-left: 0.1em; }
small { color: #555; } svg { width: 100%; height: auto; } figure { margin: 2mm 0 4mm; break-inside: avoid; }
figcaption { font-weight: bold; font-size: 9.5pt; } ol { font-size: 9pt; line-height: 1.5; }
ol li { overflow-wrap: anywhere; margin-bottom: 1.5mm; } @media print { body { margin: 0; max-width: none; } }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
PAGE_POLICY: Final = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"
"""What a browser may load for the page: nothing but the style that stands in it."""


def html_page(report: Report, language: Language, address: str = "") -> str:
    """The whole page. ``address`` is where the service is reached; empty: the links are relative to it."""
    page = _Page(report, language, address.rstrip("/"))
    title = f"{said(report.building, language)} {said(report.text, language)} {said(report.period_text, language)}"
    lang = "zh-Hant-TW" if language is Language.ZH else "en"
    policy = f'<meta http-equiv="Content-Security-Policy" content="{escape(PAGE_POLICY.rpartition("; ")[0])}">'
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">{policy}<title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body>{page.head()}{''.join(map(page.section, report.sections))}"
        f"{page.appendix()}</body></html>"
    )


class _Page:
    def __init__(self, report: Report, language: Language, address: str) -> None:
        self._report = report
        self._language = language
        self._address = address
        self._sources: Mapping[Source, int] = report.sources

    def head(self) -> str:
        report = self._report
        return (
            f"<header><p>{self._say(report.building)}</p><h1>{self._say(report.text)}</h1>"
            f"<p>{self._say(report.period_text)}　{self._say(KNOWN_AT)} {escape(known_at_text(report))}</p></header>"
        )

    def section(self, section: Section) -> str:
        return f"<section><h2>{self._say(section.text)}</h2>{''.join(map(self._blocks, paragraphs(section)))}</section>"

    def appendix(self) -> str:
        if not self._sources:
            return ""
        items = "".join(
            f'<li id="s{number}"><a href="{self._href(source)}">{escape(source.query)}</a>'
            f"{''.join(f'<br>{escape(line)}' for line in rests_on(source, self._language))}</li>"
            for source, number in self._sources.items()
        )
        head = f"<h2>{self._say(SOURCES)}</h2><p><small>{self._say(SOURCES_SAY)}</small></p>"
        return f"<section>{head}<ol>{items}</ol></section>"

    def _blocks(self, blocks: Sequence[Block]) -> str:
        match blocks[0]:
            case Table() as table:
                return self._table(table)
            case Chart() as chart:
                caption = f"<figcaption>{self._say(chart.text)}</figcaption>"
                return f"<figure>{caption}{chart_svg(chart, self._language)}</figure>"
        text = ""
        for sentence in blocks:
            assert isinstance(sentence, Sentence)  # noqa: S101 - by paragraphs()
            text += gap_between(text, self._language) + self._sentence(sentence)
        return f"<p>{text}</p>"

    def _table(self, table: Table) -> str:
        heads = "".join(f'<th{_class(c.numeric)} scope="col">{self._say(c.text)}</th>' for c in table.columns)
        rows = (
            "".join(
                "<tr>"
                + "".join(self._cell(cell, c.numeric) for cell, c in zip(row, table.columns, strict=True))
                + "</tr>"
                for row in table.rows
            )
            or f'<tr><td colspan="{len(table.columns)}">{self._say(table.empty)}</td></tr>'
        )
        links = self._links(table.figures)
        caption = f"<caption>{self._say(table.text)}{links}</caption>"
        return f"<table>{caption}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"

    def _cell(self, cell: Value, numeric: bool) -> str:  # noqa: FBT001 - what the column says
        if isinstance(cell, Figure):
            mark = cell.mark(self._language)
            text = self._linked(cell, cell.number) + (f" <small>{escape(mark)}</small>" if mark else "")
            return f"<td{_class(numeric)}>{text}</td>"
        return f"<td{_class(numeric)}>{self._say(cell)}</td>"

    def _sentence(self, sentence: Sentence) -> str:
        """Its sources stand once, after its last figure."""
        parts, figures = sentence.parts(self._language), sentence.figures
        last = max((place for place, part in enumerate(parts) if isinstance(part, Figure)), default=-1)
        links = self._links(figures)
        return "".join(self._value(part) + (links if place == last else "") for place, part in enumerate(parts))

    def _value(self, value: Value) -> str:
        return self._linked(value, value.text(self._language)) if isinstance(value, Figure) else self._say(value)

    def _linked(self, figure: Figure, text: str) -> str:
        if not figure.sources:
            return escape(text)
        tip = "" if figure.coverage is None else f' title="{self._say(COVERAGE)} {100.0 * figure.coverage:.1f} %"'
        return f'<a class="f" href="{self._href(figure.sources[0])}"{tip}>{escape(text)}</a>'

    def _links(self, figures: Sequence[Figure]) -> str:
        numbers = numbers_of(figures, self._sources)
        return "".join(f'<a class="s" href="#s{number}">[{number}]</a>' for number in numbers)

    def _href(self, source: Source) -> str:
        return escape(self._address + source.query)

    def _say(self, text: Text | str) -> str:
        return escape(said(text, self._language))


def _class(numeric: bool) -> str:  # noqa: FBT001 - one word of HTML
    return ' class="n"' if numeric else ""

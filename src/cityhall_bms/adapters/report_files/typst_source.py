"""A report as a Typst document. Pure: every text goes in as a string, so that nothing in it is taken for markup."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from cityhall_bms.adapters.report_files.svg import chart_svg
from cityhall_bms.adapters.report_files.words import (
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
    shown,
)

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FONT: Final = "Noto Sans TC"
NARROW_CATEGORIES: Final = 4
"""A chart of so few bars does not take the whole width."""
PREAMBLE: Final = """
#set page(paper: "a4", margin: (top: 22mm, bottom: 20mm, x: 20mm), numbering: "1 / 1",
  header: context if here().page() > 1 [#set text(8pt, fill: luma(100)); #heading-line #h(1fr) #period-line],
  footer: context [#set text(8pt, fill: luma(100)); #known-line #h(1fr) #counter(page).display("1 / 1", both: true)])
#set par(justify: true, leading: 0.85em, spacing: 1.1em)
#show heading.where(level: 1): it => block(above: 1.6em, below: 0.8em, sticky: true,
  text(13pt, fill: rgb("#1f4e79"), weight: "bold", it.body))
#show link: it => it
#let src(..numbers) = text(6pt, fill: luma(90), baseline: -0.45em,
  numbers.pos().map(n => link(label("s" + str(n)), "[" + str(n) + "]")).join())
#let titled(body) = block(above: 1.2em, below: 0.5em, sticky: true, text(9pt, weight: "bold", body))
#set table(inset: (x: 5pt, y: 4pt),
  stroke: (x, y) => (bottom: if y == 0 { 0.8pt + luma(80) } else { 0.4pt + luma(200) }))
#show table.cell.where(y: 0): set text(weight: "bold")
#show table: set text(8.5pt)
#show table: set par(justify: false, leading: 0.6em)
"""


def typst_document(report: Report, language: Language, address: str = "") -> str:
    """The whole document. ``address`` is where the service is reached; empty: queries are printed, and not linked."""
    page = _Pages(report, language, address.rstrip("/"))
    lang = 'lang: "zh", region: "TW"' if language is Language.ZH else 'lang: "en"'
    title = f"{said(report.building, language)} {said(report.text, language)} {said(report.period_text, language)}"
    known = EPOCH + timedelta(microseconds=report.known_at)
    day = f"year: {known.year}, month: {known.month}, day: {known.day}"
    made = f"datetime({day}, hour: {known.hour}, minute: {known.minute}, second: {known.second})"
    parts = [
        f"#set document(title: {string(title)}, author: {string(said(report.building, language))}, date: {made})",
        f"#set text(font: {string(FONT)}, size: 10.5pt, {lang})",
        f"#let heading-line = {string(f'{said(report.building, language)}　{said(report.text, language)}')}",
        f"#let period-line = {string(said(report.period_text, language))}",
        f"#let known-line = {string(f'{said(KNOWN_AT, language)} {known_at_text(report)}')}",
        PREAMBLE,
        page.head(),
        *map(page.section, report.sections),
        page.appendix(),
    ]
    return "\n".join(parts)


def string(text: str) -> str:
    """A string of Typst: nothing in it is markup."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", " ").replace("\t", " ")
    return f'"{escaped}"'


class _Pages:
    def __init__(self, report: Report, language: Language, address: str) -> None:
        self._report = report
        self._language = language
        self._address = address
        self._sources: Mapping[Source, int] = report.sources

    def head(self) -> str:
        report = self._report
        return (
            f"#text(10pt, fill: luma(70), {self._say(report.building)})\n\n"
            f'#block(above: 0.6em, below: 0.7em, text(20pt, weight: "bold", {self._say(report.text)}))\n'
            f"#text(12pt, {self._say(report.period_text)}) #h(1fr) "
            f"#text(9pt, fill: luma(90), {string(f'{said(KNOWN_AT, self._language)} {known_at_text(report)}')})\n"
            '#line(length: 100%, stroke: 1.2pt + rgb("#1f4e79"))\n'
        )

    def section(self, section: Section) -> str:
        return f"#heading({self._say(section.text)})\n{''.join(map(self._blocks, paragraphs(section)))}"

    def appendix(self) -> str:
        if not self._sources:
            return ""
        items = "\n".join(self._source(source, number) for source, number in self._sources.items())
        say = f"#text(9pt, fill: luma(90), {self._say(SOURCES_SAY)})"
        return f"#heading({self._say(SOURCES)})\n{say}\n\n#set text(8pt)\n#set par(justify: false)\n{items}\n"

    def _source(self, source: Source, number: int) -> str:
        query = f"#text({string(source.query)})"
        if self._address:
            query = f"#link({string(self._address + source.query)}, {string(source.query)})"
        lines = "".join(f" \\\n#text({string(line)})" for line in rests_on(source, self._language))
        return f"#block(below: 0.9em)[#grid(columns: (2em, 1fr), [{number}.], [{query}{lines}]) <s{number}>]"

    def _blocks(self, blocks: Sequence[Block]) -> str:
        match blocks[0]:
            case Table() as table:
                return self._table(table)
            case Chart() as chart:
                svg = string(chart_svg(chart, self._language))
                width = "100%" if len(chart.categories) > NARROW_CATEGORIES else "60%"
                image = f'image(bytes({svg}), format: "svg", width: {width}, alt: {self._say(chart.text)})'
                return f"#titled({self._say(chart.text)})\n#block(breakable: false, {image})\n"
        text, said_before = "", ""
        for sentence in blocks:
            assert isinstance(sentence, Sentence)  # noqa: S101 - by paragraphs()
            gap = gap_between(said_before, self._language)
            text += (f"#text({string(gap)})" if gap else "") + self._sentence(sentence)
            said_before = sentence.text(self._language)
        return f"{text}\n\n"

    def _table(self, table: Table) -> str:
        columns = ", ".join("auto" if column.numeric else "1fr" for column in table.columns)
        align = ", ".join("right" if column.numeric else "left" for column in table.columns)
        heads = ", ".join(self._say(column.text) for column in table.columns)
        rows = "".join(f"  {', '.join(map(self._cell, row))},\n" for row in table.rows)
        if not table.rows:
            rows = f"  table.cell(colspan: {len(table.columns)}, {self._say(table.empty)}),\n"
        title = f"#titled[#text({self._say(table.text)}){self._links(table.figures)}]"
        return f"{title}\n#table(columns: ({columns},), align: ({align},),\n  table.header({heads}),\n{rows})\n"

    def _cell(self, cell: Value) -> str:
        if not isinstance(cell, Figure):
            return self._say(cell)
        mark = cell.mark(self._language)
        return string(f"{cell.number} {mark}" if mark else cell.number)

    def _sentence(self, sentence: Sentence) -> str:
        """Its sources stand once, after its last figure."""
        parts = sentence.parts(self._language)
        last = max((place for place, part in enumerate(parts) if isinstance(part, Figure)), default=-1)
        links = self._links(sentence.figures)
        return "".join(
            f"#text({string(shown(part, self._language))})" + (links if place == last else "")
            for place, part in enumerate(parts)
        )

    def _links(self, figures: Sequence[Figure]) -> str:
        numbers = numbers_of(figures, self._sources)
        return f"#src({', '.join(map(str, numbers))})" if numbers else ""

    def _say(self, text: Text | str) -> str:
        return string(said(text, self._language))

"""What a report is, before anybody knows how it will look: sections of sentences, tables and charts of figures. Pure.

Every figure knows what it was made from, so that a reader can go from the page to the samples and events behind it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cityhall_bms.domain.energy.periods import Period
from cityhall_bms.domain.energy.shown import half_up
from cityhall_bms.domain.reports import Language
from cityhall_bms.domain.site import Text
from cityhall_bms.reports.periods import period_text
from cityhall_bms.reports.sentences import SENTENCES, pieces

UNKNOWN: Final = "—"
"""What stands in the place of a figure that nobody knows; never a zero."""
MINUS: Final = "−"
PROVISIONAL: Final = Text("暫", "prov.")
DECLARED: Final = Text("申報", "decl.")
NOTHING: Final = Text("無", "None")
UNIT_WORDS: Final = {"kWh": "度", "m³": "度", "L": "公升", "NT$": "元"}
"""What the city's reports call a unit in a sentence; a 度 is a kWh of electricity and a m³ of water."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where figures come from: the question that gives them again, and what it rests on.

    ``query`` is an address of the interface with ``as_known_at``; ``meters`` are meters or points; ``events`` are the
    first and the last position of the event log; ``versions`` name rules, tariffs and factors with their versions.
    """

    query: str
    meters: tuple[str, ...] = ()
    events: tuple[int, int] | None = None
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """One number as people read it; rounded half up, and only when it is shown.

    ``value`` is none where nothing is known. ``coverage`` (0..1) is the least of all that it was made from.
    ``provisional`` marks what rests on less than it should; ``declared`` what comes from a document, not from samples.
    """

    value: float | None
    unit: str = ""
    decimals: int = 0
    coverage: float | None = None
    provisional: bool = False
    declared: bool = False
    with_sign: bool = False
    sources: tuple[Source, ...] = ()

    @property
    def number(self) -> str:
        """The number alone: ``10,404,800``, ``−25.42``, ``—``."""
        if self.value is None or self.value != self.value:
            return UNKNOWN
        rounded = half_up(self.value, self.decimals)
        sign = "+" if self.with_sign and rounded > 0 else MINUS if rounded < 0 else ""
        return f"{sign}{abs(rounded):,}"

    def text(self, language: Language) -> str:
        """The number with its unit, and what must be said of it."""
        tight = self.unit in {"%", ""} or self.number == UNKNOWN
        word = UNIT_WORDS.get(self.unit, self.unit) if language is Language.ZH else self.unit
        unit = "" if self.number == UNKNOWN else word
        mark = self.mark(language)
        return f"{self.number}{'' if tight else ' '}{unit}" + (f"〔{mark}〕" if mark else "")

    def mark(self, language: Language) -> str:
        """Word that stands by a figure that is provisional or declared; empty for any other."""
        words = [PROVISIONAL] * self.provisional + [DECLARED] * self.declared
        return "、".join(said(word, language) for word in words)


Value = Figure | Text | str
"""What stands in a cell or in a gap of a sentence; a plain string is the same in every language."""


def said(text: Text | str, language: Language) -> str:
    """Text in one language."""
    if isinstance(text, str):
        return text
    return text.zh if language is Language.ZH else text.en


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the catalogue with its gaps filled."""

    name: str
    values: Mapping[str, Value]

    def parts(self, language: Language) -> list[Value]:
        """The sentence in pieces, so that its figures can be linked."""
        found: list[Value] = []
        for literal, gap in pieces(said(SENTENCES[self.name], language)):
            found += [literal] if literal else []
            found += [self.values[gap]] if gap else []
        return found

    def text(self, language: Language) -> str:
        """The sentence as one line."""
        return "".join(shown(part, language) for part in self.parts(language))

    @property
    def figures(self) -> list[Figure]:
        """Figures in it."""
        return [value for value in self.values.values() if isinstance(value, Figure)]


def shown(value: Value, language: Language) -> str:
    """Any value as text."""
    return value.text(language) if isinstance(value, Figure) else said(value, language)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; ``id`` is stable and names it in files."""

    id: str
    text: Text
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of figures and texts; a table without rows says so with ``empty``."""

    id: str
    text: Text
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    empty: Text = NOTHING

    @property
    def figures(self) -> list[Figure]:
        """Figures in it."""
        return [cell for row in self.rows for cell in row if isinstance(cell, Figure)]


class ChartKind(StrEnum):
    """How a chart is drawn."""

    BAR = "bar"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Series:
    """One row of bars or one line; none where nothing is known: no bar, and a gap in the line."""

    text: Text
    values: tuple[float | None, ...]
    dashed: bool = False
    """For what is a plan or a limit, and no measurement."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Data of a chart over categories (months, hours, places)."""

    text: Text
    kind: ChartKind
    unit: str
    categories: tuple[Text | str, ...]
    series: tuple[Series, ...]


Block = Sentence | Table | Chart


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report under a heading."""

    text: Text
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report about one building, as it was known at a time (µs UTC)."""

    kind: str
    text: Text
    site: str
    building: Text
    time_zone: str
    period: Period
    known_at: int
    sections: tuple[Section, ...]

    @property
    def period_text(self) -> Text:
        """The period in words."""
        return period_text(self.period)

    @property
    def blocks(self) -> Iterator[Block]:
        """Everything in it, in order."""
        return (block for section in self.sections for block in section.blocks)

    @property
    def figures(self) -> list[Figure]:
        """Every figure in it, in order."""
        return [figure for block in self.blocks if not isinstance(block, Chart) for figure in block.figures]

    @property
    def tables(self) -> list[Table]:
        """Every table in it, in order."""
        return [block for block in self.blocks if isinstance(block, Table)]

    @property
    def provisional(self) -> bool:
        """Whether any figure rests on less than it should."""
        return any(figure.provisional for figure in self.figures)

    @property
    def sources(self) -> Mapping[Source, int]:
        """Every source once, with the number under which the appendix lists it."""
        found = dict.fromkeys(source for figure in self.figures for source in figure.sources)
        return {source: number for number, source in enumerate(found, 1)}


def numbers_of(figures: Sequence[Figure], sources: Mapping[Source, int]) -> list[int]:
    """Numbers of the sources of some figures, each once, ascending."""
    return sorted({sources[source] for figure in figures for source in figure.sources})

"""The condition of a rule that is an expression: one program for all its rows and severity steps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cityhall_bms.rules.checked import Checked, Figures
from cityhall_bms.rules.conditions import Outcome, Outcomes, Part, Reading, finite
from cityhall_bms.rules.language.aggregates import AGGREGATES
from cityhall_bms.rules.language.kinds import Kind
from cityhall_bms.rules.language.moment import Columns, Known, Memory, Tick, Ticks, at_moment, spread_out
from cityhall_bms.rules.language.program import Compiler, Layout, Program, Remembered
from cityhall_bms.rules.language.terms import ORDERED, About, Term, about_of, walk


@dataclass(frozen=True, slots=True)
class _Figures:
    """Places of a comparison and of its figures."""

    test: int
    value: int
    limit: int | None
    unit: str
    ordered: bool


@dataclass(frozen=True, slots=True)
class _Level:
    condition: int
    stays: int
    figures: tuple[_Figures, ...]


@dataclass(frozen=True, slots=True)
class _Watched:
    """Columns that a term looks at, per row; with ``owner`` per pair of a row and related equipment."""

    columns: Columns
    owner: Columns | None
    part: Part

    def of_row(self, row: int) -> list[int]:
        """Columns of one row."""
        if self.owner is None:
            return [int(self.columns[row])]
        return [int(column) for column in self.columns[self.owner == row]]


class ExpressionCondition:
    """Tests all rows of a rule, level by level: the rule's own condition first, then its severity steps."""

    def __init__(self, checked: Checked, layout: Layout) -> None:
        compiler = Compiler(layout)
        self._rows = len(layout.keys)
        self._levels = [
            _Level(
                compiler.place(level.condition),
                compiler.place(level.stays),
                tuple(_figures(compiler, figures, checked.value) for figures in level.figures),
            )
            for level in checked.levels
        ]
        self._when = None if checked.when is None else compiler.place(checked.when)
        self._value = None if checked.value is None else compiler.place(checked.value)
        self._unit = "" if checked.value is None else checked.value.kind.symbol
        self._watched = _watched(checked, layout)
        self._program: Program = compiler.program

    @property
    def remembers(self) -> tuple[Remembered, ...]:
        """What its memory holds, in order."""
        return self._program.remembers

    def begin(self) -> tuple[Memory, ...]:
        """Give the memory before the first step."""
        return self._program.begin()

    def watched(self, row: int) -> list[tuple[int, Part]]:
        """Columns that one row looks at, the main one first, and what they are to it."""
        found: dict[int, Part] = {}
        for item in self._watched:
            for column in item.of_row(row % self._rows):
                found.setdefault(column, item.part)
        return list(found.items())

    def step(self, tick: Tick, memory: Sequence[Memory]) -> Outcome:
        """Test every row of every level."""
        results, after = self._program.run(tick, memory)
        enter = [spread_out(results[level.condition], self._rows) for level in self._levels]
        stays = [spread_out(results[level.stays], self._rows) for level in self._levels]
        known = np.concatenate([result.known for result in enter])
        clear = np.concatenate([result.known & ~result.value for result in stays])
        unmet = None
        if self._when is not None:
            when = spread_out(results[self._when], self._rows)
            unmet = np.tile(when.known & ~when.value, len(self._levels))
            known = known & np.tile(when.known & when.value, len(self._levels))
        return Outcome(
            known, np.concatenate([result.value for result in enter]), clear, unmet, after,
            lambda row: self._reading(tick, results, row),
        )  # fmt: skip

    def through(self, ticks: Ticks, memory: Sequence[Memory]) -> Outcomes:
        """Test every row of every level at many moments."""
        results, after = self._program.run(ticks, memory)
        enter = [_through(results[level.condition], len(ticks), self._rows) for level in self._levels]
        stays = [_through(results[level.stays], len(ticks), self._rows) for level in self._levels]
        known = np.hstack([result.known for result in enter])
        clear = np.hstack([result.known & ~result.value for result in stays])
        unmet = None
        if self._when is not None:
            when = _through(results[self._when], len(ticks), self._rows)
            unmet = np.tile(when.known & ~when.value, len(self._levels))
            known = known & np.tile(when.known & when.value, len(self._levels))

        def reading(number: int, row: int) -> Reading:
            return self._reading(ticks.one(number), [at_moment(result, number) for result in results], row)

        return Outcomes(known, np.hstack([result.value for result in enter]), clear, unmet, after, reading)

    def _reading(self, tick: Tick, results: Sequence[Known], row: int) -> Reading:
        level, place = divmod(row, self._rows)
        newest = max((int(tick.observed_at[column]) for column, _ in self.watched(place)), default=tick.at)
        chosen = self._deciding(self._levels[level].figures, results, place)
        value, unit = self._value, self._unit
        if value is None and chosen is not None:
            value, unit = chosen.value, chosen.unit
        limit = None if chosen is None else chosen.limit
        return Reading(_figure(results, value, place), _figure(results, limit, place), newest, unit)

    def _deciding(self, figures: Sequence[_Figures], results: Sequence[Known], place: int) -> _Figures | None:
        """Comparison that decided: the first true one, those that have an order before states."""
        true = [item for item in figures if _is_true(results[item.test], place)]
        ordered = [item for item in true or figures if item.ordered]
        return next(iter([*ordered, *true, *figures]), None)


def _through(result: Known, moments: int, rows: int) -> Known:
    """Result with a place for each moment and row."""
    return Known(np.broadcast_to(result.value, (moments, rows)), np.broadcast_to(result.known, (moments, rows)))


def _figures(compiler: Compiler, figures: Figures, value: Term | None) -> _Figures:
    limit = figures.limit
    if limit is not None and value is not None and not _like(limit.kind, value.kind):
        # 26 °C beside a limit of 2.8 K would be read as one.
        limit = None
    return _Figures(
        compiler.place(figures.test),
        compiler.place(figures.value),
        None if limit is None else compiler.place(limit),
        figures.value.kind.symbol,
        figures.test.op in ORDERED,
    )


def _like(limit: Kind, value: Kind) -> bool:
    return limit.measure is None or value.measure is None or limit.measure == value.measure


def _watched(checked: Checked, layout: Layout) -> list[_Watched]:
    figures = [figures for level in checked.levels for figures in level.figures]
    against = [(figure.limit, _part(figure)) for figure in figures if figure.limit is not None]
    roots = [
        *((figure.value, Part.VALUE) for figure in figures),
        *against,
        *((level.condition, Part.VALUE) for level in checked.levels),
        *((term, Part.PREREQUISITE) for term in [checked.when] if term is not None),
    ]
    return [found for root, part in roots for term in walk(root) for found in _columns(term, layout, part)]


def _part(figures: Figures) -> Part:
    """What the other side of a comparison is: what must be equal is a command."""
    return Part.COMMAND if figures.test.op == "!=" else Part.LIMIT


def _columns(term: Term, layout: Layout, part: Part) -> Iterator[_Watched]:
    given = tuple(map(str, term.given))
    match term.op:
        case "own" | "bad" | "uncertain" | "flagged" | "age":
            yield _Watched(layout.own(given[0])[0], None, part)
        case "single":
            yield _Watched(layout.single(About(given[0], given[1]), given[2])[0], None, part)
        case op if op in AGGREGATES:
            about = about_of(term)
            for role in about.roles:
                yield _Watched(layout.related(about, role)[0], layout.pairs(about).owner, part)


def _is_true(result: Known, place: int) -> bool:
    return bool(_at(result.known, place)) and bool(_at(result.value, place))


def _figure(results: Sequence[Known], place: int | None, row: int) -> float | None:
    if place is None or not _at(results[place].known, row):
        return None
    return finite(_at(results[place].value, row))


def _at(values: ArrayLike, row: int) -> float:
    """Value of one row, or that of all."""
    column = np.asarray(values)
    return float(column[row] if column.ndim else column)

"""Terms made into a list of operations over vectors. What two terms share is calculated once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cityhall_bms.rules.language import operations
from cityhall_bms.rules.language.aggregates import AGGREGATES, Starts, aggregated, given_to_each
from cityhall_bms.rules.language.checking import REASONS
from cityhall_bms.rules.language.modes import OperatingMode
from cityhall_bms.rules.language.moment import Columns, Flags, Floats, Known, Memory, Micros, Tick, Ticks, spread_out
from cityhall_bms.rules.language.operations import EXTREMES, LOGIC, NUMBERS, ORDERS, Operation
from cityhall_bms.rules.language.terms import About, Term, about_of
from cityhall_bms.rules.language.through import advanced
from cityhall_bms.rules.language.timers import For, Previous, Remembering, Since
from cityhall_bms.rules.language.windowed import WINDOWED, windowed

Samples = tuple[Columns, Floats | None]
"""Columns of a point per row, and the scale to the unit of the first row's where it differs."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Subjects with what is related to them; ``owner`` is the subject's row, ``start`` its first pair."""

    keys: tuple[str, ...]
    owner: Columns
    start: Starts


class Layout(Protocol):
    """Where the rows of a rule find what its terms name."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the rows."""
        ...

    def own(self, role: str) -> Samples:
        """Give a role of each row's equipment."""
        ...

    def single(self, about: About, role: str) -> Samples:
        """Give a role of the one related equipment of each row."""
        ...

    def pairs(self, about: About) -> Pairs:
        """Give the pairs with related equipment."""
        ...

    def related(self, about: About, role: str) -> Samples:
        """Give a role of the related of each pair."""
        ...

    def holds(self, schedule: str, at: int) -> bool:
        """Tell whether a schedule holds; the empty name is that of holidays."""
        ...

    def holds_at(self, schedule: str, at: Micros) -> Flags:
        """Tell the same of many moments."""
        ...

    def hour(self, at: int) -> int:
        """Number of an hour by the building's clocks."""
        ...

    def target(self, name: str, at: int) -> float | None:
        """Give a target that is valid at a time."""
        ...


@dataclass(frozen=True, slots=True)
class _Step:
    operation: Operation
    args: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _RememberingStep:
    operation: Remembering
    args: tuple[int, ...]
    text: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remembered:
    """A place in a program's memory: the text of its term, and the names of its rows."""

    text: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """Operations in the order in which they are done."""

    steps: tuple[_Step | _RememberingStep, ...]

    def begin(self) -> tuple[Memory, ...]:
        """Give the memory before the first tick."""
        return tuple(step.operation.begin(len(step.keys)) for step in self.steps if isinstance(step, _RememberingStep))

    @property
    def remembers(self) -> tuple[Remembered, ...]:
        """What its memory holds, in order."""
        return tuple(Remembered(step.text, step.keys) for step in self.steps if isinstance(step, _RememberingStep))

    def run(self, tick: Tick | Ticks, memory: Sequence[Memory]) -> tuple[list[Known], tuple[Memory, ...]]:
        """Calculate everything; give results by place and the memory after it.

        Of several moments at once the results are those of one after the other, to the bit.
        """
        results: list[Known] = []
        after: list[Memory] = []
        for step in self.steps:
            args = [results[place] for place in step.args]
            if isinstance(step, _Step):
                results.append(step.operation(tick, *args))
                continue
            rows = len(step.keys)
            spread = [spread_out(arg, rows) for arg in args]
            result, kept = advanced(step.operation, tick, memory[len(after)], spread)
            results.append(result)
            after.append(kept)
        return results, tuple(after)


class Compiler:
    """Makes one program of several terms; :meth:`place` says where the result of each is."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._steps: list[_Step | _RememberingStep] = []
        self._places: dict[tuple[Term, About | None], int] = {}

    @property
    def program(self) -> Program:
        """What has been compiled so far."""
        return Program(tuple(self._steps))

    def place(self, term: Term, about: About | None = None) -> int:
        """Compile a term; ``about`` names the related equipment whose pairs it is calculated for."""
        key = (term, about)
        if key not in self._places:
            step = self._compiled(term, about)
            self._steps.append(step)
            self._places[key] = len(self._steps) - 1
        return self._places[key]

    def _compiled(self, term: Term, about: About | None) -> _Step | _RememberingStep:
        if term.op in AGGREGATES:
            inner = about_of(term)
            pairs = self._layout.pairs(inner)
            return _Step(aggregated(term.op, pairs.start, len(pairs.keys)), (self.place(term.args[0], inner),))
        if term.op == "spread":
            assert about is not None  # noqa: S101 - the checker spreads within aggregates only
            owner = self._layout.pairs(about).owner
            return _Step(given_to_each(owner, len(self._layout.keys)), (self.place(term.args[0]),))
        args = tuple(self.place(arg, about) for arg in term.args)
        remembering = _remembering(term, self._layout)
        if remembering is not None:
            keys = self._layout.keys if about is None else self._layout.pairs(about).keys
            return _RememberingStep(remembering, args, str(term), keys)
        return _Step(self._operation(term, about), args)

    def _operation(self, term: Term, about: About | None) -> Operation:  # noqa: PLR0911 - one per operation
        op, given = term.op, term.given
        if op in _BY_OP:
            return _BY_OP[op]
        match op:
            case "const":
                return operations.constant(float(given[0]))
            case "scaled":
                return operations.scaled(float(given[0]))
            case "in":
                return operations.member(tuple(float(value) for value in given))
            case "always":
                return operations.always()
            case "within" | "holiday":
                schedule = str(given[0]) if given else ""
                layout = self._layout
                return operations.at_time(
                    lambda at: layout.holds(schedule, at), lambda at: layout.holds_at(schedule, at)
                )
            case "target":
                return operations.of_time(lambda at: self._layout.target(str(given[0]), at))
            case _:
                return self._of_samples(op, tuple(map(str, given)), about)

    def _of_samples(self, op: str, given: tuple[str, ...], about: About | None) -> Operation:  # noqa: PLR0911 - one per operation
        match op:
            case "own":
                return operations.sample(*self._layout.own(given[0]))
            case "single":
                return operations.sample(*self._layout.single(About(given[0], given[1]), given[2]))
            case "related":
                assert about is not None  # noqa: S101 - the checker asks the related within aggregates only
                return operations.sample(*self._layout.related(about, given[2]))
        columns, _ = self._layout.own(given[0])
        match op:
            case "bad":
                return operations.of_quality(columns, operations.is_bad)
            case "uncertain":
                return operations.of_quality(columns, operations.is_uncertain)
            case "flagged":
                code = int(REASONS[given[1]])
                return operations.of_quality(columns, lambda quality: quality == code)
            case _:
                return operations.age(columns)


_BY_OP: Final[Mapping[str, Operation]] = {
    **{name: operations.elementwise(function) for name, function in NUMBERS.items()},
    **{name: operations.compare(function) for name, function in ORDERS.items()},
    **{name: operations.extreme(function) for name, function in EXTREMES.items()},
    **LOGIC,
}


def _remembering(term: Term, layout: Layout) -> Remembering | None:
    """Operation of a term that remembers; none for the others."""
    if term.op in WINDOWED:
        return windowed(term.op, [float(value) for value in term.given], layout.hour)
    match term.op:
        case "for":
            return For(float(term.given[0]))
        case "since":
            return Since()
        case "previous":
            return Previous()
        case "mode":
            entries = [[int(number) for number in str(entry).split()] for entry in term.given[2:]]
            return OperatingMode(int(term.given[1]), entries)
        case _:
            return None

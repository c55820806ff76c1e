"""One expression on its own: its program run over rows of samples, tick by tick."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.rules.language.checking import check
from cityhall_bms.rules.language.moment import Memory, Tick
from cityhall_bms.rules.language.parser import parse
from cityhall_bms.rules.language.program import Compiler, Pairs, Samples
from cityhall_bms.rules.language.scope import Scope
from cityhall_bms.rules.language.terms import About, Term

START_US = 1_782_864_000_000_000
COUNTED_MAX_US = 10_000_000


class BenchLayout:
    """Some rows, each with every role; no other equipment, no schedule."""

    def __init__(self, roles: Sequence[str], rows: int) -> None:
        self._roles = list(roles)
        self._rows = rows
        self.keys = tuple(f"row{number}" for number in range(rows))

    def own(self, role: str) -> Samples:
        return self._roles.index(role) * self._rows + np.arange(self._rows), None

    def single(self, about: About, role: str) -> Samples:
        raise AssertionError(about, role)

    def related(self, about: About, role: str) -> Samples:
        raise AssertionError(about, role)

    def pairs(self, about: About) -> Pairs:
        raise AssertionError(about)

    def holds(self, schedule: str, at: int) -> bool:
        raise AssertionError(schedule, at)

    def hour(self, at: int) -> int:
        return at // 3_600_000_000

    def target(self, name: str, at: int) -> float | None:
        raise AssertionError(name, at)


class Bench:
    """Runs one expression. ``feed`` takes the values of a tick by role, NaN where nothing is known."""

    def __init__(
        self,
        expression: str | Term,
        roles: Sequence[str],
        rows: int,
        scope: Scope | None = None,
        counted_max_us: int = COUNTED_MAX_US,
    ) -> None:
        layout = BenchLayout(roles, rows)
        compiler = Compiler(layout)
        term = check(parse(expression), scope or Scope()) if isinstance(expression, str) else expression
        self._place = compiler.place(term)
        self.program = compiler.program
        self.memory: tuple[Memory, ...] = self.program.begin()
        self._roles = list(roles)
        self._rows = rows
        self._at = 0
        self._counted_max_us = counted_max_us

    def feed(self, at: int, values: Mapping[str, NDArray[np.float64]]) -> list[float | bool | None]:
        """Result of each row; none where it is unknown."""
        value = np.concatenate([np.asarray(values[role], np.float64) for role in self._roles])
        usable = np.isfinite(value)
        counted = min(at - self._at, self._counted_max_us) if self._at else 0
        self._at = at
        quality = np.where(usable, 0, 0x80).astype(np.uint8)
        tick = Tick(at, value, np.full(len(value), at), usable, ~usable, quality, counted)
        with np.errstate(all="ignore"):
            results, self.memory = self.program.run(tick, self.memory)
        found, known = (np.broadcast_to(column, self._rows) for column in results[self._place])
        return [item if sure else None for item, sure in zip(found.tolist(), known.tolist(), strict=True)]


def ticks(seconds: Sequence[float]) -> Iterator[int]:
    """Times of steps that are so far apart, µs UTC."""
    at = START_US
    for step in seconds:
        at += round(step * 1e6)
        yield at

"""Finds the steps of counters as samples come and change, and keeps them. Belongs to the historian's transaction."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, Self

import asyncpg
import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.postgres import samples as reading
from cityhall_bms.adapters.postgres.history_copy import TIME_MAX_US, TIME_MIN_US
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.counters import COUNTED, SLACK_US, Decision, StepKind, StepState
from cityhall_bms.domain.quality import is_good
from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.counter_examination import Examined, Stretch, examine, steps_between
from cityhall_bms.historian.counters import (
    EXCHANGE_NEAR_US,
    NO_WORDS,
    Exchange,
    Register,
    Step,
    Watch,
    Words,
    find_steps,
    registers_of,
)
from cityhall_bms.historian.intervals import DAY_US, HOUR_US, MINUTE_US, floor_to
from cityhall_bms.historian.open_buckets import AHEAD_MAX_US
from cityhall_bms.historian.rollups import Rollups
from cityhall_bms.ports.history import Window

QUERIES: Final = load("counters.sql")
SPANS_US: Final = (3 * HOUR_US, 2 * DAY_US, 31 * DAY_US, 400 * DAY_US)
"""How far around a change samples are read, until enough are found; what is further apart is not compared."""
FRESH_US: Final = DAY_US
POINTS_PER_BLOCK: Final = 32

Hours = Mapping[int, AbstractSet[int]]
"""Hours (µs UTC) whose figures are to be computed again, by block of points."""


@dataclass(frozen=True, slots=True)
class Change:
    """A step of a counter before and after; none where there was, or is, nothing to correct."""

    point: int
    old: Step | None
    new: Step | None
    known_from: int
    """Since when (µs UTC) it is known."""

    @property
    def at(self) -> int:
        """Time of the sample that the step ends with."""
        step = self.new or self.old
        assert step is not None  # noqa: S101 - one of them differs from the other
        return step.at


@dataclass(frozen=True, slots=True)
class Standing:
    """A step that stands, and since when it is known."""

    step: Step
    known_from: int


class CounterBook:
    """All counters of a history: their registers, and which of them wait for what follows.

    An hour that samples came late for is examined when its figures are computed again, not before: its steps and its
    figures must change together, or what is told of it would be neither the old nor the new.
    """

    def __init__(
        self, registers: Mapping[int, Register], waiting: Iterable[int] = (), late: Hours | None = None
    ) -> None:
        self._registers = registers
        self._left = {(point, hour) for point in registers for hour in (late or {}).get(point // POINTS_PER_BLOCK, ())}
        """Counters of which steps in a late hour may have been left for then."""
        self._watch = Watch.of(registers)
        self._waiting = {point for point in waiting if point in registers}
        size = len(self._watch.counter)
        self._last, self._last_at = np.full(size, np.nan), np.zeros(size, np.int64)

    @classmethod
    async def load(cls, connection: asyncpg.Connection, closed_through: int = TIME_MAX_US) -> Self:
        """Counters as the points are described."""
        registers = await fetch_registers(connection)
        rows = await connection.fetch(QUERIES["doubted"], closed_through - FRESH_US)
        late = await _fetch_late(connection, {point // POINTS_PER_BLOCK for point in registers})
        return cls(registers, [row["point_id"] for row in rows], late)

    async def closed(self, connection: asyncpg.Connection, rows: Rollups, window: Window) -> list[Change]:
        """Take in rows of minutes that closed in a window (their begin, and how far all is closed now)."""
        if not len(self._last):
            return []
        points = {*self._odd(rows).tolist(), *self._waiting}
        self._remember(rows)
        return await self._examine(connection, points, window, window.end) if points else []

    @property
    def points(self) -> list[int]:
        """Numbers of all counters."""
        return sorted(self._registers)

    async def stored(
        self, connection: asyncpg.Connection, samples: Samples, window: Window, *, anew: bool = False
    ) -> list[Change]:
        """Take in samples (sorted by point and time) of a window that were stored whole.

        ``anew`` looks also at steps that stand, and that would perhaps not be found any more.
        """
        inside = (samples.at >= window.start) & (samples.at < window.end)
        samples = samples.select(inside & self._watch.counters(samples.point.astype(np.int64)))
        samples = samples.select(is_good(samples.quality) & np.isfinite(samples.value))
        points = {*self._watch.odd_samples(samples, self._last, self._last_at).tolist(), *self._waiting}
        if anew:
            standing = await fetch_standing(connection, self.points, window)
            points |= {point for point, steps in standing.items() if steps}
        # With repeated indices the last assignment stands.
        self._last[samples.point], self._last_at[samples.point] = samples.value, samples.at
        return await self._examine(connection, points, window, window.end) if points else []

    async def recomputed(
        self, connection: asyncpg.Connection, points: Collection[int], window: Window, closed_through: int
    ) -> list[Change]:
        """Look again at some points whose samples in a window changed, or of which somebody said something."""
        chosen = {point for point in points if point in self._registers}
        return await self._examine(connection, chosen, window, closed_through) if chosen else []

    def take_left(self, blocks: Sequence[int], hour: int) -> list[int]:
        """Counters of some blocks of which steps in an hour were left for the time when it is computed again: now."""
        found = {key for key in self._left if key[1] == hour and key[0] // POINTS_PER_BLOCK in set(blocks)}
        self._left -= found
        return [point for point, _ in found]

    async def spoken_of(self, connection: asyncpg.Connection, blocks: Sequence[int], window: Window) -> list[int]:
        """Counters of some blocks (``point // POINTS_PER_BLOCK``) about which somebody said something in a window."""
        points = [point for point in self._registers if point // POINTS_PER_BLOCK in set(blocks)]
        words = await connection.fetch(QUERIES["words"], points, window.start, window.end, TIME_MAX_US)
        return sorted({row["point_id"] for row in words})

    def _odd(self, rows: Rollups) -> NDArray[np.int64]:
        """Points to look at. After a silence only those that do not go on as a counter does."""
        rows = rows.select(self._watch.counters(rows.point) & (rows.count > 0))
        passed = np.maximum(rows.bucket - self._last_at[rows.point] - MINUTE_US, 0)
        rise = rows.first - self._last[rows.point]
        quiet = (rise >= 0) & (rise <= self._watch.most_per_us[rows.point] * (passed + SLACK_US))
        resumed = np.isnan(rows.start) & quiet
        start = np.where(resumed, rows.first, rows.start)
        return self._watch.odd(Rollups(*(start if name == "start" else getattr(rows, name) for name in rows.__slots__)))

    def _remember(self, rows: Rollups) -> None:
        sampled = np.flatnonzero(self._watch.counters(rows.point) & (rows.count > 0))
        # With repeated indices the last assignment stands: rows are in order of time.
        self._last[rows.point[sampled]] = rows.last[sampled]
        self._last_at[rows.point[sampled]] = rows.bucket[sampled]

    async def _examine(
        self, connection: asyncpg.Connection, points: Collection[int], window: Window, closed: int
    ) -> list[Change]:
        words = await fetch_words(connection, sorted(points))
        late = await _fetch_late(connection, {point // POINTS_PER_BLOCK for point in points})
        groups: dict[Window, list[int]] = defaultdict(list)
        for point in sorted(points):
            around = _around_late(late.get(point // POINTS_PER_BLOCK, frozenset()), window)
            groups[_around_words(words.get(point, NO_WORDS), around)].append(point)
        found: list[Change] = []
        for around, chosen in groups.items():
            found += await self._examine_group(connection, chosen, words, around, closed)
        kept = [change for change in found if not self._leave(change, window, late)]
        await _keep(connection, kept)
        return kept

    def _leave(self, change: Change, window: Window, late: Hours) -> bool:
        """Say whether a change must wait until its hour is computed again; then it is found anew."""
        hour = floor_to(change.at, HOUR_US)
        if window.start <= change.at < window.end or hour not in late.get(change.point // POINTS_PER_BLOCK, ()):
            return False
        self._left.add((change.point, hour))
        return True

    async def _examine_group(
        self, connection: asyncpg.Connection, points: list[int], words: Mapping[int, Words], window: Window, closed: int
    ) -> list[Change]:
        changes: list[Change] = []
        limit = closed + AHEAD_MAX_US
        for span in SPANS_US:
            reach = Window(window.start - span, min(window.end + span, limit))
            stretches = await _stretches(connection, points, reach)
            standing = await fetch_standing(connection, points, reach)
            left: list[int] = []
            for point in points:
                samples = stretches[point]
                last = span == SPANS_US[-1]
                stretch = Stretch(samples.at, samples.value, last, last or reach.end == limit)
                steps = [item.step for item in standing[point]]
                told = words.get(point, NO_WORDS)
                found = examine(stretch, self._registers[point], told, steps, (window.start, window.end), closed)
                if found is None:
                    left.append(point)
                    continue
                self._await(point, found)
                said = told.known(found.after, found.through)
                changes += await _changes(connection, point, found, standing[point], (samples, said))
            points = left
            if not points:
                break
        return changes

    def _await(self, point: int, found: Examined) -> None:
        if found.open:
            self._waiting.add(point)
        elif found.open is not None:
            self._waiting.discard(point)


async def _changes(
    connection: asyncpg.Connection,
    point: int,
    found: Examined,
    standing: Sequence[Standing],
    grounds: tuple[Samples, int],
) -> list[Change]:
    """What differs; known since the last of its grounds (samples, and what was said) was recorded."""
    before = {item.step.at: item for item in standing if found.after < item.step.at <= found.through}
    after = {step.at: step for step in found.steps}
    moments = sorted(at for at in before.keys() | after.keys() if at not in before or before[at].step != after.get(at))
    if not moments:
        return []
    samples, said = grounds
    evidence = int(samples.recorded_at[: found.evidence + 1].max(initial=0))
    known = max(evidence, said, await connection.fetchval(QUERIES["known_through"]) + 1)
    known = max([known, *(before[at].known_from + 1 for at in moments if at in before)])
    return [Change(point, before[at].step if at in before else None, after.get(at), known) for at in moments]


async def _keep(connection: asyncpg.Connection, changes: Sequence[Change]) -> None:
    gone = [change for change in changes if change.old is not None]
    columns = [
        [change.point for change in gone],
        [change.at for change in gone],
        [change.known_from for change in gone],
    ]
    await connection.execute(QUERIES["supersede"], *columns)
    await _add(
        connection, [(change.point, change.new, change.known_from) for change in changes if change.new is not None]
    )


async def _fetch_late(connection: asyncpg.Connection, blocks: Collection[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for row in await connection.fetch(QUERIES["late_hours"], sorted(blocks)):
        found[row["block"]].add(row["hour"])
    return found


def _around_late(hours: AbstractSet[int], window: Window) -> Window:
    """A window, and the late hours of the day before it: what stands of them does not say what is believed."""
    near = [hour for hour in hours if window.start - DAY_US <= hour < window.start]
    return Window(min(near, default=window.start), window.end)


async def _add(connection: asyncpg.Connection, rows: Sequence[tuple[int, Step, int]]) -> None:
    if rows:
        steps = [step for _, step, _ in rows]
        await connection.execute(
            QUERIES["add"],
            [point for point, _, _ in rows],
            [step.at for step in steps],
            [step.before for step in steps],
            [step.kind.value for step in steps],
            [step.state.value for step in steps],
            [step.from_value for step in steps],
            [step.to_value for step in steps],
            [step.correction for step in steps],
            [known_from for _, _, known_from in rows],
        )


async def _stretches(connection: asyncpg.Connection, points: list[int], window: Window) -> dict[int, Samples]:
    """Good samples of some points, point by point."""
    return by_point(await reading.of_points(connection, points, window), points)


def by_point(samples: Samples, points: Iterable[int]) -> dict[int, Samples]:
    """Good samples (sorted by point and time) of each of some points."""
    samples = samples.select(is_good(samples.quality) & np.isfinite(samples.value))
    return {
        point: samples.select(slice(*np.searchsorted(samples.point, [point, point + 1]).tolist())) for point in points
    }


def _around_words(words: Words, window: Window) -> Window:
    """A window, and what lies so near to an exchange in it that either may explain the other."""
    near = [
        exchange.at
        for exchange in words.exchanges
        if window.start - EXCHANGE_NEAR_US <= exchange.at <= window.end + EXCHANGE_NEAR_US
    ]
    if not near:
        return window
    return Window(min(window.start, near[0] - EXCHANGE_NEAR_US), max(window.end, near[-1] + EXCHANGE_NEAR_US + 1))


async def fetch_registers(connection: asyncpg.Connection, points: Sequence[int] | None = None) -> dict[int, Register]:
    """Registers of all counters, or of those among some points, by number of the point."""
    units = [unit for unit, _ in COUNTED.values()]
    if points is None:
        rows = await connection.fetch(QUERIES["descriptions"], units)
    else:
        rows = await connection.fetch(QUERIES["descriptions_of"], units, list(points))
    return registers_of({row["point_id"]: json.loads(row["description"]) for row in rows})


async def fetch_words(
    connection: asyncpg.Connection, points: Sequence[int], known_at: int = TIME_MAX_US
) -> dict[int, Words]:
    """What people had said by then about some counters; of two decisions about one step the later one counts."""
    exchanges: dict[int, list[Exchange]] = defaultdict(list)
    decisions: dict[int, dict[int, Decision]] = defaultdict(dict)
    recorded: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in await connection.fetch(QUERIES["words"], list(points), TIME_MIN_US, TIME_MAX_US, known_at):
        recorded[row["point_id"]].append((row["at"], row["recorded_at"]))
        if row["decision"] is None:
            exchanges[row["point_id"]].append(Exchange(row["at"], row["last_old"], row["first_new"]))
        else:
            decisions[row["point_id"]][row["at"]] = Decision(row["decision"])
    return {
        point: Words(tuple(sorted(exchanges[point], key=lambda one: one.at)), decisions[point], tuple(said))
        for point, said in recorded.items()
    }


async def fetch_standing(
    connection: asyncpg.Connection, points: Sequence[int], window: Window
) -> dict[int, list[Standing]]:
    """Steps of some counters that stand, in order of time."""
    found: dict[int, list[Standing]] = {point: [] for point in points}
    for row in await connection.fetch(QUERIES["standing"], list(points), window.start, window.end):
        found[row["point_id"]].append(Standing(step_of(row), row["known_from"]))
    return found


def step_of(row: asyncpg.Record) -> Step:
    """Step as it is kept."""
    kind, state = StepKind(row["kind"]), StepState(row["state"])
    return Step(row["at"], row["before"], kind, state, row["from_value"], row["to_value"], row["correction"])


async def fetch_steps(
    connection: asyncpg.Connection, points: Sequence[int], window: Window, known_at: int, closed_through: int
) -> list[tuple[int, Step]]:
    """Steps of some points in a window as they were known; those of minutes that are still open are found anew."""
    rows = await connection.fetch(QUERIES["known"], list(points), window.start, window.end, known_at)
    steps = [(row["point_id"], step_of(row)) for row in rows]
    if window.end <= closed_through:
        return steps
    registers = await fetch_registers(connection, points)
    counters = [point for point in points if point in registers]
    if not counters:
        return []
    words = await fetch_words(connection, counters, known_at)
    reach = Window(closed_through - SPANS_US[0], min(window.end, closed_through + DAY_US))
    samples = by_point(await reading.of_points(connection, counters, reach, known_at), counters)
    for point in counters:
        found = find_open(samples[point], registers[point], words.get(point, NO_WORDS), steps, point)
        steps += [(point, step) for step in steps_between(found, closed_through - 1, window.end - 1)]
    return steps


def find_open(
    samples: Samples, register: Register, words: Words, known: Sequence[tuple[int, Step]], point: int
) -> list[Step]:
    """Steps of a point's newest samples, from the first one on that is believed."""
    doubted = {step.at for number, step in known if number == point and not step.believed}
    believed = [number for number, at in enumerate(samples.at.tolist()) if at not in doubted]
    if not believed:
        return []
    first = believed[0]
    return find_steps(samples.at[first:], samples.value[first:], register, words)

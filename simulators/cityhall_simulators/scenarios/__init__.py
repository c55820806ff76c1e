"""Scenarios: which faults strike when. A file lists them, or says how often chance shall strike."""

import math
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cityhall_simulators.description import Building
from cityhall_simulators.fault_desk import FaultDesk
from cityhall_simulators.faults import FAULTS, FaultTargetError, resolve_target, targets

_CHANCE_STREAM: Final = 2_000
"""Apart from the plants' and the sensors' streams of chance."""


class ScenarioError(ValueError):
    """The scenario makes no sense; the text names file, entry and remedy."""


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault from ``begin_s`` to ``end_s`` after the start of the run, in plant time; ``end_s`` may be endless."""

    name: str
    target: str
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Run:
    """What a scenario is played in: a building from a local time on, and how long at most."""

    building: Building
    start: datetime
    lasts_s: float
    seed: int


class _Planned(BaseModel):
    """A ``[[fault]]``: begins at a local ``from`` or ``after_s`` the start, ends at ``to`` or after ``lasts_s``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    target: str | None = None
    begins: Annotated[datetime | None, Field(alias="from")] = None
    after_s: Annotated[float | None, Field(ge=0.0)] = None
    ends: Annotated[datetime | None, Field(alias="to")] = None
    lasts_s: Annotated[float | None, Field(gt=0.0)] = None


_Seconds = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class _Random(BaseModel):
    """A ``[[random]]``: how often chance shall strike, with which faults (all when empty), and for how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    per_day: Annotated[float, Field(gt=0.0, le=1000.0)]
    lasts_s: tuple[_Seconds, _Seconds]
    names: tuple[str, ...] = ()
    except_names: tuple[str, ...] = ()


class _Scenario(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    text_zh: str
    text_en: str
    fault: tuple[_Planned, ...] = ()
    random: tuple[_Random, ...] = ()


def scenario_names() -> list[str]:
    """Names of the scenarios that come along."""
    return sorted(entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml"))


def load_scenario(name_or_file: str, run: Run) -> tuple[Strike, ...]:
    """Strikes in the order of their begin. :class:`ScenarioError` when there is none or it makes no sense here."""
    file: Traversable = _folder() / f"{name_or_file}.toml" if name_or_file in scenario_names() else Path(name_or_file)
    try:
        scenario = _Scenario.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        msg = f"no scenario {name_or_file!r}: take {', '.join(scenario_names())}, or a file ({error})"
        raise ScenarioError(msg) from error
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        msg = f"{file.name}: {error}"
        raise ScenarioError(msg) from error
    planned = [_strike(f"{file.name}, fault {n}", entry, run) for n, entry in enumerate(scenario.fault, 1)]
    for number, rule in enumerate(scenario.random, 1):
        planned += _by_chance(f"{file.name}, random {number}", number, rule, run)
    return tuple(sorted(planned, key=lambda strike: (strike.begin_s, strike.name, strike.target)))


def _folder() -> Traversable:
    return files("cityhall_simulators") / "scenarios"


def _strike(where: str, entry: _Planned, run: Run) -> Strike:
    target = _target(where, entry.name, entry.target, run.building)
    if (entry.begins is None) == (entry.after_s is None):
        msg = f"{where} ({entry.name}): write either from (a local time) or after_s (seconds after the start)"
        raise ScenarioError(msg)
    begin_s = entry.after_s if entry.begins is None else _seconds_after(run.start, entry.begins)
    assert begin_s is not None  # noqa: S101 - one of both was given
    if entry.ends is not None and entry.lasts_s is not None:
        msg = f"{where} ({entry.name}): write either to (a local time) or lasts_s (seconds after its begin)"
        raise ScenarioError(msg)
    lasts_s = math.inf if entry.lasts_s is None else entry.lasts_s
    end_s = begin_s + lasts_s if entry.ends is None else _seconds_after(run.start, entry.ends)
    if end_s <= begin_s:
        msg = f"{where} ({entry.name}): it ends before it begins; give to a later time"
        raise ScenarioError(msg)
    return Strike(entry.name, target, begin_s, end_s)


def _seconds_after(start: datetime, local: datetime) -> float:
    """Local times of the file are the building's; the difference is that of the instants."""
    # Between two times of one zone Python subtracts what the clocks show.
    return local.replace(tzinfo=local.tzinfo or start.tzinfo).timestamp() - start.timestamp()


def _target(where: str, name: str, target: str | None, building: Building) -> str:
    if name not in FAULTS:
        msg = f"{where}: no fault is called {name!r}; see `cityhall-sim faults`"
        raise ScenarioError(msg)
    try:
        return resolve_target(building, FAULTS[name], target)
    except FaultTargetError as error:
        msg = f"{where}: {error}"
        raise ScenarioError(msg) from error


def _by_chance(where: str, number: int, rule: _Random, run: Run) -> Iterator[Strike]:
    """A Poisson process; kind and target are drawn evenly, and no target has the same fault twice at a time."""
    for name in (*rule.names, *rule.except_names):
        if name not in FAULTS:
            msg = f"{where}: no fault is called {name!r}; see `cityhall-sim faults`"
            raise ScenarioError(msg)
    fitting = {name: targets(run.building, FAULTS[name]) for name in rule.names or FAULTS}
    names = [name for name, found in fitting.items() if found and name not in rule.except_names]
    if rule.lasts_s[0] > rule.lasts_s[1]:
        msg = f"{where}: lasts_s: write the shorter time first"
        raise ScenarioError(msg)
    if not names or not np.isfinite(run.lasts_s):
        msg = f"{where}: nothing to strike at this site, or a run without an end"
        raise ScenarioError(msg)
    chance = np.random.default_rng((run.seed, _CHANCE_STREAM, number))
    busy_until_s: dict[tuple[str, str], float] = {}
    begin_s = 0.0
    while (begin_s := begin_s + float(chance.exponential(86_400.0 / rule.per_day))) < run.lasts_s:
        name = names[int(chance.integers(len(names)))]
        target = fitting[name][int(chance.integers(len(fitting[name])))]
        end_s = begin_s + float(chance.uniform(*rule.lasts_s))
        # What would outlast the run is left out, so that every truth has its end.
        if end_s <= run.lasts_s and busy_until_s.get((name, target), 0.0) < begin_s:
            busy_until_s[name, target] = end_s
            yield Strike(name, target, begin_s, end_s)


class ScenarioPlayer:
    """Switches the faults of a scenario as its time passes."""

    def __init__(self, strikes: Sequence[Strike], desk: FaultDesk) -> None:
        self._desk = desk
        self._on: Counter[tuple[str, str]] = Counter()
        begins = [(strike.begin_s, 1, strike) for strike in strikes]
        ends = [(strike.end_s, 0, strike) for strike in strikes if np.isfinite(strike.end_s)]
        # What ends gives way first: the same fault may begin at the same target in the same moment.
        self._due = sorted(begins + ends, key=lambda due: due[:2], reverse=True)

    def play(self, elapsed_s: float) -> None:
        """Switch everything that is due ``elapsed_s`` after the start.

        Where strikes of one fault at one target overlap, it is on until the last of them ends.
        """
        while self._due and self._due[-1][0] <= elapsed_s:
            _, begins, strike = self._due.pop()
            struck = strike.name, strike.target
            self._on[struck] += 1 if begins else -1
            if begins:
                self._desk.on(*struck)
            elif self._on[struck] == 0:
                self._desk.off(*struck)

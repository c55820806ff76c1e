"""What was really wrong, where a simulator says so (`docs/reference/simulator.md`): a rule's precision and recall."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cityhall_bms.domain.annunciations import NEVER
from cityhall_bms.domain.errors import Problem, SiteError
from cityhall_bms.ports.history import Window
from cityhall_bms.rules.episodes import Episode

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that was wrong with an equipment, a point or a device; times µs UTC, ``until`` none while it lasts."""

    what: str
    where: str
    since: int
    until: int | None
    provokes: frozenset[str]
    """Names of the domain reference that a rule may carry as what it ``detects``."""


@dataclass(frozen=True, slots=True)
class Score:
    """How a rule did: of ``faults`` it was to find it ``found`` some; of its ``episodes`` some were ``right``."""

    faults: int
    found: int
    episodes: int
    right: int
    missed: tuple[Fault, ...]
    wrong: tuple[Episode, ...]

    @property
    def recall(self) -> float | None:
        """Share of the faults that were found; none without any."""
        return self.found / self.faults if self.faults else None

    @property
    def precision(self) -> float | None:
        """Share of the episodes that a fault explains; none without any."""
        return self.right / self.episodes if self.episodes else None


def read_truth(text: str, name: str = "truth.jsonl") -> list[Fault]:
    """Faults of a truth file: a line as each begins, and one as it ends. :class:`SiteError` for any other line."""
    standing: dict[tuple[str, str], Fault] = {}
    done: list[Fault] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            fault = _fault(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"is no line of a truth file: {error}"
            problems.append(Problem(name, number, "line", message, "take the file of cityhall-sim as it is"))
            continue
        key = fault.what, fault.where
        if fault.until is None:
            standing[key] = fault
        else:
            standing.pop(key, None)
            done.append(fault)
    if problems:
        raise SiteError(problems)
    return sorted([*done, *standing.values()], key=lambda item: (item.since, item.what, item.where))


@dataclass(frozen=True, slots=True)
class Trial:
    """What a rule is held to: what it ``detects``, at which ``places`` (equipment and subjects that it is bound to).

    A fault shows within ``slack_us``, and may be seen so long after it ended: the rule's delays, and the plant's.
    """

    detects: frozenset[str]
    places: frozenset[str]
    window: Window
    slack_us: int


def score(trial: Trial, episodes: Sequence[Episode], faults: Iterable[Fault]) -> Score:
    """Hold episodes against the truth. A fault that stood in the window for less than the slack need not be found."""
    start, end = trial.window.start, trial.window.end
    concerned = [item for item in faults if item.provokes & trial.detects and _stood(item, trial.window) > 0]
    due = [item for item in concerned if _place(item, trial) and _stood(item, trial.window) > trial.slack_us]
    judged = [item for item in episodes if item.overlaps(start, end)]
    right = [item for item in judged if any(_explains(fault, item, trial.slack_us) for fault in concerned)]
    missed = tuple(item for item in due if not any(_explains(item, episode, trial.slack_us) for episode in judged))
    wrong = tuple(item for item in judged if item not in right)
    return Score(len(due), len(due) - len(missed), len(judged), len(right), missed, wrong)


def _place(fault: Fault, trial: Trial) -> bool:
    return fault.where in trial.places or fault.where.rpartition(".")[0] in trial.places


def _fault(line: dict[str, Any]) -> Fault:
    until = line["to"]
    return Fault(
        what=str(line["what"]),
        where=str(line["where"]),
        since=_us(line["from"]),
        until=None if until is None else _us(until),
        provokes=frozenset(map(str, line.get("provokes", ()))),
    )


def _us(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // MICROSECOND


def _stood(fault: Fault, window: Window) -> int:
    """How long a fault stood in a window, µs; negative when it did not."""
    return min(window.end, window.end if fault.until is None else fault.until) - max(window.start, fault.since)


def _explains(fault: Fault, episode: Episode, slack_us: int) -> bool:
    """Whether an episode is of a fault: at the same place, while it stood or soon after."""
    places = {episode.equipment, episode.subject}
    here = fault.where in places or fault.where.rpartition(".")[0] in places
    return here and episode.overlaps(fault.since, NEVER if fault.until is None else fault.until + slack_us)

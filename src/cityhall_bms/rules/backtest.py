"""A rule tested on history: what it would have rung, how that differs from the active wording, and whether it is right.

The engine is the one that runs live, fed with the samples that stand today: a sample counts from the time it was
observed, also when it arrived late. What it proposes goes through the alarm handling that runs live (`played`), beside
the rules that may hide its alarms.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from cityhall_bms.domain.alarm_figures import AlarmFigures, figures
from cityhall_bms.domain.annunciations import Annunciations
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import canonical
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.rule_history import RuleHistory
from cityhall_bms.rules.binding import Unbound, bind
from cityhall_bms.rules.book import fingerprint
from cityhall_bms.rules.engine import RuleFailure
from cityhall_bms.rules.episodes import Difference, Episode, EpisodeBook, difference
from cityhall_bms.rules.memory import delay_us, memory_us
from cityhall_bms.rules.model import Rule
from cityhall_bms.rules.played import Console, Played, Surroundings
from cityhall_bms.rules.replay import Replay
from cityhall_bms.rules.truth import Fault, Score, Trial, score

STEP_S_DEFAULT: Final = 60.0
STEP_S_MIN: Final = 1.0
STEP_S_MAX: Final = 3_600.0
TICKS_MAX: Final = 5_300_000
"""Ten years of minutes."""
LISTED_MAX: Final = 10_000
"""Episodes that a result lists one by one; beyond it only counts."""
PLANT_SLACK_US: Final = 1_800_000_000
"""What a plant may take to show a fault, beside the rule's own delay."""

OnShare = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Question:
    """What is tested: a wording, the active one to compare with (if another), when, and how finely (µs)."""

    rule: Rule
    active: Rule | None
    window: Window
    step_us: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one wording fared."""

    version: int
    fingerprint: str
    subjects: int
    unbound: tuple[Unbound, ...]
    causes: tuple[str, ...]
    """Other rules that were played along, because their alarms may hide those of this one."""
    episodes: tuple[Episode, ...]
    played: Played
    figures: AlarmFigures
    """Of what rang."""
    standing_s: float
    """Time in which it stood, of all subjects together."""
    standing_max: int
    """Most subjects for which it stood at once where operators could see it."""
    failures: tuple[RuleFailure, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Result of a backtest. ``samples`` were read; windows were warmed from ``warmed_from`` (µs UTC) on."""

    question: Question
    warmed_from: int
    samples: int
    outcome: Outcome
    active: Outcome | None
    difference: Difference | None
    score: Score | None


def checked(question: Question) -> Question:
    """The question itself; ``RefusedError`` when it makes no sense or would take too long."""
    window, step_s = question.window, question.step_us / 1e6
    if window.end <= window.start:
        msg = "a backtest needs a time that ends after it begins"
        raise RefusedError(msg)
    if not STEP_S_MIN <= step_s <= STEP_S_MAX:
        msg = f"a step lasts from {STEP_S_MIN:.0f} s to {STEP_S_MAX:.0f} s, not {step_s:g} s"
        raise RefusedError(msg)
    if (window.end - window.start) // question.step_us > TICKS_MAX:
        msg = f"that would be more than {TICKS_MAX:,} steps: take a shorter time or longer steps"
        raise RefusedError(msg)
    return question


class Backtester:
    """Tests wordings at one site, alone or in the surroundings in which their alarms stand."""

    def __init__(
        self, site: Site, ids: Mapping[str, int], history: RuleHistory, around: Surroundings | None = None
    ) -> None:
        self._site = site
        self._ids = ids
        self._history = history
        self._around = around or Surroundings()

    async def run(
        self, question: Question, faults: Sequence[Fault] | None = None, on_share: OnShare = lambda _: None
    ) -> Report:
        """Replay the draft, then the active wording. ``HistoryUnavailableError`` when history is away."""
        wordings = [question.rule, *([] if question.active is None else [question.active])]
        outcomes: list[Outcome] = []
        samples = 0
        warmed_from = question.window.start - memory_us(question.rule)
        for number, rule in enumerate(wordings):
            done, share = number / len(wordings), 1 / len(wordings)
            outcome, read = await self._play(rule, question, lambda part, d=done, s=share: on_share(d + s * part))  # type: ignore[misc]
            outcomes.append(outcome)
            samples = max(samples, read)
        new, old = outcomes[0], outcomes[1] if len(outcomes) > 1 else None
        return Report(
            question=question,
            warmed_from=warmed_from,
            samples=samples,
            outcome=new,
            active=old,
            difference=None if old is None else difference(new.episodes, old.episodes),
            score=None if faults is None else self._score(question, new, faults),
        )

    async def _play(self, rule: Rule, question: Question, on_share: OnShare) -> tuple[Outcome, int]:
        own = bind([rule], self._site, self._ids)
        causes = self._around.causes_of(own, self._site)
        binding = bind([rule, *causes], self._site, self._ids) if causes else own
        replay = Replay(binding, self._history, question.step_us)
        window = question.window
        whole = Window(_aligned(window.start - memory_us(rule), question), window.end)
        book, console = EpisodeBook(own, self._ids), Console(rule.id, self._around, whole.start, question.step_us)
        failures: list[RuleFailure] = []
        samples = 0
        async for part in replay.run(whole):
            book.take((item for item in part.proposals if item.rule.id == rule.id), part.block)
            console.take(part.proposals, int(part.block.at[-1]))
            failures += part.failures
            samples += part.samples
            on_share((int(part.block.at[-1]) - whole.start) / (whole.end - whole.start))
        episodes = tuple(item for item in book.episodes() if item.overlaps(window.start, window.end))
        played = console.played(window.start, window.end)
        outcome = Outcome(
            version=rule.version,
            fingerprint=fingerprint(rule),
            subjects=own.row_count,
            unbound=own.unbound,
            causes=tuple(cause.id for cause in causes),
            episodes=episodes,
            played=played,
            figures=figures(played.rang, window.start, window.end),
            standing_s=_standing_s(episodes, window),
            standing_max=_standing_max(played.rang, window),
            failures=tuple(failures),
        )
        return outcome, samples

    def _score(self, question: Question, outcome: Outcome, faults: Sequence[Fault]) -> Score:
        rule = question.rule
        binding = bind([rule], self._site, self._ids)
        subjects = [subject for bound in binding.rules for subject in bound.subjects]
        trial = Trial(
            detects=frozenset(rule.detects or (rule.id,)),
            places=frozenset(name for subject in subjects for name in (subject.equipment, subject.name)),
            window=question.window,
            slack_us=delay_us(rule) + PLANT_SLACK_US,
        )
        return score(trial, outcome.episodes, faults)


def _aligned(at: int, question: Question) -> int:
    """Latest tick at or before a time: ticks are counted from the window's start."""
    return question.window.start - -(-(question.window.start - at) // question.step_us) * question.step_us


def _standing_s(episodes: Sequence[Episode], window: Window) -> float:
    ends = (window.end if item.ended is None else min(item.ended, window.end) for item in episodes)
    return sum(end - max(item.began, window.start) for item, end in zip(episodes, ends, strict=True)) / 1e6


def _standing_max(rang: Annunciations, window: Window) -> int:
    rang = rang.where(~rang.again)
    changes = sorted([(int(at), 1) for at in rang.began] + [(int(at), -1) for at in rang.ended if at < window.end])
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def to_json(report: Report) -> dict[str, Any]:
    """Result as plain values, times µs UTC; of many episodes the first ten thousand."""
    question = report.question
    found: dict[str, Any] = {
        "rule": question.rule.id,
        "first": question.window.start,
        "until": question.window.end,
        "step_s": question.step_us / 1e6,
        "basis": "samples",
        "samples": report.samples,
        "warmed_from": report.warmed_from,
        **_outcome(report.outcome),
        "active": None if report.active is None else _outcome(report.active),
        "difference": None,
        "score": None,
    }
    if report.difference is not None:
        found["difference"] = {
            "both": report.difference.both,
            "only_new": len(report.difference.only_new),
            "only_old": len(report.difference.only_old),
            "new": [asdict(item) for item in report.difference.only_new[:LISTED_MAX]],
            "old": [asdict(item) for item in report.difference.only_old[:LISTED_MAX]],
        }
    if report.score is not None:
        found["score"] = {
            **_plain_score(report.score),
            "missed": [asdict(item) | {"provokes": sorted(item.provokes)} for item in report.score.missed[:LISTED_MAX]],
            "wrong": [asdict(item) for item in report.score.wrong[:LISTED_MAX]],
        }
    return found


def summary(report: Report) -> dict[str, Any]:
    """The few figures that a seal and a promotion carry."""
    outcome, told = report.outcome, report.outcome.figures
    short: dict[str, Any] = {
        "step_s": report.question.step_us / 1e6,
        "subjects": outcome.subjects,
        "episodes": len(outcome.episodes),
        "hidden": outcome.played.hidden,
        "per_day": round(told.per_day, 4),
        "peak_10_min": told.peak_10_min,
        "chattering": len(told.chattering),
        "fleeting": told.fleeting,
        "standing_s": round(outcome.standing_s, 1),
    }
    if report.difference is not None:
        short["only_new"], short["only_old"] = len(report.difference.only_new), len(report.difference.only_old)
    if report.score is not None:
        short |= _plain_score(report.score)
    return short


def digest(result: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical text of a result."""
    return hashlib.sha256(canonical(dict(result)).encode()).hexdigest()


def _plain_score(found: Score) -> dict[str, Any]:
    return {
        "faults": found.faults,
        "found": found.found,
        "right": found.right,
        "recall": found.recall,
        "precision": found.precision,
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "version": outcome.version,
        "fingerprint": outcome.fingerprint,
        "subjects": outcome.subjects,
        "not_applicable": [asdict(item) for item in outcome.unbound],
        "failures": [asdict(item) for item in outcome.failures],
        "standing_s": outcome.standing_s,
        "standing_max": outcome.standing_max,
        "causes_played": list(outcome.causes),
        "hidden": outcome.played.hidden,
        "hidden_as": dict(outcome.played.hidden_as),
        "figures": asdict(outcome.figures),
        "episode_count": len(outcome.episodes),
        "episodes": [asdict(item) for item in outcome.episodes[:LISTED_MAX]],
    }

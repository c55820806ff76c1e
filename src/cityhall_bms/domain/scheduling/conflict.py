"""What speaks against something that somebody wants to save."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cityhall_bms.domain.errors import RefusedError


class ConflictSeverity(StrEnum):
    """Whether it can be saved all the same."""

    PROBLEM = "problem"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Conflict:
    """One reason: a code that stays, words in both languages, its points, and when (µs UTC) it shows first."""

    severity: ConflictSeverity
    code: str
    zh: str
    en: str
    points: tuple[str, ...] = ()
    at: int | None = None


def problem(code: str, zh: str, en: str, points: Iterable[str] = (), at: int | None = None) -> Conflict:
    """Something that must be mended first."""
    return Conflict(ConflictSeverity.PROBLEM, code, zh, en, tuple(points), at)


def warning(code: str, zh: str, en: str, points: Iterable[str] = (), at: int | None = None) -> Conflict:
    """Something that somebody should know before saving."""
    return Conflict(ConflictSeverity.WARNING, code, zh, en, tuple(points), at)


def check(conflicts: Iterable[Conflict]) -> None:
    """``RefusedError`` with every problem among them."""
    problems = [conflict for conflict in conflicts if conflict.severity is ConflictSeverity.PROBLEM]
    if problems:
        zh, en = "；".join(each.zh for each in problems), "; ".join(each.en for each in problems)
        msg = f"{zh} / {en}"
        raise RefusedError(msg)

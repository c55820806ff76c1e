"""Why a command may not be."""

from dataclasses import dataclass
from typing import Self

from cityhall_bms.domain.quality import Quality


def joined(*told: str) -> str:
    """Several texts as one, the Chinese of all before the English; one without a `` / `` is the same in both."""
    parts = [one.partition(" / ") for one in told]
    zh, en = "；".join(part[0] for part in parts), "; ".join(part[2] or part[0] for part in parts)
    return zh if zh == en else f"{zh} / {en}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason: a code that stays, and words in both languages."""

    code: str
    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh} / {self.en}"

    @classmethod
    def unknown(cls, point: str, quality: Quality) -> Self:
        """A check rests on a value that nobody can be sure of."""
        why = quality.reason or quality.severity
        return cls("quality", f"{point} 狀態不明（{why}）", f"{point} is not known ({why}), and the check rests on it")

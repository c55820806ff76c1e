"""Why a command may not be."""

from dataclasses import dataclass
from typing import Self

from cityhall_bms.domain.quality import Quality


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

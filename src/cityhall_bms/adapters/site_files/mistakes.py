"""Collect mistakes instead of stopping at the first, and word their remedies."""

import difflib
from collections.abc import Iterable

from cityhall_bms.domain.errors import Problem

NAMES_SHOWN_MAX = 12


class Mistakes:
    """The list that grows while a site folder is read."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}

    def add(self, file: str, line: int, field: str, message: str, remedy: str) -> None:
        """Note one mistake; the same one twice counts once. ``line`` is 0 when the whole file is meant.

        Line breaks in quoted cells are shown as such, so that a problem stays one line.
        """
        texts = (text.replace("\n", "\\n") for text in (field, message, remedy))
        self._found[Problem(file, line, *texts)] = None

    def __len__(self) -> int:
        return len(self._found)

    def sorted(self) -> list[Problem]:
        """Every mistake, by file and line."""
        return sorted(self._found)


def near(word: str, known: Iterable[str]) -> str | None:
    """Give the known name that was probably meant, if there is one."""
    lowered = {name.lower(): name for name in known}
    if word.lower() in lowered:
        return lowered[word.lower()]
    matches = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    return lowered[matches[0]] if matches else None


def suggest(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Word a remedy: the near name, or else ``otherwise``, or else the names there are."""
    names = list(known)
    match = near(word, names)
    if match is not None:
        return f"did you mean '{match}'?"
    if otherwise:
        return otherwise
    if not names:
        return "there is none yet: add it first"
    shown = ", ".join(names[:NAMES_SHOWN_MAX])
    return f"use one of {shown}{', ...' if len(names) > NAMES_SHOWN_MAX else ''}"

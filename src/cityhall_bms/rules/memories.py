"""What expressions remember, by name: so that it survives a change of the rules or of the site."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cityhall_bms.rules.language.moment import Memory
from cityhall_bms.rules.language.program import Remembered


def stated(remembers: Sequence[Remembered], memory: Sequence[Memory]) -> list[list[Any]]:
    """Describe the memory of one rule: of each expression its text, its rows, its numbers, the types of its columns."""
    return [
        [place.text, place.keys, list(kept.numbers), [column.dtype.str for column in kept.columns]]
        for place, kept in zip(remembers, memory, strict=True)
    ]


def restored(
    remembers: Sequence[Remembered], fresh: Sequence[Memory], stored: Mapping[str, tuple[Sequence[str], Memory]]
) -> tuple[Memory, ...]:
    """Give the memory of a rule from what was stored; what is new there starts fresh."""
    return tuple(
        _restored(place, empty, *stored[place.text]) if place.text in stored else empty
        for place, empty in zip(remembers, fresh, strict=True)
    )


def _restored(place: Remembered, empty: Memory, keys: Sequence[str], stored: Memory) -> Memory:
    if len(stored.columns) != len(empty.columns):
        return empty
    known = {key: row for row, key in enumerate(keys)}
    here = np.array([row for row, key in enumerate(place.keys) if key in known], dtype=np.intp)
    there = np.array([known[key] for key in place.keys if key in known], dtype=np.intp)
    columns = []
    for column, old in zip(empty.columns, stored.columns, strict=True):
        filled = column.copy()
        filled[here] = old[there]
        columns.append(filled)
    return Memory(stored.numbers, tuple(columns))

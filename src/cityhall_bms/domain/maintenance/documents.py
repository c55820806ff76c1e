"""Photos and papers of maintenance work, named by their content; the files are kept elsewhere."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that was kept; ``what`` says what it shows: ``before``, ``after`` or ``paper``."""

    sha256: str
    name: str
    media_type: str
    bytes: int
    what: str = "paper"


def as_values(documents: Iterable[Attached]) -> list[dict[str, Any]]:
    """As events have them."""
    return [asdict(document) for document in documents]


def attached_of(values: Iterable[Mapping[str, Any]]) -> tuple[Attached, ...]:
    """Of what an event has."""
    return tuple(Attached(**document) for document in values)

"""Tables of evidence for the Intelligent Building label: what is asked, and what comes out row by row."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from cityhall_bms.domain.site import Text
from cityhall_bms.ports.history import Window


@dataclass(frozen=True, slots=True)
class At:
    """A moment (µs UTC) in a cell; none: an empty one."""

    us: int | None


Cell = str | float | int | None | At
Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """Heading of a column; ``time`` columns hold :class:`At` only."""

    text: Text
    time: bool = False


@dataclass(frozen=True, slots=True)
class EvidenceTable:
    """One table: its file's name (without ending), its columns, and its rows, made while they are asked for."""

    name: str
    columns: tuple[Column, ...]
    rows: Callable[[], AsyncIterator[Row]]


@dataclass(frozen=True, slots=True)
class LabelQuestion:
    """The whole question: the same one gives the same rows for ever. Times µs UTC."""

    window: Window
    known_at: int
    language: str = "zh"


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure that sums up evidence; ``value`` none where nothing is known, ``coverage`` (0..1) where it has one."""

    name: str
    text: Text
    value: float | None
    unit: str
    coverage: float | None = None


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file in a pack; ``rows`` without the heading, 0 for what is no table."""

    name: str
    rows: int
    bytes: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """JSON values of the manifest."""
        return {"name": self.name, "rows": self.rows, "bytes": self.bytes, "sha256": self.sha256}

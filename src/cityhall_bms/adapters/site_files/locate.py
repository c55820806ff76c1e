"""Find the source line of every key of a TOML file; ``tomllib`` gives values without places.

The locator trusts that the text is valid TOML (``tomllib`` has read it before) and does not look inside inline
tables and arrays: what stands there belongs to the line of its key.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

TomlPath = tuple[str | int, ...]
"""Where a value is: ``("device", "protocol")``, ``("floors", 2, "code")``."""

_KEY = r"""(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*')"""
_DOTTED = rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*"
_ASSIGNMENT = re.compile(rf"[ \t]*({_DOTTED})[ \t]*=")
_HEADER = re.compile(rf"[ \t]*(\[\[?)[ \t]*({_DOTTED})[ \t]*\]")
_PART = re.compile(_KEY)
_STRING_OR_COMMENT = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|\#[^\n]*''', re.DOTALL
)


@dataclass(slots=True)
class _Places:
    lines: dict[TomlPath, int] = field(default_factory=dict)
    table: TomlPath = ()
    arrays: dict[TomlPath, int] = field(default_factory=dict)

    def resolve(self, parts: list[str]) -> TomlPath:
        """Path of a header: each array of tables on the way means its latest element."""
        path: TomlPath = ()
        for part in parts:
            path = (*path, part)
            if path in self.arrays:
                path = (*path, self.arrays[path])
        return path

    def enter(self, parts: list[str], line: int, *, array: bool) -> None:
        if array:
            path = (*self.resolve(parts[:-1]), parts[-1])
            self.arrays[path] = self.arrays.get(path, -1) + 1
            self.lines.setdefault(path, line)
        self.table = self.resolve(parts)
        self.lines.setdefault(self.table, line)

    def assign(self, parts: list[str], line: int) -> None:
        for length in range(1, len(parts) + 1):
            self.lines.setdefault((*self.table, *parts[:length]), line)


def locate(text: str) -> Mapping[TomlPath, int]:
    """Lines, from 1, of every table header and key of a valid TOML text."""
    lines = text.split("\n")
    places = _Places()
    for number, masked in enumerate(_statements(text), 1):
        if masked is None:
            continue
        source = lines[number - 1]
        if header := _HEADER.match(source):
            places.enter(_parts(header[2]), number, array=header[1] == "[[")
        elif assignment := _ASSIGNMENT.match(source):
            places.assign(_parts(assignment[1]), number)
    return places.lines


def line_of(places: Mapping[TomlPath, int], path: TomlPath) -> int:
    """Line of a path, or of the nearest table around it; 1 when there is none."""
    while path:
        if path in places:
            return places[path]
        path = path[:-1]
    return 1


def _statements(text: str) -> list[str | None]:
    """Every line without its strings and comments; none where a value of an earlier line goes on."""
    masked = _STRING_OR_COMMENT.sub(lambda match: "\0" + "\n\1" * match[0].count("\n"), text)
    statements: list[str | None] = []
    depth = 0
    for line in masked.split("\n"):
        statements.append(None if depth or line.startswith("\1") else line)
        depth += sum(line.count(opening) for opening in "[{") - sum(line.count(closing) for closing in "]}")
    return statements


def _parts(dotted: str) -> list[str]:
    return [_unquoted(part) for part in _PART.findall(dotted)]


def _unquoted(part: str) -> str:
    if part.startswith("'"):
        return part[1:-1]
    if part.startswith('"'):
        return part[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return part

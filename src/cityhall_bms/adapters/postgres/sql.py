"""Statements are kept in ``.sql`` files, where editors and database people can read them."""

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

NAME_LINE: Final = re.compile(r"^-- name: *(\w+)[ \t]*$", re.MULTILINE)


def load(file: str) -> Mapping[str, str]:
    """Statements of ``sql/<file>`` by the names in their ``-- name: x`` lines."""
    return parse((files(__package__) / "sql" / file).read_text(encoding="utf-8"))


def parse(text: str) -> Mapping[str, str]:
    """Split a file into its named statements; ``ValueError`` when a name is used twice."""
    _, *parts = NAME_LINE.split(text)
    queries: dict[str, str] = {}
    for name, statement in zip(parts[::2], parts[1::2], strict=True):
        if name in queries:
            msg = f"two statements are called {name}"
            raise ValueError(msg)
        queries[name] = statement.strip()
    return MappingProxyType(queries)

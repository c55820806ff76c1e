"""TOML as it is written: tables of plain values."""

import json
from collections.abc import Mapping


def quoted(text: str) -> str:
    """A basic string."""
    # JSON's string syntax is a subset of TOML's basic strings.
    return json.dumps(text, ensure_ascii=False)


def table(title: str, entries: Mapping[str, object]) -> str:
    """A header, an entry per line, and an empty line."""
    lines = [title]
    for key, value in entries.items():
        lines.append(f"{key} = {_shown(value)}")
    return "\n".join(lines) + "\n\n"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{quoted(key)} = {_shown(item)}' for key, item in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(_shown(item) for item in value)}]"
    return quoted(value) if isinstance(value, str) else str(value).lower()

"""Cells of the CSV that leaves the house (`docs/reference/csv.md`)."""

import re
from typing import Final

BOM: Final = b"\xef\xbb\xbf"
FORMULA_MARKS: Final = frozenset("=+-@\t\r")


def plain(text: str) -> str:
    """Text that a spreadsheet does not take for a formula, on one line."""
    mark = "'" if text[:1] in FORMULA_MARKS else ""
    return mark + re.sub(r"[\r\n]+", " ", text)


def guarded(text: str) -> str:
    """Cell of text by RFC 4180."""
    text = plain(text)
    return '"' + text.replace('"', '""') + '"' if ("," in text or '"' in text) else text


def number(value: float) -> str:
    """Shortest text that is read back as the same number; empty for none."""
    return "" if value != value else repr(value).removesuffix(".0")  # noqa: PLR0124 - NaN is not itself

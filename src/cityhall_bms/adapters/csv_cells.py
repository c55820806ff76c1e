"""Cells of the CSV that leaves the house (`docs/reference/csv.md`)."""

import re
from typing import Final

BOM: Final = b"\xef\xbb\xbf"
FORMULA_MARKS: Final = frozenset("=+-@\t\r＝＋－＠")
"""OWASP, CSV injection: what makes a spreadsheet read a cell as a formula; in East Asia also the wide ones."""


def plain(text: str) -> str:
    """Text that a spreadsheet does not take for a formula, on one line."""
    mark = "'" if text[:1] in FORMULA_MARKS else ""
    return mark + re.sub(r"[\r\n]+", " ", text)


def guarded(text: str) -> str:
    """Cell of text by RFC 4180."""
    text = plain(text)
    return '"' + text.replace('"', '""') + '"' if ("," in text or '"' in text) else text


def number(value: float) -> str:
    """Shortest text that is read back as the same number, as PostgreSQL writes it; empty for none."""
    if value != value:  # noqa: PLR0124 - NaN is not itself
        return ""
    text = repr(value).removesuffix(".0")
    if 1e15 <= abs(value) < 1e16:
        # From here on PostgreSQL writes an exponent, and Python not yet.
        sign, digits = text[:-16], text[-16:].rstrip("0")
        return f"{sign}{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e+15"
    return text.replace("inf", "Infinity")

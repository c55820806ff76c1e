"""Which letters a font can show, read from its file: an archive's PDF must not hold one that its font does not have."""

import struct
import unicodedata
from pathlib import Path
from typing import Final

GETA: Final = "〓"
"""What typesetters put where a letter is missing (U+3013)."""
_SEGMENTS, _GROUPS = 4, 12
"""Formats of the ``cmap`` table (OpenType 1.9): of the basic plane, and of all planes."""


def letters_of(font: Path) -> frozenset[str]:
    """Letters that a font (TrueType or OpenType) has a glyph for; ``OSError``, ``struct.error`` for what is no font."""
    data = font.read_bytes()
    tables = struct.unpack_from(">H", data, 4)[0]
    records = (struct.unpack_from(">4sIII", data, 12 + 16 * number) for number in range(tables))
    start = next(offset for tag, _, offset, _ in records if tag == b"cmap")
    found: set[int] = set()
    for number in range(struct.unpack_from(">H", data, start + 2)[0]):
        place = start + struct.unpack_from(">I", data, start + 8 + 8 * number)[0]
        form = struct.unpack_from(">H", data, place)[0]
        if form == _GROUPS:
            count = struct.unpack_from(">I", data, place + 12)[0]
            groups = (struct.unpack_from(">III", data, place + 16 + 12 * each) for each in range(count))
            found.update(code for first, last, _ in groups for code in range(first, last + 1))
        elif form == _SEGMENTS:
            count = struct.unpack_from(">H", data, place + 6)[0] // 2
            lasts = struct.unpack_from(f">{count}H", data, place + 14)
            firsts = struct.unpack_from(f">{count}H", data, place + 16 + 2 * count)
            found.update(code for first, last in zip(firsts, lasts, strict=True) for code in range(first, last + 1))
    return frozenset(chr(code) for code in found if code != 0xFFFF)


def showable(text: str, letters: frozenset[str]) -> str:
    """The text, what cannot be shown replaced by its plain form (``₂`` by ``2``) or by a mark for missing type."""
    missing = {letter for letter in set(text) if letter not in letters and letter != "\n"}
    return text.translate({ord(letter): _plain(letter, letters) for letter in missing})


def _plain(letter: str, letters: frozenset[str]) -> str:
    plain = unicodedata.normalize("NFKD", letter)
    return plain if all(each in letters for each in plain) else GETA

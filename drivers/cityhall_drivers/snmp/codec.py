"""What an agent's values mean as numbers. Pure: the library's types are left behind in its own file."""

import math
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from cityhall_bms.domain.quality import Quality
from cityhall_drivers.snmp.mib import Oid

NAN: Final = float("nan")
TICKS_PER_S: Final = 100
"""TimeTicks are hundredths of a second (RFC 2578, clause 7.1.8)."""
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_TEXT_MAX: Final = 64


class Kind(Enum):
    """What a value is."""

    INTEGER = auto()
    TICKS = auto()
    TEXT = auto()
    MISSING = auto()
    """noSuchObject, noSuchInstance or endOfMibView (RFC 3416, clause 3)."""
    OTHER = auto()
    """Addresses, object identifiers, bit strings."""


@dataclass(frozen=True, slots=True)
class Value:
    """One instance as an agent gave it; ``content`` is a number or text."""

    oid: Oid
    kind: Kind
    content: int | bytes | str = 0

    @property
    def text(self) -> str:
        """As people read it."""
        return self.content.decode("utf-8", "replace") if isinstance(self.content, bytes) else str(self.content)


def number(value: Value) -> tuple[float, int]:
    """Value and quality: TimeTicks become seconds, texts count when they are nothing but a decimal number."""
    if value.kind is Kind.MISSING:
        return NAN, Quality.BAD_REFUSED
    if isinstance(value.content, int) and value.kind in {Kind.INTEGER, Kind.TICKS}:
        return value.content / TICKS_PER_S if value.kind is Kind.TICKS else float(value.content), Quality.GOOD
    if value.kind is Kind.TEXT:
        text = value.text.strip(" \0\r\n\t")
        if len(text) <= _TEXT_MAX and _NUMBER.fullmatch(text) and math.isfinite(float(text)):
            return float(text), Quality.GOOD
    return NAN, Quality.BAD_DECODE

"""Quality of a value: OPC UA's three severities in the top two bits, our reason in the lower six.

One byte travels with every value from the driver to the CSV cell. ``0x00`` is good, ``0x40`` to ``0x7f``
uncertain, ``0x80`` and above bad (OPC UA Part 8, clause A.4.3; reasons by `docs/reference/quality.md`).
"""

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

UNCERTAIN_FROM: Final = 0x40
BAD_FROM: Final = 0x80


class Quality(IntEnum):
    """Severity and reason of one value; stored as one unsigned byte."""

    GOOD = 0x00

    UNCERTAIN = 0x40
    UNCERTAIN_STALE = 0x41
    UNCERTAIN_FLATLINE = 0x42
    UNCERTAIN_SPIKE = 0x43
    UNCERTAIN_CLOCK = 0x44
    UNCERTAIN_ESTIMATED = 0x45
    UNCERTAIN_OVERRIDDEN = 0x46
    UNCERTAIN_DEVICE_ALARM = 0x47
    UNCERTAIN_RATE = 0x48
    UNCERTAIN_CROSS = 0x49

    BAD = 0x80
    BAD_NO_DATA = 0x81
    BAD_DEVICE_LOST = 0x82
    BAD_TIMEOUT = 0x83
    BAD_REFUSED = 0x84
    BAD_DECODE = 0x85
    BAD_RANGE = 0x86
    BAD_STALE = 0x87
    BAD_DEVICE_FAULT = 0x88
    BAD_OUT_OF_SERVICE = 0x89

    @classmethod
    def _missing_(cls, value: object) -> "Quality | None":
        """Take a reason that only another version knows for none: the severity is what counts."""
        if isinstance(value, int) and 0 <= value <= 0xFF:
            return cls.GOOD if value < UNCERTAIN_FROM else cls.UNCERTAIN if value < BAD_FROM else cls.BAD
        return None

    @property
    def severity(self) -> str:
        """``good``, ``uncertain`` or ``bad``."""
        if self < UNCERTAIN_FROM:
            return "good"
        return "uncertain" if self < BAD_FROM else "bad"

    @property
    def reason(self) -> str | None:
        """The reason in lower case, as in ``device_lost``; none when there is nothing to explain."""
        _, _, reason = self.name.partition("_")
        return reason.lower() or None


def is_good(quality: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which values rules may decide on and totals may count."""
    return quality < UNCERTAIN_FROM


def is_bad(quality: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which values must not be shown as a value at all."""
    return quality >= BAD_FROM

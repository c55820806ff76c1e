"""Counters: registers that only go up, until they roll over, are reset, or their meter is exchanged."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

COUNTED: Final[Mapping[str, tuple[str, float]]] = {"kWh": ("kW", 1.0), "m³": ("m³/h", 1.0)}
"""Unit of a counter, the unit of its rate on the same equipment, and how many counts an hour of rate 1 makes."""

TIME_STAMP: Final = "ts"
"""Unit of what is kept like a counter, and is a moment: it counts nothing."""

REGISTER_SIZES: Final[Mapping[str, float]] = {
    "uint16": 2.0**16,
    "int16": 2.0**15,
    "uint32": 2.0**32,
    "int32": 2.0**31,
    "uint64": 2.0**64,
    "int64": 2.0**63,
}

RATED_SHARE: Final = 1.2
SLACK_US: Final = 60e6
"""Meters update their counters in steps: what a minute at full power counts is no spike."""
ROLLED_FROM, ROLLED_TO = 0.9, 0.1
"""A register that falls from above the one share of its size to below the other has rolled over."""
US_PER_H: Final = 3.6e9


class StepKind(StrEnum):
    """Why a counter's step does not count as the difference of its readings."""

    ROLLOVER = "rollover"
    RESET = "reset"
    EXCHANGE = "exchange"
    GLITCH = "glitch"
    """A reading that a later one contradicts; it does not count, and neither does the way there."""
    RETURN = "return"
    """The reading that contradicted: it counts from the one before the glitch."""
    BACKSTEP = "backstep"
    """Backwards by less than a minute at full power counts: rounding, not consumption."""
    DROP = "drop"
    """Backwards, but to no beginning: perhaps an exchange that nobody told of."""
    SPIKE = "spike"
    """More than the meter can count in the time."""


class StepState(StrEnum):
    """Who decided what a step counts."""

    SETTLED = "settled"
    PENDING = "pending"
    """What follows will tell; until then it counts nothing."""
    QUARANTINED = "quarantined"
    """Counts nothing until somebody decides."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EXCHANGED = "exchanged"


class Decision(StrEnum):
    """What an operator says about a step in quarantine."""

    ACCEPT = "accept"
    """It was consumption; a fall counts from zero, as a reset does."""
    REJECT = "reject"
    EXCHANGE = "exchange"
    """Another meter reads from here on; what was consumed in between is not known, and counts nothing."""


class RestatedWhy(StrEnum):
    """Why a figure that was told changed."""

    LATE_DATA = "late_data"
    REDECODE = "redecode"
    DECISION = "decision"
    SETTLED = "settled"
    """What followed told what a doubtful reading of a counter was."""

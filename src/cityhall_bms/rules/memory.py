"""How far back a rule remembers: so much history must be replayed before its answer is that of a run without end."""

from typing import Final

from cityhall_bms.rules.model import Rule

SETTLING_US: Final = 3_600_000_000
"""Beside delays and windows: for deadbands that hold an alarm, and samples that come rarely."""


def memory_us(rule: Rule) -> int:
    """Delays and prerequisites of a rule, and an hour, µs."""
    gates = max((gate.for_s for gate in getattr(rule, "when", ())), default=0.0)
    return round((rule.on_delay_s + rule.off_delay_s + gates) * 1e6) + SETTLING_US

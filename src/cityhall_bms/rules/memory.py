"""How far back a rule remembers: so much history must be replayed before its answer is that of a run without end."""

from typing import Final

from cityhall_bms.rules.checked import checked
from cityhall_bms.rules.model import ConditionRule, Rule

SETTLING_US: Final = 3_600_000_000
"""Beside delays and windows: for deadbands that hold an alarm, and samples that come rarely."""


def memory_us(rule: Rule) -> int:
    """Delays and windows of a rule, and an hour, µs."""
    return delay_us(rule) + SETTLING_US


def delay_us(rule: Rule) -> int:
    """Delays and windows of a rule, µs: what it may take to ring."""
    delays_s, reach_us = [rule.on_delay_s], 0
    if isinstance(rule, ConditionRule):
        found = checked(rule)
        reach_us = found.reach_us
        delays_s += [level.on_delay_s for level in found.levels]
    return round((max(delays_s) + rule.off_delay_s) * 1e6) + reach_us

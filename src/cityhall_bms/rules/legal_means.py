"""The legal limits of indoor air, read from the rules that ring for them: a limit stands in one place only.

A rule states a legal mean when its condition is ``avg(POINT, TIME) >= limit + half_digit``: the limit, the time of the
mean, and half of the last digit to which the law rounds. A site that overrides such a rule changes its limit with it.
"""

import math
from collections.abc import Iterable
from typing import Final

from cityhall_bms.domain.indoor_air import LegalMean
from cityhall_bms.domain.units import find_unit, measure_of
from cityhall_bms.rules.language.parser import parse
from cityhall_bms.rules.language.tree import Binary, Call, Name, Node, Number
from cityhall_bms.rules.model import ConditionRule, Rule

LIMIT: Final = "limit"
HALF_DIGIT: Final = "half_digit"


def legal_means(rules: Iterable[Rule], brick_class: str) -> list[LegalMean]:
    """Limits that rules state for equipment of a class, in their order: one for each rule and role."""
    return [
        LegalMean(role, *limit, source=rule.source, rule=rule.id)
        for rule in rules
        if isinstance(rule, ConditionRule) and rule.is_for(brick_class) and (limit := _limit(rule)) is not None
        for role in rule.each
    ]


def _limit(rule: ConditionRule) -> tuple[float, str, float, int] | None:
    """Limit, its unit, seconds of the mean and digits after the point; none for a rule of another form."""
    match parse(rule.condition):
        case Binary(
            operator=">=",
            left=Call(function="avg", arguments=(Name(text="POINT"), Number() as window)),
            right=Binary(operator="+", left=Name(text="limit"), right=Name(text="half_digit")),
        ) if {LIMIT, HALF_DIGIT} <= rule.parameters.keys():
            limit, half = _number(rule, LIMIT), _number(rule, HALF_DIGIT)
            time = measure_of(window.unit)
            if limit is None or half is None or time is None or half.value <= 0.0:
                return None
            unit = find_unit(limit.unit)
            symbol = unit.symbol if unit is not None else limit.unit
            return limit.value, symbol, window.value * time.factor, max(-round(math.log10(2.0 * half.value)), 0)
    return None


def _number(rule: ConditionRule, parameter: str) -> Number | None:
    constant: Node = parse(str(rule.parameters[parameter]))
    return constant if isinstance(constant, Number) else None

"""What too much flow at night is, read from the rules that ring for it: a threshold stands in one place only."""

from collections.abc import Mapping
from typing import Final

from cityhall_bms.domain.energy.night_flow import NightLimits
from cityhall_bms.domain.environment import WaterPlan
from cityhall_bms.rules.language.parser import parse
from cityhall_bms.rules.language.tree import Number
from cityhall_bms.rules.model import ConditionRule, Rule

HIGH_RULE: Final = "W03-NIGHT"
REST_RULE: Final = "W03-REST"


def night_limits(rules: Mapping[str, Rule], shipped: Mapping[str, Rule], plan: WaterPlan) -> NightLimits:
    """Limits of a site: ``ratio``, ``floor_flow`` and ``rest`` of its rules; where it has none such, of the shipped."""
    return NightLimits(
        ratio=_parameter(rules, shipped, HIGH_RULE, "ratio"),
        floor_m3h=_parameter(rules, shipped, HIGH_RULE, "floor_flow"),
        rest_m3h=_parameter(rules, shipped, REST_RULE, "rest"),
        high_nights=plan.high_nights,
        rest_nights=plan.rest_nights,
        usual_days=plan.usual_days,
        usual_nights_min=plan.usual_nights_min,
    )


def _parameter(rules: Mapping[str, Rule], shipped: Mapping[str, Rule], rule: str, name: str) -> float:
    for known in (rules, shipped):
        found = known.get(rule)
        if isinstance(found, ConditionRule) and name in found.parameters:
            constant = parse(str(found.parameters[name]))
            if isinstance(constant, Number):
                return constant.value
    msg = f"the shipped rule {rule} has no number '{name}'"
    raise AssertionError(msg)

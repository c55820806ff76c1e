"""Why an alarm rang: the points that its rule looked at, and the reason in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass

from cityhall_bms.domain.alarms import AlarmRaised
from cityhall_bms.domain.site import Point, Site, Text
from cityhall_bms.rules.binding import Binding, BoundRule, bind
from cityhall_bms.rules.conditions import Part
from cityhall_bms.rules.model import ConditionRule, DeviceRule, LimitRule, MismatchRule, Rule, StaleRule, StateRule


@dataclass(frozen=True, slots=True)
class Input:
    """A point that a rule looked at for one subject; ``quiet_us`` is the age up to which its value decides."""

    point: Point
    part: Part
    quiet_us: int


def inputs_of(rule: Rule, subject: str, site: Site, ids: Mapping[str, int]) -> list[Input]:
    """Points that a rule looks at for a subject, as the site is now; none when it is bound to it no more."""
    binding = bind([rule], site, ids)
    for bound in binding.rules:
        for row, found in enumerate(bound.subjects):
            if found.name == subject:
                return _inputs(binding, bound, row, {ids[point.name]: point for point in site.points.values()})
    return []


def _inputs(binding: Binding, bound: BoundRule, row: int, points: Mapping[int, Point]) -> list[Input]:
    columns = [*bound.condition.watched(row), *((int(gate.test.point[row]), Part.PREREQUISITE) for gate in bound.gates)]
    return [
        Input(points[int(binding.point_ids[column])], part, int(binding.quiet_us[column])) for column, part in columns
    ]


def reason(rule: Rule, raised: AlarmRaised, inputs: list[Input]) -> Text:
    """In plain words why it rang."""
    zh, en = _words(rule, raised, inputs)
    when_zh, when_en = _prerequisites(rule)
    delay_zh, delay_en = "", ""
    if rule.on_delay_s:
        delay_zh, delay_en = f"，持續達 {rule.on_delay_s:g} 秒", f", for {rule.on_delay_s:g} s"
    return Text(f"{when_zh}{zh}{delay_zh}。", f"{when_en}{en}{delay_en}.")


def _words(rule: Rule, raised: AlarmRaised, inputs: list[Input]) -> tuple[str, str]:
    point = inputs[0].point if inputs else None
    zh, en = (f"{point.text.zh}（{point.name}）", f"{point.text.en} ({point.name})") if point else (raised.subject,) * 2
    unit = f" {raised.unit}" if raised.unit else ""
    match rule:
        case LimitRule():
            over = raised.value is None or raised.limit is None or raised.value >= raised.limit
            beyond = ("高於上限", "above its high limit") if over else ("低於下限", "below its low limit")
            value, limit = _figure(raised.value), _figure(raised.limit)
            return (
                f"{zh}為 {value}{unit}，{beyond[0]} {limit}{unit}",
                f"{en} was {value}{unit}, {beyond[1]} of {limit}{unit}",
            )
        case ConditionRule():
            against = "" if raised.limit is None else f" / {_figure(raised.limit)}{unit}"
            figures = "" if raised.value is None else f" ({_figure(raised.value)}{unit}{against})"
            return f"條件成立：{rule.condition}{figures}", f"the condition held: {rule.condition}{figures}"
        case StateRule():
            state = _state(point, raised.value)
            return f"{zh}為「{state.zh}」", f"{en} was '{state.en}'"
        case MismatchRule():
            return (
                f"{zh}為 {_figure(raised.value)}，與命令 {_figure(raised.limit)} 不符",
                f"{en} was {_figure(raised.value)}, though {_figure(raised.limit)} was commanded",
            )
        case StaleRule() | DeviceRule():
            count = len(inputs)
            return (
                f"{raised.subject} 的 {count} 個點位都沒有良好的新值",
                f"none of the {count} points of {raised.subject} had a good, fresh value",
            )


def _prerequisites(rule: Rule) -> tuple[str, str]:
    if isinstance(rule, ConditionRule):
        return (f"當 {rule.when} 時，", f"While {rule.when}, ") if rule.when else ("", "")
    gates = rule.when if isinstance(rule, LimitRule | StateRule | MismatchRule | StaleRule) else ()
    if not gates:
        return "", ""
    texts = [
        (f"{gate.role}＝{' 或 '.join(f'{value:g}' for value in gate.values)}",
         f"{gate.role} was {' or '.join(f'{value:g}' for value in gate.values)}")
        for gate in gates
    ]  # fmt: skip
    return f"當{'、'.join(zh for zh, _ in texts)}時，", f"While {' and '.join(en for _, en in texts)}, "


def _state(point: Point | None, value: float | None) -> Text:
    if point is not None and value is not None and value.is_integer() and int(value) in point.states:
        return point.states[int(value)]
    return Text(_figure(value), _figure(value))


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}" if abs(value) < 1e4 else f"{value:.1f}"

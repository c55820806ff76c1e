"""Why an alarm rang: the points that its rule looked at, and the reason in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass

from cityhall_bms.domain.alarms import AlarmRaised
from cityhall_bms.domain.site import Point, Site, Text
from cityhall_bms.rules.binding import Binding, BoundRule, bind
from cityhall_bms.rules.checked import Figures, checked
from cityhall_bms.rules.conditions import Part
from cityhall_bms.rules.model import ConditionRule, Rule


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
    return [
        Input(points[int(binding.point_ids[column])], part, int(binding.quiet_us[column]))
        for column, part in bound.condition.watched(row)
    ]


def reason(rule: Rule, raised: AlarmRaised, inputs: list[Input]) -> Text:
    """In plain words why it rang."""
    if isinstance(rule, ConditionRule):
        (zh, en), delay_s = _of_condition(rule, raised, inputs), _delay_s(rule, raised.priority)
    else:
        (zh, en), delay_s = _of_silence(raised, inputs), rule.on_delay_s
    if delay_s:
        zh, en = f"{zh}，持續達 {delay_s:g} 秒", f"{en}, for {delay_s:g} s"
    return Text(f"{zh}。", f"{en}.")


def _of_silence(raised: AlarmRaised, inputs: list[Input]) -> tuple[str, str]:
    return (
        f"{raised.subject} 的 {len(inputs)} 個點位都沒有良好的新值",
        f"none of the {len(inputs)} points of {raised.subject} had a good, fresh value",
    )


def _of_condition(rule: ConditionRule, raised: AlarmRaised, inputs: list[Input]) -> tuple[str, str]:
    """Words for a comparison of one point; any other condition stands for itself."""
    level = next(
        (level for level in checked(rule).levels if level.priority == raised.priority), checked(rule).levels[0]
    )
    figures = level.figures
    plain = len(figures) == 1 and rule.value is None and figures[0].value.op in {"own", "single"}
    text = _condition_text(rule, raised.priority)
    zh, en = _of_point(figures[0], raised, inputs) if plain else (f"條件成立：{text}", f"the condition held: {text}")
    if not plain and raised.value is not None:
        unit = f" {raised.unit}" if raised.unit else ""
        against = "" if raised.limit is None else f" / {_figure(raised.limit)}{unit}"
        zh, en = f"{zh}（{_figure(raised.value)}{unit}{against}）", f"{en} ({_figure(raised.value)}{unit}{against})"
    return (f"當 {rule.when} 時，{zh}", f"While {rule.when}, {en}") if rule.when else (zh, en)


def _of_point(figures: Figures, raised: AlarmRaised, inputs: list[Input]) -> tuple[str, str]:
    point = inputs[0].point if inputs else None
    zh, en = (f"{point.text.zh}（{point.name}）", f"{point.text.en} ({point.name})") if point else (raised.subject,) * 2
    unit = f" {raised.unit}" if raised.unit else ""
    value, limit = _figure(raised.value), _figure(raised.limit)
    if figures.limit is None:
        state = _state(point, raised.value)
        return f"{zh}為「{state.zh}」", f"{en} was '{state.en}'"
    if figures.test.op == "!=":
        return (
            f"{zh}為 {value}{unit}，與 {limit}{unit} 不符",
            f"{en} was {value}{unit}, though {limit}{unit} was wanted",
        )
    over = raised.value is None or raised.limit is None or raised.value >= raised.limit
    beyond = ("高於上限", "above its high limit") if over else ("低於下限", "below its low limit")
    return f"{zh}為 {value}{unit}，{beyond[0]} {limit}{unit}", f"{en} was {value}{unit}, {beyond[1]} of {limit}{unit}"


def _condition_text(rule: ConditionRule, priority: int) -> str:
    return next((step.condition for step in rule.steps if step.priority == priority), rule.condition)


def _delay_s(rule: ConditionRule, priority: int) -> float:
    delays = [step.on_delay_s for step in rule.steps if step.priority == priority and step.on_delay_s is not None]
    return delays[0] if delays else rule.on_delay_s


def _state(point: Point | None, value: float | None) -> Text:
    if point is not None and value is not None and value.is_integer() and int(value) in point.states:
        return point.states[int(value)]
    return Text(_figure(value), _figure(value))


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}" if abs(value) < 1e4 else f"{value:.1f}"

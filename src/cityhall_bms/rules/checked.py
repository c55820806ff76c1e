"""A rule's expressions, checked: against no site when the file is read, against its points when it is bound."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from cityhall_bms.rules.language.aggregates import AGGREGATES
from cityhall_bms.rules.language.checking import EACH_POINT, check, check_condition, check_number
from cityhall_bms.rules.language.errors import ExpressionError
from cityhall_bms.rules.language.kinds import Kind, Sort
from cityhall_bms.rules.language.parser import parse
from cityhall_bms.rules.language.scope import Scope
from cityhall_bms.rules.language.terms import About, Term, about_of, comparisons, eased, walk, yields
from cityhall_bms.rules.language.tree import names_in
from cityhall_bms.rules.language.windowed import WINDOWED
from cityhall_bms.rules.model import ANY_CLASS, ConditionRule, Mode

_SAMPLE_OPS = frozenset({"own", "bad", "uncertain", "flagged", "age"})


class RuleExpressionError(ValueError):
    """A mistake in one of a rule's expressions; ``path`` leads to its key in the rule's table."""

    def __init__(self, path: tuple[str | int, ...], error: ExpressionError) -> None:
        super().__init__(str(error))
        self.path = path
        self.column = error.column
        self.message = error.message
        self.remedy = error.remedy


@dataclass(frozen=True, slots=True)
class Figures:
    """A comparison that can have decided, and the two figures of it for people."""

    test: Term
    value: Term
    limit: Term | None


@dataclass(frozen=True, slots=True)
class Level:
    """The condition of a rule, or of one of its severity steps."""

    condition: Term
    stays: Term
    """Whether an alarm that stands goes on: the condition, eased by the deadband."""
    figures: tuple[Figures, ...]
    priority: int
    on_delay_s: float


@dataclass(frozen=True, slots=True)
class Checked:
    """All expressions of a rule. The first level is the rule's own condition."""

    levels: tuple[Level, ...]
    when: Term | None
    value: Term | None

    @property
    def terms(self) -> tuple[Term, ...]:
        """All that must be calculated."""
        found = [term for level in self.levels for term in (level.condition, level.stays)]
        return (*found, *[term for term in (self.when, self.value) if term is not None])

    @property
    def reach_us(self) -> int:
        """How far back its expressions look."""
        return max(map(_reach_us, self.terms))

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles of the equipment itself, in the order in which they are named."""
        return roles_of(*self.terms)

    @property
    def measured(self) -> tuple[str, ...]:
        """Roles of the equipment itself whose value counts; of the others only the quality or the age is asked."""
        return tuple(dict.fromkeys(str(t.given[0]) for root in self.terms for t in walk(root) if t.op == "own"))

    @property
    def related(self) -> tuple[tuple[About, str], ...]:
        """Related equipment, and a role that is asked of it."""
        found: list[tuple[About, str]] = []
        for term in (term for root in self.terms for term in walk(root)):
            if term.op in AGGREGATES:
                about = about_of(term)
                found += [(about, role) for role in about.roles]
            elif term.op == "single":
                relation, brick_class, role = map(str, term.given)
                found.append((About(relation, brick_class), role))
        return tuple(dict.fromkeys(found))


def _reach_us(term: Term) -> int:
    own = {"for": 0, "mode": 1}.get(term.op, -1 if term.op in WINDOWED else None)
    inner = max(map(_reach_us, term.args), default=0)
    return inner if own is None else inner + int(term.given[own])


def roles_of(*terms: Term) -> tuple[str, ...]:
    """Roles of the equipment itself that terms look at."""
    found = [str(term.given[0]) for root in terms for term in walk(root) if term.op in _SAMPLE_OPS]
    return tuple(dict.fromkeys(found))


def checked(rule: ConditionRule, scope: Scope | None = None) -> Checked:
    """Check a rule; :class:`RuleExpressionError` with its first mistake."""
    scope = replace(scope or Scope(), each=bool(rule.each))
    scope = replace(scope, modes=_modes(rule, scope))
    scope = replace(scope, names=_names(rule, scope))
    band = None if rule.deadband is None else _constant(("deadband",), rule.deadband, scope)
    levels = [_level(("condition",), rule.condition, scope, band, (rule.priority, rule.on_delay_s))]
    for number, step in enumerate(rule.steps):
        delay = rule.on_delay_s if step.on_delay_s is None else step.on_delay_s
        levels.append(_level(("step", number, "condition"), step.condition, scope, band, (step.priority, delay)))
    if band is not None:
        _check_deadband(band, levels)
    when = None if rule.when is None else _condition(("when",), rule.when, scope)
    value = None if rule.value is None else _at(("value",), lambda: check_number(parse(str(rule.value)), scope))
    return Checked(tuple(levels), when, value)


def check_use(rule: ConditionRule) -> None:
    """Check that every name is said somewhere: a limit that nobody asks for can be tuned for ever."""
    whole = [rule.condition, *(step.condition for step in rule.steps), rule.when, rule.value, *rule.let.values()]
    said = {name for text in whole if text is not None for name in names_in(parse(text))}
    for key, names in (("parameters", rule.parameters), ("let", rule.let)):
        for name in names:
            if name not in said:
                raise RuleExpressionError(
                    (key, name), ExpressionError(1, "no expression says it", "use it, or remove it")
                )
    if rule.each and EACH_POINT not in said:
        error = ExpressionError(1, f"no expression says {EACH_POINT}", f"write {EACH_POINT} for the role")
        raise RuleExpressionError(("each",), error)
    for mode in rule.modes:
        if ANY_CLASS not in mode.equipment_class and not set(rule.equipment_class) <= set(mode.equipment_class):
            message = f"mode {mode.id} is for {', '.join(mode.equipment_class)}"
            error = ExpressionError(1, message, "ask for another mode")
            raise RuleExpressionError(("equipment_class",), error)


def check_mode(mode: Mode) -> None:
    """Check an operating mode on its own; :class:`RuleExpressionError` with its first mistake."""
    _mode((), mode, Scope())


def _at(path: tuple[str | int, ...], make: Callable[[], Term]) -> Term:
    try:
        return make()
    except ExpressionError as error:
        raise RuleExpressionError(path, error) from None


def _condition(path: tuple[str | int, ...], text: str, scope: Scope) -> Term:
    return _at(path, lambda: check_condition(parse(text), scope))


def _constant(path: tuple[str | int, ...], text: str | float, scope: Scope) -> Term:
    """Number with its unit, from a string or as TOML has it."""

    def make() -> Term:
        term = check_number(parse(text if isinstance(text, str) else repr(float(text))), scope)
        if term.constant is None:
            raise ExpressionError(term.column, "this is no constant", "write a number with its unit, like '0.5 K'")
        return term

    return _at(path, make)


def _names(rule: ConditionRule, scope: Scope) -> Mapping[str, Term]:
    """Parameters and ``let`` names; each may use those before it."""
    names = {name: _constant(("parameters", name), text, scope) for name, text in rule.parameters.items()}
    for name, text in rule.let.items():
        path = ("let", name)
        if name in names:
            error = ExpressionError(1, f"'{name}' is a parameter as well", "choose another name")
            raise RuleExpressionError(path, error)
        inner = replace(scope, names=dict(names))
        names[name] = _at(path, lambda inner=inner, text=text: check(parse(text), inner))  # type: ignore[misc]
    return names


def _modes(rule: ConditionRule, scope: Scope) -> Mapping[str, Term]:
    return {mode.id: _mode(("modes", number), mode, scope) for number, mode in enumerate(rule.modes)}


def _mode(at: tuple[str | int, ...], mode: Mode, scope: Scope) -> Term:
    names = [state.name for state in mode.states]
    tests, entries = [], []
    for place, state in enumerate(mode.states):
        path = (*at, "state", place, "when")
        tests.append(Term("always") if state.when is None else _condition(path, state.when, scope))
        unknown = [name for name in state.entered_from if name not in names]
        if unknown:
            error = ExpressionError(1, f"'{unknown[0]}' is no state of this mode", f"states are {', '.join(names)}")
            raise RuleExpressionError((*at, "state", place, "from"), error)
        entries.append(" ".join(str(names.index(name)) for name in state.entered_from))
    kind = Kind(Sort.MODE, None, states=tuple(names))
    return Term("mode", tuple(tests), (mode.id, mode.hold_s * 1e6, *entries), kind)


def _level(
    path: tuple[str | int, ...], text: str, scope: Scope, band: Term | None, severity: tuple[int, float]
) -> Level:
    term = _condition(path, text, scope)
    stays = term if band is None else eased(term, band)
    figures = tuple(_figures(test) for test in comparisons(term) if test.args[0].kind.sort is Sort.NUMBER)
    return Level(term, stays, figures, *severity)


def _figures(test: Term) -> Figures:
    """Figure and limit of a comparison; a state has no limit."""
    if test.op == "in":
        return Figures(test, test.args[0], None)
    left, right = test.args
    if left.constant is not None:
        left, right = right, left
    is_state = test.op in {"==", "!="} and right.constant is not None
    return Figures(test, left, None if is_state else right)


def _check_deadband(band: Term, levels: list[Level]) -> None:
    tests = [figures.test for level in levels for figures in level.figures if figures.limit is not None]
    if not any(yields(test, band) for test in tests):
        remedy = "give it the unit of what is compared, like '0.5 K'; states need none"
        raise RuleExpressionError(("deadband",), ExpressionError(1, f"nothing of {band.kind} is compared", remedy))

"""Rule files: from parsed TOML to rules, with every mistake named."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from cityhall_bms.domain.errors import Problem, SiteError
from cityhall_bms.rules.checked import RuleExpressionError, check_mode, check_use, checked
from cityhall_bms.rules.model import (
    CONDITION,
    RULE_ADAPTER,
    ConditionRule,
    DeviceRule,
    Mode,
    ModeState,
    Origin,
    Rule,
    SeverityStep,
    StaleRule,
)

RULES_MAX: Final = 10_000
KINDS: Final = ("stale", "device")

LineOf = Callable[[tuple[str | int, ...]], int]
"""Gives the line of a key such as ``("rule", 3, "high")``; 0 when it is not known."""


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One file, parsed; ``line_of`` is what the reader of the file knows about places."""

    name: str
    tables: Mapping[str, Any]
    line_of: LineOf | None = None

    def line(self, *path: str | int) -> int:
        """Line of a key; of the nearest table around it when the key itself is not there."""
        return self.line_of(path) if self.line_of is not None else 0


def read_rules(files: Iterable[RuleFile], shipped_modes: Mapping[str, Mode] | None = None) -> list[Rule]:
    """Rules of some files in order; :class:`SiteError` with every problem of all of them.

    A rule may ask for the operating modes of all these files, and for the shipped ones.
    """
    chosen = list(files)
    problems: list[Problem] = []
    modes = {**(_shipped_modes() if shipped_modes is None else shipped_modes), **_modes(chosen, problems)}
    rules: list[Rule] = []
    places: dict[str, str] = {}
    for file in chosen:
        for number, table in enumerate(_tables(file, "rule", problems)):
            rule = _read(file, number, table, modes, problems)
            if rule is None:
                continue
            if rule.id in places:
                problems.append(_duplicate(file, ("rule", number), rule.id, places[rule.id]))
            places.setdefault(rule.id, file.name)
            rules.append(rule)
    if len(rules) > RULES_MAX:
        problems.append(Problem("rules", 0, "rule", f"{len(rules)} rules", f"keep at most {RULES_MAX}"))
    if problems:
        raise SiteError(problems)
    return rules


def library() -> list[Rule]:
    """Rules that are shipped with the service; read and checked once, for their files never change while it runs."""
    return list(_shipped_rules())


@cache
def _shipped_rules() -> tuple[Rule, ...]:
    return tuple(read_rules(_library_files(), {}))


@cache
def _shipped_modes() -> Mapping[str, Mode]:
    return _modes(_library_files(), [])


def _library_files() -> list[RuleFile]:
    folder = resources.files("cityhall_bms.rules") / "library"
    found = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name)
    return [RuleFile(entry.name, tomllib.loads(entry.read_text("utf-8"))) for entry in found]


def rules_in_force(shipped: Iterable[Rule], own: Iterable[Rule]) -> list[Rule]:
    """Rules of a site: its own replace shipped ones of the same id; what is not enabled is left out."""
    by_id = {rule.id: rule for rule in shipped} | {rule.id: rule for rule in own}
    return [rule for rule in by_id.values() if rule.enabled]


def _modes(files: Iterable[RuleFile], problems: list[Problem]) -> dict[str, Mode]:
    """Operating modes of some files by name."""
    modes: dict[str, Mode] = {}
    for file in files:
        for number, table in enumerate(_tables(file, "mode", problems)):
            place, name = ("mode", number), _name("mode", table, number)
            try:
                mode = Mode.model_validate(table)
                check_mode(mode)
            except ValidationError as error:
                problems.extend(_explain(file, place, name, dict(item)) for item in error.errors())
            except RuleExpressionError as error:
                problems.append(_expression(file, place, name, error))
            else:
                if mode.id in modes:
                    problems.append(_duplicate(file, place, mode.id, "these files"))
                modes[mode.id] = mode
    return modes


def _tables(file: RuleFile, wanted: str, problems: list[Problem]) -> list[Any]:
    """Tables of a kind; of what the file holds besides, once."""
    for key in file.tables if wanted == "rule" else ():
        if key not in {"rule", "mode"}:
            remedy = "a rule file holds [[rule]] and [[mode]] tables only"
            problems.append(Problem(file.name, file.line(key), key, f"unknown table '{key}'", remedy))
    tables = file.tables.get(wanted, [])
    if isinstance(tables, list):
        return tables
    remedy = f"write [[{wanted}]], not [{wanted}]"
    problems.append(Problem(file.name, file.line(wanted), wanted, "is one table", remedy))
    return []


def _read(
    file: RuleFile, number: int, table: object, modes: Mapping[str, Mode], problems: list[Problem]
) -> Rule | None:
    name, place = _name("rule", table, number), ("rule", number)
    try:
        rule: Rule = RULE_ADAPTER.validate_python(table)
        if isinstance(rule, ConditionRule):
            rule = _with_modes(rule, modes)
            checked(rule)
            check_use(rule)
    except ValidationError as error:
        problems.extend(_explain(file, place, name, dict(mistake)) for mistake in error.errors())
        return None
    except RuleExpressionError as error:
        problems.append(_expression(file, place, name, error))
        return None
    rule.read_from(Origin(file.name, lambda path: file.line("rule", number, *path)))
    return rule


def _with_modes(rule: ConditionRule, modes: Mapping[str, Mode]) -> ConditionRule:
    """Put the operating modes into a rule that it names, so that it means the same for ever."""
    texts = [rule.condition, rule.when or "", rule.value or "", *rule.let.values()]
    names = dict.fromkeys(_MODE_NAME.findall(" ".join([*texts, *(step.condition for step in rule.steps)])))
    found = tuple(modes[name] for name in names if name in modes)
    return rule.model_copy(update={"modes": (*rule.modes, *found)})


def _name(what: str, table: object, number: int) -> str:
    return f"{what} {table.get('id', f'number {number + 1}') if isinstance(table, dict) else f'number {number + 1}'}"


def _expression(file: RuleFile, place: tuple[str | int, ...], name: str, error: RuleExpressionError) -> Problem:
    field = ".".join(str(step) for step in error.path)
    message = f"column {error.column}: {error.message}"
    return Problem(file.name, file.line(*place, *error.path), f"{name}, {field}", message, error.remedy)


def _explain(file: RuleFile, place: tuple[str | int, ...], name: str, mistake: dict[str, Any]) -> Problem:
    # The first step of the path is the kind that the discriminator chose: no key of the file.
    path = mistake["loc"][1:] if mistake["loc"] and mistake["loc"][0] in {*KINDS, CONDITION} else mistake["loc"]
    field = ".".join(str(step) for step in path) or "kind"
    message, remedy = _words(mistake, field)
    return Problem(file.name, file.line(*place, *path), f"{name}, {field}", message, remedy)


def _words(mistake: dict[str, Any], field: str) -> tuple[str, str]:
    match mistake["type"]:
        case "extra_forbidden":
            near = get_close_matches(field, _KEYS, n=1)
            return f"unknown key '{field}'", f"did you mean '{near[0]}'?" if near else "remove it"
        case "missing":
            return "is missing", f"add '{field}'"
        case "union_tag_invalid" | "union_tag_not_found":
            return "is no kind of rule", f"kind is {' or '.join(KINDS)}; what has a condition has no kind"
        case _:
            return str(mistake["msg"]).removeprefix("Value error, "), f"got {mistake.get('input')!r:.80}; correct it"


_MODELS: Final[tuple[type[BaseModel], ...]] = (
    ConditionRule, SeverityStep, Mode, ModeState, StaleRule, DeviceRule,
)  # fmt: skip
_KEYS: Final = sorted({field.alias or name for model in _MODELS for name, field in model.model_fields.items()})
_MODE_NAME: Final = re.compile(r"\bmode\(\s*(\w+)\s*\)")


def _duplicate(file: RuleFile, place: tuple[str | int, ...], name: str, first: str) -> Problem:
    message = f"is also the id of a {place[0]} in {first}"
    return Problem(file.name, file.line(*place, "id"), f"{place[0]} {name}, id", message, "give it its own id")

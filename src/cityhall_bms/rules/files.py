"""Rule files: from parsed TOML to rules, with every mistake named."""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources
from typing import Any, Final

from pydantic import ValidationError

from cityhall_bms.domain.errors import Problem, SiteError
from cityhall_bms.rules.model import RULE_ADAPTER, Rule

RULES_MAX: Final = 10_000
KINDS: Final = ("limit", "state", "mismatch", "stale", "device")

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


def read_rules(files: Iterable[RuleFile]) -> list[Rule]:
    """Rules of some files in order; :class:`SiteError` with every problem of all of them."""
    rules: list[Rule] = []
    problems: list[Problem] = []
    places: dict[str, str] = {}
    for file in files:
        for number, table in enumerate(_tables(file, problems)):
            rule = _read(file, number, table, problems)
            if rule is None:
                continue
            if rule.id in places:
                problems.append(_duplicate(file, number, rule.id, places[rule.id]))
            places.setdefault(rule.id, file.name)
            rules.append(rule)
    if len(rules) > RULES_MAX:
        problems.append(Problem("rules", 0, "rule", f"{len(rules)} rules", f"keep at most {RULES_MAX}"))
    if problems:
        raise SiteError(problems)
    return rules


def library() -> list[Rule]:
    """Rules that are shipped with the service."""
    folder = resources.files("cityhall_bms.rules") / "library"
    found = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name)
    return read_rules(RuleFile(entry.name, tomllib.loads(entry.read_text("utf-8"))) for entry in found)


def rules_in_force(shipped: Iterable[Rule], own: Iterable[Rule]) -> list[Rule]:
    """Rules of a site: its own replace shipped ones of the same id; what is not enabled is left out."""
    by_id = {rule.id: rule for rule in shipped} | {rule.id: rule for rule in own}
    return [rule for rule in by_id.values() if rule.enabled]


def _tables(file: RuleFile, problems: list[Problem]) -> list[Any]:
    for key in file.tables:
        if key != "rule":
            remedy = "a rule file holds [[rule]] tables only"
            problems.append(Problem(file.name, file.line(key), key, f"unknown table '{key}'", remedy))
    tables = file.tables.get("rule", [])
    if isinstance(tables, list):
        return tables
    problems.append(Problem(file.name, file.line("rule"), "rule", "is one table", "write [[rule]], not [rule]"))
    return []


def _read(file: RuleFile, number: int, table: object, problems: list[Problem]) -> Rule | None:
    try:
        rule: Rule = RULE_ADAPTER.validate_python(table)
    except ValidationError as error:
        name = table.get("id", f"number {number + 1}") if isinstance(table, dict) else f"number {number + 1}"
        problems.extend(_explain(file, number, f"rule {name}", dict(mistake)) for mistake in error.errors())
        return None
    return rule


def _explain(file: RuleFile, number: int, name: str, mistake: dict[str, Any]) -> Problem:
    # The first step of the path is the kind that the discriminator chose: no key of the file.
    path = mistake["loc"][1:] if mistake["loc"] and mistake["loc"][0] in KINDS else mistake["loc"]
    field = ".".join(str(step) for step in path) or "kind"
    message, remedy = _words(mistake, field)
    return Problem(file.name, file.line("rule", number, *path), f"{name}, {field}", message, remedy)


def _words(mistake: dict[str, Any], field: str) -> tuple[str, str]:
    match mistake["type"]:
        case "extra_forbidden":
            near = get_close_matches(field, _KEYS, n=1)
            return f"unknown key '{field}'", f"did you mean '{near[0]}'?" if near else "remove it"
        case "missing":
            return "is missing", f"add '{field}'"
        case "union_tag_invalid" | "union_tag_not_found":
            return "is no kind of rule", f"kind is one of {', '.join(KINDS)}"
        case _:
            return str(mistake["msg"]).removeprefix("Value error, "), f"got {mistake.get('input')!r:.80}; correct it"


_KEYS: Final = (
    "id", "version", "enabled", "kind", "priority", "latching", "on_delay_s", "off_delay_s", "text_zh", "text_en",
    "source", "equipment_class", "when", "role", "high", "low", "deadband", "inclusive", "equals", "in", "status",
    "command", "systems", "for_s", "plus",
)  # fmt: skip


def _duplicate(file: RuleFile, number: int, rule_id: str, first: str) -> Problem:
    message = f"is also the id of a rule in {first}"
    return Problem(file.name, file.line("rule", number, "id"), f"rule {rule_id}, id", message, "give it its own id")

"""What rules say of themselves, as plain tables: for the command line, the API and the pages of the documentation."""

from collections.abc import Iterable
from typing import Any

from cityhall_bms.rules.binding import Binding
from cityhall_bms.rules.model import Rule

DELAYS = ("on_delay_s", "off_delay_s")


def listed(rules: Iterable[Rule], binding: Binding | None = None) -> list[dict[str, Any]]:
    """Rules in order of their ids, as JSON values; with a binding also how many units each has, and which it lacks.

    A unit that a rule is NOT-APPLICABLE to is named with what it misses: it is never counted as sound.
    """
    tables = [_table(rule) for rule in sorted(rules, key=lambda rule: rule.id)]
    if binding is not None:
        for table in tables:
            table.update(_units(table["id"], binding))
    return tables


def _table(rule: Rule) -> dict[str, Any]:
    stated = rule.model_dump(mode="json", by_alias=True)
    first = ("id", "version", "detects", "equipment_class", "priority", "condition", *DELAYS)
    return {key: stated[key] for key in first if key in stated} | {
        key: value for key, value in stated.items() if key not in first and value not in (None, "", [], {})
    }


def _units(rule_id: str, binding: Binding) -> dict[str, Any]:
    bound = sum(len(item.subjects) for item in binding.rules if item.rule.id == rule_id)
    lacking = [item for item in binding.unbound if item.rule == rule_id]
    return {
        "bound": bound,
        "not_applicable": [
            {"equipment": item.equipment, "missing": list(item.missing), "reason": item.reason} for item in lacking
        ],
    }

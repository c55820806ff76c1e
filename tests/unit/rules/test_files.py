"""Every mistake of a rule file is named, with its place and its remedy."""

import tomllib
from typing import Any

import pytest
from tests.support.rule_trial import rule

from cityhall_bms.domain.errors import SiteError
from cityhall_bms.rules.files import RuleFile, library, read_rules, rules_in_force

GOOD = """
[[rule]]
id = "X1"
equipment_class = "Air_Handling_Unit"
each = "SAT"
condition = "POINT > 30 °C"
priority = 3
text_zh = "{equipment} 送風溫度過高：{value} {unit}"
text_en = "{equipment} supply air too warm: {value} {unit}"
source = "test"
"""


CONDITION = 'condition = "POINT > 30 °C"'


def file(text: str) -> RuleFile:
    return RuleFile("own.toml", tomllib.loads(text), lambda path: 10 + len(path))


def problems(text: str) -> list[str]:
    with pytest.raises(SiteError) as caught:
        read_rules([file(text)])
    return [str(problem) for problem in caught.value.problems]


def test_a_good_file_is_read() -> None:
    (found,) = read_rules([file(GOOD)])
    assert found == rule(
        id="X1", equipment_class="Air_Handling_Unit", each=["SAT"], condition="POINT > 30 °C",
        text_zh="{equipment} 送風溫度過高：{value} {unit}", text_en="{equipment} supply air too warm: {value} {unit}",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ((CONDITION, f"{CONDITION}\nprioritty = 2"), "own.toml:13: rule X1, prioritty: unknown key 'prioritty' -> did you mean 'priority'?"),
        ((CONDITION, f"{CONDITION}\nzzz = 2"), "own.toml:13: rule X1, zzz: unknown key 'zzz' -> remove it"),
        (('source = "test"', ""), "own.toml:13: rule X1, source: is missing -> add 'source'"),
        ((CONDITION, ""), "own.toml:13: rule X1, condition: is missing -> add 'condition'"),
        ((CONDITION, 'kind = "limit"'), "own.toml:12: rule X1, kind: is no kind of rule -> kind is stale or device; what has a condition has no kind"),
        (("priority = 3", "priority = 5"), "own.toml:13: rule X1, priority: Input should be less than or equal to 4 -> got 5"),
        (("POINT > 30 °C", "POINT > 30 C"), "own.toml:13: rule X1, condition: column 12: 'C' is no unit -> did you mean '°C'?"),
        (("{value} {unit}", "{valeu}"), "own.toml:13: rule X1, text_zh: '{valeu}' is no placeholder"),
        (("{value} {unit}", "{value.__class__}"), "own.toml:13: rule X1, text_zh: '{value.__class__}' is no placeholder"),
        (("{value} {unit}", "{value:>9999999}"), "own.toml:13: rule X1, text_zh: '{value}' is no placeholder"),
        (("{value} {unit}", "{"), "own.toml:13: rule X1, text_zh: "),
        (('id = "X1"', 'id = "x~1"'), "own.toml:13: rule x~1, id: String should match pattern"),
        ((CONDITION, f"{CONDITION}\non_delay_s = -1"), "own.toml:13: rule X1, on_delay_s: Input should be greater"),
        ((CONDITION, f"{CONDITION}\nwhen = 'Run'"), "own.toml:13: rule X1, when: column 1: this is a number, wanted is true or false -> "),
        ((CONDITION, f"{CONDITION}\nstep = [{{priority = 1, condition = 'POINT >'}}]"), "own.toml:15: rule X1, step.0.condition: column 8: "),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_remedy(change: tuple[str, str], expected: str) -> None:
    assert any(problem.startswith(expected) for problem in problems(GOOD.replace(*change, 1))), problems(
        GOOD.replace(*change, 1)
    )


def test_all_mistakes_are_named_at_once() -> None:
    text = GOOD.replace("priority = 3", "priority = 9") + GOOD.replace("X1", "X2").replace("each", "eech")
    found = problems("[extra]\n" + text)
    assert len(found) == 3
    assert "unknown table 'extra'" in found[0]


def test_an_id_is_used_once() -> None:
    assert problems(GOOD + GOOD) == [
        "own.toml:13: rule X1, id: is also the id of a rule in own.toml -> give it its own id"
    ]


@pytest.mark.parametrize("text", ["rule = 1", "[rule]\nid = 'X'"])
def test_rules_are_an_array_of_tables(text: str) -> None:
    assert problems(text) == ["own.toml:11: rule: is one table -> write [[rule]], not [rule]"]


@pytest.mark.parametrize("tables", [{"rule": [1]}, {"rule": [[]]}, {"rule": [{}]}, {"rule": ["x"]}])
def test_nonsense_is_a_problem_and_no_crash(tables: dict[str, Any]) -> None:
    with pytest.raises(SiteError):
        read_rules([RuleFile("own.toml", tables)])


def test_a_rule_of_the_site_replaces_a_shipped_one_and_may_switch_it_off() -> None:
    shipped = [rule(id="A", kind="stale"), rule(id="B", kind="stale"), rule(id="C", kind="stale")]
    own = [
        rule(id="B", kind="stale", priority=1),
        rule(id="C", kind="stale", enabled=False),
        rule(id="D", kind="stale"),
    ]
    assert [(item.id, item.priority) for item in rules_in_force(shipped, own)] == [("A", 3), ("B", 1), ("D", 3)]


def test_the_library_is_valid() -> None:
    assert len(library()) >= 60


def test_who_changes_the_list_of_shipped_rules_changes_only_their_own() -> None:
    library().clear()
    assert len(library()) >= 60

"""The pages of the shipped rules are those that their definitions make."""

import importlib.util
from types import ModuleType

import pytest
from tests.support.pages import ROOT

from cityhall_bms.rules.files import library


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rule_pages", ROOT / "scripts" / "rule_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_up_to_date(script: ModuleType) -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in script.PAGES.glob("*.md")}
    made = script.pages()
    behind = {name for name in written.keys() | made.keys() if written.get(name) != made.get(name)}
    assert behind == set(), "run `make rule-pages`"


def test_every_rule_has_its_place_in_the_index(script: ModuleType) -> None:
    index = script.pages()["README.md"]
    assert [rule.id for rule in library() if f"[{rule.id}](" not in index] == []


def test_there_are_a_hundred_and_forty_rules_each_with_cause_and_procedure_in_both_languages() -> None:
    rules = library()
    assert len(rules) >= 140
    lacking = {
        rule.id
        for rule in rules
        if not (rule.cause_zh and rule.cause_en and rule.sop_zh and rule.sop_en and rule.source)
    }
    assert lacking == set()
    for rule in rules:
        steps = [text.strip().splitlines() for text in (rule.sop_zh, rule.sop_en)]
        assert len(steps[0]) == len(steps[1]), rule.id
        assert 2 <= len(steps[0]) <= 6, rule.id

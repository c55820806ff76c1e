"""`docs/reference/rule-language.md` lists the functions that there are."""

import re
import tomllib
from pathlib import Path

from cityhall_bms.rules.files import RuleFile, read_rules
from cityhall_bms.rules.language.functions import FUNCTIONS

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "reference" / "rule-language.md").read_text("utf-8")
GUIDE = (DOCS / "how-to" / "write-a-rule.md").read_text("utf-8")


def test_the_table_of_functions_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", PAGE, re.MULTILINE)
    assert rows == [(function.shown, function.meaning) for function in FUNCTIONS]


def test_the_examples_of_the_guide_can_be_read() -> None:
    examples = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    rules = read_rules([RuleFile(f"{number}", tomllib.loads(text)) for number, text in enumerate(examples)])
    assert [rule.id for rule in rules] == ["MY-SAT", "MY-RETURN", "MY-CO2", "MY-STARTS", "MY-LEAK"]


def test_the_example_of_a_mode_can_be_read() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert read_rules([RuleFile("own.toml", tomllib.loads(example))]) == []

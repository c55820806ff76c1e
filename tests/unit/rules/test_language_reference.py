"""`docs/reference/rule-language.md` lists the functions that there are."""

import re
import tomllib
from pathlib import Path

from cityhall_bms.rules.files import RuleFile, read_rules
from cityhall_bms.rules.language.functions import FUNCTIONS

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "rule-language.md").read_text("utf-8")


def test_the_table_of_functions_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", PAGE, re.MULTILINE)
    assert rows == [(function.shown, function.meaning) for function in FUNCTIONS]


def test_the_example_of_a_mode_can_be_read() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert read_rules([RuleFile("own.toml", tomllib.loads(example))]) == []

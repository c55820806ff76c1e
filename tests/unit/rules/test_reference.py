"""`docs/reference/rules.md` and `alarms.md` say what the code does."""

import re
import tomllib
from pathlib import Path

from cityhall_bms.domain.alarms import SHELF_MAX_S, AlarmState
from cityhall_bms.rules import model
from cityhall_bms.rules.files import RuleFile, library, read_rules, rules_in_force

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
RULES, ALARMS = ((REFERENCE / name).read_text("utf-8") for name in ("rules.md", "alarms.md"))


def test_the_example_is_a_rule_that_replaces_the_shipped_one() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", RULES, re.DOTALL)
    (own,) = read_rules([RuleFile("own.toml", tomllib.loads(example))])
    assert own in rules_in_force(library(), [own])
    assert len(rules_in_force(library(), [own])) == len(library())


def test_every_key_is_described_and_no_other() -> None:
    kinds = (model.ConditionRule, model.StaleRule, model.DeviceRule)
    keys = {field.alias or name for kind in kinds for name, field in kind.model_fields.items()}
    rows = re.findall(
        r"^\| (`[^|]*`) \|", "\n".join(RULES.split("## Keys", 1)[1].split("## The subject")[:1]), re.MULTILINE
    )
    assert {key for row in rows for key in re.findall(r"`(\w+)`", row)} == keys


def test_the_number_of_shipped_rules_is_right() -> None:
    assert f"{len(library())} rules)" in RULES


def test_every_state_is_described() -> None:
    assert set(re.findall(r"^\| [a-z -]+ \| `([A-Z]+)` \|", ALARMS, re.MULTILINE)) == {
        str(state) for state in AlarmState
    }


def test_the_longest_shelves_are_right() -> None:
    rows = re.findall(r"^\| (\d) \S+ \| [^|]+ \| (\w+)(?: h)? \|", ALARMS, re.MULTILINE)
    told = {int(priority): 0.0 if hours == "never" else 3600.0 * int(hours) for priority, hours in rows}
    assert told == SHELF_MAX_S

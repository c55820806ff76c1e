"""`cityhall-bms rules list`: every rule with what it finds, and what it is bound to at a site."""

import json
from pathlib import Path
from typing import Any

from tests.support.sites import write_site
from typer.testing import CliRunner

from cityhall_bms.cli import app
from cityhall_bms.rules.files import library

# A low-voltage panel without the contact of its breaker.
EQUIPMENT = "TCH.B2.CN.LVP01,Switchgear,power,低壓盤,Low-voltage panel,,\n"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["rules", "list", *arguments])
    return result.exit_code, result.output


def listed(*arguments: str) -> dict[str, dict[str, Any]]:
    status, output = run("--format", "json", *arguments)
    assert status == 0, output
    return {table["id"]: table for table in json.loads(output)}


def test_every_shipped_rule_is_listed_with_all_that_it_says() -> None:
    rules = listed()

    assert set(rules) == {rule.id for rule in library()}
    assert len(rules) >= 120
    rule = rules["V02-35"]
    assert (rule["version"], rule["detects"], rule["priority"], rule["on_delay_s"]) == (2, ["V02"], 3, 60.0)
    assert rule["condition"] == "POINT >= high"
    assert rule["parameters"]["evacuate"] == "100 ppm"
    assert [step["priority"] for step in rule["step"]] == [2, 1]
    assert "source" in rule
    assert "bound" not in rule


def test_a_table_is_for_people() -> None:
    status, output = run()

    assert status == 0
    assert "V02-35" in output
    assert "POINT >= high" in output
    assert "不適用" not in output


def test_at_a_site_units_are_counted_and_what_a_rule_says_nothing_about_is_named_with_its_reason(
    tmp_path: Path,
) -> None:
    write_site(tmp_path)
    profile = tmp_path / "profiles" / "chiller.toml"
    profile.write_text(profile.read_text().replace("input:{equipment}", "input:110"))
    with (tmp_path / "equipment.csv").open("a") as file:
        file.write(EQUIPMENT)

    rules = listed("--site", str(tmp_path))

    assert rules["LVP-TRIP"]["bound"] == 0
    assert rules["LVP-TRIP"]["not_applicable"] == [
        {"equipment": "TCH.B2.CN.LVP01", "missing": ["AcbTrip"], "reason": "lacks AcbTrip"}
    ]
    assert rules["F01"] | {"bound": 0, "not_applicable": []} == rules["F01"]
    assert any(rule["bound"] for rule in rules.values())

    status, output = run("--site", str(tmp_path))
    assert status == 0
    assert "LVP-TRIP: 1 × lacks AcbTrip: TCH.B2.CN.LVP01" in output


def test_a_mistake_in_the_site_is_told_in_words(tmp_path: Path) -> None:
    status, output = run("--site", str(tmp_path / "nowhere"))

    assert status == 1
    assert "name the folder that holds site.toml" in output

"""The table of suppression at a site, as `check` and the service read it."""

from pathlib import Path

import pytest
from tests.support.powered_building import building

from cityhall_bms import site_reading
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.suppression import Suppression
from cityhall_bms.rules.model import Rule

ROW = """
[[suppression]]
id = "OWN"
cause = {{ {names} = ["{name}"] }}
relations = ["same_equipment"]
text_zh = "自訂"
text_en = "Own"
source = "site"
"""


def read(folder: Path, rules: list[Rule], names: str, name: str) -> Suppression:
    (folder / "suppression.toml").write_text(ROW.format(names=names, name=name), encoding="utf-8")
    return site_reading.read_site_suppression(folder, building(), rules)


def test_a_row_of_the_site_names_a_shipped_rule(tmp_path: Path) -> None:
    found = read(tmp_path, site_reading.read_site_rules(tmp_path), "rules", "CH-TRIP")
    assert found.rows[-1].id == "OWN"


def test_a_rule_that_does_not_exist_is_a_mistake_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="there is no rule 'CH-TRAP' -> did you mean 'CH-TRIP'"):
        read(tmp_path, site_reading.read_site_rules(tmp_path), "rules", "CH-TRAP")


def test_a_rule_that_was_switched_off_while_the_service_runs_makes_no_mistake_of_the_table(tmp_path: Path) -> None:
    assert read(tmp_path, [], "rules", "CH-TRIP").rows[-1].id == "OWN"
    assert read(tmp_path, [], "detects", "G01").rows[-1].id == "OWN"

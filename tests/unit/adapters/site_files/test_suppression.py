"""The table of suppression: what is shipped, what a site changes, and every mistake with its line."""

import re
import textwrap
from pathlib import Path

import pytest

from cityhall_bms.adapters.site_files.suppression import RowTable, WhichTable, shipped_rows, suppression_rows
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.permits import PermitKind
from cityhall_bms.domain.suppression import Relation, Row, Which
from cityhall_bms.rules.files import library

DOCS = Path(__file__).parents[4] / "docs"
RULES, DETECTS = ("G01", "H13", "MY-PUMP"), ("G01", "FC13")
SHIPPED = [
    "SUPPLY-LOST",
    "PLANT-DOWN",
    "FAN-STOPPED",
    "NO-AIR",
    "DEVICE-OFFLINE",
    "FIRE",
    "DRILL",
    "DRILL-EFFECTS",
    "TEST",
    "WORKS",
]
OWN = """
[[suppression]]
id = "PUMP-DOWN"
cause = { rules = ["MY-PUMP"], priorities = [1, 2] }
relations = ["same_zone", "parts"]
hides = { detects = ["FC13"], systems = ["hvac"], classes = ["Air_Handling_Unit"] }
hold_s = 120
text_zh = "泵浦停了"
text_en = "The pump is down"
source = "site"
"""


def rows(folder: Path, text: str) -> list[Row]:
    (folder / "suppression.toml").write_text(text, encoding="utf-8")
    return suppression_rows(folder, RULES, DETECTS)


def mistakes(folder: Path, text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(SiteError) as caught:
        rows(folder, text)
    return [(problem.line, problem.field, problem.message) for problem in caught.value.problems]


def test_a_site_without_a_table_of_its_own_has_the_shipped_one(tmp_path: Path) -> None:
    assert [row.id for row in suppression_rows(tmp_path, RULES, DETECTS)] == SHIPPED


def test_every_rule_that_the_shipped_table_names_is_shipped() -> None:
    rules = library()
    ids, detects = {rule.id for rule in rules}, {name for rule in rules for name in rule.detects}

    for table in shipped_rows():
        for which in (table.cause, table.hides):
            assert which is None or set(which.rules) <= ids
            assert which is None or set(which.detects) <= detects


def test_rows_of_a_site_come_after_the_shipped_ones(tmp_path: Path) -> None:
    *shipped, own = rows(tmp_path, OWN)

    assert [row.id for row in shipped] == SHIPPED
    assert own == Row(
        id="PUMP-DOWN",
        hides=Which(detects=frozenset({"FC13"}), systems=frozenset({"hvac"}), classes=frozenset({"Air_Handling_Unit"})),
        cause=Which(rules=frozenset({"MY-PUMP"}), priorities=frozenset({1, 2})),
        relations=(Relation.SAME_ZONE, Relation.PARTS),
        hold_s=120.0,
        text_zh="泵浦停了",
        text_en="The pump is down",
    )


def test_a_row_of_the_same_id_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    changed = rows(
        tmp_path,
        '[[suppression]]\nid = "TEST"\npermits = ["test", "drill"]\ntext_zh = "測"\ntext_en = "T"\nsource = "site"\n',
    )
    assert [row.id for row in changed] == SHIPPED
    assert changed[SHIPPED.index("TEST")].permits == {PermitKind.TEST, PermitKind.DRILL}


def test_a_shipped_row_can_be_switched_off(tmp_path: Path) -> None:
    off = '[[suppression]]\nid = "WORKS"\nenabled = false\npermits = ["works"]\ntext_zh = "x"\ntext_en = "x"\nsource = "s"\n'
    assert [row.id for row in rows(tmp_path, off)] == SHIPPED[:-1]


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "message"),
    [
        ("MY-PUMP", "MY-PIMP", 4, "[[suppression]] cause.rules", "there is no rule 'MY-PIMP'"),
        ("FC13", "FC31", 6, "[[suppression]] hides.detects", "there is no limit or fault that a rule detects 'FC31'"),
        ("same_zone", "same_floor", 5, "[[suppression]] relations.0", "'same_floor' is not allowed"),
        ("hold_s", "hold", 7, "[[suppression]] hold", "unknown key"),
        ('relations = ["same_zone", "parts"]', "", 2, "[[suppression]]",
         "a 'cause' needs 'relations': how what it hides is related to it"),
        ('rules = ["MY-PUMP"], ', "", 2, "[[suppression]]", "'cause' needs 'rules' or 'detects'"),
        ('source = "site"', 'source = "site"\npermits = ["works"]', 2, "[[suppression]]",
         "give either 'cause' (alarms) or 'permits'"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_line(tmp_path: Path, old: str, new: str, line: int, field: str, message: str) -> None:
    assert mistakes(tmp_path, OWN.replace(old, new, 1)) == [(line, field, message)]


def test_an_id_stands_once(tmp_path: Path) -> None:
    assert mistakes(tmp_path, OWN + OWN) == [(13, "[[suppression]] id", "'PUMP-DOWN' stands already on line 3")]


def test_the_reference_names_every_row_key_and_relation() -> None:
    page = (DOCS / "reference" / "suppression.md").read_text("utf-8")
    cells = [cell for line in page.splitlines() if line.startswith("| `") for cell in line.split("|")[1:2]]
    named = {name for cell in cells for name in re.findall(r"`([\w-]+)`", cell)}

    assert named == {*SHIPPED, *Relation, *RowTable.model_fields, *WhichTable.model_fields}


def test_the_row_of_the_how_to_page_is_one_of_the_shipped_rules(tmp_path: Path) -> None:
    page = (DOCS / "how-to" / "hide-what-only-follows.md").read_text("utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "suppression.toml").write_text(textwrap.dedent(example), encoding="utf-8")

    found = suppression_rows(tmp_path, [rule.id for rule in library()], [])

    assert found[-1].id == "TANK-EMPTY"

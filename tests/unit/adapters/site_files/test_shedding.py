"""``shedding.toml`` of a site; each mistake in it is reported where it stands."""

from pathlib import Path

import pytest
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.domain.energy.shedding import ActionKind, SheddingMode, SheddingPlan, Split
from cityhall_bms.domain.errors import SiteError

POINTS = """\
TCH.01.E.AHU01.StartCmd,啟停命令,Start command,TCH.01.E.AHU01,StartCmd,DO,,ahu-1,coil:3,bool,,,,,,10,,
TCH.B2.CN.CHC01.DmdLimit,需量限制,Demand limit,TCH.B2.CN.CHC01,DmdLimit,AO,%,chiller-1,holding:77,uint16,,,,40,100,10,,
"""
FILE = """\
mode = "automatic"
shed_at = 0.9
restore_below = 0.8

[[step]]
name = "chillers"
text_zh = "主機限制"
text_en = "Limit the chillers"
actions = [{ kind = "set", classes = ["Centrifugal_Chiller"], role = "DmdLimit", value = 70.0 }]

[[step]]
name = "fans"
text_zh = "輪停"
text_en = "Rest in turn"
actions = [{ kind = "turns", classes = ["Air_Handling_Unit"], role = "StartCmd", value = 0.0, groups = 3 }]

[charging]
feeder_limit_a = 120.0
split = "fifo"
"""


def load(folder: Path, text: str | None = FILE) -> SheddingPlan:
    write_site(folder)
    with (folder / "points.csv").open("a", encoding="utf-8") as points:
        points.write(POINTS)
    if text is not None:
        (folder / "shedding.toml").write_text(text, encoding="utf-8")
    return load_site(folder, {"modbus": CheckingFactory()}).shedding


def test_without_the_file_the_shipped_steps_are_proposed(tmp_path: Path) -> None:
    plan = load(tmp_path, None)
    assert [step.name for step in plan.steps] == ["charging", "zones", "chillers", "air_handlers"]
    assert (plan.mode, plan.shed_at, plan.restore_below) == (SheddingMode.PROPOSE, 0.95, 0.90)
    assert (plan.restore_windows, plan.gap_s, plan.charging) == (2, 900.0, None)


def test_a_site_has_steps_of_its_own_or_only_other_figures(tmp_path: Path) -> None:
    plan = load(tmp_path)
    assert [(step.name, step.actions[0].kind, step.actions[0].value) for step in plan.steps] == [
        ("chillers", ActionKind.SET, 70.0), ("fans", ActionKind.TURNS, 0.0),
    ]  # fmt: skip
    assert plan.charging is not None
    assert (plan.charging.feeder_limit_a, plan.charging.split, plan.charging.least_a) == (120.0, Split.FIFO, 6.0)
    assert len(load(tmp_path, 'mode = "off"\n').steps) == 4


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('"automatic"', '"auto"', "shedding.toml:1: mode: "),
        ("restore_below = 0.8", "restore_below = 0.9", "shedding.toml:"),
        ("shed_at = 0.9", "shed_at = 1.2", "shedding.toml:2: shed_at: "),
        ("shed_at = 0.9", "gap_s = 60.0\nshed_at = 0.9", "shedding.toml:2: gap_s: "),
        ('"fans"', '"chillers"', "shedding.toml:12: [[step]] name: 'chillers' stands twice -> "),
        ('"Air_Handling_Unit"', '"Air_Handling_Units"', "shedding.toml:15: [[step]] actions.classes: the site has no equipment"),
        ('"DmdLimit"', '"CHWS_T"', "shedding.toml:9: [[step]] actions.role: no point of role 'CHWS_T' can be commanded"),
        ("feeder_limit_a = 120.0", "", "shedding.toml:17: [charging] feeder_limit_a: missing"),
        ('split = "fifo"', "most_a = 4.0", "shedding.toml:"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_where_it_stands(tmp_path: Path, before: str, after: str, says: str) -> None:
    assert before in FILE
    with pytest.raises(SiteError) as caught:
        load(tmp_path, FILE.replace(before, after, 1))
    assert any(str(problem).startswith(says) for problem in caught.value.problems), str(caught.value)

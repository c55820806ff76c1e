"""What commands are held against: the shipped file, and what a site says otherwise."""

from pathlib import Path

import pytest
from tests.support.command_rig import plant_site

from cityhall_bms.adapters.site_files.commanding import read_commanding, shipped_commanding
from cityhall_bms.adapters.site_files.mistakes import Mistakes
from cityhall_bms.domain.commanding.policy import CommandPolicy

SITE = plant_site()
SHIPPED = {
    "limit": {"CHWS": (5.0, 12.0), "SAT": (12.0, 20.0), "ZONE": (26.0, 28.0), "EV": (6.0, 32.0)},
    "minimum": {"CHILLER": (20, 30), "PUMP": (5, 5), "TOWER-FAN": (5, 5), "AIR-FAN": (10, 5), "LIGHTING": (1, 0)},
}
"""The building's rules for commands."""


def read(folder: Path, text: str) -> tuple[CommandPolicy, list[str]]:
    (folder / "commanding.toml").write_text(text, encoding="utf-8")
    mistakes = Mistakes()
    policy = read_commanding(folder, SITE.equipment.values(), SITE.points.values(), mistakes)
    return policy, [str(mistake) for mistake in mistakes.sorted()]


def test_the_shipped_limits_and_minimum_times_are_those_of_the_building() -> None:
    shipped = shipped_commanding()
    assert {one.id: (one.low, one.high) for one in shipped.limit} == SHIPPED["limit"]
    assert {one.id: (one.on_min, one.off_min) for one in shipped.minimum} == SHIPPED["minimum"]
    zone = next(one for one in shipped.limit if one.id == "ZONE")
    assert (zone.approved_low, zone.approved_high) == (22.0, 30.0)
    assert next(one for one in shipped.limit if one.id == "EV").also == (0.0,)
    times = shipped.times
    assert (times.select_s, times.read_back_s, times.between_writes_s, times.override_s, times.bulk_max) == (
        30.0, 15.0, 5.0, 14_400.0, 50,
    )  # fmt: skip


def test_an_entry_of_the_site_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    text = """
[times]
override_s = 3600.0
[[limit]]
id = "ZONE"
roles = ["ZoneSP"]
low = 24.0
high = 28.0
source = "公告"
[[minimum]]
id = "PUMP"
enabled = false
roles = ["StartCmd"]
proof = "RunSts"
on_min = 0
off_min = 0
source = "x"
[[fallback]]
id = "OURS"
points = ["TCH.B1.N.EVSE01.Free"]
value = 3.0
source = "x"
"""
    policy, mistakes = read(tmp_path, text)
    assert mistakes == []
    zone = next(limit for limit in policy.limits if limit.id == "ZONE")
    assert (zone.low, zone.approved_low) == (24.0, None)
    assert "PUMP" not in {minimum.id for minimum in policy.minimum_times}
    assert policy.times.override_s == 3_600.0
    assert policy.fallback("TCH.B1.N.EVSE01.Free", "Free", "x") == 3.0
    assert len(policy.limits) == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[limit]]\nid="A"\nroles=["NoSuch"]\nlow=1\nhigh=2\nsource="x"', "has no role 'NoSuch'"),
        (
            '[[limit]]\nid="A"\nroles=["SAT_SP"]\nclasses=["Chiler"]\nlow=1\nhigh=2\nsource="x"',
            "has no class 'Chiler'",
        ),
        ('[[limit]]\nid="A"\nroles=["SAT_SP"]\nlow=3\nhigh=2\nsource="x"', "approved_low <= low"),
        ('[[limit]]\nid="A"\nlow=1\nhigh=2\nsource="x"', "give 'roles' or 'points'"),
        (
            '[[interlock]]\nid="A"\nroles=["SAT_SP"]\nedge="on"\ntext_zh="x"\ntext_en="x"\nsource="x"',
            "'needs' or 'remain'",
        ),
        ("[times]\nbulk_max = 51", "bulk_max"),
        ("[times]\nselect = 3", "unknown key"),
        ("remote = 1", "unknown key"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    _, mistakes = read(tmp_path, text)
    assert len(mistakes) == 1
    assert said in mistakes[0]
    assert mistakes[0].startswith("commanding.toml:")


def test_the_example_on_the_page_is_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs/reference/commands.md").read_text(encoding="utf-8")
    example = (
        page.partition("```toml\n")[2].partition("```")[0].replace("TCH.01.CS.PAC01.SetT", f"{next(iter(SITE.points))}")
    )
    policy, mistakes = read(tmp_path, example)
    assert mistakes == []
    assert policy.times == CommandPolicy().times, "the page shows the defaults"

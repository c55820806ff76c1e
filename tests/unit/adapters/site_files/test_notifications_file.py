"""``notifications.toml``: read whole, each mistake named where it stands, and no address in it."""

from pathlib import Path

import pytest
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.notifications import Channel, Duty, Group, NotificationPlan, Person, Quiet, Route

FILE = """\
[notifications]
link = "https://bms.example/#/alarms/{alarm}"
again_after_s = 600

[[channel]]
name = "wang_line"

[[channel]]
name = "wang_sms"
priorities = [1]

[[person]]
name = "wang"
text = "王"
channels = ["wang_line", "wang_sms"]

[[group]]
name = "duty"
text = "值班"

[[group.duty]]
schedule = "night"
people = ["wang"]

[[route]]
group = "duty"
priorities = [1, 2]
systems = ["hvac"]
places = ["01.E"]
returned = true

[[quiet]]
schedule = "night"
priorities = [2]
"""


def load(folder: Path, text: str | None) -> NotificationPlan:
    write_site(folder)
    if text is not None:
        (folder / "notifications.toml").write_text(text, encoding="utf-8")
    return load_site(folder, {"modbus": CheckingFactory()}).notifications


def test_the_plan_is_read_whole(tmp_path: Path) -> None:
    assert load(tmp_path, FILE) == NotificationPlan(
        link="https://bms.example/#/alarms/{alarm}",
        again_after_s=600.0,
        channels={"wang_line": Channel("wang_line"), "wang_sms": Channel("wang_sms", (1,))},
        people={"wang": Person("wang", "王", ("wang_line", "wang_sms"))},
        groups={"duty": Group("duty", "值班", (), (Duty("night", ("wang",)),))},
        routes=(Route("duty", (1, 2), ("hvac",), ("01.E",), 0, returned=True),),
        quiet=(Quiet("night", (2,)),),
    )


def test_without_the_file_nobody_is_told(tmp_path: Path) -> None:
    assert load(tmp_path, None) == NotificationPlan()


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('channels = ["wang_line", "wang_sms"]', 'channels = ["wang_lime"]', "notifications.toml:15: [[person]] channels: unknown channel 'wang_lime' -> did you mean 'wang_line'?"),
        ('people = ["wang"]', 'people = ["wong"]', "notifications.toml:23: [[group.duty]] people: unknown person 'wong' -> did you mean 'wang'?"),
        ('schedule = "night"\npeople', 'schedule = "nihgt"\npeople', "notifications.toml:22: [[group.duty]] schedule: unknown schedule 'nihgt' -> did you mean 'night'?"),
        ('group = "duty"', 'group = "dutty"', "notifications.toml:26: [[route]] group: unknown group 'dutty' -> did you mean 'duty'?"),
        ('places = ["01.E"]', 'places = ["01.Q"]', "notifications.toml:29: [[route]] places: unknown place '01.Q'"),
        ('systems = ["hvac"]', 'systems = ["hvak"]', "notifications.toml:28: [[route]] systems.0: 'hvak' is not allowed"),
        ('priorities = [2]', 'priorities = [1, 2]', "notifications.toml:34: [[quiet]] priorities.0: 1 is not allowed -> input should be greater than or equal to 2"),
        ('schedule = "night"\npriorities', 'schedule = "nacht"\npriorities', "notifications.toml:33: [[quiet]] schedule: unknown schedule 'nacht'"),
        ('name = "wang_sms"', 'name = "wang_line"', "notifications.toml:9: [[channel]] name: 'wang_line' stands already on line 6"),
        ('name = "wang_line"', 'name = "wang_line"\nurl = "line://token/user"', "notifications.toml:7: [[channel]] url: unknown key"),
        ('[[group.duty]]\nschedule = "night"\npeople = ["wang"]\n', "", "nobody belongs to it"),
        ('"https://bms.example', '"ftp://bms.example', "notifications.toml:2: [notifications] link: 'ftp://bms.example/#/alarms/{alarm}' is not allowed -> write an address"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_where_it_stands(tmp_path: Path, before: str, after: str, says: str) -> None:
    assert before in FILE
    with pytest.raises(SiteError) as caught:
        load(tmp_path, FILE.replace(before, after, 1))
    assert says in str(caught.value)

"""``schedules.toml``: what it says, and every mistake with its line."""

from pathlib import Path

import pytest
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.scheduling.days import DayForm
from cityhall_bms.domain.scheduling.programme import SchedulePlan
from cityhall_bms.domain.scheduling.schedule import Entry
from cityhall_bms.domain.site import Site

START = "TCH.01.E.AHU01.StartCmd"
POINT = f"{START},啟動命令,Start,TCH.01.E.AHU01,StartCmd,DO,,ahu-1,coil:3,bool,,,,,,30,,\n"
SOUND = f"""\
[[schedule]]
name = "AHU-OFFICE"
roles = ["StartCmd"]
classes = ["Air_Handling_Unit"]
workdays = ["17:30 = -", "08:00 = 1"]
saturday = ["09:00=1", "12:00=0"]
default = 0.0
optimum_start = {{ role = "SAT", target = 27.0, most_min = 60 }}

[[schedule.exception]]
month = 13
week = 6
weekday = 5
precedence = 3
entries = []

[[scene]]
name = "EVENING"
values = {{ "{START}" = 1 }}

[bookings]
people_min = 12
[[bookings.space]]
name = "hall"
text_zh = "大廳"
text_en = "Hall"
places = ["01.E"]
"""


def loaded(folder: Path, text: str | None) -> Site:
    with (write_site(folder) / "points.csv").open("a", encoding="utf-8") as points:
        points.write(POINT)
    if text is not None:
        (folder / "schedules.toml").write_text(text, encoding="utf-8")
    return load_site(folder, {"modbus": CheckingFactory()})


def test_days_take_the_most_particular_entries_in_their_order(tmp_path: Path) -> None:
    plan = loaded(tmp_path, SOUND).scheduling
    [schedule] = plan.schedules
    assert schedule.weekly[0] == (Entry(480, 1.0), Entry(1_050, None))
    assert schedule.weekly[5] == (Entry(540, 1.0), Entry(720, 0.0))
    assert schedule.weekly[6] == ()
    assert schedule.specials[0].days.form is DayForm.WEEK_N_DAY
    assert (plan.scenes[0].values, plan.bookings.people_min) == ({START: 1.0}, 12)
    assert [action.role for action in plan.bookings.actions] == ["StartCmd", "OnCmd"]


def test_a_site_without_the_file_goes_on_working(tmp_path: Path) -> None:
    assert loaded(tmp_path, None).scheduling == SchedulePlan()


@pytest.mark.parametrize(
    ("before", "after", "line", "says"),
    [
        ('"08:00 = 1"', '"8:00 = 1"', 5, "'8:00 = 1' is not allowed"),
        ('"08:00 = 1"', '"08:00 = on"', 5, "'08:00 = on' is not allowed"),
        ('"08:00 = 1"', '"17:30 = 1"', 5, "'17:30 = 1' is not allowed"),
        ('"08:00 = 1"', '"08:00 = 7"', 2, "states"),
        ('roles = ["StartCmd"]', 'roles = ["SAT"]', 2, "never written"),
        ('roles = ["StartCmd"]', 'points = ["TCH.X"]', 2, "no point is named TCH.X"),
        ("default = 0.0", 'calendar = "library"', 2, "no calendar is named library"),
        ("default = 0.0", 'places = ["99"]', 7, "unknown place '99'"),
        ("default = 0.0", "valid_from = 2026-02-01\nvalid_until = 2026-01-01", 1, "is before valid_from"),
        ("month = 13", 'month = 13\ncalendar_day = "holiday"', 10, "name date"),
        ('name = "EVENING"', 'name = "evening"', 18, "not allowed"),
        (f'"{START}" = 1', '"TCH.B2.CN.CHC01.RunSts" = 1', 19, "never written"),
        ('places = ["01.E"]', 'places = ["05"]', 27, "unknown place '05'"),
        ("people_min = 12", "people = 12", 22, "unknown key"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, before: str, after: str, line: int, says: str) -> None:
    assert before in SOUND
    with pytest.raises(SiteError) as error:
        loaded(tmp_path, SOUND.replace(before, after))
    told = [problem for problem in error.value.problems if problem.file == "schedules.toml"]
    assert (line, True) in [(problem.line, says in str(problem)) for problem in told], error.value


def test_a_name_stands_once(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="stands already"):
        loaded(tmp_path, SOUND + SOUND[: SOUND.index("[[schedule.exception]]")])

"""``[[calendar]]`` and ``[[schedule]]`` of a site; each mistake in them is reported where it stands."""

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.site_files.calendars import shipped_schedules
from cityhall_bms.domain.calendars import DayKind, Schedules
from cityhall_bms.domain.errors import SiteError

TABLES = """
[[calendar]]
name = "office"
text_zh = "辦公日曆"
files = ["calendar.csv"]

[[calendar.day]]
date = 2026-02-16
until = 2026-02-18
kind = "holiday"
text_zh = "封館"

[[calendar]]
name = "library"
workdays = ["tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

[[schedule]]
name = "occupied"
workdays = ["08:00-12:00", "13:00-17:30"]
holidays = []

[[schedule.exception]]
date = 2026-10-17
periods = ["09:00-12:00"]
text_en = "Open house"

[[schedule]]
name = "reading_room"
calendar = "library"
workdays = ["09:00-21:00"]
valid_from = 2026-01-01
"""
CSV = "date,kind,name_zh,name_en\n2026-02-16,workday,補行上班,Make-up day\n2026-10-10,holiday,國慶日,National Day\n"


def load(folder: Path, tables: str = TABLES, csv: str = CSV) -> Schedules:
    write_site(folder)
    with (folder / "site.toml").open("a", encoding="utf-8") as file:
        file.write(tables)
    (folder / "calendar.csv").write_text(csv, encoding="utf-8-sig")
    return load_site(folder, {"modbus": CheckingFactory()}).schedules


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Taipei")).timestamp() * 1e6)


def test_a_site_without_tables_has_the_shipped_schedules(tmp_path: Path) -> None:
    schedules = load(tmp_path, "")

    assert schedules.names == ("occupied", "night", "night_minimum", "dispensers", "lighting")
    assert schedules.time_zone == "Asia/Taipei"
    wednesday = {name for name in schedules.names if schedules.within(name, us("2026-03-11T17:45"))}
    assert wednesday == {"dispensers", "lighting"}
    assert [hour for hour in range(24) if schedules.within("night", us(f"2026-03-14T{hour:02}:00"))] == [
        0, 1, 2, 3, 4, 5, 22, 23,
    ]  # fmt: skip
    assert not schedules.is_holiday(us("2026-10-10T12:00"))


def test_every_shipped_schedule_has_a_name_in_both_languages() -> None:
    assert all(schedule.text_zh and schedule.text_en for schedule in shipped_schedules())


def test_a_site_has_calendars_and_schedules_of_its_own(tmp_path: Path) -> None:
    schedules = load(tmp_path)

    assert schedules.names == ("occupied", "reading_room", "night", "night_minimum", "dispensers", "lighting")
    office = schedules.calendar("office")
    assert office.days[date(2026, 10, 10)].text_en == "National Day"
    assert office.days[date(2026, 2, 16)].kind is DayKind.HOLIDAY, "the site's own word wins over an imported file"
    assert schedules.within("occupied", us("2026-10-17T10:00"))
    assert not schedules.within("occupied", us("2026-03-11T12:30"))
    assert schedules.within("reading_room", us("2026-03-15T10:00"))
    assert not schedules.within("reading_room", us("2026-03-16T10:00"))
    assert not schedules.within("reading_room", us("2025-12-30T10:00"))


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('"13:00-17:30"]', '"13:00"]', "site.toml:45: [[schedule]] workdays: '13:00' is no period -> write 'HH:MM-HH:MM'"),
        ('["09:00-12:00"]', '["9-12"]', "site.toml:50: [[schedule.exception]] periods: '9-12' is no period"),
        ('calendar = "library"', 'calendar = "libary"', "site.toml:55: [[schedule]] calendar: unknown calendar 'libary' -> did you mean 'library'?"),
        ("until = 2026-02-18", "until = 2026-02-15", "until (2026-02-15) is before date (2026-02-16)"),
        ("until = 2026-02-18", "until = 2062-02-18", "site.toml:35: [[calendar.day]] until: 13152 days at once -> correct the year"),
        ('name = "reading_room"', 'name = "occupied"', "site.toml:54: [[schedule]] name: 'occupied' stands on line 44 for some of the same days"),
        ('name = "library"', 'name = "office"', "site.toml:40: [[calendar]] name: 'office' stands already on line 29"),
        ('files = ["calendar.csv"]', 'files = ["../calendar.csv"]', "site.toml:31: [[calendar]] files: '../calendar.csv' is no name of a file"),
        ('files = ["calendar.csv"]', 'files = ["none.csv"]', "none.csv: file: missing"),
        ('kind = "holiday"', 'kind = "hoilday"', "site.toml:36: [[calendar]] day.0.kind: 'hoilday' is not allowed"),
        ("holidays = []", "hollidays = []", "site.toml:46: [[schedule]] hollidays: unknown key -> did you mean 'holidays'?"),
        ('workdays = ["09:00-21:00"]', "", "site.toml:53: [[schedule]]: no periods"),
        ('name = "reading_room"', 'name = "Reading room"', "use small letters, digits and _ only"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_where_it_stands(tmp_path: Path, before: str, after: str, says: str) -> None:
    assert before in TABLES
    with pytest.raises(SiteError) as caught:
        load(tmp_path, TABLES.replace(before, after, 1))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("2026-13-01,holiday,x,x", "calendar.csv:2: date: '2026-13-01' is no day -> write it like 2026-02-28"),
        ("2026-01-01,day off,x,x", "calendar.csv:2: kind: 'day off' is not allowed -> write holiday or workday"),
        (",holiday,x,x", "calendar.csv:2: date: empty"),
        ("2026-01-01,holiday,x,x\n2026-01-01,holiday,x,x", "calendar.csv:3: date: 2026-01-01 stands there already"),
    ],
)
def test_a_mistake_in_a_calendar_file_is_named(tmp_path: Path, row: str, says: str) -> None:
    with pytest.raises(SiteError) as caught:
        load(tmp_path, csv=f"date,kind,name_zh,name_en\n{row}\n")
    assert says in str(caught.value)

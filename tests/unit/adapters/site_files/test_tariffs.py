"""``tariffs.toml`` of a site; each mistake in it is reported where it stands."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.site_files.tariffs import shipped_book
from cityhall_bms.domain.energy.tariff_book import TariffBook
from cityhall_bms.domain.energy.tariffs import Capacity, Season, TariffPeriod
from cityhall_bms.domain.errors import RefusedError, SiteError

METERS = """\
[[meter]]
name = "MAIN"
commodity = "electricity"
text_zh = "總表"
text_en = "Main meter"
point = "TCH.B2.CN.CHC01.kWh"

[[meter]]
name = "INLET"
commodity = "water"
text_zh = "進水"
text_en = "Inlet"
manual = true
"""
POINT = "TCH.B2.CN.CHC01.kWh,累積電能,Energy,TCH.B2.CN.CHC01,kWh,CI,kWh,chiller-1,holding:50,uint32,ABCD,,,,,60,,\n"
FILE = """\
[billing]
meters = ["MAIN"]

[[contract]]
valid_from = 2025-10-01
tariff = "taipower-hv-three-stage"
regular_kw = 5000

[[contract]]
valid_from = 2026-09-01
tariff = "own-flat"
regular_kw = 400.5

[[tariff]]
name = "own-flat"
valid_from = 2026-01-01
text_zh = "自訂電價"
text_en = "A tariff of our own"
source = "contract of 2026"
summer = ["06-01", "09-30"]
[tariff.hours]
summer_weekday = ["00:00 off_peak", "08:00 peak", "22:30 off_peak"]
summer_saturday = ["00:00 off_peak"]
non_summer_weekday = ["00:00 off_peak"]
non_summer_saturday = ["00:00 off_peak"]
[tariff.energy]
summer = { peak = 5.0, off_peak = 2.0 }
non_summer = { off_peak = 2.0 }
[tariff.basic]
summer = { regular = 200.0 }
non_summer = { regular = 150.0 }

[[off_peak_days]]
year = 2028
source = "calendar of 2028"
days = [2028-01-01]
"""


def load(folder: Path, text: str | None = FILE, meters: str = METERS) -> TariffBook:
    write_site(folder)
    with (folder / "points.csv").open("a", encoding="utf-8") as points:
        points.write(POINT)
    (folder / "meters.toml").write_text(meters, encoding="utf-8")
    if text is not None:
        (folder / "tariffs.toml").write_text(text, encoding="utf-8")
    return load_site(folder, {"modbus": CheckingFactory()}).tariffs


def test_a_site_without_the_file_knows_the_shipped_tariffs_and_has_no_contract(tmp_path: Path) -> None:
    book = load(tmp_path, None)

    assert book.names == ("taipower-hv-three-stage", "taipower-hv-two-stage")
    with pytest.raises(RefusedError, match="contract"):
        book.contract_on(date(2026, 7, 1))


def test_the_contract_in_force_is_the_latest_that_is_valid(tmp_path: Path) -> None:
    book = load(tmp_path)

    assert book.contract_on(date(2026, 8, 31)).kw[Capacity.REGULAR] == 5000
    assert book.contract_on(date(2026, 9, 1)).kw[Capacity.REGULAR] == Decimal("400.5")
    assert book.limit_kw(date(2026, 8, 31), TariffPeriod.PEAK) == 5000
    assert book.told() == {
        "2025-10-01": ["taipower-hv-three-stage@2025-10-01"],
        "2026-09-01": ["own-flat@2026-01-01"],
    }


def test_a_site_may_have_tariffs_and_years_of_its_own(tmp_path: Path) -> None:
    book = load(tmp_path)
    own = book.tariff_on("own-flat", date(2026, 9, 1))

    assert own.season_on(date(2026, 9, 30)) is Season.SUMMER
    assert own.energy[Season.SUMMER, TariffPeriod.PEAK] == Decimal("5.0")
    assert book.is_off_peak_day(date(2028, 1, 1))
    assert not book.is_off_peak_day(date(2028, 1, 3))


def test_a_version_of_the_same_name_and_day_replaces_the_shipped_one(tmp_path: Path) -> None:
    text = FILE.replace('"own-flat"\nvalid_from = 2026-01-01', '"taipower-hv-two-stage"\nvalid_from = 2025-10-01')
    book = load(tmp_path, text.replace('"own-flat"', '"taipower-hv-two-stage"'))

    assert book.tariff_on("taipower-hv-two-stage", date(2026, 1, 1)).text_en == "A tariff of our own"
    assert len(book.tariffs) == len(shipped_book().tariffs)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('["MAIN"]', '["MAIM"]', "tariffs.toml:2: [billing] meters: there is no meter 'MAIM' -> did you mean 'MAIN'?"),
        ('["MAIN"]', '["INLET"]', "tariffs.toml:2: [billing] meters: 'INLET' counts no electricity -> "),
        ('["MAIN"]', '["MAIN"]\nreactive_points = ["X"]', "tariffs.toml:3: [billing] reactive_points: there is no point"),
        ('[billing]\nmeters = ["MAIN"]', "", "tariffs.toml:3: [[contract]]: there is no [billing] -> "),
        ("hv-three-stage", "hv-three-stag", "tariffs.toml:6: [[contract]] tariff: there is no tariff 'taipower-hv-three-stag'"),
        ("2025-10-01", "2005-10-01", "tariffs.toml:5: [[contract]] valid_from: nothing is known of 'taipower-hv-three-stage'"),
        ("2026-09-01", "2025-10-01", "tariffs.toml:10: [[contract]] valid_from: the same stands already on line 5 -> "),
        ("= 5000", "= 5000\nnon_summer_kw = 5", "tariffs.toml:8: [[contract]] non_summer_kw: the tariff "),
        ("= 5000", "= -5", "tariffs.toml:7: [[contract]] regular_kw: -5 is not allowed -> "),
        ("regular_kw = 5000", "", "tariffs.toml:4: [[contract]] regular_kw: missing -> add 'regular_kw'"),
        ("= 5000", "= 5000\nregulr_kw = 1", "tariffs.toml:8: [[contract]] regulr_kw: unknown key -> "),
        ('"06-01"', '"06-31"', "tariffs.toml:20: [[tariff]] summer: '06-31' is no day of a year -> "),
        ("08:00 peak", "8:00 peak", "tariffs.toml:22: [[tariff]] hours.summer_weekday: '8:00 peak' is no time and period"),
        ("08:00 peak", "08:00 peek", "tariffs.toml:22: [[tariff]] hours.summer_weekday: unknown period 'peek' -> did you"),
        ("08:00 peak", "08:10 peak", "tariffs.toml:22: [[tariff]] hours.summer_weekday: '08:10 peak' begins within a"),
        ("22:30 off", "07:30 off", "tariffs.toml:22: [[tariff]] hours.summer_weekday: the times do not go up -> "),
        ('["00:00 off_peak", "08', '["01:00 off_peak", "08', "tariffs.toml:22: [[tariff]] hours.summer_weekday: the day does"),
        ("peak = 5.0, ", "", "tariffs.toml:27: [[tariff]] energy.summer: no price of 'peak', which [tariff.hours] has"),
        ("non_summer = { off", "non_summer = { peak = 1, off", "tariffs.toml:28: [[tariff]] energy.non_summer: a price of"),
        ("{ regular = 200.0 }", "{ off_peak = 2.0 }", "tariffs.toml:30: [[tariff]] basic.summer: no price of 'regular'"),
        ("[2028-01-01]", "[2027-01-01]", "tariffs.toml:36: [[off_peak_days]] days: 2027-01-01 is not in 2028 -> "),
        ("year = 2028", "year = ", "tariffs.toml:34: syntax: "),
    ],
)  # fmt: skip
def test_a_mistake_is_named_where_it_stands(tmp_path: Path, before: str, after: str, says: str) -> None:
    assert before in FILE
    with pytest.raises(SiteError) as caught:
        load(tmp_path, FILE.replace(before, after, 1))
    assert any(str(problem).startswith(says) for problem in caught.value.problems), str(caught.value)


def test_meters_that_cannot_be_read_are_no_mistake_of_this_file(tmp_path: Path) -> None:
    with pytest.raises(SiteError) as caught:
        load(tmp_path, meters="[[meter]\n")
    assert {problem.file for problem in caught.value.problems} == {"meters.toml"}

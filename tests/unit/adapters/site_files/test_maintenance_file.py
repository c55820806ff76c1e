"""``maintenance.toml``: plans bound to every unit of a class, routes, fire tests; each mistake where it stands."""

from datetime import date
from pathlib import Path

import pytest
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.maintenance.book import MaintenanceBook
from cityhall_bms.domain.maintenance.cycles import Cycle, CycleUnit

GOOD = """\
[rules]
quiet_s = 120.0

[[plan]]
name = "chiller_tubes"
text_zh = "冰水主機銅管清洗"
text_en = "Chiller tube cleaning"
class = "Centrifugal_Chiller"
every = "half-year"
first = 2026-06-30
sop = "SOP-CH-03"

[[plan.check]]
name = "approach"
text_zh = "冷凝器趨近溫度"
text_en = "Condenser approach"
unit = "K"
high = 3.0

[[route]]
name = "night"
text_zh = "夜間巡檢"
text_en = "Night round"

[[route.stop]]
name = "b2_plant"
place = "B2.CN"
text_zh = "地下二樓機房"
text_en = "Plant room"

[[fire_test]]
name = "class_a_report"
text_zh = "甲類場所檢修申報"
text_en = "Class-A place report"
every = "half-year"
first = 2026-06-30
file_within_days = 15
"""


def book_of(folder: Path, text: str | None) -> MaintenanceBook:
    write_site(folder)
    if text is not None:
        (folder / "maintenance.toml").write_text(text, encoding="utf-8")
    return load_site(folder, {"modbus": CheckingFactory()}).maintenance


def test_a_site_without_the_file_has_no_plans_and_the_times_of_the_standard(tmp_path: Path) -> None:
    assert book_of(tmp_path, None) == MaintenanceBook()


def test_a_plan_is_bound_to_every_unit_of_its_class(tmp_path: Path) -> None:
    book = book_of(tmp_path, GOOD)
    [plan] = book.plans
    assert (plan.equipment, plan.cycle) == (("TCH.B2.CN.CHC01",), Cycle(CycleUnit.HALF_YEAR, date(2026, 6, 30)))
    assert (plan.checks[0].unit, plan.checks[0].high, plan.checks[0].within(3.1)) == ("K", 3.0, False)
    assert book.route("night").stops[0].place == "B2.CN"
    assert (book.fire_test("class_a_report").file_within_days, book.rules.quiet_s) == (15, 120.0)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('class = "Centrifugal_Chiller"', 'class = "Centrifugal_Chller"', 8, "did you mean 'Centrifugal_Chiller'"),
        ('class = "Centrifugal_Chiller"', "", 4, "write the 'class'"),
        ('class = "Centrifugal_Chiller"', 'equipment = ["TCH.B2.CN.CHC09"]', 8, "unknown equipment"),
        ("first = 2026-06-30\nsop", "sop", 4, "belong together"),
        ('every = "half-year"\nfirst = 2026-06-30\nsop', "run_hours = 4000.0\nsop", 9, "no point RunHr"),
        ('unit = "K"\n', "", 13, "needs a unit"),
        ('place = "B2.CN"', 'place = "B9.CN"', 27, "unknown 'B9.CN'"),
        ('name = "class_a_report"', 'name = "chiller_tubes"', 32, "stands there already"),
        ("quiet_s", "quiet", 2, "did you mean 'quiet_s'"),
    ],
)
def test_a_mistake_is_told_where_it_stands(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    assert old in GOOD
    with pytest.raises(SiteError) as caught:
        book_of(tmp_path, GOOD.replace(old, new, 1))
    [problem] = caught.value.problems
    assert said in f"{problem.message} {problem.remedy}"
    assert (problem.file, problem.line) == ("maintenance.toml", line)

"""``performance.toml``, and the facts of ``site.toml``: what a site says of itself, and every mistake with its line."""

from pathlib import Path

import pytest
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.site_files.performance import shipped_indicators
from cityhall_bms.domain.energy.fit_statistics import Limits
from cityhall_bms.domain.energy.performance import Per
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.site import Site


def load(folder: Path, performance: str = "", facts: str = "") -> Site:
    write_site(folder)
    if performance:
        (folder / "performance.toml").write_text(performance, encoding="utf-8")
    if facts:
        text = (folder / "site.toml").read_text(encoding="utf-8")
        (folder / "site.toml").write_text(text.replace("[site]\n", f"[site]\n{facts}\n", 1), encoding="utf-8")
    return load_site(folder, {"modbus": CheckingFactory()})


def test_a_site_without_the_file_has_the_shipped_indicators_and_limits(tmp_path: Path) -> None:
    site = load(tmp_path)
    assert site.performance.limits == Limits()
    assert [indicator.id for indicator in site.performance.indicators] == [
        "eui", "eui_audit", "month_per_area", "water_per_person", "plant_cop", "plant_kw_per_rt", "regeneration_per_lift",
    ]  # fmt: skip
    assert (site.facts.area_m2, site.facts.parking_area_m2, site.facts.staff) == (None, None, None)


def test_a_lift_is_held_to_916_kwh_a_month() -> None:
    [lift] = [indicator for indicator in shipped_indicators() if indicator.id == "regeneration_per_lift"]
    assert (lift.target, lift.per) == (916.0, Per.METER_MONTH)


def test_facts_of_the_site(tmp_path: Path) -> None:
    site = load(tmp_path, facts="area_m2 = 196684.0\nparking_area_m2 = 18000.0\nstaff = 6000")
    assert (site.facts.area_m2, site.facts.parking_area_m2, site.facts.staff) == (196_684.0, 18_000.0, 6_000)


def test_a_site_changes_limits_and_one_indicator(tmp_path: Path) -> None:
    site = load(
        tmp_path,
        """
[baselines]
cvrmse_month = 12.0

[[enpi]]
id = "eui"
text_zh = "用電強度"
text_en = "EUI"
unit = "kWh/m²"
count = { commodity = "electricity" }
per = "area"
target = 105.0
""",
    )
    [eui] = [indicator for indicator in site.performance.indicators if indicator.id == "eui"]
    assert (site.performance.limits.cvrmse_month, site.performance.limits.cvrmse_hour) == (12.0, 30.0)
    assert (eui.target, len(site.performance.indicators)) == (105.0, 7)


ENPI = 'text_zh = "甲"\ntext_en = "A"\nunit = "kWh"'


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[baselines]\ntemperature_point = "TCH.R.CN.WX01.OOT"', 2, "unknown point"),
        ("[baselines]\ncvrmse = 3.0", 2, "cvrmse"),
        (f'[[enpi]]\nid = "a"\n{ENPI}\ncount = {{ meters = ["X"] }}', 6, "unknown meter 'X'"),
        (f'[[enpi]]\nid = "a"\n{ENPI}\ncount = {{}}', 6, "no meters"),
        (f'[[enpi]]\nid = "a"\n{ENPI}\ncount = {{ commodity = "water" }}\nper = "acre"', 7, "per"),
    ],
)
def test_every_mistake_has_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(SiteError) as caught:
        load(tmp_path, text)
    assert any(
        p.file == "performance.toml" and p.line == line and words in f"{p.field} {p.message}"
        for p in caught.value.problems
    ), caught.value.problems


def test_parking_is_a_part_of_the_area(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="no part of area_m2"):
        load(tmp_path, facts="area_m2 = 100.0\nparking_area_m2 = 100.0")

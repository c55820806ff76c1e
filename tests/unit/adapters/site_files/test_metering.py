"""``meters.toml`` of a site; each mistake in it is reported where it stands."""

from pathlib import Path

import pytest
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.meters import Flow, ManualSource, Metering, PointSource
from cityhall_bms.domain.errors import SiteError

POINTS = """\
TCH.B2.CN.CHC01.kWh,用電量,Energy,TCH.B2.CN.CHC01,kWh,CI,kWh,chiller-1,input:200,uint32,ABCD,,,,,60,,
TCH.B2.CN.CHC01.MWh,用電量,Energy,TCH.B2.CN.CHC01,MWh,CI,MWh,chiller-1,input:202,uint32,ABCD,,,,,60,,
TCH.01.E.AHU01.Vol,用水量,Water,TCH.01.E.AHU01,Vol,CI,L,ahu-1,"input:9",uint32,CDAB,,,,,60,,
"""
FILE = """\
[[base_year]]
commodity = "electricity"
year = 2006

[[tenant]]
name = "bank"
text_zh = "銀行"
text_en = "Bank branch"
area_m2 = 320.0

[[meter]]
name = "MAIN"
commodity = "electricity"
text_zh = "總電表"
text_en = "Main meter"
expression = "CHILLER * 2 - BANK"

[[meter]]
name = "CHILLER"
commodity = "electricity"
text_zh = "主機電表"
text_en = "Chiller"
point = "TCH.B2.CN.CHC01.MWh"
part_of = "MAIN"
floor = "B2"
zone = "CN"

[[meter]]
name = "BANK"
commodity = "electricity"
text_zh = "銀行電表"
text_en = "Bank"
point = "TCH.B2.CN.CHC01.kWh"
tenant = "bank"
flow = "export"

[[meter]]
name = "FUEL"
commodity = "fuel"
text_zh = "公務車油料"
text_en = "Fuel of vehicles"
manual = true
"""


def load(folder: Path, text: str | None = FILE) -> Metering:
    write_site(folder)
    with (folder / "points.csv").open("a", encoding="utf-8") as points:
        points.write(POINTS)
    if text is not None:
        (folder / "meters.toml").write_text(text, encoding="utf-8")
    return load_site(folder, {"modbus": CheckingFactory()}).metering


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(SiteError) as caught:
        load(folder, text)
    return [str(problem) for problem in caught.value.problems]


def test_a_site_need_not_have_any(tmp_path: Path) -> None:
    assert load(tmp_path, None) == Metering()


def test_meters_tenants_and_base_years_are_read(tmp_path: Path) -> None:
    metering = load(tmp_path)
    assert list(metering.meters) == ["MAIN", "CHILLER", "BANK", "FUEL"]
    assert metering.meters["CHILLER"].source == PointSource("TCH.B2.CN.CHC01.MWh", factor=1000.0)
    assert metering.meters["BANK"].flow is Flow.EXPORT
    assert metering.meters["FUEL"].source == ManualSource()
    assert metering.leaves("MAIN") == {"CHILLER": 2.0, "BANK": -1.0}
    assert metering.tenants["bank"].area_m2 == 320.0
    assert metering.base_years == {Commodity.ELECTRICITY: 2006}


def test_a_counter_of_litres_counts_water_in_cubic_metres(tmp_path: Path) -> None:
    water = FILE.replace(
        'commodity = "fuel"\ntext_zh = "公務車油料"\ntext_en = "Fuel of vehicles"\nmanual = true',
        'commodity = "water"\ntext_zh = "水"\ntext_en = "Water"\npoint = "TCH.01.E.AHU01.Vol"',
    )
    assert load(tmp_path, water).meters["FUEL"].source == PointSource("TCH.01.E.AHU01.Vol", factor=0.001)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("year = 2006", "year = 95", "meters.toml:1: [[base_year]]: 95 is no year CE: ROC 95 is written 2006 -> "),
        ("manual = true", "", "meters.toml:37: [[meter]]: a meter has one source: a point, an expression, or manual = true -> "),
        ("manual = true", "manual = true\npoint = \"X\"", "meters.toml:37: [[meter]]: a meter has one source: "),
        ("kWh\"\ntenant", "kWhh\"\ntenant", "meters.toml:33: [[meter]] point: there is no point 'TCH.B2.CN.CHC01.kWhh' -> did you mean 'TCH.B2.CN.CHC01.kWh'?"),
        ("CHC01.kWh", "CHC01.RunSts", "meters.toml:33: [[meter]] point: 'TCH.B2.CN.CHC01.RunSts' is no counter (DI) -> "),
        ("TCH.B2.CN.CHC01.kWh", "TCH.01.E.AHU01.Vol", "meters.toml:33: [[meter]] point: 'TCH.01.E.AHU01.Vol' counts 'L', and electricity is counted in kWh -> "),
        ("CHC01.kWh", "CHC01.MWh", "meters.toml:33: [[meter]] point: 'TCH.B2.CN.CHC01.MWh' stands already on line 23 -> "),
        ("CHILLER * 2", "CHILER * 2", "meters.toml:16: [[meter]] expression: column 1: no meter is named 'CHILER' -> did you mean 'CHILLER'?"),
        ("- BANK", "- FUEL", "meters.toml:16: [[meter]] expression: column 15: 'FUEL' counts fuel, this meter electricity -> "),
        ("- BANK", "- 3", "meters.toml:16: [[meter]] expression: column 13: a number cannot be added to a meter"),
        ("- BANK", "- MAIN", "meters.toml:16: [[meter]] expression: a circle: MAIN -> MAIN -> "),
        ("flow = \"export\"", "part_of = \"BANK\"", "meters.toml:35: [[meter]] part_of: a circle: BANK -> BANK -> "),
        ("part_of = \"MAIN\"", "part_of = \"FUEL\"", "meters.toml:24: [[meter]] part_of: 'FUEL' counts fuel, this meter electricity -> "),
        ("part_of = \"MAIN\"", "part_of = \"MAINS\"", "meters.toml:24: [[meter]] part_of: there is no 'MAINS' -> did you mean 'MAIN'?"),
        ("tenant = \"bank\"", "tenant = \"banc\"", "meters.toml:34: [[meter]] tenant: there is no 'banc' -> did you mean 'bank'?"),
        ("floor = \"B2\"", "floor = \"B3\"", "meters.toml:25: [[meter]] floor: there is no 'B3' -> "),
        ("zone = \"CN\"", "zone = \"XX\"", "meters.toml:26: [[meter]] zone: there is no 'XX' -> "),
        ("name = \"FUEL\"", "name = \"MAIN\"", "meters.toml:38: [[meter]] name: 'MAIN' stands already on line 12 -> "),
        ("name = \"FUEL\"", "name = \"1-2\"", "meters.toml:38: [[meter]] name: '1-2' is not allowed -> "),
        ("manual = true", "manual = true\nmanul = 1", "meters.toml:43: [[meter]] manul: unknown key -> did you mean 'manual'?"),
        ("flow = \"export\"", "flow = \"out\"", "meters.toml:35: [[meter]] flow: 'out' is not allowed -> "),
    ],
)  # fmt: skip
def test_a_mistake_is_named_where_it_stands(tmp_path: Path, before: str, after: str, says: str) -> None:
    found = problems(tmp_path, FILE.replace(before, after, 1))
    assert any(problem.startswith(says) for problem in found), "\n".join(found)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    broken = FILE.replace("- BANK", "- FUEL").replace('"B2"', '"B3"').replace('tenant = "bank"', 'tenant = "nobody"')
    assert len([problem for problem in problems(tmp_path, broken) if problem.startswith("meters.toml")]) == 3

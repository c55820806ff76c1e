"""What a site says of its energy beside its meters; each mistake in it is reported where it stands."""

from datetime import date
from pathlib import Path

import pytest
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.site_files.carbon import shipped_factors
from cityhall_bms.domain.energy.book import EnergyBook
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.comparison import Subject
from cityhall_bms.domain.energy.periods import parse_period
from cityhall_bms.domain.energy.saving_targets import EnergyTarget, TargetKind
from cityhall_bms.domain.errors import NotFoundError, SiteError

METERS = """\
[[base_year]]
commodity = "electricity"
year = 2006

[[tenant]]
name = "bank"
text_zh = "銀行"
text_en = "Bank"

[[meter]]
name = "RAIN"
commodity = "rainwater"
text_zh = "雨水"
text_en = "Rainwater"
manual = true
"""
REFERENCES = """\
[comparison]
coverage_min = 0.9

[[reference]]
commodity = "electricity"
period = "95H1"
amount = 13952000
source = "half-year report of 104"
"""
TARGETS = """\
[[target]]
name = "PLANT"
value = 0.9

[[energy_target]]
name = "SAVE-104"
year = 104
commodity = "electricity"
kind = "saving_on_base_year"
percent = 1.0
text_zh = "年節電 1 %"
source = "城市自訂上限"

[[energy_target]]
name = "RAIN-104"
year = 2015
commodity = "rainwater"
meter = "RAIN"
kind = "at_least"
amount = 150.0
priority = 3
"""
CARBON = """\
category = "enterprise"

[[factor]]
commodity = "electricity"
year = 115
kg_per_unit = 0.45
source = "公告"
published = 2027-04-20

[[factor]]
commodity = "electricity"
year = 104
kg_per_unit = 0.526
source = "our own"
"""
FILES = {"meters.toml": METERS, "references.toml": REFERENCES, "targets.toml": TARGETS, "carbon.toml": CARBON}


def load(folder: Path, **changed: str) -> EnergyBook:
    write_site(folder)
    for name, text in FILES.items():
        (folder / name).write_text(changed.get(name.partition(".")[0], text), encoding="utf-8")
    return load_site(folder, {"modbus": CheckingFactory()}).energy_book


def test_a_site_without_these_files_has_the_shipped_factors_and_nothing_else(tmp_path: Path) -> None:
    book = load_site(write_site(tmp_path), {"modbus": CheckingFactory()}).energy_book
    assert (book.references.declared, book.targets) == ((), ())
    assert book.references.coverage_min == 0.95
    applied = book.carbon.of(Commodity.ELECTRICITY, 2015, date(2026, 1, 1))
    assert applied is not None
    assert (applied.factor.kg_per_unit, applied.provisional) == (0.525, False)


def test_the_shipped_factors_are_those_that_were_published() -> None:
    told = {factor.year - 1911: factor.kg_per_unit for factor in shipped_factors()}
    assert told == {
        104: 0.525, 105: 0.529, 106: 0.554, 107: 0.533, 108: 0.509, 109: 0.502, 110: 0.509, 111: 0.495, 112: 0.494,
        113: 0.474, 114: 0.466,
    }  # fmt: skip


def test_declared_figures_are_read_with_their_documents(tmp_path: Path) -> None:
    references = load(tmp_path).references
    figure = references.figure(Subject(Commodity.ELECTRICITY, {}), parse_period("95H1"))
    assert figure is not None
    assert (figure.value, figure.declared, references.coverage_min) == (13_952_000.0, "half-year report of 104", 0.9)


def test_targets_of_years_stand_beside_those_of_rules(tmp_path: Path) -> None:
    book = load(tmp_path)
    assert [target.name for target in book.targets] == ["SAVE-104", "RAIN-104"]
    assert book.target("RAIN-104") == EnergyTarget(
        "RAIN-104", 2015, Commodity.RAINWATER, TargetKind.AT_LEAST, 150.0, meter="RAIN", priority=3
    )
    with pytest.raises(NotFoundError, match="no target is named X"):
        book.target("X")


def test_a_sites_factor_takes_the_place_of_the_shipped_one_and_others_are_added(tmp_path: Path) -> None:
    carbon = load(tmp_path).carbon
    told = {
        roc: (applied.factor.kg_per_unit, applied.provisional)
        for roc in (104, 114, 115)
        if (applied := carbon.of(Commodity.ELECTRICITY, roc + 1911, date(2027, 4, 19)))
    }
    assert told == {104: (0.526, False), 114: (0.466, False), 115: (0.466, True)}


@pytest.mark.parametrize(
    ("file", "before", "after", "says"),
    [
        ("references", "95H1", "95H3", "references.toml:6: [[reference]] period: '95H3' is no period; write 104,"),
        ("references", "amount = 13952000", "amount = -1", "references.toml:7: [[reference]] amount: "),
        ("references", 'period = "95H1"', 'period = "95H1"\ntenant = "bakn"',
         "references.toml:7: [[reference]] tenant: there is no tenant 'bakn' -> did you mean 'bank'?"),
        ("references", 'period = "95H1"', 'period = "95H1"\nmeter = "RAIN"',
         "references.toml:5: [[reference]] commodity: 'RAIN' counts rainwater -> "),
        ("references", "coverage_min = 0.9", "coverage_min = 1.1", "references.toml:2: [comparison] coverage_min: "),
        ("targets", "amount = 150.0", "percent = 15.0",
         "targets.toml:14: [[energy_target]]: a target of the kind at_least has 'amount' and no 'percent'"),
        ("targets", "RAIN-104", "SAVE-104",
         "targets.toml:15: [[energy_target]] name: 'SAVE-104' stands already on line 6 -> "),
        ("targets", 'meter = "RAIN"', 'meter = "RIAN"',
         "targets.toml:18: [[energy_target]] meter: there is no meter 'RIAN' -> did you mean 'RAIN'?"),
        ("targets", 'commodity = "electricity"', 'commodity = "water"',
         "targets.toml:9: [[energy_target]] kind: water has no base year -> add a [[base_year]] to meters.toml"),
        ("targets", "priority = 3", "priority = 5", "targets.toml:21: [[energy_target]] priority: "),
        ("targets", "year = 2015", "year = 1", "targets.toml:16: [[energy_target]] year: 1 is no year: write an ROC year like 104"),
        ("carbon", "year = 115", "year = 115\nlevel = 1", "carbon.toml:6: [[factor]] level: unknown key -> "),
        ("carbon", 'year = 104\n', 'year = 115\npublished = 2027-04-20\n',
         "carbon.toml:12: [[factor]] year: a factor of electricity for 2026 published on the same day stands above"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_where_it_stands(tmp_path: Path, file: str, before: str, after: str, says: str) -> None:
    text = FILES[f"{file}.toml"].replace(before, after, 1)
    assert text != FILES[f"{file}.toml"]
    with pytest.raises(SiteError) as caught:
        load(tmp_path, **{file: text})
    assert any(str(problem).startswith(says) for problem in caught.value.problems), str(caught.value)


@pytest.mark.parametrize(
    ("twice", "says"),
    [
        (
            REFERENCES + REFERENCES.partition("\n\n")[2],
            "references.toml:11: [[reference]] period: 95H1 stands on line 6",
        ),
        (
            REFERENCES.replace('"95H1"', '"2006H1"') + REFERENCES.partition("\n\n")[2],
            "references.toml:11: [[reference]] period: 95H1 stands on line 6",
        ),
    ],
)
def test_an_amount_is_declared_once(tmp_path: Path, twice: str, says: str) -> None:
    with pytest.raises(SiteError) as caught:
        load(tmp_path, references=twice)
    assert [str(problem)[: len(says)] for problem in caught.value.problems] == [says]

"""``environment.toml`` and ``label.toml`` of a site: over what is shipped, each mistake where it stands."""

from pathlib import Path

import pytest
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms import site_reading
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.domain.environment import Environment, WaterCircuit
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.label import Evidence, LabelPlan

METERS = """\
[[meter]]
name = "INLET"
commodity = "water"
text_zh = "總水表"
text_en = "Inlet"
manual = true
"""


def environment_of(folder: Path, text: str | None) -> Environment:
    write_site(folder)
    (folder / "meters.toml").write_text(METERS, encoding="utf-8")
    if text is not None:
        (folder / "environment.toml").write_text(text, encoding="utf-8")
    return load_site(folder, {"modbus": CheckingFactory()}).environment


def label_of(folder: Path, text: str | None) -> LabelPlan:
    write_site(folder)
    if text is not None:
        (folder / "label.toml").write_text(text, encoding="utf-8")
    return site_reading.read_site_label(folder)


def test_a_site_without_the_file_has_what_is_shipped(tmp_path: Path) -> None:
    found = environment_of(tmp_path, None)
    limits = {name: (limit.limit, limit.unit) for name, limit in found.indoor_air.spot_limits.items()}
    assert limits == {"bacteria": (1500.0, "CFU/m³"), "fungi": (1000.0, "CFU/m³")}
    assert found.indoor_air.indicative == ("TVOC", "HCHO")
    assert found.vehicles is not None
    assert found.vehicles.petrol_kgco2_per_l == 2.263
    assert (found.comfort.above_k, found.water.high_nights, found.water.circuits) == (1.0, 3, {})


def test_a_site_replaces_what_it_names_and_keeps_the_rest(tmp_path: Path) -> None:
    found = environment_of(
        tmp_path,
        """\
[indoor_air]
indicative = []
[[indoor_air.area]]
name = "hall"
text_zh = "大廳"
text_en = "Hall"
area_m2 = 5000
places = ["01"]
[[spot_limit]]
name = "fungi"
text_zh = "真菌"
text_en = "Fungi"
limit = 800
unit = "CFU/m³"
source = "our own"
[[water.circuit]]
meter = "INLET"
legitimate_m3h = 0.2
[vehicles]
km_per_kwh = 7.0
""",
    )
    assert found.indoor_air.indicative == ()
    assert [area.name for area in found.indoor_air.areas] == ["hall"]
    assert (found.indoor_air.spot_limits["fungi"].limit, found.indoor_air.spot_limits["bacteria"].limit) == (800, 1500)
    assert found.water.circuits == {"INLET": WaterCircuit("INLET", rests=False, legitimate_m3h=0.2)}
    assert found.vehicles is not None
    assert (found.vehicles.km_per_kwh, found.vehicles.petrol_km_per_l) == (7.0, 15.0)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[indoor_air]\nschedule = "ocupied"\n', 2, "did you mean 'occupied'?"),
        ("[water]\nhigh_night = 3\n", 2, "did you mean 'high_nights'?"),
        ('[[water.circuit]]\nmeter = "INLETT"\n', 2, "did you mean 'INLET'?"),
        ('[[water.circuit]]\nmeter = "INLET"\n[[water.circuit]]\nmeter = "INLET"\n', 4, "stands already on line 2"),
        (
            '[[indoor_air.area]]\nname = "x"\ntext_zh = "x"\ntext_en = "x"\narea_m2 = 1\nplaces = ["01", "09"]\n',
            6,
            "no floor or zone '09'",
        ),
        ("[comfort]\nabove_k = 20\n", 2, "less than or equal to 10"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_remedy(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(SiteError) as failure:
        environment_of(tmp_path, text)
    [problem] = failure.value.problems
    assert (problem.file, problem.line) == ("environment.toml", line)
    assert words in str(problem)


def test_the_shipped_label_has_an_indicator_for_every_kind_of_evidence(tmp_path: Path) -> None:
    plan = label_of(tmp_path, None)
    assert {kind for indicator in plan.indicators for kind in indicator.evidence} == set(Evidence)
    assert all(indicator.score is None for indicator in plan.indicators), "scores are the edition's, and the site's"


def test_a_site_names_its_edition_and_its_own_indicator(tmp_path: Path) -> None:
    (tmp_path / "air.png").write_bytes(b"x")
    plan = label_of(
        tmp_path,
        'edition = "2024"\n[[indicator]]\nname = "health"\ntext_zh = "健康"\ntext_en = "Health"\n'
        'evidence = ["air"]\nattachments = ["air.png"]\n',
    )
    assert plan.edition == "2024"
    assert len(plan.indicators) == 7
    [health] = [indicator for indicator in plan.indicators if indicator.name == "health"]
    assert (health.evidence, health.attachments) == ((Evidence.AIR,), ("air.png",))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.png", "is not there"),
        ("../secret.png", "is not in the site folder"),
        ("/etc/hostname.txt", "is not in the site folder"),
        ("site.toml", "is of no kind that goes into the pack"),
    ],
)
def test_an_attachment_is_a_file_of_the_site_folder(tmp_path: Path, name: str, words: str) -> None:
    text = f'[[indicator]]\nname = "x"\ntext_zh = "x"\ntext_en = "x"\nattachments = ["{name}"]\n'
    with pytest.raises(SiteError) as failure:
        label_of(tmp_path, text)
    [problem] = failure.value.problems
    assert problem.line == 5
    assert words in str(problem)

"""The small site loads; each of its possible mistakes is reported where it stands, with a remedy."""

from pathlib import Path

import pytest
from tests.support.site_mistakes import CASES, Case
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms.adapters.site_files import load_site, render_problems
from cityhall_bms.domain.errors import Problem, SiteError
from cityhall_bms.domain.site import Encoding, PointKind, Site, System, Text

FACTORIES = {"modbus": CheckingFactory()}


def load(folder: Path) -> Site:
    return load_site(folder, FACTORIES)


def problems_of(folder: Path, *profile_folders: Path) -> list[Problem]:
    with pytest.raises(SiteError) as caught:
        load_site(folder, FACTORIES, profile_folders)
    return caught.value.problems


def change(folder: Path, file: str, before: str, after: str) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


def test_a_valid_site_is_read_whole(tmp_path: Path) -> None:
    site = load(write_site(tmp_path))

    assert (site.code, site.time_zone, site.simulated) == ("TCH", "Asia/Taipei", True)
    assert [floor.code for floor in site.floors] == ["B2", "01"]
    assert [zone.text for zone in site.zones] == [Text("中央北", "Central north"), Text("東", "East")]
    assert site.equipment["TCH.01.E.AHU01"].fed_by == ("TCH.B2.CN.CHC01", "TCH.B2.CN.PLT01")
    assert site.equipment["TCH.B2.CN.CHC01"].part_of == ("TCH.B2.CN.PLT01",)
    assert site.system_of(site.points["TCH.01.E.AHU01.SAT"]) is System.HVAC
    assert site.devices["chiller-1"].timeout_s == 1.5
    assert site.devices["chiller-1"].settings == {"host": "127.0.0.1", "port": 5020}
    assert site.devices["chiller-1"].folder == str(tmp_path)


def test_an_empty_cell_takes_the_profiles_value(tmp_path: Path) -> None:
    point = load(write_site(tmp_path)).points["TCH.B2.CN.CHC01.CHWS_T"]

    assert (point.address, point.unit, point.low, point.high) == ("input:100", "°C", 0.0, 40.0)
    assert point.encoding == Encoding("float32", "ABCD", 1.0, 0.0)
    assert (point.scan_s, point.deadband, point.line) == (10.0, 0.1, 2)


def test_a_cell_wins_over_the_profile_and_the_equipment_is_put_into_the_address(tmp_path: Path) -> None:
    point = load(write_site(tmp_path)).points["TCH.B2.CN.CHC01.CHW_Flow"]

    assert (point.low, point.high, point.encoding.scale) == (0.0, 400.0, 0.5)
    assert point.address == "input:TCH.B2.CN.CHC01"
    assert point.unit == "m³/h", "m3/h, as a keyboard writes it, is the same unit"


def test_a_point_without_profile_has_its_own_encoding_and_states(tmp_path: Path) -> None:
    points = load(write_site(tmp_path)).points

    assert points["TCH.01.E.AHU01.SAT"].encoding == Encoding("float32", "CDAB", 0.1, -10.0)
    status = points["TCH.B2.CN.CHC01.RunSts"]
    assert status.kind is PointKind.DI
    assert status.states == {0: Text("停止", "Stopped"), 1: Text("運轉", "Running")}


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    write_site(tmp_path)
    for name in ("points.csv", "equipment.csv", "site.toml"):
        path = tmp_path / name
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))

    assert len(load(tmp_path).points) == 4


def test_a_device_without_points_is_allowed(tmp_path: Path) -> None:
    write_site(tmp_path)
    (tmp_path / "devices/spare.toml").write_text((tmp_path / "devices/ahu-1.toml").read_text())

    assert load(tmp_path).points_of("spare") == []


def test_a_profile_of_the_site_hides_one_that_comes_with_the_drivers(tmp_path: Path) -> None:
    shipped = tmp_path / "package/profiles"
    shipped.mkdir(parents=True)
    site = write_site(tmp_path / "site")
    (shipped / "chiller.toml").write_text("this is not read")
    assert load_site(site, FACTORIES, [shipped]).points["TCH.B2.CN.CHC01.CHWS_T"].address == "input:100"

    text = (site / "profiles/chiller.toml").read_text().replace("input:100", "input:200")
    (site / "profiles/chiller.toml").unlink()
    (shipped / "chiller.toml").write_text(text)
    assert load_site(site, FACTORIES, [shipped]).points["TCH.B2.CN.CHC01.CHWS_T"].address == "input:200"

    (shipped / "chiller.toml").write_text(text.replace("type =", "typ =", 1))
    assert [(p.file, p.line) for p in problems_of(site, shipped)] == [("package/profiles/chiller.toml", 9)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mistake_is_reported_where_it_stands_with_its_remedy(tmp_path: Path, case: Case) -> None:
    write_site(tmp_path)
    change(tmp_path, case.file, case.before, case.after)

    found = {f"{p.file}:{p.line}:{p.field}": f"{p.message} {p.remedy}" for p in problems_of(tmp_path)}

    assert case.place in found, found
    for words in case.words.split("|"):
        assert words in found[case.place]
    assert (len(found) > 1) == (case.name in FOLLOW_UPS), f"one mistake is one problem, unless another follows: {found}"


FOLLOW_UPS = {
    "floor twice": "equipment stands on the floor that is gone",
    "misspelt site key": "the right key is missing",
    "misspelt floor key": "the right key is missing",
    "misspelt equipment column": "the right column is missing",
    "missing cell": "others name the equipment of this row",
    "open quotation mark": "others name the equipment of this row",
    "misspelt point column": "the right column is missing",
    "misspelt device key": "the right key is missing",
    "equipment twice": "its points are unknown",
    "equipment in small letters": "others name it",
    "equipment of another site": "others name it",
    "unknown floor": "others name it",
    "unknown zone": "others name it",
    "role twice": "a point finds its role no more",
    "unknown protocol": "its table is unknown too",
}
"""Changes that rightly give more than one problem, and why."""


@pytest.mark.parametrize("name", ["site.toml", "equipment.csv", "points.csv"])
def test_a_missing_file_is_one_problem(tmp_path: Path, name: str) -> None:
    write_site(tmp_path)
    (tmp_path / name).unlink()

    assert [str(p) for p in problems_of(tmp_path)] == [f"{name}: file: missing -> create {name} in the site folder"]


def test_a_missing_device_folder_is_one_problem(tmp_path: Path) -> None:
    write_site(tmp_path)
    for path in (tmp_path / "devices").iterdir():
        path.unlink()
    (tmp_path / "devices").rmdir()

    assert [(p.file, p.message) for p in problems_of(tmp_path)] == [("devices", "missing")]


def test_a_folder_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    assert [(p.field, p.message) for p in problems_of(tmp_path / "nowhere")] == [("folder", "missing")]


def test_an_empty_points_file_is_told_its_columns(tmp_path: Path) -> None:
    write_site(tmp_path)
    (tmp_path / "points.csv").write_text("")

    (problem,) = problems_of(tmp_path)

    assert (problem.line, problem.field) == (1, "header")
    assert "name,text_zh,text_en,equipment" in problem.remedy


def test_a_file_in_another_encoding_names_its_first_bad_line(tmp_path: Path) -> None:
    write_site(tmp_path)
    path = tmp_path / "points.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("big5", errors="replace"))

    (problem,) = problems_of(tmp_path)

    assert (problem.file, problem.line, problem.message) == ("points.csv", 2, "not UTF-8")


def test_a_file_name_that_is_no_device_name_is_refused(tmp_path: Path) -> None:
    write_site(tmp_path)
    (tmp_path / "devices/ahu-1.toml").rename(tmp_path / "devices/AHU_1.toml")
    change(tmp_path, "points.csv", "ahu-1", "AHU_1")

    (problem,) = problems_of(tmp_path)

    assert (problem.file, problem.message) == ("devices/AHU_1.toml", "'AHU_1' is no device name")


def test_a_cell_with_a_line_break_does_not_shift_the_lines_below(tmp_path: Path) -> None:
    write_site(tmp_path)
    change(tmp_path, "points.csv", "冰水出水溫度", '"冰水\n出水溫度"')
    change(tmp_path, "points.csv", ",60,30,,", ",60,zero,,")

    assert [(p.line, p.field) for p in problems_of(tmp_path)] == [(6, "scan_s")]


def test_all_mistakes_are_reported_together(tmp_path: Path) -> None:
    write_site(tmp_path)
    change(tmp_path, "site.toml", "Asia/Taipei", "Asia/Taipeh")
    change(tmp_path, "equipment.csv", "_System,hvac", "_System,air")
    change(tmp_path, "points.csv", "°C", "degC")
    change(tmp_path, "points.csv", ",60,30,,", ",60,often,-1,")
    change(tmp_path, "devices/chiller-1.toml", "port", "prot")
    change(tmp_path, "profiles/chiller.toml", "scale = 0.5", "scale = inf")

    found = problems_of(tmp_path)

    assert [(p.file, p.line, p.field) for p in found] == [
        ("devices/chiller-1.toml", 12, "[modbus] prot"),
        ("equipment.csv", 2, "system"),
        ("points.csv", 5, "deadband"),
        ("points.csv", 5, "scan_s"),
        ("points.csv", 5, "unit"),
        ("profiles/chiller.toml", 19, "[[point]] scale"),
        ("site.toml", 5, "[site] time_zone"),
    ]
    text = render_problems(found)
    assert text.splitlines()[0] == "devices/chiller-1.toml:12: [modbus] prot: unknown key -> did you mean 'port'?"
    assert text.splitlines()[-1] == "共 7 個問題 / 7 problems"
    assert len(text.splitlines()) == 8


def test_no_problems_render_to_nothing() -> None:
    assert render_problems([]) == ""


def test_a_whole_city_hall_of_5061_points_is_read(tmp_path: Path) -> None:
    write_site(tmp_path)
    equipment, points = [], []
    for number in range(100, 100 + 5061 // 8 + 1):
        name = f"TCH.01.E.IAQ{number}"
        equipment.append(f"{name},IAQ_Sensor_Equipment,environment,空氣品質,Air quality,,")
        points += [
            f"{name}.R{role},值,Value,{name},R{role},AI,ppm,ahu-1,holding:{number * 10 + role},uint16,,0.1,,0,5000,60,1,"
            for role in range(8)
        ]
    for file, rows in (("equipment.csv", equipment), ("points.csv", points)):
        with (tmp_path / file).open("a", encoding="utf-8") as target:
            target.write("\n".join(rows) + "\n")

    assert len(load(tmp_path).points) >= 5061


def test_a_profile_that_no_device_uses_is_checked_too(tmp_path: Path) -> None:
    write_site(tmp_path)
    (tmp_path / "profiles/spare.toml").write_text('[profile]\nprotocol = "modbus"\ntext_en = "Spare"\n')

    assert [(p.file, p.field, p.message) for p in problems_of(tmp_path)] == [
        ("profiles/spare.toml", "point", "missing")
    ]


def test_a_line_break_in_a_cell_does_not_break_the_problem_in_two(tmp_path: Path) -> None:
    write_site(tmp_path)
    change(tmp_path, "points.csv", "TCH.01.E.AHU01.SAT,", '"TCH.01\n.E",')

    (line, _count) = render_problems(problems_of(tmp_path)).split("\n")

    assert line.startswith("points.csv:5: name: 'TCH.01\\n.E' is no point name")

"""The small site loads; each of its possible mistakes is reported where it stands, with a remedy."""

import time
from dataclasses import dataclass
from pathlib import Path

import pytest
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


@dataclass(frozen=True)
class Case:
    """One change to the valid site, and the one mistake it must give."""

    name: str
    file: str
    before: str
    after: str
    place: str
    """``file:line:field`` of the mistake."""
    words: str
    """Words that message and remedy must hold, separated by ``|``."""


SITE, EQ, PT = "site.toml", "equipment.csv", "points.csv"
DEV, PROFILE = "devices/chiller-1.toml", "profiles/chiller.toml"
OTHER_POINT = 'TCH.01.E.AHU01.SAT,送風溫度,Supply air temperature,TCH.01.E.AHU01,SAT,AI,°C,ahu-1,"input:7",float32,CDAB,0.1,-10,-10,60,30,,\n'
CASES = [
    Case(
        "misspelt site key",
        SITE,
        "time_zone",
        "time_zon",
        "site.toml:5:[site] time_zon",
        "unknown key|did you mean 'time_zone'?",
    ),
    Case(
        "unknown time zone",
        SITE,
        "Asia/Taipei",
        "Asia/Taipe",
        "site.toml:5:[site] time_zone",
        "Asia/Taipe|did you mean 'Asia/Taipei'?",
    ),
    Case(
        "time zone that is a path",
        SITE,
        "Asia/Taipei",
        "../etc/x",
        "site.toml:5:[site] time_zone",
        "unknown time zone|IANA",
    ),
    Case("small site code", SITE, '"TCH"', '"Tch"', "site.toml:2:[site] code", "'Tch'|capital letters"),
    Case(
        "text for a flag",
        SITE,
        "simulated = true",
        'simulated = "yes"',
        "site.toml:6:[site] simulated",
        "'yes' is not allowed|boolean",
    ),
    Case(
        "floor twice",
        SITE,
        'code = "01"',
        'code = "B2"',
        "site.toml:14:[[floors]] code",
        "stands already on line 9|rename",
    ),
    Case(
        "misspelt floor key",
        SITE,
        'name_en = "Ground',
        'nam_en = "Ground',
        "site.toml:16:[[floors]] nam_en",
        "unknown key|'name_en'",
    ),
    Case(
        "missing zone name", SITE, 'name_en = "East"\n', "", "site.toml:23:[[zones]] name_en", "missing|add 'name_en'"
    ),
    Case(
        "unknown table in site.toml",
        SITE,
        "[[zones]]",
        "[colours]\nred = 1\n[[zones]]",
        "site.toml:18:[colours]",
        "unknown key",
    ),
    Case(
        "TOML syntax",
        SITE,
        'name_zh = "一樓"',
        "name_zh = 一樓",
        "site.toml:15:syntax",
        "Invalid value|correct the TOML",
    ),
    Case("key twice", DEV, 'host = "127.0.0.1"', 'host = "a"\nhost = "b"', f"{DEV}:12:syntax", "Cannot overwrite"),
    Case(
        "misspelt equipment column",
        EQ,
        "fed_by",
        "fed_bye",
        "equipment.csv:1:fed_bye",
        "unknown column|did you mean 'fed_by'?",
    ),
    Case(
        "equipment twice",
        EQ,
        "TCH.01.E.AHU01,",
        "TCH.B2.CN.CHC01,",
        "equipment.csv:4:equipment",
        "stands already on line 3",
    ),
    Case(
        "equipment in small letters",
        EQ,
        "TCH.B2.CN.PLT01,",
        "TCH.B2.CN.plt01,",
        "equipment.csv:2:equipment",
        "no equipment name|SITE.FLOOR.ZONE",
    ),
    Case(
        "equipment of another site",
        EQ,
        "TCH.B2.CN.PLT01,",
        "TPE.B2.CN.PLT01,",
        "equipment.csv:2:equipment",
        "site's code|'TCH.'",
    ),
    Case(
        "unknown floor",
        EQ,
        "TCH.B2.CN.PLT01,",
        "TCH.B3.CN.PLT01,",
        "equipment.csv:2:equipment",
        "unknown floor 'B3'|[[floors]]",
    ),
    Case(
        "unknown zone",
        EQ,
        "TCH.B2.CN.PLT01,",
        "TCH.B2.NC.PLT01,",
        "equipment.csv:2:equipment",
        "unknown zone 'NC'|[[zones]]",
    ),
    Case(
        "unknown system",
        EQ,
        "_System,hvac",
        "_System,hvca",
        "equipment.csv:2:system",
        "unknown system 'hvca'|did you mean 'hvac'?",
    ),
    Case("bad class", EQ, "Chilled_Water_System", "chilled water", "equipment.csv:2:class", "no class name|Brick"),
    Case("equipment without text", EQ, "冰水系統", "", "equipment.csv:2:text_zh", "empty|text_zh"),
    Case(
        "unknown feeder",
        EQ,
        "CHC01 TCH.B2.CN.PLT01",
        "CHC09 TCH.B2.CN.PLT01",
        "equipment.csv:4:fed_by",
        "'TCH.B2.CN.CHC09'|did you mean 'TCH.B2.CN.CHC01'?",
    ),
    Case("part of itself", EQ, ",,TCH.B2.CN.PLT01", ",,TCH.B2.CN.CHC01", "equipment.csv:3:part_of", "names itself"),
    Case("missing cell", EQ, "冰水系統,", "", "equipment.csv:2:row", "6 cells where the header has 7|commas"),
    Case(
        "semicolons",
        EQ,
        "equipment,class,system,text_zh,text_en,fed_by,part_of",
        "equipment;class;system",
        "equipment.csv:1:header",
        "not separated by commas",
    ),
    Case("open quotation mark", EQ, "一號冰水主機", '"一號冰水主機', "equipment.csv:3:row", "not CSV|quotation mark"),
    Case(
        "misspelt point column", PT, "word_order", "wordorder", "points.csv:1:wordorder", "did you mean 'word_order'?"
    ),
    Case("column twice", PT, "scan_s,deadband", "scan_s,scan_s,deadband", "points.csv:1:scan_s", "twice"),
    Case(
        "point twice",
        PT,
        "TCH.B2.CN.CHC01.CHW_Flow,",
        "TCH.B2.CN.CHC01.CHWS_T,",
        "points.csv:3:name",
        "stands already on line 2",
    ),
    Case(
        "name is not equipment and role",
        PT,
        "TCH.01.E.AHU01.SAT,",
        "TCH.01.E.AHU01.SAT_,",
        "points.csv:5:name",
        "not equipment and role|'TCH.01.E.AHU01.SAT'",
    ),
    Case(
        "name with a space",
        PT,
        "TCH.01.E.AHU01.SAT,",
        "TCH.01.E.AHU01.S AT,",
        "points.csv:5:name",
        "no point name|letters, digits",
    ),
    Case(
        "point of unknown equipment",
        PT,
        "TCH.01.E.AHU01.SAT,送風溫度,Supply air temperature,TCH.01.E.AHU01",
        "TCH.01.E.AHU02.SAT,送風溫度,Supply air temperature,TCH.01.E.AHU02",
        "points.csv:5:equipment",
        "unknown equipment|did you mean 'TCH.01.E.AHU01'?",
    ),
    Case("unknown kind", PT, ",SAT,AI,", ",SAT,IA,", "points.csv:5:kind", "unknown kind 'IA'|AI, DI"),
    Case("unknown unit", PT, "°C", "°c", "points.csv:5:unit", "unknown unit '°c'|did you mean '°C'?"),
    Case("unknown device", PT, "ahu-1", "ahu1", "points.csv:5:device", "unknown device 'ahu1'|did you mean 'ahu-1'?"),
    Case(
        "no address and no profile",
        PT,
        '"input:7"',
        "",
        "points.csv:5:address",
        "device 'ahu-1' has no profile|fill in 'address'",
    ),
    Case(
        "role that the profile has not",
        PT,
        "coil:0",
        "",
        "points.csv:4:address",
        "profile 'chiller' has no role 'RunSts'",
    ),
    Case("no scan", PT, ",60,30,,", ",60,,,", "points.csv:5:scan_s", "empty|scan_s"),
    Case("scan of zero", PT, ",60,30,,", ",60,0,,", "points.csv:5:scan_s", "not greater than 0"),
    Case("negative deadband", PT, ",10,0.1,", ",10,-0.1,", "points.csv:2:deadband", "less than 0"),
    Case("low above high", PT, ",-10,60,", ",70,60,", "points.csv:5:low", "low (70) is greater than high (60)"),
    Case(
        "high below the profile's low",
        PT,
        ",400,10,",
        ",-5,10,",
        "points.csv:3:low",
        "low (0) is greater than high (-5)",
    ),
    Case("word for a number", PT, ",0.1,-10,-10,", ",0.1,-10,cold,", "points.csv:5:low", "'cold' is not a number|12.5"),
    Case("infinite number", PT, ",0.1,-10,-10,", ",0.1,-10,-inf,", "points.csv:5:low", "'-inf' is not a number"),
    Case("scale of zero", PT, ",0.1,-10,-10,", ",0,-10,-10,", "points.csv:5:scale", "0 makes every value the same"),
    Case(
        "malformed states", PT, "1=運轉/Running", "1=運轉", "points.csv:4:states", "'1=運轉' is no state|0=停止/Stopped"
    ),
    Case("state twice", PT, "1=運轉/Running", "0=運轉/Running", "points.csv:4:states", "state 0 appears twice"),
    Case("states of an analog point", PT, ",RunSts,DI,", ",RunSts,AI,", "points.csv:4:states", "kind AI has no states"),
    Case(
        "overlapping register",
        PT,
        OTHER_POINT,
        OTHER_POINT + OTHER_POINT.replace("SAT", "RAT"),
        "points.csv:6:address",
        "also used by TCH.01.E.AHU01.SAT|own register",
    ),
    Case(
        "misspelt device key",
        DEV,
        "text_zh",
        "text_z",
        f"{DEV}:3:[device] text_z",
        "unknown key|did you mean 'text_zh'?",
    ),
    Case(
        "text for a number",
        DEV,
        "timeout_s = 1.5",
        'timeout_s = "1.5"',
        f"{DEV}:6:[device] timeout_s",
        "'1.5' is not allowed|number",
    ),
    Case(
        "time-out of zero",
        DEV,
        "timeout_s = 1.5",
        "timeout_s = 0",
        f"{DEV}:6:[device] timeout_s",
        "0 is not allowed|greater than 0",
    ),
    Case(
        "back-off upside down",
        DEV,
        "retry_min_s = 0.5",
        "retry_min_s = 50.0",
        f"{DEV}:1:[device]",
        "retry_min_s (50) is greater",
    ),
    Case("no device table", DEV, "[device]", "[devic]", f"{DEV}:1:[device]", "missing"),
    Case(
        "unknown protocol",
        DEV,
        '"modbus"',
        '"modbuss"',
        f"{DEV}:2:[device] protocol",
        "unknown protocol|did you mean 'modbus'?",
    ),
    Case(
        "misspelt protocol table",
        DEV,
        "[modbus]",
        "[modbu]",
        f"{DEV}:10:[modbu]",
        "unknown table|did you mean [modbus]?",
    ),
    Case(
        "no protocol table",
        DEV,
        '[modbus]\nhost = "127.0.0.1"\nport = 5020\n',
        "",
        f"{DEV}:2:[modbus]",
        "no table [modbus]|add the table",
    ),
    Case(
        "table of another protocol",
        DEV,
        "[modbus]",
        "[knx]\nline = 1\n[modbus]",
        f"{DEV}:10:[knx]",
        "unknown table|this device speaks modbus",
    ),
    Case(
        "misspelt protocol key",
        DEV,
        "port = 5020",
        "prot = 5020",
        f"{DEV}:12:[modbus] prot",
        "unknown key|did you mean 'port'?",
    ),
    Case(
        "missing profile",
        DEV,
        'profile = "chiller"',
        'profile = "chillr"',
        f"{DEV}:5:[device] profile",
        "missing profile 'chillr'|did you mean 'chiller'?",
    ),
    Case(
        "profile of another protocol",
        PROFILE,
        'protocol = "modbus"',
        'protocol = "bacnet"',
        f"{DEV}:5:[device] profile",
        "is for bacnet|choose a profile for modbus",
    ),
    Case(
        "misspelt profile key",
        PROFILE,
        "high = 40.0",
        "hihg = 40.0",
        f"{PROFILE}:13:[[point]] hihg",
        "unknown key|did you mean 'high'?",
    ),
    Case(
        "role twice",
        PROFILE,
        'role = "CHW_Flow"',
        'role = "CHWS_T"',
        f"{PROFILE}:16:[[point]] role",
        "stands already on line 7",
    ),
    Case("unknown unit in a profile", PROFILE, '"°C"', '"Grad"', f"{PROFILE}:11:[[point]] unit", "unknown unit 'Grad'"),
    Case(
        "profile's low above its high",
        PROFILE,
        "low = 0.0\nhigh = 40.0",
        "low = 50.0\nhigh = 40.0",
        f"{PROFILE}:12:[[point]] low",
        "greater than high",
    ),
]


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


def test_a_whole_city_hall_of_5061_points_is_checked_within_a_second(tmp_path: Path) -> None:
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

    begun = time.process_time()
    site = load(tmp_path)
    spent_s = time.process_time() - begun

    assert len(site.points) >= 5061
    assert spent_s < 1.0


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

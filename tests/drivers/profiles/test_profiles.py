"""Every shipped product profile: it says where it comes from, passes the check, and reads its recorded case.

The bytes of the cases were made by hand from the makers' maps; no product was at hand.
"""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.modbus_server import ModbusServer

import cityhall_drivers
from cityhall_bms.adapters.installed_drivers import find_factories, find_profile_folders
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.modbus import DRIVER
from cityhall_drivers.modbus.codec import parse_address

FOLDER = Path(cityhall_drivers.__file__).parent / "profiles"
CASES = Path(__file__).parent
FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
SITE = """\
[site]
code = "TCH"
name_zh = "測試"
name_en = "Test"
time_zone = "Asia/Taipei"

[[floors]]
code = "01"
name_zh = "一樓"
name_en = "Ground floor"

[[zones]]
code = "E"
name_zh = "東"
name_en = "East"
"""
COLUMNS = (
    "name,text_zh,text_en,equipment,role,kind,unit,device,address,type,word_order,scale,offset,low,high,scan_s,"
    "deadband,states\n"
)


def table(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


PROFILES = {path.stem: table(path) for path in sorted(FOLDER.glob("*.toml"))}
MODBUS = [name for name, profile in PROFILES.items() if profile["profile"]["protocol"] == "modbus"]


def test_there_are_profiles_of_twenty_five_products_and_more() -> None:
    assert len(PROFILES) >= 25


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_cites_its_source_and_speaks_both_languages(name: str) -> None:
    head = PROFILES[name]["profile"]
    assert len(head["source"]) > 20
    assert head["text_zh"]
    assert head["text_en"]


def site_with(folder: Path, name: str, port: int) -> Path:
    """A site folder in which one device uses the profile, with all its points."""
    unit = "TCH.01.E.DEV01"
    rows = [
        f"{unit}.{point['role']},點,Point,{unit},{point['role']},AI,,d,,,,,,,,10,,\n"
        for point in PROFILES[name]["point"]
    ]
    (folder / "devices").mkdir(parents=True)
    (folder / "site.toml").write_text(SITE, encoding="utf-8")
    (folder / "equipment.csv").write_text(
        f"equipment,class,system,text_zh,text_en,fed_by,part_of\n{unit},Controller,environment,設備,Device,,\n",
        encoding="utf-8",
    )
    (folder / "points.csv").write_text(COLUMNS + "".join(rows), encoding="utf-8")
    (folder / "devices" / "d.toml").write_text(
        f'[device]\nprotocol = "modbus"\ntext_zh = "設備"\ntext_en = "Device"\nprofile = "{name}"\n\n'
        f'[modbus]\nhost = "127.0.0.1"\nport = {port}\n',
        encoding="utf-8",
    )
    return folder


@pytest.mark.parametrize("name", MODBUS)
async def test_a_modbus_profile_reads_its_recorded_case(name: str, tmp_path: Path) -> None:
    case = {value["role"]: value for value in table(CASES / f"{name}.toml")["value"]}
    assert set(case) == {point["role"] for point in PROFILES[name]["point"]}
    server = ModbusServer()
    for point in PROFILES[name]["point"]:
        kind, first, _ = parse_address(point["address"])
        registers = server.registers.setdefault((1, FUNCTIONS[kind]), {})
        for place, word in enumerate(case[point["role"]]["words"].split()):
            registers[first + place] = int(word, 16)
    await server.start()
    site = load_site(site_with(tmp_path / "site", name, server.port), find_factories(), find_profile_folders())
    points = [BoundPoint(number, point) for number, point in enumerate(site.points.values(), 1)]
    driver = DRIVER().create(site.devices["d"], SystemClock())
    try:
        await driver.open()
        # Twice: holes of the map that were refused the first time are known the second.
        await driver.read(driver.plan(points))
        readings = await driver.read(driver.plan(points))
    finally:
        await driver.close()
        await server.stop()
    assert not readings.quality.any()
    expected = [case[bound.point.role]["is"] for bound in points]
    assert np.allclose(readings.value, expected, rtol=1e-6, atol=1e-6)
    assert all(
        (b.point.low or -np.inf) <= v <= (np.inf if b.point.high is None else b.point.high)
        for b, v in zip(points, expected, strict=True)
    )


def test_the_products_are_of_many_systems() -> None:
    systems = {table(CASES / f"{name}.toml")["system"] for name in MODBUS}
    assert systems == {"environment", "hvac", "parking", "power", "water"}


def test_the_page_of_profiles_names_every_one_with_its_source() -> None:
    page = (CASES.parents[2] / "docs" / "reference" / "profiles.md").read_text(encoding="utf-8")
    for name, profile in PROFILES.items():
        assert f"| `{name}` | {profile['profile']['protocol']} |" in page
        assert profile["profile"]["source"] in page

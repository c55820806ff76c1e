"""Every shipped profile with its case, and a site in which one device uses it.

A case says to which system of the building the product belongs, what the product sends, and what that means. Its
``origin`` says where the bytes come from: ``map`` is made by hand from the map that the profile cites, ``device`` was
answered by a real device and published at ``recording``, and of a ``mixed`` one only the values that say ``recorded``
were. ``commands`` are the addresses of its map that make it act, and ``absent`` is what it sends in place of a value
that it does not have.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cityhall_drivers
from cityhall_bms.adapters.installed_drivers import find_factories, find_profile_folders
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.driver import BoundPoint

FOLDER = Path(cityhall_drivers.__file__).parent / "profiles"
UNIT = "TCH.01.E.DEV01"
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


def tables(folder: Path) -> dict[str, dict[str, Any]]:
    return {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.toml"))}


PROFILES = tables(FOLDER)
CASES = tables(Path(__file__).parent)


def speaking(protocol: str) -> list[str]:
    """Names of the profiles of a protocol."""
    return [name for name, profile in PROFILES.items() if profile["profile"]["protocol"] == protocol]


def values(name: str) -> dict[str, dict[str, Any]]:
    """What a case says of each role."""
    return {value["role"]: value for value in CASES[name]["value"]}


def site_with(folder: Path, name: str, settings: Mapping[str, str | int], kind: str = "AI") -> Site:
    """A site in which one device ``d`` uses the profile, with all its points, each of ``kind``."""
    rows = [
        f"{UNIT}.{point['role']},點,Point,{UNIT},{point['role']},{kind},,d,,,,,,,,10,,\n"
        for point in PROFILES[name]["point"]
    ]
    protocol = PROFILES[name]["profile"]["protocol"]
    table = "".join(f"{key} = {value!r}\n" for key, value in settings.items())
    (folder / "devices").mkdir(parents=True, exist_ok=True)
    (folder / "site.toml").write_text(SITE, encoding="utf-8")
    (folder / "equipment.csv").write_text(
        "equipment,class,system,text_zh,text_en,fed_by,part_of\n"
        f"{UNIT},Controller,{CASES[name]['system']},設備,Device,,\n",
        encoding="utf-8",
    )
    (folder / "points.csv").write_text(COLUMNS + "".join(rows), encoding="utf-8")
    (folder / "devices" / "d.toml").write_text(
        f'[device]\nprotocol = "{protocol}"\ntext_zh = "設備"\ntext_en = "Device"\nprofile = "{name}"\n\n'
        f"[{protocol}]\n{table}",
        encoding="utf-8",
    )
    return load_site(folder, find_factories(), find_profile_folders())


def bound_points(site: Site) -> list[BoundPoint]:
    return [BoundPoint(number, point) for number, point in enumerate(site.points.values(), 1)]


def expected(name: str, points: list[BoundPoint]) -> list[float]:
    """What the points must be, in their order."""
    known = values(name)
    return [known[bound.point.role]["is"] for bound in points]

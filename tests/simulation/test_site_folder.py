"""The written site folder is complete and always the same."""

import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.support.site_tables import device_file, device_table, equipment_rows, point_rows, profile_points

from cityhall_simulators.description import load_building
from cityhall_simulators.schedules_file import schedules_toml
from cityhall_simulators.secrets_folder import write_secrets
from cityhall_simulators.site_folder import write_site

BUILDING = load_building("small")
PORTS = {label: 15_020 + number for number, label in enumerate(BUILDING.port_labels)}
ADDRESS_SYNTAX = {
    "modbus": re.compile(r"(holding|input):\d+(\.\d+)?|(coil|discrete):\d+"),
    "bacnet": re.compile(r"(analog|binary|multi-state)-(input|output|value),\d+"),
    "opcua": re.compile(r"ns=2;s=[A-Za-z0-9_.]+"),
}
REGISTERS = {
    "int16": 1,
    "uint16": 1,
    "int32": 2,
    "uint32": 2,
    "float32": 2,
    "int64": 4,
    "uint64": 4,
    "float64": 4,
    "bool": 1,
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write_site(folder, BUILDING, "127.0.0.1", PORTS)
    return folder


def address_of(site: Path, row: dict[str, str]) -> dict[str, object]:
    """Address and type of a point, from its own row or from its device's profile."""
    if row["address"]:
        return dict(row)
    return profile_points(site, device_file(site, row["device"])["device"]["profile"])[row["role"]]


def test_every_point_has_an_address_in_its_protocols_words(site: Path) -> None:
    rows = point_rows(site)
    assert len(rows) == 247
    for row in rows:
        protocol = device_file(site, row["device"])["device"]["protocol"]
        assert ADDRESS_SYNTAX[protocol].fullmatch(str(address_of(site, row)["address"])), row["name"]


def test_the_calendar_of_the_offices_is_written_with_its_holidays_and_make_up_days(site: Path) -> None:
    (calendar,) = tomllib.loads((site / "site.toml").read_text(encoding="utf-8"))["calendar"]
    rows = (site / calendar["files"][0]).read_text(encoding="utf-8-sig").splitlines()

    assert rows[0] == "date,kind,name_zh,name_en,source"
    assert "2025-02-08,workday,補行上班,Work instead of 2025-01-27,dgpa_csv" in rows
    assert any(row.startswith("2026-02-17,holiday,春節,Lunar New Year") for row in rows)


def test_names_are_unique_and_made_of_equipment_and_role(site: Path) -> None:
    rows = point_rows(site)
    assert len({row["name"] for row in rows}) == len(rows)
    known = {row["equipment"] for row in equipment_rows(site)}
    for row in rows:
        assert row["name"] == f"{row['equipment']}.{row['role']}"
        assert row["equipment"] in known
        assert re.fullmatch(r"TCH\.[A-Z0-9]+\.[A-Z]+\.[A-Z]+\d\d\.[A-Za-z0-9_]+", row["name"])


def test_every_device_named_exists_and_speaks_for_a_point(site: Path) -> None:
    written = {path.stem for path in (site / "devices").glob("*.toml")}
    assert {row["device"] for row in point_rows(site)} == written
    for name in written:
        profile = device_file(site, name)["device"].get("profile")
        assert profile is None or (site / "profiles" / f"{profile}.toml").exists()


def test_equipment_stands_on_known_floors_and_zones_and_refers_to_equipment(site: Path) -> None:
    table = tomllib.loads((site / "site.toml").read_text(encoding="utf-8"))
    floors, zones = ({place["code"] for place in table[kind]} for kind in ("floors", "zones"))
    assert table["site"]["simulated"] is True
    rows = equipment_rows(site)
    names = {row["equipment"] for row in rows}
    for row in rows:
        _, floor, zone, _ = row["equipment"].split(".")
        assert floor in floors
        assert zone in zones
        assert set(f"{row['fed_by']} {row['part_of']}".split()) <= names
        assert row["text_zh"]
        assert row["text_en"]


def test_no_two_points_of_a_device_share_an_address(site: Path) -> None:
    taken: dict[tuple[str, str, str], str] = {}
    for row in point_rows(site):
        entry = address_of(site, row)
        address = str(entry["address"])
        table, _, place = address.partition(":")
        whole = place.isdigit() and table in {"holding", "input"}
        spans = [f"{int(place) + n}" for n in range(REGISTERS[str(entry["type"])])] if whole else [place]
        for span in spans:
            key = (row["device"], table, span)
            assert key not in taken, (row["name"], taken[key])
            taken[key] = row["name"]


@pytest.mark.parametrize(("role", "scan_s"), [
    # These must ring within two seconds in the demonstration.
    ("CHC01.RunSts", 1), ("CHC01.AlmSum", 1), ("CHC01.FaultCode", 1), ("CHC01.EnableCmd", 1), ("AHU01.RunSts", 1),
    ("AHU02.StartCmd", 1), ("AHU01.TripAlm", 1), ("AHU01.DuctSmoke", 1), ("ELV01.AlmBell", 1), ("FACP01.Alarm", 1),
    ("FZN02.State", 1), ("ACS01.AlmSts", 1), ("SOS01.Pressed", 1), ("HVM01.kW", 1), ("EM01.kW", 5), ("IAQ01.CO2", 10),
    ("WX01.OAT", 10), ("CHC01.CHWS_T", 5), ("AHU01.SAT", 5),
])  # fmt: skip
def test_scan_rates_are_those_of_the_demonstration(site: Path, role: str, scan_s: float) -> None:
    assert float(next(row["scan_s"] for row in point_rows(site) if row["name"].endswith(role))) == scan_s


def test_digital_and_multi_state_points_have_texts_in_both_languages(site: Path) -> None:
    for row in point_rows(site):
        if row["kind"] in {"DI", "DO", "MI", "MO"}:
            for entry in row["states"].split(";"):
                assert re.fullmatch(r"\d+=[^/=;]+/[^/=;]+", entry), row["name"]
        else:
            assert row["states"] == ""


def test_life_safety_is_on_secured_or_read_only_devices_without_outputs(site: Path) -> None:
    systems = {row["equipment"]: row["system"] for row in equipment_rows(site)}
    for row in point_rows(site):
        if systems[row["equipment"]] in {"fire", "lift", "security"}:
            assert row["kind"] in {"AI", "DI", "MI", "CI"}
    assert device_table(site, "safety-opcua")["security"] == "Aes256_Sha256_RsaPss"


def test_the_same_description_gives_the_same_files(site: Path, tmp_path: Path) -> None:
    write_site(tmp_path, BUILDING, "127.0.0.1", PORTS)
    files = {path.relative_to(site): path.read_bytes() for path in site.rglob("*") if path.is_file()}
    again = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == again


def test_secrets_are_readable_by_their_owner_alone_and_new_each_time(tmp_path: Path) -> None:
    first, second = write_secrets(tmp_path, "127.0.0.1"), write_secrets(tmp_path, "127.0.0.1")
    assert first.password != second.password
    assert (tmp_path / "secrets/opcua-bms.txt").read_text().strip() == second.password
    assert (tmp_path / "secrets/opcua-server.der").read_bytes() == second.certificate_der
    for path in (tmp_path / "secrets").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_command_writes_the_folder_of_the_whole_building(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cityhall_simulators", "site", str(tmp_path / "site"), "--base-port", "16000"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert device_table(tmp_path / "site", "chc01-panel")["port"] == 16_000
    assert len(point_rows(tmp_path / "site")) == 5061


@pytest.mark.parametrize(
    ("building", "names"),
    [
        ("small", {"AHU-OFFICE", "PARKING-RUSH"}),
        ("full", {"AHU-OFFICE", "DISPENSERS", "LIGHTING-OFFICE", "PARKING-RUSH"}),
    ],
)
def test_air_light_dispensers_and_fans_have_their_hours(building: str, names: set[str]) -> None:
    found = tomllib.loads(schedules_toml(load_building(building)))
    assert {schedule["name"] for schedule in found["schedule"]} == names
    assert all(len(scene["values"]) <= 50 for scene in found["scene"])
    assert [space["name"] for space in found["bookings"]["space"]][:1] == ["hall"]

"""Every shipped product profile: where it comes from, which system it serves, and that life safety stays untouched."""

from pathlib import Path

import pytest
from tests.drivers.profiles.shelf import CASES, PROFILES, UNIT, bound_points, expected, site_with

from cityhall_bms.domain.commands import READ_ONLY_SYSTEMS, CommandTarget
from cityhall_bms.domain.errors import ReadOnlyPointError
from cityhall_bms.domain.site import System

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "profiles.md").read_text(encoding="utf-8")
SETTINGS: dict[str, dict[str, str | int]] = {
    "modbus": {"host": "127.0.0.1"},
    "bacnet": {"host": "127.0.0.1", "device_instance": 1, "local_host": "127.0.0.1"},
    "mqtt": {"host": "127.0.0.1", "topic": "t"},
    "snmp": {"host": "127.0.0.1", "community_file": "secrets/community.txt"},
}
"""The least that a device file of each protocol says."""
GUARDED = [name for name, case in CASES.items() if case["system"] in READ_ONLY_SYSTEMS]


def settings_of(name: str, folder: Path) -> dict[str, str | int]:
    (folder / "secrets").mkdir(parents=True)
    community = folder / "secrets/community.txt"
    community.write_text("public")
    community.chmod(0o600)
    return SETTINGS[PROFILES[name]["profile"]["protocol"]]


def test_there_are_profiles_of_twenty_five_products_and_more() -> None:
    assert len(PROFILES) >= 25


def test_every_profile_has_a_case_of_all_its_points() -> None:
    assert set(CASES) == set(PROFILES)
    for name, profile in PROFILES.items():
        assert {value["role"] for value in CASES[name]["value"]} == {point["role"] for point in profile["point"]}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_cites_its_source_and_speaks_both_languages(name: str) -> None:
    head = PROFILES[name]["profile"]
    assert len(head["source"]) > 20
    assert head["text_zh"]
    assert head["text_en"]


@pytest.mark.parametrize("name", CASES)
def test_a_case_says_where_its_bytes_come_from(name: str) -> None:
    case = CASES[name]
    recorded = [value.get("recorded", False) for value in case["value"]]
    assert case["origin"] in {"map", "mixed", "device"}
    assert ("recording" in case) == (case["origin"] != "map")
    assert (any(recorded) and not all(recorded)) == (case["origin"] == "mixed")


@pytest.mark.parametrize("system", System)
def test_every_system_of_the_building_has_products(system: System) -> None:
    assert len([name for name, case in CASES.items() if case["system"] == system]) >= 2


@pytest.mark.parametrize("name", PROFILES)
def test_the_values_of_a_case_are_within_the_ranges_of_its_profile(name: str, tmp_path: Path) -> None:
    points = bound_points(site_with(tmp_path, name, settings_of(name, tmp_path)))
    for bound, value in zip(points, expected(name, points), strict=True):
        low, high = bound.point.low, bound.point.high
        assert low is None or low <= value, bound.point.role
        assert high is None or value <= high, bound.point.role


@pytest.mark.parametrize("name", GUARDED)
def test_no_point_of_a_life_safety_product_can_become_a_target(name: str, tmp_path: Path) -> None:
    site = site_with(tmp_path, name, settings_of(name, tmp_path), kind="SP")
    assert site.points
    for number, point in enumerate(site.points.values(), 1):
        with pytest.raises(ReadOnlyPointError, match="read-only by construction"):
            CommandTarget(number, point, site.equipment[UNIT])


@pytest.mark.parametrize("name", GUARDED)
def test_a_life_safety_profile_leaves_out_what_makes_its_product_act(name: str) -> None:
    addresses = {point["address"].partition(".")[0] for point in PROFILES[name]["point"]}
    addresses |= {point["address"] for point in PROFILES[name]["point"]}
    assert not addresses & set(CASES[name].get("commands", ()))
    assert not any(address.startswith("coil:") for address in addresses)


def test_the_page_of_profiles_names_every_one_with_its_system_and_source() -> None:
    for name, profile in PROFILES.items():
        head, case = profile["profile"], CASES[name]
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
        assert row.startswith(f"| `{name}` | {case['system']} | {head['protocol']} | {head['text_zh']} |")
        assert row.endswith(f"| {head['source']} | {case['origin']} |")


def test_the_page_names_no_profile_that_is_not_there() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert {row.split("`")[1] for row in rows} == set(PROFILES)


@pytest.mark.parametrize("system", System)
def test_the_page_counts_the_products_of_a_system(system: System) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| {system} | "))
    assert row.endswith(f" | {len([case for case in CASES.values() if case['system'] == system])} |")

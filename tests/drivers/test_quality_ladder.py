"""What a driver's folder must hold before it may claim a step of the quality ladder."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

import cityhall_drivers

ROOT = Path(__file__).parents[2]
PACKAGE = Path(cityhall_drivers.__file__).parent
LIBRARIES = {"modbus": "serial", "bacnet": "bacpypes3", "opcua": "asyncua", "mqtt": "aiomqtt", "snmp": "pysnmp"}
DRIVERS = sorted(folder.parent.name for folder in PACKAGE.glob("*/driver.py"))
LADDER = {
    "bronze": ("closed_configuration", "checked_before_connecting", "recorded_cases", "readme_shows_sample"),
    "silver": ("recovers_by_itself", "reports_once", "bounded", "grouped_reads", "simulator_with_faults"),
    "gold": (
        "writes_confirmed_by_reading_back",
        "discovery",
        "diagnostics_without_secrets",
        "recorded_traffic_of_real_devices",
    ),
}


def ladder(name: str) -> dict[str, Any]:
    return tomllib.loads((PACKAGE / name / "quality.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", DRIVERS)
def test_every_rule_of_the_ladder_is_answered_with_a_reason_where_it_is_not_done(name: str) -> None:
    answered = ladder(name)
    assert set(answered) == {"reached", *LADDER}
    for step, rules in LADDER.items():
        assert tuple(answered[step]) == rules
        for rule in answered[step].values():
            assert rule["status"] in {"done", "todo", "exempt"}
            assert rule["status"] == "done" or rule["why"]


@pytest.mark.parametrize("name", DRIVERS)
def test_the_step_claimed_is_the_highest_of_which_nothing_is_to_do(name: str) -> None:
    answered = ladder(name)
    reached = "none"
    for step in LADDER:
        if any(rule["status"] == "todo" for rule in answered[step].values()):
            break
        reached = step
    assert answered["reached"] == reached


@pytest.mark.parametrize("name", DRIVERS)
def test_a_driver_at_gold_was_tried_on_traffic_that_neither_we_nor_its_library_made(name: str) -> None:
    answered, folder = ladder(name), ROOT / "tests" / "drivers" / name
    status = answered["gold"]["recorded_traffic_of_real_devices"]["status"]
    recordings = {"done": "real_devices.toml", "exempt": "independent_servers.toml"}
    assert status not in recordings or tomllib.loads((folder / recordings[status]).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", DRIVERS)
def test_the_readme_shows_the_sample_word_for_word(name: str) -> None:
    sample = (PACKAGE / name / "sample.toml").read_text(encoding="utf-8")
    assert f"```toml\n{sample}```\n" in (PACKAGE / name / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DRIVERS)
def test_the_sample_is_a_device_that_its_driver_accepts(name: str) -> None:
    module = __import__(f"cityhall_drivers.{name}", fromlist=["DRIVER"])
    from cityhall_bms.domain.site import Device, Text

    table = tomllib.loads((PACKAGE / name / "sample.toml").read_text(encoding="utf-8"))
    assert table["device"]["protocol"] == name
    device = Device("sample", Text("", ""), name, table[name], timeout_s=table["device"]["timeout_s"])
    assert module.DRIVER().check(device, []) == []


@pytest.mark.parametrize("name", DRIVERS)
def test_recorded_cases_are_complete(name: str) -> None:
    cases = sorted((ROOT / "tests" / "drivers" / name / "cases").iterdir())
    assert cases
    for case in cases:
        assert (case / "device.toml").exists()
        assert (case / "expected.txt").exists()


@pytest.mark.parametrize("name", DRIVERS)
def test_only_the_files_named_for_it_know_the_protocol_library(name: str) -> None:
    paths = sorted((PACKAGE / name).glob("*.py"))
    knowing = {path.stem for path in paths if f"import {LIBRARIES[name]}" in path.read_text(encoding="utf-8")}
    knowing |= {path.stem for path in paths if f"from {LIBRARIES[name]}" in path.read_text(encoding="utf-8")}
    assert knowing
    assert all(stem == "driver" or stem.startswith("stack") for stem in knowing), knowing

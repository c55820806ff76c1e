"""What the reference says equals what the code does."""

import itertools
import json
import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel
from tests.support.interface import DOCUMENT
from tests.support.pages import ROOT, blocks, table, text_of

from cityhall_bms import site_reading
from cityhall_bms.adapters.site_files import models
from cityhall_bms.adapters.site_files.equipment import EQUIPMENT_COLUMNS
from cityhall_bms.adapters.site_files.points import POINTS_COLUMNS
from cityhall_bms.api.points import INTERVALS
from cityhall_bms.api.problems import TITLES
from cityhall_bms.domain.alarms import SHELF_MAX_S, AlarmState
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.units import find_unit
from cityhall_bms.ports.history import Aggregation
from cityhall_bms.rules.files import library
from cityhall_bms.settings import ENV_PREFIX, Settings, load_settings
from cityhall_drivers.bacnet.config import BacnetConfig
from cityhall_drivers.modbus.config import ModbusConfig
from cityhall_drivers.mqtt.config import MqttConfig
from cityhall_drivers.opcua.config import OpcUaConfig
from cityhall_drivers.snmp.config import SnmpConfig
from cityhall_simulators.control import fault_table


def settings_keys(model: type[BaseModel], prefix: str = "") -> dict[str, object]:
    """Every key with its default, tables flattened with dots."""
    keys: dict[str, object] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            keys |= settings_keys(type(field.default), f"{name}.")
        else:
            keys[prefix + name] = json.loads(json.dumps(field.default, default=str))
    return keys


def test_the_settings_page_names_every_key_with_its_default() -> None:
    rows = table(text_of("reference/settings.md"), "Key")

    assert {key: json.loads(default) for key, default, _ in rows} == settings_keys(Settings)


def test_the_settings_file_on_the_page_is_read_and_names_every_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = text_of("reference/settings.md")
    example = blocks(page, "toml")[0]
    (tmp_path / "cityhall.toml").write_text(example, encoding="utf-8")

    load_settings(tmp_path / "cityhall.toml")
    assert set(flat_keys(tomllib.loads(example))) == set(settings_keys(Settings))
    for name in re.findall(rf"`({ENV_PREFIX}[A-Z_]+)`", page):
        key = name.removeprefix(ENV_PREFIX).lower().replace("__", ".")
        assert key in settings_keys(Settings)
    hosts = re.search(r"CITYHALL_API__ALLOWED_HOSTS='(.*)'`", page)
    assert hosts is not None
    monkeypatch.setenv("CITYHALL_API__ALLOWED_HOSTS", hosts[1])
    assert load_settings().api.allowed_hosts == ("127.0.0.1", "bms.example")


def flat_keys(tree: dict[str, object]) -> list[str]:
    return list(
        itertools.chain.from_iterable(
            [f"{key}.{inner}" for inner in value] if isinstance(value, dict) else [key] for key, value in tree.items()
        )
    )


def test_the_quality_page_is_the_table_of_the_code() -> None:
    rows = table(text_of("reference/quality.md"), "Code")

    assert [row[:3] for row in rows] == [
        [f"0x{quality:02x}", quality.severity, quality.reason or ""] for quality in Quality
    ]


def test_the_site_folder_page_names_the_columns_that_are_read() -> None:
    page = text_of("reference/site-folder.md")

    for file, columns in (("equipment.csv", EQUIPMENT_COLUMNS), ("points.csv", POINTS_COLUMNS)):
        line = re.search(rf"^{file}: `([^`]+)`", page, re.MULTILINE)
        assert line is not None
        assert tuple(line[1].split(",")) == columns


def test_the_site_folder_page_shows_every_key_of_every_table() -> None:
    site, device, profile, told = (tomllib.loads(text) for text in blocks(text_of("reference/site-folder.md"), "toml"))
    shown = {
        models.SiteTable: site["site"],
        models.PlaceTable: site["floors"][0],
        models.CalendarTable: site["calendar"][0],
        models.SpecialDayTable: site["calendar"][0]["day"][0],
        models.ScheduleTable: site["schedule"][0],
        models.ExceptionTable: site["schedule"][0]["exception"][0],
        models.DeviceTable: device["device"],
        ModbusConfig: device["modbus"],
        BacnetConfig: device["bacnet"],
        OpcUaConfig: device["opcua"],
        MqttConfig: device["mqtt"],
        SnmpConfig: device["snmp"],
        models.ProfileTable: profile["profile"],
        models.ProfilePoint: profile["point"][0],
        models.NotificationsTable: told["notifications"],
        models.ChannelTable: told["channel"][0],
        models.PersonTable: told["person"][0],
        models.GroupTable: told["group"][0],
        models.DutyTable: told["group"][0]["duty"][0],
        models.RouteTable: told["route"][0],
        models.QuietTable: told["quiet"][0],
    }

    assert {model.__name__: set(keys) ^ set(model.model_fields) for model, keys in shown.items()} == {
        model.__name__: set() for model in shown
    }
    assert find_unit(profile["point"][0]["unit"])


def test_the_page_of_faults_shows_the_table_of_faults() -> None:
    page = text_of("reference/simulator-faults.md").partition("<!-- faults:")[2]

    assert table(page, "Name") == [
        [str(fault[key]) for key in ("name", "text_zh", "text_en", "strikes", "default", "rules")]
        for fault in fault_table()
    ]


def test_the_interface_page_names_every_address() -> None:
    rows = table(text_of("reference/api.md"), "Address")
    named = {address for row in rows for address in row[0].split(", ")}
    document = DOCUMENT["paths"]

    assert named == {f"{method.upper()} {path}" for path, methods in document.items() for method in methods}


def test_the_interface_page_names_intervals_figures_and_statuses() -> None:
    page = text_of("reference/api.md")

    assert f"`{' '.join(Aggregation)}`" in page
    named = re.search(r"`interval` is one of `([^`]+)`", page)
    assert named is not None
    assert set(named[1].split()) == INTERVALS
    assert [int(row[0]) for row in table(page, "Status")] == sorted(TITLES)


def test_the_alarm_page_names_every_state_and_the_longest_shelves() -> None:
    page = text_of("reference/alarms.md")

    assert [row[1] for row in table(page, "State")] == [state.value for state in AlarmState]
    hours = {0.0: "never", 3_600.0: "1 h", 8 * 3_600.0: "8 h", 24 * 3_600.0: "24 h"}
    assert [row[2] for row in table(page, "Priority")] == [hours[longest] for longest in SHELF_MAX_S.values()]


def test_the_rules_page_counts_the_shipped_rules() -> None:
    assert f"{len(library())} rules" in text_of("reference/rules.md")


def test_the_profile_on_the_how_to_page_passes_the_check(tmp_path: Path) -> None:
    tutorial, page = text_of("tutorial/add-a-modbus-meter.md"), text_of("how-to/add-a-product-profile.md")
    files = {
        "site.toml": blocks(tutorial, "toml file=mysite/site.toml")[0],
        "equipment.csv": blocks(tutorial, "csv file=mysite/equipment.csv")[0],
        "points.csv": blocks(page, "csv points")[0],
        "devices/meter-1.toml": blocks(page, "toml device")[0],
        "profiles/meter-abc.toml": blocks(page, "toml profile")[0],
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    site = site_reading.read_site(tmp_path)

    assert [(point.address, point.unit, point.encoding.scale) for point in site.points.values()] == [
        ("input:100", "kW", 1.0),
        ("holding:300", "kWh", 0.01),
    ]


def test_the_page_of_figures_names_every_script_and_no_other() -> None:
    scripts = {f"benchmarks/{path.name}" for path in (ROOT / "benchmarks").glob("*.py")}

    assert set(re.findall(r"benchmarks/\w+\.py", text_of("benchmarks.md"))) == scripts


def test_every_answer_on_the_interface_page_has_the_fields_of_the_interface() -> None:
    answers = [json.loads(text.replace(", …", "")) for text in blocks(text_of("reference/api.md"), "json")]
    known = {name: set(schema.get("properties", ())) for name, schema in DOCUMENT["components"]["schemas"].items()}

    shapes = [{name for name, fields in known.items() if set(answer) <= fields} for answer in answers]
    assert len(shapes) >= 6
    assert all(shapes), [answer for answer, names in zip(answers, shapes, strict=True) if not names]
    for answer, names in zip(answers, shapes, strict=True):
        for item in answer.get("items", ()):
            parts = {"AlarmPage": "Alarm", "Events": "Event"}
            assert any(set(item) <= known[part] for page, part in parts.items() if page in names), item

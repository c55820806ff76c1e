"""Writing the site folder that describes a simulated building to the service."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from cityhall_simulators.addresses import BacnetObject, Register, bacnet_map, modbus_map, opcua_node
from cityhall_simulators.description import Building, Device, Point, Text
from cityhall_simulators.environment_file import environment_toml
from cityhall_simulators.maintenance_file import maintenance_toml
from cityhall_simulators.meters_file import meters_toml
from cityhall_simulators.plants.calendar import special_days
from cityhall_simulators.schedules_file import schedules_toml
from cityhall_simulators.targets_file import references_toml, targets_toml
from cityhall_simulators.tariffs_file import tariffs_toml
from cityhall_simulators.toml_text import table

PASSWORD_FILE = "secrets/opcua-bms.txt"  # noqa: S105 - a file's name
CERTIFICATE_FILE = "secrets/opcua-server.der"
OPCUA_USER = "bms"
CALENDAR_FILE = "calendar.csv"
_FACTS = ("area_m2", "parking_area_m2", "staff")
_CALENDAR_COLUMNS = ("date", "kind", "name_zh", "name_en", "source")
_EQUIPMENT_COLUMNS = ("equipment", "class", "system", "text_zh", "text_en", "fed_by", "part_of")
_POINT_COLUMNS = (
    "name", "text_zh", "text_en", "equipment", "role", "kind", "unit", "device", "address", "type", "word_order",
    "scale", "offset", "low", "high", "scan_s", "deadband", "states",
)  # fmt: skip

_Row = dict[str, object]


def write_site(folder: Path, building: Building, host: str, ports: Mapping[str, int]) -> None:
    """Write the whole folder except ``secrets/``; ``ports`` gives a number for each port label."""
    for part in ("devices", "profiles", "rules", "secrets"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "secrets").chmod(0o700)
    (folder / "site.toml").write_text(_site_toml(building), encoding="utf-8")
    if meters := meters_toml(building):
        (folder / "meters.toml").write_text(meters, encoding="utf-8")
    if tariffs := tariffs_toml(building):
        (folder / "tariffs.toml").write_text(tariffs, encoding="utf-8")
    for name, text in (
        ("targets", targets_toml(building)),
        ("references", references_toml(building)),
        ("environment", environment_toml(building)),
        ("maintenance", maintenance_toml(building)),
        ("schedules", schedules_toml(building)),
    ):
        if text:
            (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    _write_csv(folder / CALENDAR_FILE, _CALENDAR_COLUMNS, _calendar_rows())
    _write_csv(folder / "equipment.csv", _EQUIPMENT_COLUMNS, _equipment_rows(building))
    _write_csv(folder / "points.csv", _POINT_COLUMNS, [row for d in building.devices for row in _point_rows(d)])
    for device in building.devices:
        text = _device_toml(device, host, ports[device.port])
        (folder / "devices" / f"{device.name}.toml").write_text(text, encoding="utf-8")
    for device in {device.profile: device for device in building.devices if device.profile}.values():
        (folder / "profiles" / f"{device.profile}.toml").write_text(_profile_toml(device), encoding="utf-8")


def _write_csv(path: Path, columns: tuple[str, ...], rows: Iterable[_Row]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def _calendar_rows() -> list[_Row]:
    return [
        {
            "date": day.isoformat(),
            "kind": "workday" if special.works else "holiday",
            "name_zh": special.name_zh,
            "name_en": special.name_en,
            "source": special.source,
        }
        for day, special in special_days().items()
    ]


def _equipment_rows(building: Building) -> list[_Row]:
    return [
        {
            "equipment": item.name,
            "class": item.brick_class,
            "system": item.type.system,
            "text_zh": item.text.zh,
            "text_en": item.text.en,
            "fed_by": " ".join(item.fed_by),
            "part_of": " ".join(item.part_of),
        }
        for item in building.equipment
    ]


def _point_rows(device: Device) -> list[_Row]:
    encodings = {} if device.profile else _encodings(device)
    rows: list[_Row] = []
    for point in device.points:
        role = point.role
        rows.append(
            {
                "name": point.name,
                "text_zh": role.text.zh,
                "text_en": role.text.en,
                "equipment": point.equipment.name,
                "role": role.role,
                "kind": role.kind,
                "unit": role.unit,
                "device": device.name,
                "low": _number(role.low),
                "high": _number(role.high),
                "scan_s": _number(point.scan_s),
                "states": _states(role.states),
                **encodings.get(point.index, {}),
            }
        )
    return rows


def _encodings(device: Device) -> dict[int, _Row]:
    """Address columns by point index, in the protocol's own words; defaults are left out."""
    if device.protocol == "modbus":
        return {index: _modbus_columns(register) for index, register in modbus_map(device).items()}
    if device.protocol == "bacnet":
        return {index: _bacnet_columns(shown_as) for index, shown_as in bacnet_map(device).items()}
    return {point.index: {"address": opcua_node(point)} for point in device.points}


def _modbus_columns(register: Register) -> _Row:
    columns: _Row = {"address": register.text, "type": register.type}
    if register.registers > 1:
        columns["word_order"] = register.word_order
    if register.scale != 1.0:
        columns["scale"] = _number(register.scale)
    return columns


def _bacnet_columns(shown_as: BacnetObject) -> _Row:
    columns: _Row = {"address": shown_as.text}
    if shown_as.offset:
        columns["offset"] = _number(shown_as.offset)
    return columns


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _states(states: Mapping[int, Text]) -> str:
    return ";".join(f"{value}={text.zh}/{text.en}" for value, text in states.items())


def _site_toml(building: Building) -> str:
    text = table(
        "[site]",
        {
            "code": building.code,
            "name_zh": building.text.zh,
            "name_en": building.text.en,
            "time_zone": building.time_zone,
            "simulated": True,
        }
        | {name: _whole(building.parameters[name]) for name in _FACTS if name in building.parameters},
    )
    for title, places in (("[[floors]]", building.floors), ("[[zones]]", building.zones)):
        for code, name in places:
            text += table(title, {"code": code, "name_zh": name.zh, "name_en": name.en})
    calendar = {"name": "office", "text_zh": "政府行政機關辦公日曆", "text_en": "Office calendar of the government"}
    return text + table("[[calendar]]", calendar).rstrip() + f'\nfiles = ["{CALENDAR_FILE}"]\n'


def _whole(number: float) -> float | int:
    return int(number) if number.is_integer() else number


def _device_toml(device: Device, host: str, port: int) -> str:
    head: dict[str, object] = {"protocol": device.protocol, "text_zh": device.text.zh, "text_en": device.text.en}
    if device.profile:
        head["profile"] = device.profile
    settings: dict[str, object]
    if device.protocol == "modbus":
        settings = {"host": host, "port": port, "unit_id": device.unit_id}
    elif device.protocol == "bacnet":
        settings = {"host": host, "port": port, "device_instance": device.device_instance, "local_host": host}
    else:
        settings = _opcua_settings(device, host, port)
    return table("[device]", head) + table(f"[{device.protocol}]", settings)


def _opcua_settings(device: Device, host: str, port: int) -> dict[str, object]:
    settings: dict[str, object] = {"url": f"opc.tcp://{host}:{port}/", "security": device.security}
    if device.security != "none":
        settings |= {"user": OPCUA_USER, "password_file": PASSWORD_FILE, "server_certificate": CERTIFICATE_FILE}
    else:
        settings["open_because"] = "模擬的伺服器 a simulated server"
    return settings | {"mode": "subscribe"}


def _profile_toml(device: Device) -> str:
    text = table(
        "[profile]",
        {
            "protocol": device.protocol,
            "text_en": device.equipment[0].type.brick_class.replace("_", " "),
            "source": "simulated city hall",
        },
    )
    encodings = _encodings(device)
    for point in device.points:
        text += table("[[point]]", {"role": point.role.role} | _profile_entries(point, encodings[point.index]))
    return text


def _profile_entries(point: Point, encoding: _Row) -> dict[str, object]:
    numbers = ("scale", "offset")
    entries = {key: float(str(value)) if key in numbers else value for key, value in encoding.items()}
    if point.role.unit:
        entries["unit"] = point.role.unit
    bounds = {"low": point.role.low, "high": point.role.high}
    return entries | {key: bound for key, bound in bounds.items() if bound is not None}

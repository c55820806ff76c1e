"""A draft site folder from devices that were found: complete enough to pass the check, and to be edited by an engineer.

Pure: gives the files' texts. Names are placeholders in the building's scheme (``NEW.00.X.DEV01.Role``); units, ranges,
states and addresses are what the devices said.
"""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cityhall_bms.domain.site import PointKind
from cityhall_bms.domain.units import find_unit
from cityhall_bms.ports.capabilities import FoundDevice, FoundPoint, Plain

SITE_CODE: Final = "NEW"
FLOOR, ZONE = "00", "X"
SCAN_S: Final = {"DI": 10.0, "MI": 10.0, "DO": 10.0, "MO": 10.0}
SCAN_DEFAULT_S: Final = 60.0
"""Gentle: an engineer shortens it where it matters."""
ROLE_CHARACTERS_MAX: Final = 60
LIMIT_MAX: Final = 1e30
EQUIPMENT_COLUMNS: Final = ("equipment", "class", "system", "text_zh", "text_en", "fed_by", "part_of")
POINT_COLUMNS: Final = (
    "name", "text_zh", "text_en", "equipment", "role", "kind", "unit", "device", "address", "type", "word_order",
    "scale", "offset", "low", "high", "scan_s", "deadband", "states",
)  # fmt: skip
_STATE_KINDS: Final = frozenset({"DI", "MI", "DO", "MO"})


@dataclass(frozen=True, slots=True)
class Draft:
    """Files by name below the site folder, and what they hold."""

    files: Mapping[str, str]
    devices: int
    points: int


def draft_site(found: Sequence[FoundDevice], time_zone: str = "Asia/Taipei") -> Draft:
    """Describe found devices as a site."""
    names = _unique([_device_name(device) for device in found], "-")
    files = {"site.toml": _site_toml(time_zone)}
    equipment: list[Sequence[str]] = []
    points: list[Sequence[str]] = []
    for number, (device, name) in enumerate(zip(found, names, strict=True), 1):
        unit = f"{SITE_CODE}.{FLOOR}.{ZONE}.DEV{number:02d}"
        text = _one_line(device.text) or name
        equipment.append((unit, "Controller", "environment", text, text, "", ""))
        files[f"devices/{name}.toml"] = _device_toml(device, text)
        points += _point_rows(device, name, unit)
    files["equipment.csv"] = _csv(EQUIPMENT_COLUMNS, equipment)
    files["points.csv"] = _csv(POINT_COLUMNS, points)
    return Draft(files, len(found), len(points))


def _point_rows(device: FoundDevice, name: str, equipment: str) -> list[Sequence[str]]:
    roles = _unique([_role(point, place) for place, point in enumerate(device.points, 1)], "_")
    return [_point_row(point, role, name, equipment) for point, role in zip(device.points, roles, strict=True)]


def _point_row(point: FoundPoint, role: str, device: str, equipment: str) -> Sequence[str]:
    kind = point.kind if point.kind in PointKind.__members__ else "AI"
    unit = find_unit(point.unit) if point.unit else None
    text = _one_line(point.text) or role
    return (
        f"{equipment}.{role}", text, text, equipment, role, kind, unit.symbol if unit else "", device, point.address,
        point.type, "" if point.word_order == "ABCD" else point.word_order, "", "", *_range(point),
        f"{SCAN_S.get(kind, SCAN_DEFAULT_S):g}", "", _states(point) if kind in _STATE_KINDS else "",
    )  # fmt: skip


def _range(point: FoundPoint) -> tuple[str, str]:
    """Limits as the device gave them; none where they make no sense (many give the largest number they can hold)."""
    low, high = point.low, point.high
    if low is not None and high is not None and not low < high:
        return "", ""
    return _limit(low), _limit(high)


def _limit(limit: float | None) -> str:
    # All digits: a limit that is rounded would call the value at the end of the range bad.
    return "" if limit is None or not abs(limit) <= LIMIT_MAX else repr(limit).removesuffix(".0")


def _states(point: FoundPoint) -> str:
    return ";".join(f"{number}={text}/{text}" for number, text in _plain_states(point.states).items())


def _plain_states(states: Mapping[int, str]) -> dict[int, str]:
    return {number: re.sub(r"[=/;]", " ", _one_line(text)).strip() or str(number) for number, text in states.items()}


def _role(point: FoundPoint, place: int) -> str:
    """What ``points.csv`` takes for a role, made of the point's text."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", point.text).strip("_")[:ROLE_CHARACTERS_MAX]
    return plain or f"P{place}"


def _device_name(device: FoundDevice) -> str:
    return re.sub(r"[^a-z0-9]+", "-", device.name.lower()).strip("-") or device.protocol


def _unique(names: Sequence[str], separator: str) -> list[str]:
    """The same names, numbered where one occurs again."""
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    found = []
    for name in names:
        unique = name
        while unique.lower() in taken:
            # From where the last one was: a server may call each of its ten thousand points the same.
            number = numbers[name] = numbers.get(name, 1) + 1
            unique = f"{name}{separator}{number}"
        taken.add(unique.lower())
        found.append(unique)
    return found


def _one_line(text: str) -> str:
    """Text as one line of characters that can be printed: devices put anything into their names."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _site_toml(time_zone: str) -> str:
    return f"""\
# 草稿：請改成這棟建築的代碼、名稱、樓層與分區。 A draft: put in the building's own code, names, floors and zones.
[site]
code = "{SITE_CODE}"
name_zh = "待命名"
name_en = "To be named"
time_zone = {json.dumps(time_zone)}

[[floors]]
code = "{FLOOR}"
name_zh = "待分配"
name_en = "To be assigned"

[[zones]]
code = "{ZONE}"
name_zh = "待分配"
name_en = "To be assigned"
"""


def _device_toml(device: FoundDevice, text: str) -> str:
    made_by = " ".join(part for part in (_one_line(device.vendor), _one_line(device.model)) if part)
    lines = [f"# {made_by}"] if made_by else []
    quoted = json.dumps(text, ensure_ascii=False)
    lines += ["[device]", f'protocol = "{device.protocol}"', f"text_zh = {quoted}", f"text_en = {quoted}", ""]
    lines += [f"[{device.protocol}]", *_settings(device.settings)]
    return "\n".join(lines) + "\n"


def _settings(settings: Mapping[str, Plain]) -> list[str]:
    # JSON's texts, numbers and booleans are TOML's as well, but for one character. TOML has no word for nothing.
    texts = {key: json.dumps(value, ensure_ascii=False) for key, value in settings.items() if value is not None}
    return [f"{key} = {text}".replace("\x7f", "\\u007f") for key, text in texts.items()]


def _csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()

"""``schedules.toml`` of a simulated building: hours of air and light, dispensers, car park fans, scenes, the hall.

Outside its hours a schedule of air and light gives up: what the controllers there do by themselves then counts.
"""

from collections.abc import Iterator
from typing import Final

from cityhall_simulators.description import Building, Equipment
from cityhall_simulators.toml_text import table

SCENE_POINTS_MAX: Final = 50
_OFFICE_ZONES: Final = frozenset({"E", "W"})
_SIGN: Final = "招牌"
"""The west-gate sign stands in an office zone, and is lit at night."""
_SPACES: Final = (
    ("hall", "一樓大廳", "Hall, ground floor", "01"),
    ("theatre", "二樓兒童劇場", "Children's theatre, 2F", "02"),
    ("meeting_3f", "三樓會議室", "Meeting rooms, 3F", "03"),
)
_AIR: Final = ("08:00 = 1", "17:30 = -")
_LIGHT: Final = ("07:00 = 1", "19:00 = -")
_HEAT: Final = ("07:00 = 1", "18:00 = 0")
_RUSH: Final = ("07:45 = 2", "08:45 = -", "17:15 = 2", "18:15 = -")
_Entry = dict[str, object]


def schedules_toml(building: Building) -> str:
    """Text of the file; empty for a building without anything that runs by the clock."""
    tables = [*_schedules(building), *_scenes(building), *_spaces(building)]
    return "".join(table(title, entry) for title, entry in tables).rstrip() + "\n" if tables else ""


def _schedules(building: Building) -> Iterator[tuple[str, _Entry]]:
    if air := _points(building, "AHU", "StartCmd"):
        head: _Entry = {"name": "AHU-OFFICE", "text_zh": "空調箱上班時間", "text_en": "Air handlers, office hours"}
        yield from _office(head, air, _AIR, off=0)
    if lights := _points(building, "LTG", "OnCmd", office_only=True):
        head = {"name": "LIGHTING-OFFICE", "text_zh": "辦公區照明", "text_en": "Lighting of offices"}
        yield from _office(head, lights, _LIGHT, off=0)
    if heaters := _points(building, "HWD", "HeatEn"):
        head = {"name": "DISPENSERS", "text_zh": "飲水機夜間與假日不加熱", "text_en": "Dispensers do not heat at night"}
        yield from _office(head | {"default": 0.0}, heaters, _HEAT, off=0)
    if fans := _points(building, "PKF", "SpdCmd"):
        head = {"name": "PARKING-RUSH", "text_zh": "停車場尖峰換氣", "text_en": "Car park, fans at high in rush hours"}
        yield "[[schedule]]", head | {"points": fans, "workdays": list(_RUSH)}


def _office(head: _Entry, points: list[str], hours: tuple[str, ...], *, off: int) -> Iterator[tuple[str, _Entry]]:
    """A schedule of workdays by the office calendar."""
    yield "[[schedule]]", head | {"points": points, "calendar": "office", "workdays": list(hours)}
    for kind, entries in (("holiday", [f"00:00 = {off}"]), ("workday", list(hours))):
        yield "[[schedule.exception]]", {"calendar_day": kind, "entries": entries}


def _scenes(building: Building) -> Iterator[tuple[str, _Entry]]:
    air, lights = _points(building, "AHU", "StartCmd"), _points(building, "LTG", "OnCmd", office_only=True)
    hall = [name for name in (*air, *lights) if name.split(".")[1] == "01"]
    for name, zh, en, points, value in (
        ("EVENING-MEETING", "晚間會議（一樓）", "Evening meeting, ground floor", hall, 1.0),
        ("CLEANING", "清潔照明", "Light for cleaning", lights, 1.0),
        ("TYPHOON-CLOSURE", "颱風停班", "Typhoon: offices closed", air, 0.0),
    ):
        if 0 < len(points) <= SCENE_POINTS_MAX:
            values = dict.fromkeys(points, value)
            yield "[[scene]]", {"name": name, "text_zh": zh, "text_en": en, "values": values}


def _spaces(building: Building) -> Iterator[tuple[str, _Entry]]:
    floors = {item.place.split(".")[0] for item in building.equipment if item.type.code == "AHU"}
    for name, zh, en, floor in _SPACES:
        if floor in floors:
            yield "[[bookings.space]]", {"name": name, "text_zh": zh, "text_en": en, "places": [floor]}


def _points(building: Building, code: str, role: str, *, office_only: bool = False) -> list[str]:
    return [
        point.name
        for point in building.points
        if point.equipment.type.code == code
        and point.role.role == role
        and (not office_only or _is_office(point.equipment))
    ]


def _is_office(equipment: Equipment) -> bool:
    return equipment.place.split(".")[1] in _OFFICE_ZONES and _SIGN not in equipment.text.zh

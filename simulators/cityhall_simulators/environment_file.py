"""``environment.toml`` of a simulated building: public areas whose air is watched, and circuits that rest at night."""

from typing import Final

from cityhall_simulators.description import Building
from cityhall_simulators.toml_text import table

_PUBLIC_M2: Final = 3_900.0
"""Public area of a floor: what two monitors are enough for."""
_HALL_M2: Final = 5_200.0
_HALL_FLOOR: Final = "01"
"""One hall without partitions."""
_RESTING: Final = frozenset({"wash", "irrigation", "food"})


def environment_toml(building: Building) -> str:
    """Text of the file; empty for a building without monitors of air and resting circuits."""
    floors = sorted({item.place.split(".")[0] for item in building.equipment if item.type.code == "IAQ"})
    text = "".join(table("[[indoor_air.area]]", _area(floor)) for floor in floors)
    for item in building.equipment:
        if item.type.code == "WM" and item.load in _RESTING:
            meter = f"{building.code}.WATER.{item.short}"
            text += table("[[water.circuit]]", {"meter": meter, "rests": True})
    return text.rstrip() + "\n" if text else ""


def _area(floor: str) -> dict[str, object]:
    hall = floor == _HALL_FLOOR
    shown = f"{int(floor)}樓" if floor.isdigit() else floor
    return {
        "name": f"public_{floor.lower()}",
        "text_zh": "一樓大廳與聯合服務中心" if hall else f"{shown}公共區域",
        "text_en": "Hall and joint service centre" if hall else f"Public area, floor {floor}",
        "area_m2": _HALL_M2 if hall else _PUBLIC_M2,
        "open_space": hall,
        "places": [floor],
    }

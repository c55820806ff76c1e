"""``maintenance.toml`` of a simulated building: preventive plans by class, a patrol route, and fire tests.

The plans are those of the city's table of maintenance: what is done each week, month, quarter, half-year and year.
"""

from collections.abc import Iterable
from typing import Final

from cityhall_simulators.description import Building
from cityhall_simulators.toml_text import table

_FIRST_GIS: Final = "2025-06-27"
"""The switchgear was serviced on 27 June of ROC 104, and is every ten years."""
_FIRST: Final = {
    "week": "2026-01-05",
    "month": "2026-01-31",
    "quarter": "2026-03-31",
    "half-year": "2026-06-30",
    "year": _FIRST_GIS,
}

_Check = tuple[str, str, str, str, float | None, float | None]
"""Name, texts, unit (empty: nothing is measured), low and high."""
_Plan = tuple[str, str, str, str, str, str, tuple[_Check, ...]]
"""Type code, name, texts, cycle (or ``hours:N``), procedure, checklist."""

_CLEAN: Final[_Check] = ("clean", "外觀清潔、無異音與滲漏", "Clean, no noise, no leak", "", None, None)
_PLANS: Final[tuple[_Plan, ...]] = (
    ("CHC", "chiller_log", "離心式冰水主機抄表", "Centrifugal chiller log sheet", "week", "SOP-CH-01", (
        ("oil_pressure", "油壓", "Oil pressure", "kPa", 150.0, 400.0),
        ("approach", "冷凝器趨近溫度", "Condenser approach", "K", 0.0, 3.0),
        _CLEAN,
    )),
    ("CHC", "chiller_tubes", "離心式冰水主機銅管清洗", "Centrifugal chiller: tube cleaning", "half-year", "SOP-CH-04", (
        ("water_off", "已隔離水路並洩水", "Water isolated and drained", "", None, None),
        ("approach", "清洗後趨近溫度", "Approach after cleaning", "K", 0.0, 2.0),
    )),
    ("CHC", "chiller_oil", "離心式冰水主機換油", "Centrifugal chiller: oil change", "hours:4000", "SOP-CH-05", (
        ("oil_sample", "油樣送驗", "Oil sample sent", "", None, None),
    )),
    ("CT", "tower_basin", "冷卻水塔水盤清洗", "Cooling tower: basin clean", "month", "SOP-CT-02", (_CLEAN,)),
    ("AHU", "ahu_filter", "空調箱濾網", "Air handling unit: filter", "month", "SOP-AHU-02", (
        ("filter_dp", "濾網壓差", "Filter differential pressure", "Pa", 0.0, 150.0),
        _CLEAN,
    )),
    ("AHU", "ahu_belt", "空調箱皮帶與排水", "Air handling unit: belt and drain", "quarter", "SOP-AHU-03", (
        ("belt", "皮帶張力正常、無裂痕", "Belt tension right, no cracks", "", None, None),
        ("drain", "排水暢通", "Drain free", "", None, None),
    )),
    ("ELV", "lift_statutory", "電梯法定保養並上傳紀錄", "Lift: statutory maintenance", "month", "SOP-LF-02", (
        ("uploaded", "紀錄已上傳", "Record uploaded", "", None, None),
    )),
    ("UPS", "ups_float", "不斷電系統通風與浮充電壓", "UPS: ventilation and float voltage", "month", "SOP-UPS-02", (
        ("float_v", "浮充電壓（每節）", "Float voltage (per cell)", "V", 2.20, 2.30),
    )),
    ("GEN", "generator_run", "發電機帶載運轉 30 分鐘", "Generator: 30 min at 30 % load", "month", "SOP-GEN-02", (
        ("minutes", "運轉時間", "Time run", "min", 30.0, None),
        ("load", "負載率", "Load", "%", 30.0, None),
    )),
    ("LVP", "lv_scan", "低壓盤紅外線掃描", "Low-voltage panel: infrared scan", "half-year", "SOP-LV-04", (
        ("hottest", "最高溫升", "Highest rise", "K", 0.0, 35.0),
    )),
    ("GIS", "gis_service", "GIS 十年檢修", "GIS: service every ten years", "year*10", "SOP-HV-10", ()),
    ("TNK", "tank_clean", "水池清洗", "Tank cleaning", "half-year", "SOP-WT-04", (_CLEAN,)),
    ("HWD", "dispenser", "飲水機保養", "Water dispenser: service", "month", "SOP-HW-02", (
        ("days", "濾心使用天數歸零", "Filter days set back", "", None, None),
    )),
)  # fmt: skip
_FIRE: Final = (
    ("FPP", "fire_pumps", "消防泵啟動測試", "Fire pumps: start test", "month", None),
    ("FSH", "fire_shutters", "防火鐵捲門測試", "Fire shutters: test", "month", None),
    ("ACV", "alarm_valves", "自動撒水警報逆止閥測試", "Sprinkler alarm valves: test", "quarter", None),
    ("EOL", "end_pressure", "末端查驗管放水壓力", "End of line: pressure while flowing", "quarter", None),
    ("FOM", "foam", "泡沫系統測試", "Foam: test", "half-year", None),
)
_SPECIAL_STOPS: Final = {
    "B1": ("中控室與停車場", "Control room and car park"),
    "B2": ("機房與美食街", "Plant room and food hall"),
    "01": ("大廳與聯合服務中心", "Hall and service centre"),
    "R": ("屋頂機房", "Roof plant"),
}


def maintenance_toml(building: Building) -> str:
    """Text of the file: plans for the types of equipment that the building has."""
    codes = {item.type.code for item in building.equipment}
    text = "".join(_plan(_bound(building, plan[0]), plan) for plan in _PLANS if plan[0] in codes)
    text += _route(building)
    for code, name, zh, en, every, file_within in _FIRE:
        if code in codes:
            text += _fire_test(name, zh, en, every, file_within, _bound(building, code))
    report = ("甲類場所消防安全設備檢修申報", "Class-A place: report of fire safety equipment")
    return text + _fire_test("class_a_report", *report, "half-year", 15, {}).rstrip() + "\n"


def _bound(building: Building, code: str) -> dict[str, object]:
    """How units of a type are named: by their class, where it has no other units."""
    units = [item for item in building.equipment if item.type.code == code]
    brick_class = units[0].brick_class
    if all((item.brick_class == brick_class) == (item.type.code == code) for item in building.equipment):
        return {"class": brick_class}
    return {"equipment": [item.name for item in units]}


def _plan(bound: dict[str, object], plan: _Plan) -> str:
    _, name, zh, en, every, sop, checks = plan
    head: dict[str, object] = {"name": name, "text_zh": zh, "text_en": en, **bound, "sop": sop}
    text = table("[[plan]]", head).rstrip() + "\n" + _trigger(every) + "\n"
    for check, check_zh, check_en, unit, low, high in checks:
        entries: dict[str, object] = {"name": check, "text_zh": check_zh, "text_en": check_en}
        entries |= {
            key: value for key, value in (("unit", unit or None), ("low", low), ("high", high)) if value is not None
        }
        text += table("[[plan.check]]", entries)
    return text


def _trigger(every: str) -> str:
    if every.startswith("hours:"):
        return f"run_hours = {float(every.removeprefix('hours:'))}\n"
    unit, _, times = every.partition("*")
    more = f"times = {times}\n" if times else ""
    return f'every = "{unit}"\n{more}first = {_FIRST[unit]}\n'


def _fire_test(name: str, zh: str, en: str, every: str, file_within: int | None, bound: dict[str, object]) -> str:
    head: dict[str, object] = {"name": name, "text_zh": zh, "text_en": en, **bound}
    head |= {"file_within_days": file_within} if file_within else {}
    return table("[[fire_test]]", head).rstrip() + "\n" + _trigger(every) + "\n"


def _route(building: Building) -> str:
    text = table("[[route]]", {"name": "day_round", "text_zh": "每日巡檢", "text_en": "Daily round"})
    return text + "".join(table("[[route.stop]]", stop) for stop in _stops(building))


def _stops(building: Building) -> Iterable[dict[str, object]]:
    for code, name in building.floors:
        zh, en = _SPECIAL_STOPS.get(code, ("公共走道", "Public corridors"))
        yield {
            "name": f"floor_{code.lower()}",
            "place": code,
            "text_zh": f"{name.zh}{zh}",
            "text_en": f"{name.en}: {en}",
        }

"""``meters.toml`` of a simulated building: what counts electricity, water, cold and fuel, and what hangs on what.

The tree is the one along which the simulated electricity adds up: ``fed_by`` and the ``load`` of meters.
"""

from collections.abc import Iterator
from typing import Final

from cityhall_simulators.description import Building, Equipment
from cityhall_simulators.feeders import terms
from cityhall_simulators.plants.transport.traffic import REGENERATIVE_ZONES
from cityhall_simulators.toml_text import table

BASE_YEARS: Final = {"electricity": 2006, "water": 2010, "fuel": 2006}
"""95, 99 and 95 of the Republic: those that the city's published figures are compared with."""
_ELECTRIC: Final = ("HVM", "TR", "LVP", "EM", "CHC", "CHS", "UPS", "GEN", "ELV", "ESC", "DWS", "PV", "EVSE")
_GENERATED: Final = frozenset({"PV", "GEN"})
_COMMODITY: Final = {"PV": "pv", "EVSE": "ev"}
_BANK_M2, _STALL_M2, _FOOD_HALL_M2 = 320.0, 18.0, 1_150.0
_OF_A_PLACE: Final = frozenset({"stall", "bank", "food", "wash", "irrigation", "hall", "plaza"})
_OF_A_FLOOR: Final = frozenset({"people", "lighting"})
_Entry = dict[str, object]


def meters_toml(building: Building) -> str:
    """Text of the file; empty for a building that no utility meter feeds."""
    tree = _Tree(building)
    if not tree.units("HVM"):
        return ""
    text = "".join(table("[[base_year]]", {"commodity": name, "year": year}) for name, year in BASE_YEARS.items())
    text += "".join(table("[[tenant]]", entry) for entry in tree.tenants())
    text += "".join(table("[[meter]]", entry) for entry in tree.meters())
    return text.rstrip() + "\n"


class _Tree:
    def __init__(self, building: Building) -> None:
        self._code = building.code
        self._equipment = building.equipment
        self._by_name = {item.name: item for item in building.equipment}
        self._points = building.by_name
        self._small = not self.units("TR")
        """A small site shows some of what hangs on its meters."""

    def units(self, code: str) -> list[Equipment]:
        """Equipment of a type."""
        return [item for item in self._equipment if item.type.code == code]

    def tenants(self) -> Iterator[_Entry]:
        """Those who have meters of their own: a branch bank, and the stalls of the food hall or all of it."""
        seen: set[str] = set()
        for item in self.units("EM"):
            name = _tenant(item)
            if name and name not in seen:
                seen.add(name)
                yield _tenant_entry(name)

    def meters(self) -> Iterator[_Entry]:
        """Every meter, from the utility down."""
        yield self._together("ELEC.MAIN", "electricity", ("台電總表合計", "Utility meters together"), "HVM")
        for code in _ELECTRIC:
            for item in self.units(code):
                yield from self._electric(item)
        yield self._together("WATER.CITY", "water", ("自來水總表合計", "City water inlets together"), "WM")
        for item in self.units("WM"):
            yield self._water(item)
        yield from self._rain()
        for item in self.units("PLT"):
            yield self._entry(item, "COOL", "chilled_water", "Cool_kWh")
        fuel: _Entry = {"name": f"{self._code}.FUEL.FLEET", "commodity": "fuel"}
        yield fuel | {"text_zh": "公務車油料", "text_en": "Fuel of official vehicles", "manual": True}

    def _together(self, name: str, commodity: str, texts: tuple[str, str], code: str) -> _Entry:
        """A virtual meter of what comes in."""
        place = "ELEC" if code == "HVM" else "WATER"
        incoming = [item for item in self.units(code) if code == "HVM" or _is_inlet(item)]
        expression = " + ".join(f"{self._code}.{place}.{item.short}" for item in incoming)
        entry: _Entry = {"name": f"{self._code}.{name}", "commodity": commodity}
        return entry | {"text_zh": texts[0], "text_en": texts[1], "expression": expression}

    def _electric(self, item: Equipment) -> Iterator[_Entry]:
        code = item.type.code
        entry = self._entry(item, "ELEC", _COMMODITY.get(code, "electricity"), "kWh")
        entry |= self._part_of(item)
        if _tenant(item):
            entry["tenant"] = _tenant(item)
        if code in _GENERATED:
            entry["flow"] = "generated"
        if item.load or self._small:
            entry["complete"] = False
        yield entry
        if code == "ELV" and item.place.split(".")[1] in REGENERATIVE_ZONES:
            back = self._entry(item, "ELEC", "electricity", "kWhRegen") | self._part_of(item)
            texts = {"text_zh": f"{item.text.zh} 回生", "text_en": f"{item.text.en}, regenerated"}
            yield back | texts | {"name": f"{entry['name']}.REGEN", "flow": "export"}

    def _part_of(self, item: Equipment) -> _Entry:
        if item.type.code == "HVM":
            return {"part_of": f"{self._code}.ELEC.MAIN"}
        # What a small site does not tell the feeder of hangs on the utility's line.
        above = self._above(item) or self._beside(item) or self.units("HVM")[0]
        return {"part_of": f"{self._code}.ELEC.{above.short}"}

    def _above(self, item: Equipment) -> Equipment | None:
        """The metered feeder over a piece of plant, through switches between."""
        for name in item.fed_by:
            feeder = self._by_name[name]
            if feeder.type.code in _ELECTRIC and feeder.type.code not in _GENERATED:
                return feeder
            if feeder.type.code == "ATS":
                return self._above(feeder)
        return None

    def _beside(self, item: Equipment) -> Equipment | None:
        """For a generator: the panel that feeds the same switches."""
        fed = [switch for switch in self.units("ATS") if item.name in switch.fed_by]
        return self._above(fed[0]) if fed else None

    def _water(self, item: Equipment) -> _Entry:
        entry = self._entry(item, "WATER", "water", "Vol")
        if _is_inlet(item):
            return entry
        if item.load == "rain":
            rain = self.units("RWS")[0]
            return entry | {"commodity": "rainwater", "part_of": f"{self._code}.RAIN.{rain.short}"}
        # A floor's meter has one part at most, the tap of the rain tank.
        return entry | {"part_of": f"{self._code}.WATER.CITY", "complete": False}

    def _rain(self) -> Iterator[_Entry]:
        """Rain water that was used, and the tap behind the meter of the tank's floor."""
        for item in self.units("RWS"):
            used = self._entry(item, "RAIN", "rainwater", "UsedVol")
            yield used | {"text_zh": f"{item.text.zh} 使用量", "text_en": f"{item.text.en}, used"}
            floor = next(meter for meter in self.units("WM") if meter.load == "people")
            tap = self._entry(item, "WATER", "water", "TapMkupVol") | {"part_of": f"{self._code}.WATER.{floor.short}"}
            yield tap | {"text_zh": f"{item.text.zh} 自來水補水", "text_en": f"{item.text.en}, tap water"}

    def _entry(self, item: Equipment, kind: str, commodity: str, role: str) -> _Entry:
        return {
            "name": f"{self._code}.{kind}.{item.short}",
            "commodity": commodity,
            "text_zh": item.text.zh,
            "text_en": item.text.en,
            "point": self._points[f"{item.name}.{role}"].name,
        } | _serves(item)


def _is_inlet(item: Equipment) -> bool:
    """A site with one water meter has it at the inlet."""
    return item.load.startswith("inlet") or not item.load


def _serves(item: Equipment) -> _Entry:
    """Floor and zone that a meter serves: whole floors have theirs in a riser, and what serves all has neither."""
    floor, zone = item.place.split(".")
    uses = {term.partition("*")[0] for term in terms(item.load)}
    if uses & _OF_A_PLACE or item.type.code == "EVSE":
        return {"floor": floor, "zone": zone}
    return {"floor": floor} if uses & _OF_A_FLOOR or any(term.endswith("@here") for term in uses) else {}


def _tenant(item: Equipment) -> str:
    """Whose meter it is, empty where it is the building's own."""
    named = terms(item.load)
    if "bank" in named:
        return "bank"
    if "stall" in named:
        return f"stall_{item.short.removeprefix('EM')}"
    return "food_hall" if "food" in named else ""


def _tenant_entry(name: str) -> _Entry:
    if name == "bank":
        texts, area = ("銀行", "Bank branch"), _BANK_M2
    elif name == "food_hall":
        texts, area = ("美食街", "Food hall"), _FOOD_HALL_M2
    else:
        meter = name.removeprefix("stall_")
        texts, area = (f"美食街攤位（電表 {meter}）", f"Food hall stall (meter {meter})"), _STALL_M2
    return {"name": name, "text_zh": texts[0], "text_en": texts[1], "area_m2": area}

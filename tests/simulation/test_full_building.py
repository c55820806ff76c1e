"""The whole building is the one of the domain reference's tables: every type, unit, point, kind, range and rate."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.support.building_table import BUILDING_TABLE, KINDS, MACROS, POINTS, TYPES, UNITS, VALUES_PER_S

from cityhall_simulators.addresses import modbus_map
from cityhall_simulators.description import Building, load_building

BUILDING = load_building("full")
OBJECTS_OF_A_CONTROLLER_MAX = 200
WRITABLE = {"AO", "DO", "MO", "SP"}
SYMBOLS = {"m3/h": "m³/h", "m3": "m³", "W/m2": "W/m²", "µg/m3": "µg/m³"}
# The table writes humidity as a percentage; the unit table of the same reference has %RH for it.
HUMIDITY = {"RA_RH", "SA_RH", "RetRH", "RH", "OA_RH"}


@dataclass(frozen=True)
class ListedPoint:
    kind: str
    low: float | None
    high: float | None
    unit: str


@dataclass(frozen=True)
class ListedType:
    code: str
    quantity: int
    points_each: int
    scan_s: float
    points: dict[str, ListedPoint]


def read_table() -> Iterator[ListedType]:
    for line in BUILDING_TABLE.splitlines():
        code, quantity, each, scan_s, points = line.split("|")
        yield ListedType(code, int(quantity), int(each), float(scan_s), dict(read_points(points)))


def read_points(text: str) -> Iterator[tuple[str, ListedPoint]]:
    for group in text.split("; "):
        if group in MACROS:
            yield from read_points(MACROS[group])
            continue
        names, kind, rest = re.fullmatch(r"([^:]+):(\S+) ?(.*)", group).groups()  # type: ignore[union-attr]
        # "0,6..32" is nothing, or something from six on: the physical range begins at nothing.
        bounds = re.fullmatch(r"(-?[\d.]+)(?:,[\d.]+)?\.\.(-?[\d.]+) ?(.*)", rest)
        low, high, unit = (float(bounds[1]), float(bounds[2]), bounds[3]) if bounds else (None, None, rest)
        for name in names.split():
            listed = SYMBOLS.get(unit, unit) if kind in {"AI", "AO", "SP", "CI"} else ""
            yield name, ListedPoint(kind, low, high, listed)


TABLE = {row.code: row for row in read_table()}


def units_of(building: Building) -> Counter[str]:
    return Counter(item.type.code for item in building.equipment)


def test_the_table_agrees_with_its_own_totals() -> None:
    kinds: Counter[str] = Counter()
    for row in TABLE.values():
        assert len(row.points) == row.points_each, row.code
        for point in row.points.values():
            kinds[point.kind] += row.quantity
    assert (len(TABLE), sum(row.quantity for row in TABLE.values()), kinds.total()) == (TYPES, UNITS, POINTS)
    assert kinds == KINDS
    assert round(sum(row.quantity * row.points_each / row.scan_s for row in TABLE.values())) == VALUES_PER_S


def test_the_building_has_the_tables_totals() -> None:
    assert len(units_of(BUILDING)) == TYPES
    assert len(BUILDING.equipment) == UNITS
    assert len(BUILDING.points) == len(BUILDING.by_name) == POINTS
    assert Counter(point.role.kind for point in BUILDING.points) == KINDS
    assert round(sum(1.0 / point.scan_s for point in BUILDING.points)) == VALUES_PER_S


@pytest.mark.parametrize("code", TABLE)
def test_a_type_is_the_tables(code: str) -> None:
    row = TABLE[code]
    assert units_of(BUILDING)[code] == row.quantity
    kind = next(item.type for item in BUILDING.equipment if item.type.code == code)
    assert {role.role: role.kind for role in kind.roles} == {name: point.kind for name, point in row.points.items()}
    assert {point.scan_s for point in BUILDING.points if point.equipment.type.code == code} == {row.scan_s}
    for role in kind.roles:
        listed = row.points[role.role]
        if listed.low is not None and listed.kind != "MO":
            assert (role.low, role.high) == (listed.low, listed.high), role.role
        if listed.unit and role.role not in HUMIDITY:
            assert role.unit == listed.unit, role.role
        assert role.role not in HUMIDITY or role.unit == "%RH"


def test_every_type_role_and_unit_has_texts_in_both_languages_and_analog_inputs_a_range() -> None:
    for item in BUILDING.equipment:
        assert item.text.zh
        assert item.text.en
        assert "{" not in item.text.zh + item.text.en
    for point in BUILDING.points:
        role = point.role
        assert role.text.zh
        assert role.text.en
        assert (role.low is not None and role.high is not None) == (role.kind in {"AI", "AO", "SP"}), point.name
        assert bool(role.states) == (role.kind in {"DI", "DO", "MI", "MO"}), point.name


@pytest.mark.parametrize(("code", "zones"), [
    ("ELV", {"N": 3, "NE": 3, "NW": 3, "CS": 8, "CN": 8, "S": 2, "SE": 3, "SW": 3, "E": 1, "W": 1}),
    ("EVSE", {"N": 9, "S": 9}),
    ("PKG", {"N": 12, "S": 12}),
    ("PKF", {"N": 6, "S": 6}),
    ("AHU", {"E": 12, "W": 12}),
])  # fmt: skip
def test_units_stand_in_the_zones_of_the_placement_table(code: str, zones: dict[str, int]) -> None:
    placed = Counter(item.place.split(".")[1] for item in BUILDING.equipment if item.type.code == code)
    assert placed == zones


@pytest.mark.parametrize(("code", "expected"), [
    # Three zones a floor and eight in each basement; one valve and one end test a level; two shutters B2 to 10F.
    ("FZN", {"B2": 8, "B1": 8} | {f"{floor:02d}": 3 for floor in range(1, 13)}),
    ("ACV", {"B2": 1, "B1": 1} | {f"{floor:02d}": 1 for floor in range(1, 13)}),
    ("EOL", {"B2": 1, "B1": 1} | {f"{floor:02d}": 1 for floor in range(1, 13)}),
    ("FSH", {"B2": 2, "B1": 2} | {f"{floor:02d}": 2 for floor in range(1, 11)}),
    ("AHU", {f"{floor:02d}": 2 for floor in range(1, 13)}),
    ("IAQ", {"B2": 2, "B1": 2} | {f"{floor:02d}": 2 for floor in range(1, 13)}),
])  # fmt: skip
def test_units_stand_on_the_floors_of_the_placement_table(code: str, expected: dict[str, int]) -> None:
    assert Counter(item.place.split(".")[0] for item in BUILDING.equipment if item.type.code == code) == expected


def test_every_point_has_one_device_and_controllers_keep_a_controllers_size() -> None:
    spoken_for = [point.index for device in BUILDING.devices for point in device.points]
    assert sorted(spoken_for) == list(range(POINTS))
    bacnet = [device for device in BUILDING.devices if device.protocol == "bacnet"]
    assert len(bacnet) <= 40
    assert len({device.device_instance for device in bacnet}) == len({device.port for device in bacnet}) == len(bacnet)
    assert max(len(device.points) for device in bacnet) <= OBJECTS_OF_A_CONTROLLER_MAX
    units = [(device.port, device.unit_id) for device in BUILDING.devices if device.protocol == "modbus"]
    assert len(set(units)) == len(units)
    assert max(unit for _, unit in units) <= 247


def test_no_two_points_of_a_modbus_unit_share_a_register() -> None:
    for device in (d for d in BUILDING.devices if d.protocol == "modbus"):
        taken: set[tuple[str, int, int | None]] = set()
        for register in modbus_map(device).values():
            for word in range(register.address, register.address + register.registers):
                assert (register.table, word, register.bit) not in taken, device.name
                taken.add((register.table, word, register.bit))
            assert register.bit is None or register.bit < 16


def test_a_unit_for_many_keeps_its_kinds_apart() -> None:
    gateway = next(device for device in BUILDING.devices if device.name == "network-gateway")
    registers = modbus_map(gateway)
    numbers = [registers[p.index] for p in gateway.points if p.role.kind == "AI"]
    assert min(r.address for r in numbers) == 1000
    # Sixty-three values of two registers each: a hundred places between the kinds would not hold them.
    assert max(r.address for r in numbers) - 1000 > 100
    assert {registers[p.index].address for p in gateway.points if p.role.kind == "CI"} == {3000}


def test_nobody_can_write_to_life_safety() -> None:
    systems = {"fire", "lift", "security"}
    read_only = {"GIS", "GEN", "ATS"}
    for point in BUILDING.points:
        if point.equipment.type.system in systems or point.equipment.type.code in read_only:
            assert point.role.kind not in WRITABLE
            assert not point.writable

"""Object lists of BACnet devices as EDE files (Engineering Data Exchange, BACnet Interest Group Europe, layout 2).

A set has a main table and, beside it, tables of state texts and units; rows that begin with ``#`` are comments, one of
which names the columns. Pure: texts in, devices out.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Final

from cityhall_bms.domain.errors import Problem, SiteError
from cityhall_bms.domain.units import UNITS
from cityhall_bms.ports.capabilities import FoundDevice, FoundPoint

# Object types (ANSI/ASHRAE 135, clause 21) with what they are called in an address, and what kind of point they are.
TYPES: Final[Mapping[int, tuple[str, str, str]]] = {
    0: ("analog-input", "AI", "AI"),
    1: ("analog-output", "AO", "AO"),
    2: ("analog-value", "AI", "SP"),
    3: ("binary-input", "DI", "DI"),
    4: ("binary-output", "DO", "DO"),
    5: ("binary-value", "DI", "DO"),
    12: ("loop", "AI", "AI"),
    13: ("multi-state-input", "MI", "MI"),
    14: ("multi-state-output", "MO", "MO"),
    19: ("multi-state-value", "MI", "MO"),
    23: ("accumulator", "CI", "CI"),
    24: ("pulse-converter", "AI", "AI"),
    45: ("integer-value", "AI", "SP"),
    46: ("large-analog-value", "AI", "SP"),
    48: ("positive-integer-value", "AI", "SP"),
}
"""Number: address, kind when it is only measured, kind when it can be commanded."""
BINARY: Final = frozenset({3, 4, 5})
_ALIASES: Final = {
    "keyname": "keyname",
    "device obj.-instance": "device",
    "device-object-instance": "device",
    "device-obj-instance": "device",
    "object-name": "name",
    "object-type": "type",
    "object-instance": "instance",
    "description": "description",
    "min-present-value": "low",
    "max-present-value": "high",
    "settable": "settable",
    "commandable": "settable",
    "state-text-reference": "states",
    "unit-code": "unit",
}
_REQUIRED: Final = ("device", "name", "type", "instance")
_DEFAULT: Final = (
    "keyname", "device", "name", "type", "instance", "description", "", "low", "high", "settable", "", "", "", "states",
    "unit",
)  # fmt: skip
"""Columns of layout 2 in their order, for files without a row that names them."""
_UNITS: Final = {unit.bacnet: unit.symbol for unit in UNITS.values() if unit.bacnet is not None}
_HEADER_KEYS: Final = frozenset(
    {
        "PROJECT_NAME",
        "VERSION_OF_REFERENCEFILE",
        "TIMESTAMP_OF_LAST_CHANGE",
        "AUTHOR_OF_LAST_CHANGE",
        "VERSION_OF_LAYOUT",
        "LIMITED_RESOURCES",
    }
)


def read_ede(name: str, text: str, states: str, host: str) -> tuple[list[FoundDevice], int]:
    """Devices of a main table; gives them and how many objects were left out because they have no present value.

    ``states`` is the table of state texts (may be empty), ``host`` where the devices are: an EDE file has no addresses.
    :class:`SiteError` with every row that cannot be understood.
    """
    problems: list[Problem] = []
    texts = _state_texts(states, problems)
    points: dict[int, list[FoundPoint]] = {}
    skipped = 0
    columns: tuple[str, ...] = _DEFAULT
    for line, row in _rows(name, text, problems):
        named = _columns(row)
        if named is not None:
            columns = named
        elif not row[0].lstrip().startswith("#") and row[0].strip() not in _HEADER_KEYS:
            cells = {column: cell.strip() for column, cell in zip(columns, row, strict=False) if column}
            found = _point(name, line, cells, texts, problems)
            if found is None:
                skipped += 1
            else:
                points.setdefault(found[0], []).append(found[1])
    if not points and not problems:
        problems.append(
            Problem(name, 1, "file", "no objects", "give the main table of the set (its name ends in _EDE)")
        )
    if problems:
        raise SiteError(problems)
    return [_device(instance, objects, host) for instance, objects in sorted(points.items())], skipped


def _point(
    file: str, line: int, cells: Mapping[str, str], texts: Mapping[int, Sequence[str]], problems: list[Problem]
) -> tuple[int, FoundPoint] | None:
    """Device instance and point of a row; none for an object without a present value, or after noting a mistake."""
    numbers = {}
    for column in ("device", "type", "instance"):
        cell = cells.get(column, "")
        if not _is_number(cell):
            problems.append(Problem(file, line, column, f"'{cell}' is no number", "correct the cell"))
            return None
        numbers[column] = int(cell)
    kind = TYPES.get(numbers["type"])
    if kind is None:
        return None
    settable = cells.get("settable", "").upper() in {"Y", "YES", "TRUE", "1"}
    address, measured, commanded = kind
    return numbers["device"], FoundPoint(
        address=f"{address},{numbers['instance']}",
        text=cells.get("description") or cells.get("name", ""),
        kind=commanded if settable else measured,
        unit=_UNITS.get(int(cells["unit"]), "") if _is_number(cells.get("unit", "")) else "",
        low=_number(cells.get("low", "")),
        high=_number(cells.get("high", "")),
        states=_states(numbers["type"], cells.get("states", ""), texts),
        writable=settable,
    )


def _states(kind: int, reference: str, texts: Mapping[int, Sequence[str]]) -> dict[int, str]:
    """Texts by present value: of binary objects from 0, of multi-state objects from 1; a value may have none."""
    known = texts.get(int(reference), ()) if _is_number(reference) else ()
    return {number: text for number, text in enumerate(known, 0 if kind in BINARY else 1) if text}


def _device(instance: int, points: Sequence[FoundPoint], host: str) -> FoundDevice:
    return FoundDevice(
        name=f"bacnet-{instance}",
        text=f"BACnet {instance}",
        protocol="bacnet",
        settings={"host": host, "device_instance": instance},
        points=points,
    )


def _columns(row: Sequence[str]) -> tuple[str, ...] | None:
    """Our names of the columns, if this row names them; columns that we do not need have none."""
    titles = [cell.strip().lstrip("#").strip().lower() for cell in row]
    found = tuple(_ALIASES.get(title, "") for title in titles)
    return found if all(column in found for column in _REQUIRED) else None


def _state_texts(text: str, problems: list[Problem]) -> dict[int, Sequence[str]]:
    rows = _rows("state texts", text, problems)
    return {int(row[0]): [cell.strip() for cell in row[1:]] for _, row in rows if _is_number(row[0].strip())}


def _rows(name: str, text: str, problems: list[Problem]) -> list[tuple[int, list[str]]]:
    """Rows with their line; cells are separated by semicolons, in some files by commas."""
    separator = ";" if text.count(";") >= text.count(",") else ","
    # Strictly: a quote that is never closed would swallow all rows behind it.
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=separator, strict=True)
    try:
        return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        problems.append(Problem(name, reader.line_num, "file", str(error), "put the quotes of the table right"))
        return []


def _is_number(cell: str) -> bool:
    """Whether a cell is a number as BACnet has them: 32 bits, no sign."""
    return cell.isascii() and cell.isdecimal() and len(cell) <= 10


def _number(cell: str) -> float | None:
    try:
        return float(cell.replace(",", "."))
    except ValueError:
        return None

"""Who feeds whom with electricity, from the ``load`` of meters and panels.

A ``load`` names what hangs on a meter or panel as terms joined by ``+``: a type (``CHC``), a type in places
(``ELV@N,NE``, ``LTG@01.CN``), on the meter's own floor (``LTG@here``), one unit (``DWS#3``), or a use of the building
(``plugs``), which is no plant. Every unit is fed once: named places come before whole floors, so that the hall's lamps
are not also the first floor's; and what is said to hang on a transfer switch hangs on nothing else.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

LEVELS: Final = ("EM", "LVP")
"""What has plant hanging on it, the lowest first."""
SWITCH: Final = "ATS"

Row = dict[str, Any]


def terms(load: str) -> list[str]:
    """Terms of a load."""
    return [term for term in load.split("+") if term]


def with_feeders(rows: Sequence[Row]) -> list[Row]:
    """Rows of equipment that know the meter or panel that they hang on."""
    feeder_of: dict[str, str] = {}
    for level in LEVELS:
        feeders = [row for row in rows if _code(row) == level]
        for whole_floor in (False, True):
            for feeder in feeders:
                for term in terms(feeder["load"]):
                    if term.endswith("@here") is whole_floor:
                        _hang(feeder_of, term, feeder, rows)
    return [row | {"fed_by": [*row.get("fed_by", ()), feeder_of[row["at"]]]} if row["at"] in feeder_of else row
            for row in rows]  # fmt: skip


def _hang(feeder_of: dict[str, str], term: str, feeder: Row, rows: Sequence[Row]) -> None:
    for row in rows:
        if _means(term, feeder, row) and not any(name.startswith(SWITCH) for name in row.get("fed_by", ())):
            feeder_of.setdefault(row["at"], _short(feeder))


def _means(term: str, feeder: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    named, _, places = term.partition("@")
    code, _, single = named.partition("#")
    if code != _code(row):
        return False
    if single:
        return int(_short(row).removeprefix(code)) == int(single)
    floor, zone, _ = row["at"].split(".")
    if places == "here":
        return bool(floor == feeder["at"].split(".")[0])
    return not places or not {zone, f"{floor}.{zone}"}.isdisjoint(places.split(","))


def _short(row: Mapping[str, Any]) -> str:
    return str(row["at"]).rsplit(".", 1)[1]


def _code(row: Mapping[str, Any]) -> str:
    return _short(row).rstrip("0123456789")

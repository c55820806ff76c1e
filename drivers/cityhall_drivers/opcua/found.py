"""Where to look for a server's variables, and what is found of them as points. Pure; knows no library."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cityhall_bms.domain.errors import DriverConfigError
from cityhall_bms.domain.site import Device, Text
from cityhall_bms.ports.capabilities import FoundPoint
from cityhall_drivers.opcua.checks import OPEN_LINE, check_device
from cityhall_drivers.opcua.codec import node_id_mistake
from cityhall_drivers.opcua.config import OpcUaConfig
from cityhall_drivers.opcua.writing import BOOLEAN, NUMERIC

OBJECTS: Final = "i=85"
TIMEOUT_S: Final = 3.0
_WHERE: Final = re.compile(r"(?P<url>opc\.tcp://[^\s/@]+(?:/\S*)?)(?P<rest>(?:\s+\S+\s+\S+)*)\s*")
_KEYS: Final = frozenset({"security", "user", "password_file", "server_certificate"})
_REMEDY: Final = (
    "write opc.tcp://HOST:PORT/, then if you like 'under NODEID', and 'site FOLDER security POLICY "
    "server-certificate FILE user NAME password-file FILE' with files in that folder"
)
_ENUMERATION: Final = 29
_WRITE: Final = 0b10
"""Bit of the AccessLevel (Part 3, clause 8.57): the current value may be written."""


@dataclass(frozen=True, slots=True)
class Search:
    """Which server, and below which node; the device is what its device file would describe."""

    device: Device
    config: OpcUaConfig
    under: str


def parse_where(text: str) -> Search:
    """Read ``URL[ under NODEID][ site FOLDER ...]``; :class:`DriverConfigError` says what to write."""
    match = _WHERE.fullmatch(text)
    if match is None:
        msg = f"{text!r} is no place to look for an OPC UA server: {_REMEDY}"
        raise DriverConfigError(msg)
    words = match["rest"].split()
    given = {key.replace("-", "_"): value for key, value in zip(words[::2], words[1::2], strict=True)}
    under, folder = given.pop("under", OBJECTS), given.pop("site", "")
    unknown = sorted(given.keys() - _KEYS)
    mistake = node_id_mistake(under)
    if unknown or mistake:
        what = f"'{unknown[0]}' is not understood" if unknown else f"'{under}' is no NodeId: {mistake}"
        msg = f"{what}: {_REMEDY}"
        raise DriverConfigError(msg)
    place = str(Path(folder or ".").absolute()) if given else ""
    device = Device("found", Text("", ""), "opcua", {"url": match["url"], **given}, timeout_s=TIMEOUT_S, folder=place)
    # Looking around needs no reason; `check` asks for one in the draft of the site.
    problems = [problem for problem in check_device(device, ()) if problem != OPEN_LINE]
    if problems:
        msg = "; ".join(f"{problem.field}: {problem.message}: {problem.remedy}" for problem in problems)
        raise DriverConfigError(msg)
    return Search(device, OpcUaConfig.model_validate(dict(device.settings)), under)


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable as its server describes it; ``builtin_type`` is a number (Part 6, clause 5.1.2)."""

    address: str
    text: str
    builtin_type: int
    is_scalar: bool
    access_level: int
    unit: str = ""
    low: float | None = None
    high: float | None = None
    states: Mapping[int, str] = field(default_factory=dict)


def points_of(variables: Sequence[Variable]) -> list[FoundPoint]:
    """Points of the variables that hold one number, in their order."""
    numbers = NUMERIC | {_ENUMERATION}
    return [_point(one) for one in variables if one.is_scalar and one.builtin_type in numbers]


def _point(variable: Variable) -> FoundPoint:
    writable = bool(variable.access_level & _WRITE)
    has_range = variable.low is not None and variable.high is not None and variable.low < variable.high
    return FoundPoint(
        address=variable.address,
        text=variable.text,
        kind=_kind(variable, is_output=writable),
        unit=variable.unit,
        low=variable.low if has_range else None,
        high=variable.high if has_range else None,
        states=variable.states,
        writable=writable,
    )


def _kind(variable: Variable, *, is_output: bool) -> str:
    if variable.builtin_type == BOOLEAN:
        return "DO" if is_output else "DI"
    if variable.states or variable.builtin_type == _ENUMERATION:
        return "MO" if is_output else "MI"
    return "AO" if is_output else "AI"

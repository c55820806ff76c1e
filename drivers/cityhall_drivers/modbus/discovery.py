"""Looking for units behind an address, and for the registers that they answer. Reads only, one question at a time."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_bms.ports.capabilities import FoundDevice, FoundPoint
from cityhall_bms.ports.clock import Clock
from cityhall_drivers.modbus.codec import FUNCTIONS, Table
from cityhall_drivers.modbus.tcp import TcpLink
from cityhall_drivers.modbus.wire import (
    ExceptionAnswerError,
    NonsenseError,
    check_function,
    data_of,
    identification_of,
    identification_question,
    read_question,
)

_WHERE: Final = re.compile(r"(?P<host>[^\s:]+):(?P<port>[0-9]{1,5})(?P<rest>(?:\s+[a-z]+\s+[0-9]+-[0-9]+)*)\s*")
_RANGE: Final = re.compile(r"(?P<what>[a-z]+)\s+(?P<first>[0-9]+)-(?P<last>[0-9]+)")
_REMEDY: Final = "write HOST:PORT, then if you like 'units 1-10', 'holding 0-200', 'input 0-200', 'coil 0-50'"
UNITS_DEFAULT: Final = (1, 10)
REGISTERS_DEFAULT: Final = (0, 99)
PLACES_MAX: Final = 2000
STRIDE: Final = 20
"""Registers asked for at once while looking: few enough that a hole costs little."""
REST_S: Final = 0.01
"""Between two questions: a device in service has others to answer."""
TIMEOUT_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Search:
    """Where to look, and for what."""

    host: str
    port: int
    units: range
    tables: dict[Table, range]


def parse_where(text: str) -> Search:
    """Read ``HOST:PORT[ units A-B][ TABLE A-B]...``; :class:`DriverConfigError` says what to write."""
    match = _WHERE.fullmatch(text)
    if match is None or not 0 < int(match["port"]) <= 65535:
        msg = f"{text!r} is no place to look for Modbus units: {_REMEDY}"
        raise DriverConfigError(msg)
    units, tables = range(UNITS_DEFAULT[0], UNITS_DEFAULT[1] + 1), dict[Table, range]()
    for part in _RANGE.finditer(match["rest"]):
        first, last = int(part["first"]), int(part["last"])
        limit = 247 if part["what"] == "units" else 65_535
        if first > last or last > limit or last - first >= PLACES_MAX:
            msg = f"'{part[0]}' is no range up to {limit} of at most {PLACES_MAX} places"
            raise DriverConfigError(msg)
        if part["what"] == "units":
            units = range(first, last + 1)
        elif part["what"] in set(Table):
            tables[Table(part["what"])] = range(first, last + 1)
        else:
            msg = f"'{part['what']}' is neither units nor a table: {_REMEDY}"
            raise DriverConfigError(msg)
    default = range(REGISTERS_DEFAULT[0], REGISTERS_DEFAULT[1] + 1)
    return Search(match["host"], int(match["port"]), units, tables or {Table.HOLDING: default, Table.INPUT: default})


async def look_around(where: str, clock: Clock, within_s: float) -> AsyncIterator[FoundDevice]:
    """Give every unit that answers, with the registers that it gives; ends after ``within_s`` at the latest."""
    search = parse_where(where)
    link = TcpLink(search.host, search.port, clock, REST_S)
    until_s = clock.monotonic() + within_s
    try:
        for unit in search.units:
            await link.join(0, TIMEOUT_S)
            found = await _Visit(link, unit, clock, until_s).look(search)
            if found is not None:
                yield found
            if clock.monotonic() >= until_s:
                return
    finally:
        link.leave(0)


class _Visit:
    """One unit that is looked at."""

    def __init__(self, link: TcpLink, unit: int, clock: Clock, until_s: float) -> None:
        self._link, self._unit, self._clock, self._until_s = link, unit, clock, until_s

    async def look(self, search: Search) -> FoundDevice | None:
        """Give the unit; none when it does not answer."""
        identity = await self._identity()
        points: list[FoundPoint] = []
        alive = identity is not None
        for table, places in search.tables.items():
            heard, answered = await self._answered(table, places)
            alive = alive or heard
            points += [_point(table, place) for place in answered]
        if not alive:
            return None
        vendor, model = (identity or {}).get(0, ""), (identity or {}).get(1, "")
        return FoundDevice(
            name=f"modbus-{search.host}-{self._unit}",
            text=" ".join(part for part in (vendor, model, f"unit {self._unit}") if part),
            protocol="modbus",
            settings={"host": search.host, "port": search.port, "unit_id": self._unit},
            points=points,
            vendor=vendor,
            model=model,
        )

    async def _identity(self) -> dict[int, str] | None:
        """Vendor and product as the unit says them; empty when it answers without; none when it is silent."""
        question = identification_question(0)
        answer = await self._ask(question)
        if answer is None:
            return None
        try:
            check_function(question, answer)
            return identification_of(answer)
        except (ExceptionAnswerError, NonsenseError):
            return {}

    async def _answered(self, table: Table, places: range) -> tuple[bool, list[int]]:
        """Whether the unit said anything, and the places that it gives."""
        heard, found = False, list[int]()
        waiting = [places[start : start + STRIDE] for start in range(0, len(places), STRIDE)]
        while waiting and self._clock.monotonic() < self._until_s:
            some = waiting.pop(0)
            data = await self._data(table, some)
            if data is None:
                return heard, found
            heard = True
            if data:
                found += some
            elif len(some) > 1:
                middle = len(some) // 2
                waiting[:0] = [some[:middle], some[middle:]]
        return heard, found

    async def _data(self, table: Table, places: Sequence[int]) -> bytes | None:
        """Data of some places; empty when they are refused, none when nothing is answered."""
        question = read_question(FUNCTIONS[table], places[0], len(places))
        answer = await self._ask(question)
        if answer is None:
            return None
        try:
            return data_of(question, answer, (len(places) + 7) // 8 if table.is_bits else 2 * len(places))
        except ExceptionAnswerError as refusal:
            return None if refusal.code in {0x0A, 0x0B} else b""
        except NonsenseError:
            return b""

    async def _ask(self, question: bytes) -> bytes | None:
        try:
            answer = (await self._link.ask(self._unit, [question], TIMEOUT_S))[0]
        except DeviceUnreachableError:
            return None
        return answer if isinstance(answer, bytes) else None


def _point(table: Table, place: int) -> FoundPoint:
    kind = {Table.COIL: "DO", Table.DISCRETE: "DI", Table.HOLDING: "AI", Table.INPUT: "AI"}[table]
    return FoundPoint(
        address=f"{table}:{place}",
        text=f"{table} {place}",
        kind=kind,
        type="bool" if table.is_bits else "uint16",
        writable=table in {Table.COIL, Table.HOLDING},
    )

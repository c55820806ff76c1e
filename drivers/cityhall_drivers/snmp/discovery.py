"""Looking for agents, and for the objects that they have. Reads only."""

import asyncio
import ipaddress
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from cityhall_bms.domain.errors import DeviceUnreachableError, DriverConfigError
from cityhall_bms.domain.units import find_unit
from cityhall_bms.ports.capabilities import FoundDevice, FoundPoint, Plain
from cityhall_bms.ports.clock import Clock
from cityhall_drivers.snmp.addresses import address_of
from cityhall_drivers.snmp.codec import Kind, Value, number
from cityhall_drivers.snmp.config import SnmpConfig
from cityhall_drivers.snmp.mib import SYS_DESCR, SYS_NAME, SYS_OBJECT_ID, TREES, Oid, known
from cityhall_drivers.snmp.stack import Agent, Engines

_REMEDY: Final = "write HOST or NETWORK/PREFIX, then 'community-file FILE', and 'port N' when it is not 161"
_WHERE: Final = re.compile(
    r"(?P<place>\S+)\s+community-file\s+(?P<file>\S+)(?:\s+port\s+(?P<port>[0-9]{1,5}))?", re.ASCII
)
HOSTS_MAX: Final = 256
AT_ONCE: Final = 32
"""Addresses that are asked at the same time."""
ROWS: Final = 20
"""Objects of one answer to a walk: fits into a datagram of any network."""
OBJECTS_MAX: Final = 2000
"""Objects that are walked over in one tree."""
TIMEOUT_S: Final = 1.0
TEXT_MAX: Final = 80


@dataclass(frozen=True, slots=True)
class Search:
    """Where to look, and with what."""

    hosts: tuple[str, ...]
    settings: dict[str, str | int]


def parse_where(text: str) -> Search:
    """Read ``HOST[/PREFIX] community-file FILE[ port N]``; :class:`DriverConfigError` says what to write."""
    match = _WHERE.fullmatch(text.strip())
    if match is None:
        msg = f"{text!r} is no place to look for agents: {_REMEDY}"
        raise DriverConfigError(msg)
    settings: dict[str, str | int] = {"community_file": match["file"]}
    settings |= {"port": int(match["port"])} if match["port"] else {}
    return Search(_hosts(match["place"]), settings)


def _hosts(place: str) -> tuple[str, ...]:
    if "/" not in place:
        return (place,)
    try:
        network = ipaddress.ip_network(place, strict=False)
    except ValueError as error:
        msg = f"{error}: {_REMEDY}"
        raise DriverConfigError(msg) from error
    if network.num_addresses > HOSTS_MAX:
        msg = f"{place} has more than {HOSTS_MAX} addresses: name a smaller network"
        raise DriverConfigError(msg)
    return tuple(str(host) for host in network.hosts())


async def look_around(where: str, clock: Clock, within_s: float) -> AsyncIterator[FoundDevice]:
    """Give every agent that answers, with its objects that have a name here; ends after ``within_s`` at the latest."""
    search, engines = parse_where(where), Engines()
    until_s = clock.monotonic() + within_s
    for first in range(0, len(search.hosts), AT_ONCE):
        some = search.hosts[first : first + AT_ONCE]
        visits = [_Visit(host, search, engines, clock, until_s) for host in some]
        async with asyncio.TaskGroup() as tasks:
            looks = [tasks.create_task(visit.look()) for visit in visits]
        for look in looks:
            found = look.result()
            if found is not None:
                yield found
        if clock.monotonic() >= until_s:
            return


class _Visit:
    """One address that is looked at."""

    def __init__(self, host: str, search: Search, engines: Engines, clock: Clock, until_s: float) -> None:
        self._host, self._clock, self._until_s = host, clock, until_s
        self._settings: dict[str, Plain] = {"host": host, **search.settings}
        self._agent = Agent(engines, SnmpConfig.model_validate(self._settings), "", TIMEOUT_S)

    async def look(self) -> FoundDevice | None:
        """Give the agent; none when it does not answer."""
        try:
            await self._agent.open()
            answer = await self._agent.get((SYS_DESCR, SYS_OBJECT_ID, SYS_NAME), TIMEOUT_S)
            points = [point for tree in TREES for point in await self._walk(tree)]
        except DeviceUnreachableError:
            return None
        finally:
            self._agent.close()
        description, kind, name = _texts(answer.values)
        return FoundDevice(
            name=f"snmp-{self._host}".replace(".", "-").replace(":", "-"),
            text=" ".join(part for part in (name, description) if part),
            protocol="snmp",
            settings=self._settings,
            points=points,
            model=kind,
        )

    async def _walk(self, tree: Oid) -> list[FoundPoint]:
        """Objects of a tree that have a name here and are numbers; ends where the agent turns in a circle."""
        points: list[FoundPoint] = []
        last, walked = tree, 0
        while walked < OBJECTS_MAX and self._clock.monotonic() < self._until_s:
            answer = await self._agent.get_next(last, ROWS, TIMEOUT_S)
            for value in answer.values:
                if value.kind is Kind.MISSING or value.oid[: len(tree)] != tree or value.oid <= last:
                    return points
                last, walked = value.oid, walked + 1
                points += _points(value)
            if answer.status or not answer.values:
                return points
        return points


def _points(value: Value) -> list[FoundPoint]:
    found = known(value.oid)
    shown, quality = number(value)
    if found is None or quality:
        return []
    one, _ = found
    plain = not one.unit.startswith("0.")
    address = address_of(value.oid)
    text = f"{address} = {shown:g}" if plain or value.kind is Kind.TICKS else f"{address} = {shown:g} x {one.unit}"
    unit = one.unit if find_unit(one.unit) else ""
    return [FoundPoint(address, text, "MI" if one.states else "AI", unit, states=one.states)]


def _texts(values: Sequence[Value]) -> tuple[str, str, str]:
    texts = ["" if value.kind is Kind.MISSING else " ".join(value.text.split())[:TEXT_MAX] for value in values]
    description, kind, name = (*texts, "", "", "")[:3]
    return description, kind, name

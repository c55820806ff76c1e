"""Walking through a server's address space (Part 4, clause 5.9) and reading what it says of its variables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from asyncua import ua
from asyncua.common.ua_utils import data_type_to_variant_type, get_base_data_type

from cityhall_drivers.opcua.found import Variable
from cityhall_drivers.opcua.stack import OpcUaSession
from cityhall_drivers.opcua.stack_services import in_service_words, node_of

NODES_AT_ONCE: Final = 50
REFERENCES_AT_ONCE: Final = 500
"""Per node; the rest comes by continuation points."""
DEPTH_MAX: Final = 12
NODES_MAX: Final = 20_000
_ENUMERATION: Final = 29
_BUILD: Final = (
    ua.NodeId(ua.ObjectIds.Server_ServerStatus_BuildInfo_ManufacturerName),
    ua.NodeId(ua.ObjectIds.Server_ServerStatus_BuildInfo_ProductName),
)
_ABSTRACT: Final = ua.VariantType.Variant
_SCALAR_RANKS: Final = frozenset({None, -1, -2, -3})
_PROPERTIES: Final = frozenset({"EURange", "EngineeringUnits", "EnumStrings", "EnumValues", "TrueState", "FalseState"})
_ATTRIBUTES: Final = (
    ua.AttributeIds.DataType,
    ua.AttributeIds.ValueRank,
    ua.AttributeIds.UserAccessLevel,
    ua.AttributeIds.Description,
)

ItemT = TypeVar("ItemT")


async def makers_of(session: OpcUaSession) -> tuple[str, str]:
    """Manufacturer and product, as the server names them; empty where it does not."""
    nodes = [(node, ua.AttributeIds.Value) for node in _BUILD]
    with in_service_words("build info"):
        vendor, model = await _Reader(session).values(nodes)
    return str(vendor or ""), str(model or "")


async def variables_below(
    session: OpcUaSession, address: str, is_late: Callable[[], bool]
) -> tuple[list[Variable], bool]:
    """Every variable below a node, and whether everything was seen before it was late.

    :class:`DeviceRefusedError` when the server does not let itself be browsed.
    """
    walk = Walk(session, is_late)
    with in_service_words(address):
        return await walk.variables(node_of(address)), walk.is_whole


@dataclass(slots=True)
class Walked:
    """A variable on the way: its place in words, and the nodes of the properties that describe it."""

    node: ua.NodeId
    name: str
    text: str
    properties: dict[str, ua.NodeId] = field(default_factory=dict)


class _Reader:
    """Reads attributes, so many at a time."""

    def __init__(self, session: OpcUaSession) -> None:
        self._session = session

    async def values(self, wanted: Sequence[tuple[ua.NodeId, ua.AttributeIds]]) -> list[Any]:
        """Values of attributes; none where the server gives none."""
        data = await self.data(wanted)
        return [one.Value.Value if one.StatusCode.is_good() and one.Value else None for one in data]

    async def data(self, wanted: Sequence[tuple[ua.NodeId, ua.AttributeIds]]) -> list[ua.DataValue]:
        found: list[ua.DataValue] = []
        for some in _some_of(wanted):
            found += await self._session.client.uaclient.session.read(
                ua.ReadParameters(
                    TimestampsToReturn=ua.TimestampsToReturn.Neither,
                    NodesToRead=[ua.ReadValueId(NodeId=node, AttributeId=attribute) for node, attribute in some],
                )
            )
        return found


class Walk:
    """One walk, from a node downwards, each node once; ends early when ``is_late`` says so."""

    def __init__(self, session: OpcUaSession, is_late: Callable[[], bool]) -> None:
        self.is_whole = True
        """Whether everything was seen: neither time, depth nor count cut it short."""
        self._session = session
        self._reader = _Reader(session)
        self._is_late = is_late
        self._seen: set[ua.NodeId] = set()
        self._types: dict[ua.NodeId, tuple[int, dict[int, str]]] = {}

    async def variables(self, start: ua.NodeId) -> list[Variable]:
        """Every variable below ``start``, as its server describes it."""
        found, level = list[Walked](), [(start, "")]
        self._seen = {start}
        for _ in range(DEPTH_MAX):
            level = await self._next_level(level, found)
            if not level:
                break
        self.is_whole = self.is_whole and not level
        described = list[Variable]()
        for some in _some_of(found):
            if self._is_late():
                self.is_whole = False
                break
            described += await self._describe(some)
        return described

    async def _next_level(
        self, level: Sequence[tuple[ua.NodeId, str]], found: list[Walked]
    ) -> list[tuple[ua.NodeId, str]]:
        below = list[tuple[ua.NodeId, str]]()
        walked = {one.node: one for one in found}
        for some in _some_of(level):
            if self._is_late() or len(self._seen) >= NODES_MAX:
                self.is_whole = False
                return []
            answers = await self._browse([node for node, _ in some])
            for (node, text), references in zip(some, answers, strict=True):
                for one in references:
                    self._take(one, text, walked.get(node), found, below)
        return below

    def _take(
        self,
        one: ua.ReferenceDescription,
        above: str,
        owner: Walked | None,
        found: list[Walked],
        below: list[tuple[ua.NodeId, str]],
    ) -> None:
        """Sort a node into properties of its owner, variables, and what is looked at next."""
        node = ua.NodeId(one.NodeId.Identifier, one.NodeId.NamespaceIndex, one.NodeId.NodeIdType)
        if one.ReferenceTypeId == ua.NodeId(ua.ObjectIds.HasProperty):
            if owner is not None and one.BrowseName.Name in _PROPERTIES:
                owner.properties[one.BrowseName.Name] = node
            return
        # What belongs to the standard itself describes the server, not the building.
        if node in self._seen or node.NamespaceIndex == 0:
            return
        self._seen.add(node)
        name = one.DisplayName.Text or one.BrowseName.Name or str(node.Identifier)
        if one.NodeClass == ua.NodeClass.Variable:
            found.append(Walked(node, name, f"{above} {name}".strip()))
        below.append((node, name))

    async def _browse(self, nodes: Sequence[ua.NodeId]) -> list[list[ua.ReferenceDescription]]:
        session = self._session.client.uaclient.session
        wanted = [
            ua.BrowseDescription(
                NodeId=node,
                BrowseDirection=ua.BrowseDirection.Forward,
                ReferenceTypeId=ua.NodeId(ua.ObjectIds.HierarchicalReferences),
                IncludeSubtypes=True,
                NodeClassMask=ua.NodeClass.Object | ua.NodeClass.Variable,
                ResultMask=ua.BrowseResultMask.All,
            )
            for node in nodes
        ]
        results = await session.browse(
            ua.BrowseParameters(RequestedMaxReferencesPerNode=REFERENCES_AT_ONCE, NodesToBrowse=wanted)
        )
        answers = [list(result.References or ()) for result in results]
        points = {place: one.ContinuationPoint for place, one in enumerate(results) if one.ContinuationPoint}
        while points:
            more = await session.browse_next(
                ua.BrowseNextParameters(ReleaseContinuationPoints=False, ContinuationPoints=list(points.values()))
            )
            for place, one in zip(list(points), more, strict=True):
                answers[place] += one.References or ()
                points[place] = one.ContinuationPoint
            points = {place: point for place, point in points.items() if point}
        return answers

    async def _describe(self, some: Sequence[Walked]) -> list[Variable]:
        attributes = await self._reader.values([(one.node, attribute) for one in some for attribute in _ATTRIBUTES])
        names = [(one, name) for one in some for name in one.properties]
        values = await self._reader.values([(one.properties[name], ua.AttributeIds.Value) for one, name in names])
        properties: dict[ua.NodeId, dict[str, Any]] = {}
        for (one, name), value in zip(names, values, strict=True):
            properties.setdefault(one.node, {})[name] = value
        width = len(_ATTRIBUTES)
        return [
            await self._variable(one, attributes[width * n : width * (n + 1)], properties.get(one.node, {}))
            for n, one in enumerate(some)
        ]

    async def _variable(self, one: Walked, attributes: Sequence[Any], properties: Mapping[str, Any]) -> Variable:
        data_type, rank, access, description = attributes
        told = getattr(description, "Text", None) or ""
        kind, states = await self._type(data_type) if data_type is not None else (0, {})
        if not kind and rank in _SCALAR_RANKS:
            # A variable of any type, as gateways like to declare them: the one it holds now.
            [now] = await self._reader.data([(one.node, ua.AttributeIds.Value)])
            kind = now.Value.VariantType.value if now.Value is not None else 0
        reach, unit = properties.get("EURange"), properties.get("EngineeringUnits")
        return Variable(
            address=one.node.to_string(),
            text=one.text if told in {"", one.name} else told,
            builtin_type=kind,
            is_scalar=rank in _SCALAR_RANKS,
            access_level=int(access or 0),
            unit=(unit.DisplayName.Text or "") if isinstance(unit, ua.EUInformation) else "",
            low=float(reach.Low) if isinstance(reach, ua.Range) else None,
            high=float(reach.High) if isinstance(reach, ua.Range) else None,
            states=_states(properties) or states,
        )

    async def _type(self, data_type: ua.NodeId) -> tuple[int, dict[int, str]]:
        """Built-in type, and the states of an enumeration; each data type is asked about once."""
        if data_type not in self._types:
            node = self._session.client.get_node(data_type)
            base = await get_base_data_type(node)
            states: dict[int, str] = {}
            if base.nodeid.Identifier == _ENUMERATION:
                kind = _ENUMERATION
                named = {(await one.read_browse_name()).Name: one for one in await node.get_properties()}
                states = _states({name: await one.read_value() for name, one in named.items() if name in _PROPERTIES})
            else:
                variant = await data_type_to_variant_type(base)
                kind = 0 if variant is _ABSTRACT else int(variant.value)
            self._types[data_type] = kind, states
        return self._types[data_type]


def _states(properties: Mapping[str, Any]) -> dict[int, str]:
    """Names of the values of a state (Part 8, clause 5.3.3; Part 3, clause 5.8.3)."""
    if properties.get("EnumValues"):
        return {int(one.Value): one.DisplayName.Text or "" for one in properties["EnumValues"]}
    if properties.get("EnumStrings"):
        return {number: one.Text or "" for number, one in enumerate(properties["EnumStrings"])}
    names = (properties.get("FalseState"), properties.get("TrueState"))
    return {number: one.Text or "" for number, one in enumerate(names) if one is not None}


def _some_of(whole: Sequence[ItemT]) -> Iterator[Sequence[ItemT]]:
    for first in range(0, len(whole), NODES_AT_ONCE):
        yield whole[first : first + NODES_AT_ONCE]
